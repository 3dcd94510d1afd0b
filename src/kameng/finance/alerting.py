"""低余额提醒: an organisation is told once when its wallet falls below its threshold, and again after it rose above it.

Looked at by the clock, never by an order: what fell and rose between two looks was not low for long.
"""

from __future__ import annotations

from kameng import ledger, notices
from kameng.finance import store
from kameng.finance.model import check_amount
from kameng.kit import audit, clock, events, ids, lanes, money
from kameng.kit.db import Connection, Database
from kameng.kit.lanes import Passage

CHUNK_ALERTS = 500


async def set_low_balance(db: Database, org_id: int, low_at_e4: int | None, *, actor_id: int = 0) -> None:
    """Below how much the organisation wants to be told; None: not any more. A new threshold starts anew."""
    if low_at_e4 is not None:
        check_amount(low_at_e4)
    lane = ids.lane_of(org_id)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        await ledger.read_wallet(connection, lane, org_id)
        await store.set_low_balance(connection, lane, org_id, low_at_e4)
        line = audit.Line(passage.ids[0], org_id, actor_id, "wallet.low_at", org_id, {"low_at_e4": low_at_e4})
        await audit.note(connection, lane, clock.now(), [line])


async def watch_balances(db: Database, lane: int) -> int:
    """Tell whoever's wallet crossed its threshold since the last look; returns how many fell below it."""
    fallen = 0
    while True:
        async with db.connection() as connection:  # an idle lane costs one read
            crossed = await store.crossed_alerts(connection, lane, CHUNK_ALERTS)
        if not crossed:
            return fallen
        async with db.transaction() as connection:
            passage = await lanes.pass_gate(connection, lane, id_count=2 * CHUNK_ALERTS)
            fallen += await _tell(connection, passage)


async def _tell(connection: Connection, passage: Passage) -> int:
    lane = passage.lane
    crossed = await store.crossed_alerts(connection, lane, CHUNK_ALERTS)
    low = [one for one in crossed if one.is_low]
    numbers = await events.next_sequences(connection, lane, [one.org_id for one in low])
    new = [
        events.NewEvent(
            event_id, one.org_id, one.org_id, numbers[one.org_id], "wallet.low",
            data={"available": money.format_e4(one.available_e4), "low_at": money.format_e4(one.low_at_e4)},
            due=one.wants_events,
        )
        for event_id, one in zip(passage.ids, low, strict=False)
    ]  # fmt: skip
    await events.emit(connection, lane, clock.now(), new)
    if low:
        told = [_notice(one) for one in low]
        await notices.announce(connection, lane, told, passage.ids[CHUNK_ALERTS : CHUNK_ALERTS + len(told)])
    await store.mark_alerts(connection, lane, [(one.org_id, one.is_low) for one in crossed])
    return len(low)


def _notice(one: store.Crossed) -> notices.Notice:
    facts = {"available": money.format_e4(one.available_e4), "line": money.format_e4(one.low_at_e4)}
    return notices.Notice(one.org_id, "balance_low", str(one.org_id), facts)
