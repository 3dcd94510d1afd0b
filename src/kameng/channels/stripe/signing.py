"""How Stripe signs what it tells: ``t=…,v1=…``, HMAC-SHA256 over the stamp, a dot and the body, within five minutes."""

from __future__ import annotations

import hashlib
import hmac

TOLERANCE_S = 300


def is_signed(header: str, body: bytes, secret: str, *, now_s: int) -> bool:
    """Any of the signatures of the current scheme will do: there are two while a secret changes."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    if len(stamps) != 1 or not stamps[0].isdecimal() or abs(now_s - int(stamps[0])) > TOLERANCE_S:
        return False
    made = hmac.digest(secret.encode(), f"{stamps[0]}.".encode() + body, hashlib.sha256).hex().encode()
    return any(hmac.compare_digest(made, value.encode()) for name, _, value in parts if name == "v1")
