"""Booking that money went back to a guest: a person returned it through its channel or the bank, with a reference.

What goes back to a guest waits in suspense, with an item on the desk for each sum. One return settles all of an order's
items: what is there leaves suspense under its reference, once, and the items leave the desk.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kameng import ledger
from kameng.kit import audit, clock, events, ids, jobs, lanes, money
from kameng.kit.db import Connection, Database
from kameng.ledger import House, Leg, house_account
from kameng.orders import store
from kameng.orders.acting import check_text
from kameng.orders.commands import REASON_CHARS_MAX, Standing
from kameng.orders.drafting import RETURN_JOB
from kameng.orders.errors import NothingToReturn, OrderNotFound, PaymentReused

REFERENCE_CHARS_MAX = 100
EVENT = "order.return_booked"


class Returned(msgspec.Struct, frozen=True):
    """What went back; ``replayed`` if it was booked already."""

    order_id: int
    amount_e4: int
    currency: str
    replayed: bool = False


async def book_return(db: Database, order_id: int, *, reference: str, reason: str, actor_id: int) -> Returned:
    """What waits to be returned of an order was. The same reference again: what was booked under it."""
    check_text(reference, "reference", "流水号", least=1, most=REFERENCE_CHARS_MAX)
    check_text(reason, "reason", "原因", least=1, most=REASON_CHARS_MAX)
    lane = ids.lane_of(order_id)
    async with db.connection() as connection:
        if lane not in await lanes.lane_numbers(connection):  # the number was mistyped
            raise OrderNotFound
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=3)
        order = (await store.read_standing(connection, lane, [order_id])).get(order_id)
        if order is None:
            raise OrderNotFound
        amount_e4 = await store.open_returns(connection, lane, order_id, RETURN_JOB)
        known = await store.claim_return(connection, reference, order_id, amount_e4)
        if known is not None:
            if known[0] != order_id:
                raise PaymentReused(field="reference")
            return Returned(order_id, known[1], order.currency, replayed=True)
        if not amount_e4:
            raise NothingToReturn
        await _book(connection, passage, order, amount_e4, reference, reason, actor_id)
    return Returned(order_id, amount_e4, order.currency)


async def _book(
    connection: Connection, passage: lanes.Passage, order: Standing, amount_e4: int, reference: str, reason: str,
    actor_id: int,
) -> None:  # fmt: skip
    lane, at = passage.lane, clock.now()
    leg = Leg(
        f"payment_returned:{reference}", house_account(House.suspense, order.currency),
        house_account(House.clearing, order.currency), amount_e4, "payment_returned", order.order_id,
    )  # fmt: skip
    ledger.standing(await ledger.post_chain(connection, lane, [leg], passage.ids[:1]))
    await jobs.withdraw(connection, lane, [jobs.NewJob(RETURN_JOB, order.order_id)])
    after = msgspec.structs.replace(order, sequence=order.sequence + 1)
    await store.set_standing(connection, lane, [after])
    told: dict[str, Any] = {
        "state": order.state.value, "amount": money.format_e4(amount_e4), "currency": order.currency,
        "reference": reference,
    }  # fmt: skip
    event = events.NewEvent(
        passage.ids[1], order.org_id, order.order_id, after.sequence, EVENT, actor_id, told, due=order.wants_events
    )
    await events.emit(connection, lane, at, [event])
    line = audit.Line(passage.ids[2], order.org_id, actor_id, EVENT, order.order_id, {**told, "reason": reason})
    await audit.note(connection, lane, at, [line])
