"""Passwords: argon2id with the parameters of RFC 9106's second recommendation, as argon2-cffi has them.

Hashing takes some 50 ms and 64 MiB on purpose: it runs beside the loop, a few at once.
"""

from __future__ import annotations

import asyncio
import functools
import unicodedata
from collections.abc import Callable
from typing import TypeVar

import argon2

from kameng.access import store
from kameng.access.errors import BadPassword
from kameng.kit import audit, clock, lanes
from kameng.kit.db import Database

T = TypeVar("T")
PASSWORD_CHARS = range(10, 201)
COMMON = frozenset(
    {"1234567890", "0123456789", "qwertyuiop", "1111111111", "password12", "password123", "1q2w3e4r5t", "woaini1314",
     "5201314520", "aa123456789", "a123456789", "123456789a", "1234567891", "0000000000", "abcdefghij", "iloveyou12"}
)  # fmt: skip
"""Of lists of passwords that were found, those long enough to be taken here."""
AT_ONCE_MAX = 4
AUDIT_LANE = 0

_hasher = argon2.PasswordHasher()
_turns = asyncio.Semaphore(AT_ONCE_MAX)


async def set_password(db: Database, person_id: int, password: str, *, actor_id: int) -> None:
    """Give a person a password; ``BadPassword`` if it can be guessed. His sessions stay."""
    check_new_password(password)
    hashed = await _beside(_hasher.hash, _normal(password))
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        await store.set_password(connection, person_id, hashed)
        line = audit.Line(passage.ids[0], 0, actor_id, "person.password", person_id)
        await audit.note(connection, AUDIT_LANE, clock.now(), [line])


def check_new_password(password: str) -> None:
    normal = _normal(password)
    if len(normal) not in PASSWORD_CHARS or normal.casefold() in COMMON or len(set(normal)) < 4:
        raise BadPassword(field="password")


async def is_password(password: str, hashed: str | None) -> bool:
    """Whether it is the one; where there is none the answer takes as long."""
    compared = await _beside(_nobodys) if hashed is None else hashed
    return await _beside(_verify, compared, _normal(password)) and hashed is not None


@functools.cache
def _nobodys() -> str:
    """The hash that is compared with where there is none; made when it is first needed."""
    return _hasher.hash("who is not there takes as long")


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


async def _beside(function: Callable[..., T], *arguments: str) -> T:
    async with _turns:
        return await asyncio.to_thread(function, *arguments)


def _normal(password: str) -> str:
    """As NIST SP 800-63B 3.1.1.2 has it: the same characters however a keyboard composes them."""
    return unicodedata.normalize("NFKC", password)
