"""Tickets: how far somebody has come on his way in, sealed in a cookie of his browser, for some minutes.

A ticket opens only in the browser it was made for, and only as what it is. What may happen once (a code answered, a
challenge met) is written in the database besides: a ticket is no proof of that.
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from kameng.kit import clock, crypto

LASTS_S = 600


class Ticket(msgspec.Struct, frozen=True, omit_defaults=True):
    """``step``: ``code`` (one was sent), ``answered`` (and came back), ``second`` (another factor is asked for),
    ``passkey`` (a challenge was given). ``repr`` shows nothing of whose it is."""

    step: str
    challenge_id: int = 0
    channel: str = ""
    to: str = ""
    person_id: int = 0
    purpose: str = ""
    factor: str = ""
    onward: str = ""
    until_ms: int = 0

    def __repr__(self) -> str:
        return f"Ticket(step={self.step!r}, purpose={self.purpose!r})"


def seal_ticket(ring: crypto.KeyRing, visitor: str, ticket: Ticket) -> str:
    dated = msgspec.structs.replace(ticket, until_ms=clock.now_ms() + LASTS_S * 1000)
    sealed = ring.seal(b"ticket", _browser(ring, visitor), msgspec.json.encode(dated))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def unseal_ticket(ring: crypto.KeyRing, visitor: str, text: str, *, step: str, purpose: str = "") -> Ticket | None:
    """None: nobody's, another step's, or of too long ago."""
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        ticket = msgspec.json.decode(ring.open(b"ticket", _browser(ring, visitor), sealed), type=Ticket)
    except (binascii.Error, ValueError, crypto.Unsealable, msgspec.DecodeError):
        return None
    fits = ticket.step == step and (not purpose or ticket.purpose == purpose)
    return ticket if fits and clock.now_ms() < ticket.until_ms else None


def _browser(ring: crypto.KeyRing, visitor: str) -> int:
    return int.from_bytes(ring.fingerprint(b"visitor", visitor.encode())[:7], "big")
