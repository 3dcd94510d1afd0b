"""Signing in: with a password, a code or a passkey, and a second factor where somebody has one.

Every try is counted before it is looked at and written down after it. A name that nobody has is refused in the same
words, after the same work, as a wrong password.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kameng.access import challenging, contacts, limiting, passkeys, passwords, recording, recovery, store, totp
from kameng.access.errors import BadCode, SignInRefused
from kameng.access.limiting import Try
from kameng.access.model import Visit
from kameng.access.passkeys import Site
from kameng.access.sessions import Token, begin_session
from kameng.access.tickets import Ticket
from kameng.kit import crypto
from kameng.kit.db import Database
from kameng.kit.errors import Refusal

Second = Literal["totp", "recovery"]


class Entry(msgspec.Struct, frozen=True):
    """How far somebody came: in (``token``), or to the second factor. Person 0: nobody has that address yet."""

    person_id: int
    token: Token | None = None


async def sign_in(db: Database, ring: crypto.KeyRing, typed: str, password: str, visit: Visit) -> Entry:
    """With a password; ``SignInRefused``, ``TooManyTries``."""
    person_id = await check_password(db, ring, typed, password, visit)
    return await _enter(db, person_id, "password", visit, typed)


async def sign_in_by_code(db: Database, ticket: Ticket, visit: Visit) -> Entry:
    """With a code that came back; its owner may have no account yet."""
    async with db.connection() as connection:
        found = await store.read_credentials(connection, ticket.to)
    if found is None:
        return Entry(0)
    await challenging.spend_code(db, ticket)
    return await _enter(db, found[0], "code", visit, ticket.to)


async def sign_in_by_passkey(
    db: Database, ring: crypto.KeyRing, site: Site, ticket: Ticket, answer: dict[str, Any], visit: Visit
) -> Token:
    """With a passkey, which is two factors in one: something one has, opened by what one is or knows."""
    tries = [Try(limiting.ANSWER_AT, limiting.place_of(visit.ip))]
    await limiting.count_tries(db, ring, tries)
    try:
        person_id = await passkeys.use_passkey(db, ring, site, ticket, answer)
        await _active(db, person_id)
    except Refusal:
        await recording.record(db, visit, person_id=0, method="passkey", outcome="refused")
        raise
    await limiting.give_back(db, ring, tries, wholly=False)
    return await begin(db, person_id, "passkey", visit)


async def pass_second(
    db: Database, ring: crypto.KeyRing, person_id: int, how: Second, text: str, visit: Visit
) -> Token:
    """The second factor of somebody whose first one was right; ``BadCode``."""
    if not await is_second(db, ring, person_id, how, text):
        await recording.record(db, visit, person_id=person_id, method=how, outcome="refused")
        raise BadCode(field="code")
    await _active(db, person_id)
    return await begin(db, person_id, how, visit)


async def is_second(db: Database, ring: crypto.KeyRing, person_id: int, how: Second, text: str) -> bool:
    tries = [Try(limiting.SECOND, str(person_id))]
    await limiting.count_tries(db, ring, tries)
    check = totp.is_totp if how == "totp" else recovery.use_recovery_code
    if not await check(db, ring, person_id, text):
        return False
    await limiting.give_back(db, ring, tries)
    return True


async def check_password(
    db: Database, ring: crypto.KeyRing, typed: str, password: str, visit: Visit, *, proves: bool = False
) -> int:
    """Whose sign-in it is; ``SignInRefused``, the same and after the same work for a name that nobody has."""
    name = contacts.normal(typed)
    by_name, by_place = Try(limiting.PASSWORD, name), Try(limiting.PASSWORD_AT, limiting.place_of(visit.ip))
    await limiting.count_tries(db, ring, [by_name, by_place])
    async with db.connection() as connection:
        found = await store.read_credentials(connection, name)
    person_id, hashed = (0, None) if found is None else found
    if not await passwords.is_password(password, hashed) or not person_id:
        outcome = "proof_refused" if proves else "refused"
        await recording.record(db, visit, person_id=person_id, method="password", outcome=outcome, typed=name)
        raise SignInRefused(field="password")
    await limiting.give_back(db, ring, [by_name])
    await limiting.give_back(db, ring, [by_place], wholly=False)
    return person_id


async def _enter(db: Database, person_id: int, factor: str, visit: Visit, typed: str) -> Entry:
    """In, or to the second factor."""
    if await totp.has_totp(db, person_id):
        return Entry(person_id)
    return Entry(person_id, await begin(db, person_id, factor, visit, typed=typed))


async def begin(db: Database, person_id: int, factor: str, visit: Visit, *, typed: str = "") -> Token:
    """A session, written down: for whoever has shown who he is."""
    token = await begin_session(db, person_id, factor=factor, visit=visit)
    await recording.record(db, visit, person_id=person_id, method=factor, outcome="signed_in", typed=typed)
    return token


async def _active(db: Database, person_id: int) -> None:
    """Who was closed or erased meanwhile comes in no more, whatever he has."""
    async with db.connection() as connection:
        if not await store.is_active(connection, person_id):
            raise SignInRefused
