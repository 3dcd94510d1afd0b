"""Codes sent to a phone or a mail address: whoever brings one back has the address.

One is sent whether somebody signs in with that address or not, in the same words: what is learnt from the answer, the
owner of the address may know.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta

import msgspec

from kameng import notices
from kameng.access import limiting, store, tickets
from kameng.access.contacts import Contact
from kameng.access.errors import BadCode, TooManyTries
from kameng.access.limiting import Try
from kameng.access.tickets import Ticket
from kameng.kit import clock, crypto, ids
from kameng.kit.db import Database

CODE_DIGITS = 6
TRIES_MAX = 5
LASTS = timedelta(seconds=tickets.LASTS_S)
ENTER, RESET = "enter", "reset"
"""What a code is for; one for something else opens nothing."""


class Sender(msgspec.Struct, frozen=True):
    """In whose name a message goes out, in which language, and by which channels it can."""

    org_id: int
    name: str
    language: str
    channels: tuple[str, ...] = ("sms", "mail")


async def send_code(
    db: Database, ring: crypto.KeyRing, contact: Contact, *, purpose: str, sender: Sender, ip: str
) -> Ticket:
    """Send a code; the ticket knows which. ``TooManyTries`` if one was sent just now."""
    await limiting.count_tries(db, ring, [Try(limiting.SEND, contact.to), Try(limiting.SEND_AT, limiting.place_of(ip))])
    code, challenge_id, at = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}", ids.random_id(), clock.now()
    ticket = Ticket("code", challenge_id, contact.channel, contact.to, purpose=purpose)
    async with db.connection() as connection:
        await store.insert_challenge(
            connection, challenge_id, address_hash=ring.fingerprint(b"contact", contact.to.encode()),
            code_hash=_hash(ring, ticket, code), at=at, expires_at=at + LASTS,
        )  # fmt: skip
    facts = {"shop": sender.name, "minutes": str(tickets.LASTS_S // 60)}
    try:
        await notices.tell_now(
            db, ring, sender.org_id, channel=contact.channel, address=notices.Address(contact.to),
            template="sign_in_code", facts=facts, language=sender.language, hidden=code,
        )  # fmt: skip
    except notices.TooManyMessages:
        raise TooManyTries from None
    return ticket


async def check_code(db: Database, ring: crypto.KeyRing, ticket: Ticket, code: str, *, ip: str) -> Ticket:
    """The ticket, answered; ``BadCode``. Each code may be tried five times and answered once."""
    tries = [Try(limiting.ANSWER_AT, limiting.place_of(ip))]
    await limiting.count_tries(db, ring, tries)
    at = clock.now()
    async with db.connection() as connection:
        right = await store.try_code(connection, ticket.challenge_id, at, tries_max=TRIES_MAX)
        if right is None or not hmac.compare_digest(right, _hash(ring, ticket, code)):
            raise BadCode(field="code")
        if not await store.answer_challenge(connection, ticket.challenge_id, at):
            raise BadCode(field="code")
    await limiting.give_back(db, ring, tries, wholly=False)
    return msgspec.structs.replace(ticket, step="answered")


async def spend_code(db: Database, ticket: Ticket) -> None:
    """What an answered code allows is done now; ``BadCode`` if it was done before."""
    async with db.connection() as connection:
        if not await store.spend_challenge(connection, ticket.challenge_id, clock.now()):
            raise BadCode


def _hash(ring: crypto.KeyRing, ticket: Ticket, code: str) -> bytes:
    what = f"{ticket.challenge_id}\n{ticket.to}\n{ticket.purpose}\n{code}"
    return ring.fingerprint(b"code", what.encode())
