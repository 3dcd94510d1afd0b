"""Wiping: what an account must not hold any longer is taken out of it, and out of what finds its order.

Passwords go when their order is final; whole accounts when they are old, or when their person asks for it. Orders,
money and audit lines stay. Looking and opening are done outside the gate; only putting a chunk in place holds it, and
a row that changed meanwhile is left for the next run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import timedelta

import msgspec

from kameng import catalogue
from kameng.kit import audit, clock, crypto, ids, lanes, logs
from kameng.kit.db import Connection, Database
from kameng.kit.ids import ID_MAX
from kameng.orders import private_store
from kameng.orders.errors import OrdersRunning
from kameng.orders.model import ACCOUNT, FINAL
from kameng.orders.private_store import Mark, Sealed
from kameng.orders.searching import marked_rows
from kameng.orders.showing import open_account
from kameng.orders.store import OrderRow

CHUNK_ROWS = 200

log = logs.get_logger(__name__)


class Removal(msgspec.Struct, frozen=True):
    """Accounts as they lie there, and all the marks that find their orders."""

    rows: Sequence[Sealed]
    marks: Sequence[Mark]


async def wipe_passwords(db: Database, ring: crypto.KeyRing, lane: int) -> int:
    """Take the passwords out of the accounts of final orders; returns out of how many.

    An account that does not open keeps its place on the list: its key may come back, and its password with it.
    """
    total, after_id, closed = 0, 0, 0
    while True:
        async with db.connection() as connection:
            rows = await private_store.final_with_password(connection, lane, FINAL, after_id=after_id, limit=CHUNK_ROWS)
        if not rows:
            break
        opened, failed = _open(ring, rows)
        wiped = {order_id: _without_passwords(ring, order_id, account) for order_id, account in opened.items()}
        changes = [(order_id, wiped[order_id], old) for order_id, old in rows if order_id in wiped]
        if changes:
            async with db.transaction() as connection:
                await lanes.pass_gate(connection, lane)
                done = await private_store.replace_accounts(connection, lane, changes)
                await private_store.forget_passwords(connection, lane, done)
            total += len(done)
        closed += len(failed)
        after_id = rows[-1][0]
    if closed:
        log.error("accounts with passwords do not open", in_lane=lane, accounts_count=closed)
    return total


async def purge_accounts(db: Database, ring: crypto.KeyRing, lane: int, *, kept_days: int) -> int:
    """Remove the accounts of final orders that were placed so many days ago; returns how many."""
    before_ms = clock.now_ms() - int(timedelta(days=kept_days).total_seconds() * 1000)
    before_id = ids.id_of(ids.tick_at(before_ms), lane)
    total, after_id = 0, 0
    while True:
        async with db.transaction() as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            rows = await private_store.final_with_account(
                connection, lane, FINAL, after_id=after_id, before_id=before_id, limit=CHUNK_ROWS
            )
        if not rows:
            return total
        removal = Removal(rows, await _marks_of(db, ring, lane, rows))
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            total += len(await _remove(connection, lane, removal))
        after_id = rows[-1][0]


async def erase_accounts(
    db: Database, ring: crypto.KeyRing, marks: Sequence[bytes], *, reason: str, actor_id: int = 0
) -> int:
    """Remove the accounts of every order that has one of these marks; an audit line for each. Returns how many.

    ``OrdersRunning`` if one of them is not final: then nothing is removed, since it could not be delivered.
    """
    found = {lane: [row async for row in every_marked(db, lane, marks)] for lane in await _lanes(db)}
    running = [row.order_id for rows in found.values() for row in rows if row.state not in FINAL]
    if running:
        some = ", ".join(map(str, running[:5]))
        raise OrdersRunning(
            f"{len(running)} not final: {some}", field="orders", detail_zh=f"{len(running)} 笔未完结：{some}"
        )
    total = 0
    for lane, rows in found.items():
        for start in range(0, len(rows), CHUNK_ROWS):
            total += await _erase(db, ring, lane, rows[start : start + CHUNK_ROWS], reason=reason, actor_id=actor_id)
    return total


async def every_marked(db: Database, lane: int, marks: Sequence[bytes]) -> AsyncIterator[OrderRow]:
    """Every order of a lane that has one of these marks, newest first, whoever's it is."""
    before_id = ID_MAX
    while marks:
        rows = await marked_rows(db, lane, None, marks, before_id=before_id, limit=CHUNK_ROWS)
        for row in rows:
            yield row
        if len(rows) < CHUNK_ROWS:
            return
        before_id = rows[-1].order_id


async def _erase(
    db: Database, ring: crypto.KeyRing, lane: int, rows: Sequence[OrderRow], *, reason: str, actor_id: int
) -> int:
    sealed = [(row.order_id, row.account) for row in rows if row.account is not None]
    owners = {row.order_id: row.org_id for row in rows}
    removal = Removal(sealed, await _marks_of(db, ring, lane, sealed))
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=len(sealed))
        done = await _remove(connection, lane, removal)
        lines = [
            audit.Line(audit_id, owners[order_id], actor_id, "order.account.erase", order_id, {"reason": reason})
            for audit_id, order_id in zip(passage.ids, done, strict=False)
        ]
        await audit.note(connection, lane, clock.now(), lines)
    return len(done)


async def _remove(connection: Connection, lane: int, removal: Removal) -> list[int]:
    """Under the gate: accounts, what finds them, and their place among those with passwords; which were still so."""
    if not removal.rows:
        return []
    done = await private_store.replace_accounts(connection, lane, [(n, None, old) for n, old in removal.rows])
    await private_store.forget_passwords(connection, lane, done)
    gone = set(done)
    if marks := [mark for mark in removal.marks if mark[1] in gone]:
        await private_store.forget_marks(connection, lane, marks)
    return done


async def _marks_of(db: Database, ring: crypto.KeyRing, lane: int, rows: Sequence[Sealed]) -> list[Mark]:
    """All that finds these orders: made again from what they hold, or looked for where that does not open."""
    opened, closed = _open(ring, rows)
    marks = [(mark, order_id) for order_id, account in opened.items() for mark in catalogue.marks_of(ring, account)]
    if closed:
        async with db.transaction() as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            marks += await private_store.marks_of_orders(connection, lane, closed)
    return marks


def _open(ring: crypto.KeyRing, rows: Sequence[Sealed]) -> tuple[dict[int, dict[str, str]], list[int]]:
    """The accounts that open, and the orders of those that don't."""
    opened, closed = {}, []
    for order_id, sealed in rows:
        try:
            opened[order_id] = open_account(ring, order_id, sealed)
        except crypto.Unsealable:
            closed.append(order_id)
    return opened, closed


def _without_passwords(ring: crypto.KeyRing, order_id: int, account: Mapping[str, str]) -> bytes:
    left = catalogue.without_passwords(account)
    return ring.seal(ACCOUNT, order_id, msgspec.json.encode(left, order="sorted"))


async def _lanes(db: Database) -> Collection[int]:
    async with db.connection() as connection:
        return await lanes.lane_numbers(connection)
