"""How often somebody may try: counted in the database, so that all gateways count together.

Each try is written down before it is looked at, so that a hundred at once count as a hundred; who got it right gets
it back. After the free ones every further try has to wait, each time twice as long. Keys are keyed hashes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime

import msgspec

from kameng.access import store
from kameng.access.errors import TooManyTries
from kameng.kit import clock, crypto
from kameng.kit.db import Connection, Database


class Limit(msgspec.Struct, frozen=True):
    """``free`` tries, then waits from ``wait_s`` on, doubled up to ``wait_max_s``; ``forget_s`` after the last one all
    is forgotten."""

    kind: str
    free: int
    wait_s: int
    wait_max_s: int
    forget_s: int


PASSWORD = Limit("password", 5, 30, 3600, 86_400)
PASSWORD_AT = Limit("password_at", 30, 10, 900, 3600)
SECOND = Limit("second", 5, 30, 3600, 86_400)
SEND = Limit("send", 1, 60, 3600, 21_600)
SEND_AT = Limit("send_at", 10, 30, 3600, 7200)
ANSWER_AT = Limit("answer_at", 30, 10, 900, 3600)
"""Codes that were typed in, from one address; a single code has tries of its own."""
ASK_AT = Limit("ask_at", 60, 5, 600, 3600)
"""Challenges for passkeys that one address was given."""
INVITE = Limit("invite", 20, 30, 3600, 86_400)
COMPANY = Limit("company", 3, 3600, 86_400, 7 * 86_400)
"""Merchants that one person opened."""
LIMITS = {
    limit.kind: limit for limit in (PASSWORD, PASSWORD_AT, SECOND, SEND, SEND_AT, ANSWER_AT, ASK_AT, INVITE, COMPANY)
}


class Try(msgspec.Struct, frozen=True):
    """One thing to count: a limit, and whom or where it counts."""

    limit: Limit
    subject: str


async def count_tries(db: Database, ring: crypto.KeyRing, tries: Sequence[Try]) -> None:
    """Write the tries down, all of them or none; ``TooManyTries`` says how long to wait."""
    at, keyed = clock.now(), sorted((_key(ring, one), one.limit.kind, one.limit) for one in tries)
    async with db.transaction() as connection:
        for key, _, limit in keyed:
            if not await _counted(connection, key, at, limit):
                raise TooManyTries.until(await store.free_at(connection, key), at)


async def give_back(db: Database, ring: crypto.KeyRing, tries: Sequence[Try], *, wholly: bool = True) -> None:
    """They were right. ``wholly``: all that was tried before is forgotten; else this one only."""
    keys = sorted(_key(ring, one) for one in tries)
    async with db.transaction() as connection:
        for key in keys:
            await store.give_try_back(connection, key, wholly=wholly)


def place_of(ip: str) -> str:
    """What counts as one place: an address of IPv4, a network of 64 bits of IPv6."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((address, 64), strict=False))
    return ip


async def _counted(connection: Connection, key: bytes, at: datetime, limit: Limit) -> bool:
    return await store.count_try(
        connection, key, at, free=limit.free, wait_s=limit.wait_s, wait_max_s=limit.wait_max_s, forget_s=limit.forget_s
    )


def _key(ring: crypto.KeyRing, one: Try) -> bytes:
    return ring.fingerprint(b"try", f"{one.limit.kind}\n{one.subject}".encode())
