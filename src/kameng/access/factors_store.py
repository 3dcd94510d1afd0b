"""One thin function a statement: second factors."""

from __future__ import annotations

from datetime import datetime

from kameng.access.model import Passkey
from kameng.access.store import statements
from kameng.kit.db import Connection


async def put_totp(connection: Connection, person_id: int, sealed: bytes, at: datetime) -> bool:
    """False: there is one already that works."""
    return await connection.fetchval(statements.put_totp, person_id, sealed, at) is not None


async def read_totp(connection: Connection, person_id: int) -> tuple[bytes, bool, int] | None:
    """(sealed, whether it is confirmed, the step of the last code taken)."""
    row = await connection.fetchrow(statements.read_totp, person_id)
    return None if row is None else (row["sealed"], row["is_confirmed"], row["last_step"])


async def take_totp_step(connection: Connection, person_id: int, step: int, *, confirms: bool) -> bool:
    return await connection.fetchval(statements.take_totp_step, person_id, step, confirms) is not None


async def delete_totp(connection: Connection, person_id: int) -> bool:
    return await connection.fetchval(statements.delete_totp, person_id) is not None


async def insert_passkey(connection: Connection, person_id: int, new: Passkey) -> bool:
    """False: this person has it."""
    found = await connection.fetchval(
        statements.insert_passkey, person_id, new.credential_id, new.public_key, new.sign_count, new.domain, new.name,
        new.created_at,
    )  # fmt: skip
    return found is not None


async def passkeys_of(connection: Connection, person_id: int) -> list[Passkey]:
    return [Passkey(*row) for row in await connection.fetch(statements.passkeys_of, person_id)]


async def use_passkey(
    connection: Connection, person_id: int, credential_id: bytes, sign_count: int, at: datetime
) -> None:
    await connection.execute(statements.use_passkey, person_id, credential_id, sign_count, at)


async def delete_passkey(connection: Connection, person_id: int, credential_id: bytes) -> bool:
    return await connection.fetchval(statements.delete_passkey, person_id, credential_id) is not None


async def set_recovery_codes(connection: Connection, person_id: int, hashes: list[bytes]) -> None:
    await connection.execute(statements.delete_recovery_codes, person_id)
    if hashes:
        await connection.execute(statements.insert_recovery_codes, person_id, hashes)


async def use_recovery_code(connection: Connection, person_id: int, code_hash: bytes, at: datetime) -> bool:
    return await connection.fetchval(statements.use_recovery_code, person_id, code_hash, at) is not None


async def count_recovery_codes(connection: Connection, person_id: int) -> int:
    count: int = await connection.fetchval(statements.count_recovery_codes, person_id)
    return count


async def totp_under_other_keys(
    connection: Connection, after_id: int, key_number: int, limit: int
) -> list[tuple[int, bytes]]:
    rows = await connection.fetch(statements.totp_under_other_keys, after_id, key_number, limit)
    return [(row["person_id"], row["sealed"]) for row in rows]


async def reseal_totp(connection: Connection, person_id: int, fresh: bytes, old: bytes) -> None:
    await connection.execute(statements.reseal_totp, person_id, fresh, old)


async def has_factor_rule(connection: Connection, lane: int, org_id: int) -> bool:
    return bool(await connection.fetchval(statements.has_factor_rule, lane, org_id))


async def insert_factor_rule(connection: Connection, lane: int, org_id: int, at: datetime, actor_id: int) -> bool:
    """False: it stands already."""
    return await connection.fetchval(statements.insert_factor_rule, lane, org_id, at, actor_id) is not None


async def delete_factor_rule(connection: Connection, lane: int, org_id: int) -> bool:
    return await connection.fetchval(statements.delete_factor_rule, lane, org_id) is not None
