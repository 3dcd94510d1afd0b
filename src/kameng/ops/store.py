"""What the operator's door itself asks the database, one thin function each. It looks and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import resources
from typing import Any

from kameng.identity import NoSuchOrganisation, Organisation
from kameng.kit import ids, sql
from kameng.kit.db import Connection

statements = sql.parse("ops.sql", resources.files("kameng.ops").joinpath("ops.sql").read_text("utf-8"))


async def organisation(connection: Connection, org_id: int) -> Organisation:
    row = await connection.fetchrow(statements.organisation, ids.lane_of(org_id), org_id)
    if row is None:
        raise NoSuchOrganisation(str(org_id))
    return Organisation(*row)


async def keys_of(connection: Connection, org_id: int) -> list[Any]:
    """Rows without secrets."""
    found: list[Any] = await connection.fetch(
        statements.keys_of_organisation, ids.lane_of(org_id), org_id
    )
    return found


async def key(connection: Connection, key_id: int) -> Any:
    """A row without its secret."""
    row = await connection.fetchrow(statements.key, ids.lane_of(key_id), key_id)
    if row is None:
        raise NoSuchOrganisation(f"ak_{key_id}")
    return row


async def has_wallet(connection: Connection, org_id: int) -> bool:
    return bool(await connection.fetchval(statements.has_wallet, ids.lane_of(org_id), org_id))


async def sealed_cards(connection: Connection, count_max: int) -> list[tuple[int, bytes]]:
    """To try a key ring on."""
    return [tuple(row) for row in await connection.fetch(statements.sealed_cards, count_max)]


async def audit_lines_about(connection: Connection, lanes: Sequence[int], subject_id: int) -> list[Any]:
    found: list[Any] = await connection.fetch(statements.audit_lines_about, lanes, subject_id)
    return found


async def expiring_keys(connection: Connection, lane: int, *, after: datetime, before: datetime) -> list[Any]:
    found: list[Any] = await connection.fetch(statements.expiring_keys, lane, after, before)
    return found
