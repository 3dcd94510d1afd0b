"""What the platform's staff looks up: organisations of every lane, who belongs to them, their keys without secrets."""

from __future__ import annotations

from collections.abc import Iterable

from kameng.identity import store
from kameng.identity.model import Organisation
from kameng.identity.people import Person, spelled
from kameng.kit import lanes
from kameng.kit.db import Connection, Database

ID_MAX = (1 << 63) - 1



async def organisations(
    db: Database, *, kind: str | None = None, state: str | None = None, text: str = "", before_id: int = ID_MAX,
    limit: int = 50,
) -> list[Organisation]:  # fmt: skip
    """Of all lanes, newest first, below the last one seen; without sandboxes. ``text``: within name or ERP code."""
    like = f"%{_escaped(text)}%" if text else None
    found: list[Organisation] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            rows = await connection.fetch(
                store.statements.organisations_below, lane, before_id, kind, state, like, limit
            )
            found += [Organisation(*row) for row in rows]
    return sorted(found, key=lambda one: -one.org_id)[:limit]


async def organisations_by_id(connection: Connection, org_ids: Iterable[int]) -> dict[int, Organisation]:
    rows = await connection.fetch(store.statements.all_organisations, sorted(set(org_ids)))
    return {row["org_id"]: Organisation(*row) for row in rows}


async def people_by_id(connection: Connection, person_ids: Iterable[int]) -> dict[int, Person]:
    rows = await connection.fetch(store.statements.read_people, sorted(set(person_ids)))
    return {row["person_id"]: Person(*row) for row in rows}


async def people_beginning(db: Database, text: str, *, limit: int = 10) -> list[Person]:
    """Whose sign-in begins so."""
    begin = spelled(text.replace("\0", ""))
    async with db.connection() as connection:
        rows = await connection.fetch(store.statements.people_from, begin, f"{begin}\U0010fffd", limit)
    return [Person(*row) for row in rows if row["sign_in"].startswith(begin)]


def _escaped(text: str) -> str:
    """What LIKE takes as it is."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("\0", "")
