"""Plans of lists: what the pages' bulk acts and exports do, in a gateway for a dry run, in a worker for the run itself.

A face lists its own (``<face>/…_plans.py``) in ``routing``'s manner, below. A plan reads the same query as its list's
address; what somebody may do is asked again when the run begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec

from kameng import access, identity, lists, orders
from kameng.identity import Caller
from kameng.kit import crypto
from kameng.kit.db import Database
from kameng.kit.settings import Settings
from kameng.lists import Found, Plan, Row, Run
from kameng.web import tables
from kameng.web.tables import Asked, Table
from kameng.web.viewing import FACES, caller_of
from kameng.web.wording import WORDS


class Tools(msgspec.Struct, frozen=True):
    """What plans work with."""

    db: Database
    ring: crypto.KeyRing
    snapshot: orders.Snapshot

    async def caller(self, run: Run) -> Caller:
        """Whoever began it, as verbs know him."""
        async with self.db.connection() as connection:
            organisation = await identity.find_organisation(connection, run.org_id)
        assert organisation is not None, "an organisation is never removed"
        return caller_of(organisation, run.person_id, ip="")


class ListPlan(msgspec.Struct, frozen=True):
    """A plan with what its pages say: ``label`` of the act, ``path`` of the list. ``act``: what the role must allow."""

    plan: Plan
    face: str
    label: str
    path: str
    table: Table
    act: str = "view"


def tools_of(chosen: Settings, database: Database, ring: crypto.KeyRing) -> Any:
    """For a worker: the catalogue as it stands when a run begins."""

    async def make() -> Tools:
        snapshot = orders.Snapshot(database, ring, orders.terms_of(chosen))
        await snapshot.start()
        return Tools(database, ring, snapshot)

    return make


async def check_maker(tools: Tools, run: Run, *, face: str, act: str) -> None:
    """``Forbidden`` unless he is still somebody who may."""
    async with tools.db.connection() as connection:
        organisation = await identity.find_organisation(connection, run.org_id)
        role = await identity.role_of(connection, run.org_id, run.person_id)
    if organisation is None or organisation.kind not in FACES[face] or role is None or not access.may(role, act):
        raise access.Forbidden


def asked_of(run: Run, table: Table, path: str, choices: Mapping[str, tables.Choices] | None = None) -> Asked:
    """What the list was asked; ``BadRun`` if that is nonsense."""
    asked = tables.parse(parse_qs(run.query), table, WORDS[run.language], path, choices=choices)
    if not asked:
        raise lists.BadRun(field="query")
    return asked


def by_wanted(run: Run, place: str | None, limit: int) -> tuple[tuple[int, ...], str | None]:
    """The next of the rows that were chosen, and where those after them begin."""
    assert run.wanted is not None
    start = int(place or 0)
    end = start + limit
    return run.wanted[start:end], str(end) if end < len(run.wanted) else None


def found_of(rows: Iterable[Row], place: object | None) -> Found:
    return Found(list(rows), None if place is None else str(place))
