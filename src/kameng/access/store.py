"""One thin function a statement."""

from __future__ import annotations

from datetime import datetime

from kameng.access.model import Invitation, Session, SignInEvent
from kameng.kit import ids, sql
from kameng.kit.db import Connection

statements = sql.load("kameng.access")


async def set_password(connection: Connection, person_id: int, hashed: str) -> None:
    await connection.execute(statements.set_password, person_id, hashed)


async def read_credentials(connection: Connection, sign_in: str) -> tuple[int, str | None] | None:
    row = await connection.fetchrow(statements.read_credentials, sign_in)
    return None if row is None else (row["person_id"], row["password_hash"])


async def insert_session(connection: Connection, new: Session, token_hash: bytes) -> None:
    await connection.execute(
        statements.insert_session, new.person_id, token_hash, new.session_id, new.org_id, new.factor, new.ip,
        new.agent, new.created_at, new.seen_at, new.proved_at, new.expires_at, new.place_zh, new.place_en,
    )  # fmt: skip


async def read_session(connection: Connection, person_id: int, token_hash: bytes, at: datetime) -> Session | None:
    row = await connection.fetchrow(statements.read_session, person_id, token_hash, at)
    return None if row is None else Session(*row)


async def touch_session(
    connection: Connection, person_id: int, token_hash: bytes, at: datetime, expires_at: datetime
) -> None:
    await connection.execute(statements.touch_session, person_id, token_hash, at, expires_at)


async def delete_session(connection: Connection, person_id: int, token_hash: bytes) -> None:
    await connection.execute(statements.delete_session, person_id, token_hash)


async def set_organisation(connection: Connection, person_id: int, session_id: int, org_id: int | None) -> None:
    await connection.execute(statements.set_session_organisation, person_id, session_id, org_id)


async def rotate_session(
    connection: Connection, session: Session, token_hash: bytes, *, proved_at: datetime | None
) -> None:
    await connection.execute(statements.rotate_session, session.person_id, session.session_id, token_hash, proved_at)


async def sessions_of(connection: Connection, person_id: int, at: datetime) -> list[Session]:
    return [Session(*row) for row in await connection.fetch(statements.sessions_of, person_id, at)]


async def delete_session_by_id(connection: Connection, person_id: int, session_id: int) -> bool:
    return await connection.fetchval(statements.delete_session_by_id, person_id, session_id) is not None


async def delete_other_sessions(connection: Connection, person_id: int, session_id: int) -> int:
    return _count(await connection.execute(statements.delete_other_sessions, person_id, session_id))


async def count_try(
    connection: Connection, key: bytes, at: datetime, *, free: int, wait_s: int, wait_max_s: int, forget_s: int
) -> bool:
    """False: it has to wait."""
    tries = await connection.fetchval(statements.count_try, key, at, free, wait_s, wait_max_s, forget_s)
    return tries is not None


async def free_at(connection: Connection, key: bytes) -> datetime:
    at: datetime = await connection.fetchval(statements.free_at, key)
    return at


async def give_try_back(connection: Connection, key: bytes, *, wholly: bool) -> None:
    await connection.execute(statements.forget_tries if wholly else statements.give_try_back, key)


async def insert_challenge(
    connection: Connection, challenge_id: int, *, address_hash: bytes | None, code_hash: bytes | None, at: datetime,
    expires_at: datetime,
) -> None:  # fmt: skip
    await connection.execute(statements.insert_challenge, challenge_id, address_hash, code_hash, at, expires_at)


async def try_code(connection: Connection, challenge_id: int, at: datetime, *, tries_max: int) -> bytes | None:
    """The code's hash; None if it can't be tried any more."""
    found: bytes | None = await connection.fetchval(statements.try_code, challenge_id, at, tries_max)
    return found


async def answer_challenge(connection: Connection, challenge_id: int, at: datetime) -> bool:
    return await connection.fetchval(statements.answer_challenge, challenge_id, at) is not None


async def spend_challenge(connection: Connection, challenge_id: int, at: datetime) -> bool:
    return await connection.fetchval(statements.spend_challenge, challenge_id, at) is not None


async def insert_event(connection: Connection, one: SignInEvent) -> None:
    await connection.execute(
        statements.insert_sign_in_event, one.event_id, one.person_id, one.at, one.method, one.outcome, one.shown,
        one.ip, one.place_zh, one.place_en, one.agent,
    )  # fmt: skip


async def events_of(connection: Connection, person_id: int, before_id: int, limit: int) -> list[SignInEvent]:
    rows = await connection.fetch(statements.sign_in_events_of, person_id, before_id, limit)
    return [SignInEvent(*row) for row in rows]


async def is_active(connection: Connection, person_id: int) -> bool:
    return bool(await connection.fetchval(statements.is_active, person_id))


async def has_password(connection: Connection, person_id: int) -> bool:
    return bool(await connection.fetchval(statements.has_password, person_id))


async def hold_person(connection: Connection, person_id: int) -> None:
    await connection.execute(statements.hold_person, person_id)


async def insert_invitation(connection: Connection, new: Invitation) -> None:
    await connection.execute(
        statements.insert_invitation, ids.lane_of(new.invitation_id), new.invitation_id, new.org_id, new.token_hash,
        new.role, new.shown, new.invited_by, new.created_at, new.expires_at,
    )  # fmt: skip


async def read_invitation(connection: Connection, invitation_id: int, at: datetime) -> Invitation | None:
    row = await connection.fetchrow(statements.read_invitation, ids.lane_of(invitation_id), invitation_id, at)
    return None if row is None else Invitation(*row)


async def invitations_of(connection: Connection, org_id: int, at: datetime) -> list[Invitation]:
    rows = await connection.fetch(statements.invitations_of, ids.lane_of(org_id), org_id, at)
    return [Invitation(*row) for row in rows]


async def end_invitation(
    connection: Connection, org_id: int, invitation_id: int, at: datetime, *, accepted_by: int | None
) -> str | None:
    """Its role; None if it does not stand any more."""
    role: str | None = await connection.fetchval(
        statements.end_invitation, ids.lane_of(org_id), org_id, invitation_id, at, accepted_by
    )
    return role


async def purge(connection: Connection, *, now: datetime, tries_before: datetime, events_before_id: int) -> int:
    return (
        _count(await connection.execute(statements.purge_sessions, now))
        + _count(await connection.execute(statements.purge_challenges, now))
        + _count(await connection.execute(statements.purge_tries, tries_before))
        + _count(await connection.execute(statements.purge_sign_in_events, events_before_id))
    )


async def purge_invitations(connection: Connection, lane: int, before: datetime) -> int:
    return _count(await connection.execute(statements.purge_invitations, lane, before))


async def forget_person(connection: Connection, person_id: int) -> None:
    await connection.execute(statements.forget_person, person_id)


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])


async def set_guise(
    connection: Connection, session: Session, person_id: int | None, org_id: int | None, until: datetime | None,
    *, may_write: bool,
) -> None:  # fmt: skip
    await connection.execute(
        statements.set_guise, session.person_id, session.session_id, person_id, org_id, until, may_write
    )


async def read_guise(connection: Connection, session: Session) -> tuple[int, int, datetime, bool] | None:
    """(person, organisation, until, whether he may act); of none: all of them are None."""
    row = await connection.fetchrow(statements.read_guise, session.person_id, session.session_id)
    return None if row is None else (row[0], row[1], row[2], row[3])
