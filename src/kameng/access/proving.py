"""Proving once more who one is, before what is dangerous: by password, authenticator app, passkey or a code.

The session gets a new token with it: whoever copied the cookie before can do no more than before.
"""

from __future__ import annotations

from typing import Any

from kameng.access import limiting, passkeys, recording, sessions, signing_in
from kameng.access.errors import BadCode, BadPasskey
from kameng.access.limiting import Try
from kameng.access.model import Session, Visit
from kameng.access.passkeys import Site
from kameng.access.sessions import Token
from kameng.access.tickets import Ticket
from kameng.kit import clock, crypto
from kameng.kit.db import Database


async def prove_by_password(db: Database, ring: crypto.KeyRing, session: Session, password: str, visit: Visit) -> Token:
    await signing_in.check_password(db, ring, session.sign_in, password, visit, proves=True)
    return await _proved(db, session, "password", visit)


async def prove_by_totp(db: Database, ring: crypto.KeyRing, session: Session, code: str, visit: Visit) -> Token:
    if not await signing_in.is_second(db, ring, session.person_id, "totp", code):
        await recording.record(db, visit, person_id=session.person_id, method="totp", outcome="proof_refused")
        raise BadCode(field="code")
    return await _proved(db, session, "totp", visit)


async def prove_by_passkey(
    db: Database, ring: crypto.KeyRing, site: Site, session: Session, ticket: Ticket, answer: dict[str, Any],
    visit: Visit,
) -> Token:  # fmt: skip
    tries = [Try(limiting.SECOND, str(session.person_id))]
    await limiting.count_tries(db, ring, tries)
    if ticket.person_id != session.person_id:
        raise BadPasskey
    await passkeys.use_passkey(db, ring, site, ticket, answer)
    await limiting.give_back(db, ring, tries)
    return await _proved(db, session, "passkey", visit)


async def _proved(db: Database, session: Session, method: str, visit: Visit) -> Token:
    await recording.record(db, visit, person_id=session.person_id, method=method, outcome="proved")
    return await sessions.rotate(db, session, proved_at=clock.now())
