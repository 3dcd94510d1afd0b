"""调价记录 told: the feed that a buyer reads, and one event for each publication to organisations that want events.

Whatever was published since the last look is one publication: one event for an organisation, however many SKUs. How
far a lane was told stands in a row that moves in the transaction of the events.

Who buys from an agent is told of his own price (see ``reselling``): read when he asks, and told of by jobs that go
through a lane's listeners chunk by chunk, however many a change of one SKU concerns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kameng import identity
from kameng.kit import clock, events, jobs, lanes, money
from kameng.kit.db import Connection, Database
from kameng.kit.jobs import Handler, Job, Outside
from kameng.pricing import store
from kameng.pricing.changes import Logged, Move, SkuPrices, moves_of
from kameng.pricing.reselling import Buyer, moves_below

SCANNED_AT_ONCE = 500
SCANS_MAX = 10
"""A page may come short when little of the log concerns its reader; its cursor leads on."""
SKUS_TOLD_MAX = 100
"""So many are named in an event; the feed has them all."""
DEPTH_MAX = 2000
"""So far back who buys from an agent reads."""
TELL_JOB = "pricing.tell"
CHUNK_LISTENERS = 200


class Publication(msgspec.Struct, frozen=True):
    """Changes beyond a row of the log up to another, and the listener up to whom they were told."""

    after_id: int
    until_id: int
    after_org: int = 0


class Page(msgspec.Struct, frozen=True):
    """Moves, newest first; ``next_id`` is the cursor of the next page, None on the last."""

    moves: list[Move]
    next_id: int | None


async def list_moves(db: Database, *, org_id: int, level: int, before_id: int, limit: int) -> Page:
    """What happened to a buyer's prices, newest first, below the cursor."""
    found: list[Move] = []
    async with db.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        for _ in range(SCANS_MAX):
            scanned = await store.changes_before(connection, org_id, level, before_id, SCANNED_AT_ONCE)
            found += await _moves_among(connection, scanned, org_id, level)
            if len(found) > limit:
                return Page(found[:limit], found[limit - 1].change_id)
            if len(scanned) < SCANNED_AT_ONCE:
                return Page(found, None)
            before_id = scanned[-1].change_id
    return Page(found, before_id)


async def list_moves_below(db: Database, buyer: Buyer, *, before_id: int, limit: int) -> Page:
    """The same for who buys from an agent, as far as the newest ``DEPTH_MAX`` changes go that may concern him."""
    async with db.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        changes = await store.changes_below(connection, buyer, DEPTH_MAX)
        market = await store.market(connection, changes)
    return Page(*moves_below(changes, market, buyer, before_id=before_id, limit=limit))


async def _moves_among(connection: Connection, scanned: Sequence[Logged], org_id: int, level: int) -> list[Move]:
    """Undo their SKUs from the present back to the oldest of them; told are those that were asked for."""
    if not scanned:
        return []
    sku_ids = list({change.sku_id for change in scanned})
    now = await store.sku_prices(connection, sku_ids, org_id=org_id, level=level)
    since = await store.changes_of_skus(connection, org_id, level, sku_ids, scanned[-1].change_id)
    newest_id = scanned[0].change_id
    return [move for move in moves_of(since, now) if move.change_id <= newest_id]


async def tell_price_changes(db: Database, lane: int) -> int:
    """Tell a lane's organisations what changed since the last look; returns how many were told."""
    async with db.transaction() as connection:
        newest_id = await store.newest_change(connection)  # nothing below it can still come
        told_id = await store.told_up_to(connection, lane)
    if told_id is not None and newest_id <= told_id:
        return 0
    # A new lane is told nothing of the past.
    moves = {} if told_id is None else await _moves_of_listeners(db, lane, told_id, newest_id)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=len(moves) + 1)
        if await store.told_up_to(connection, lane) != told_id:
            return 0  # by somebody else, just now
        await store.set_told(connection, lane, newest_id)
        if told_id is not None and await store.has_listeners_below(connection, lane):
            job = jobs.NewJob(TELL_JOB, lane, msgspec.to_builtins(Publication(told_id, newest_id)))
            await jobs.add(connection, lane, [job], passage.ids[-1:])
        numbers = await events.next_sequences(connection, lane, list(moves))
        new = [
            events.NewEvent(event_id, org_id, org_id, numbers[org_id], "price.changed", data=_data(found), due=True)
            for event_id, (org_id, found) in zip(passage.ids, moves.items(), strict=False)
        ]
        await events.emit(connection, lane, clock.now(), new)
    return len(new)


async def _moves_of_listeners(db: Database, lane: int, told_id: int, newest_id: int) -> dict[int, list[Move]]:
    """By organisation, those whose prices moved; read and worked out before the gate."""
    async with db.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        changes = await store.changes_since(connection, told_id)
        sku_ids = list({change.sku_id for change in changes})
        prices = await store.every_price(connection, sku_ids)
        listeners = await store.listeners(connection, lane)
    found = {org_id: _moves_of_one(changes, org_id, level, *prices) for org_id, level in listeners}
    told = {org_id: [move for move in moves if move.change_id <= newest_id] for org_id, moves in found.items()}
    return {org_id: moves for org_id, moves in told.items() if moves}


def _moves_of_one(
    changes: list[Logged], org_id: int, level: int, levels: dict[tuple[int, int], int],
    named: dict[tuple[int, int], int], skus: dict[int, tuple[int, int | None, int | None]],
) -> list[Move]:  # fmt: skip
    """What the log since then meant for one organisation, as the feed says it."""
    own = (f"level:{level}", f"named:{org_id}")
    mine = [one for one in changes if one.what in own or not one.what.startswith(("level:", "named:"))]
    now = {
        sku_id: SkuPrices(*prices, levels.get((sku_id, level)), named.get((sku_id, org_id)))
        for sku_id, prices in skus.items()
    }
    return moves_of(mine, now)


def _data(moves: list[Move]) -> dict[str, object]:
    """By SKU: what its price was before the first change and is after the last. Tiers are named, not priced."""
    told: dict[str, dict[str, str]] = {}
    for move in moves:  # newest first
        said = told.setdefault(str(move.sku_id), {})
        if move.why.startswith("tier:"):
            said["tier"] = "changed"
            continue
        assert move.before_e4 is not None, "a price has a before and an after"
        assert move.after_e4 is not None, "a price has a before and an after"
        said.setdefault("after", money.format_e4(move.after_e4))
        said["before"] = money.format_e4(move.before_e4)
    shown = dict(list(told.items())[:SKUS_TOLD_MAX])
    return {"sku_count": len(told), "skus": shown, "newest_change": str(moves[0].change_id)}


def handlers(db: Database) -> list[Handler]:
    """For the worker: prices are worked out beside the gate, and told under it."""

    async def work_out(job: Job) -> _Chunk:
        return await _chunk_of(db, job.lane, msgspec.convert(job.payload, Publication))

    # Working it out again is working it out.
    return [
        Outside(
            TELL_JOB, work_out, query=work_out, settle=_tell_chunks, ids_per_job=CHUNK_LISTENERS + 1, concurrency=1
        )
    ]


class _Chunk(msgspec.Struct, frozen=True):
    """What some listeners are told; ``rest`` if there are more."""

    moves: dict[int, list[Move]]
    rest: Publication | None


async def _chunk_of(db: Database, lane: int, told: Publication) -> _Chunk:
    async with db.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        changes = await store.changes_between(connection, told.after_id)
        market = await store.market(connection, changes)
        listeners = await store.listeners_below(connection, lane, after_org=told.after_org, limit=CHUNK_LISTENERS)
        agents = {agent.org_id: agent for agent in await identity.all_agents(connection)}
    found = {}
    for org_id, level, parent_id in listeners:
        buyer = Buyer(org_id, level, _chain(agents, parent_id))
        mine = [change for change in changes if buyer.is_concerned(change.what)]
        moves = [move for move in moves_below(mine, market, buyer)[0] if move.change_id <= told.until_id]
        if moves:
            found[org_id] = moves
    is_last = len(listeners) < CHUNK_LISTENERS
    rest = None if is_last else msgspec.structs.replace(told, after_org=listeners[-1][0])
    return _Chunk(found, rest)


def _chain(agents: Mapping[int, identity.Organisation], parent_id: int) -> tuple[tuple[int, int], ...]:
    """From the top."""
    chain: list[tuple[int, int]] = []
    above: int | None = parent_id
    while above is not None:
        agent = agents[above]
        chain.append((agent.org_id, agent.level))
        above = agent.parent_id
    return tuple(reversed(chain))


async def _tell_chunks(connection: Connection, passage: lanes.Passage, done: list[tuple[Job, Any]]) -> None:
    """Their events, and the job of whoever comes after them."""
    lane, fresh = passage.lane, iter(passage.ids)
    for _, chunk in done:
        numbers = await events.next_sequences(connection, lane, list(chunk.moves))
        new = [
            events.NewEvent(next(fresh), org_id, org_id, numbers[org_id], "price.changed", data=_data(moves), due=True)
            for org_id, moves in chunk.moves.items()
        ]
        await events.emit(connection, lane, clock.now(), new)
        if chunk.rest is not None:
            job = jobs.NewJob(TELL_JOB, lane, msgspec.to_builtins(chunk.rest))
            await jobs.add(connection, lane, [job], [next(fresh)])
