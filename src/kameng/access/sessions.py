"""Sessions: one a device, known by a token that only the device's cookie holds."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from datetime import datetime

import msgspec

from kameng.access import recording, store
from kameng.access.model import SEEN_EVERY, SESSION_LASTS, SESSION_LONGEST, Session, Visit
from kameng.kit import clock, ids
from kameng.kit.db import Connection, Database

TOKEN_BYTES = 32


class Token(msgspec.Struct, frozen=True):
    """What a cookie holds; ``repr`` does not show it."""

    person_id: int
    secret: bytes

    def __repr__(self) -> str:
        return f"Token(person_id={self.person_id})"

    @property
    def text(self) -> str:
        packed = self.person_id.to_bytes(8, "big") + self.secret
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.secret).digest()


def parse_token(text: str) -> Token | None:
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(packed) != 8 + TOKEN_BYTES or packed[0] >= 0x80:
        return None
    return Token(int.from_bytes(packed[:8], "big"), packed[8:])


async def begin_session(db: Database, person_id: int, *, factor: str, visit: Visit, org_id: int | None = None) -> Token:
    """A new session with a new token: nobody who knew an earlier one knows this."""
    at, token = clock.now(), Token(person_id, secrets.token_bytes(TOKEN_BYTES))
    zh, en = await recording.whereabouts(visit.ip)
    session = Session(
        person_id, ids.random_id(), org_id, factor, visit.ip, visit.agent[: recording.AGENT_CHARS_MAX], at, at,
        at, at + SESSION_LASTS, zh, en,
    )  # fmt: skip
    async with db.connection() as connection:
        await store.insert_session(connection, session, token.hash)
    return token


async def find_session(connection: Connection, text: str) -> Session | None:
    """Whose cookie this is; None if it is nobody's, or no more."""
    token = parse_token(text)
    if token is None:
        return None
    at = clock.now()
    session = await store.read_session(connection, token.person_id, token.hash, at)
    if session is not None and session.seen_at + SEEN_EVERY < at:
        until = min(at + SESSION_LASTS, session.created_at + SESSION_LONGEST)
        await store.touch_session(connection, token.person_id, token.hash, at, until)
    return session


async def rotate(db: Database, session: Session, *, proved_at: datetime | None = None) -> Token:
    """A new token for a session that may do more from now on."""
    token = Token(session.person_id, secrets.token_bytes(TOKEN_BYTES))
    async with db.connection() as connection:
        await store.rotate_session(connection, session, token.hash, proved_at=proved_at)
    return token


async def sessions_of(db: Database, person_id: int) -> list[Session]:
    """Where a person is signed in, the one last used first."""
    async with db.connection() as connection:
        return await store.sessions_of(connection, person_id, clock.now())


async def end_device(db: Database, person_id: int, session_id: int) -> bool:
    """Signed out from elsewhere; False if it was signed out already, or is not his."""
    async with db.connection() as connection:
        return await store.delete_session_by_id(connection, person_id, session_id)


async def end_others(db: Database, person_id: int, session_id: int = 0) -> int:
    """Signed out everywhere but there; how many devices that were."""
    async with db.connection() as connection:
        return await store.delete_other_sessions(connection, person_id, session_id)


async def end_session(db: Database, text: str) -> None:
    """Signed out, on this device."""
    token = parse_token(text)
    if token is not None:
        async with db.connection() as connection:
            await store.delete_session(connection, token.person_id, token.hash)


async def work_for(db: Database, session: Session, org_id: int | None) -> None:
    """From now on the pages of this session are that organisation's; the caller has seen that he belongs there."""
    async with db.connection() as connection:
        await store.set_organisation(connection, session.person_id, session.session_id, org_id)
