"""Rehearsing what becomes of a sandbox's order that is not from stock: the clock plays everybody's part.

Its buyer chose by digits (``orders.digits_of``): delivered, failed and paid back, or unknown for a while. Without
them it is delivered. What people would answer with is made up, and plainly worth nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kameng import catalogue, orders
from kameng.catalogue import Sku
from kameng.fulfilment import packing, store
from kameng.fulfilment.model import Answer
from kameng.fulfilment.store import NewAnswer
from kameng.kit import clock, crypto, jobs
from kameng.kit.db import Connection
from kameng.kit.jobs import Job
from kameng.kit.lanes import Passage
from kameng.ledger import LedgerRefused
from kameng.orders import Command, Instruction, OrderRow, Refused, Standing, State

OUTCOMES = {orders.DELIVERED: Command.deliver, orders.FAILED: Command.fail, orders.REVIEWED: Command.doubt}
"""What the digits of an order choose, once somebody would have begun it."""


async def rehearse(
    connection: Connection, ring: crypto.KeyRing, passage: Passage, batch: Sequence[Job], terms: orders.Terms
) -> None:
    """The next step of each; one that comes when its order has moved on finds nothing to do."""
    standing = await orders.read_standing(connection, passage.lane, [job.subject_id for job in batch])
    played = {order_id: order for order_id, order in standing.items() if order.is_sandbox}
    skus = await catalogue.read_revisions(connection, {(one.sku_id, one.sku_revision) for one in played.values()})
    buyers = list({order.org_id for order in played.values()})
    rows = await orders.read_orders(connection, passage.lane, list(played), buyers)
    instructions = [
        Instruction(order_id=job.subject_id, command=command, key=f"rehearsal:{job.job_id}")
        for job in batch
        if (order := played.get(job.subject_id)) is not None
        and (command := _next(ring, order, rows[order.order_id], skus[order.sku_id, order.sku_revision])) is not None
    ]
    if not instructions:
        return
    outcomes = await orders.act_within(connection, ring, passage, instructions, terms=terms)
    delivered = []
    for instruction, outcome in zip(instructions, outcomes, strict=True):
        if isinstance(outcome, Refused):
            if outcome.reason is LedgerRefused:
                raise jobs.NotDone(f"the ledger refused it: {outcome.detail}")
        elif instruction.command is Command.deliver:
            delivered.append(played[instruction.order_id])
    await _answer(connection, ring, passage.lane, delivered, skus)


def _next(ring: crypto.KeyRing, order: Standing, row: OrderRow, sku: Sku) -> Command | None:
    if order.state is State.fulfilling:
        return OUTCOMES.get(orders.digits_of(row.client_ref, _account(ring, row), sku), Command.deliver)
    return {State.cancelling: Command.fail, State.review: Command.deliver}.get(order.state)


def _account(ring: crypto.KeyRing, row: OrderRow) -> Mapping[str, str] | None:
    try:
        return None if row.account is None else orders.open_account(ring, row.order_id, row.account)
    except crypto.Unsealable:  # nobody chose anything that can be read
        return {}


async def _answer(
    connection: Connection, ring: crypto.KeyRing, lane: int, delivered: Sequence[Standing],
    skus: Mapping[tuple[int, int], Sku],
) -> None:  # fmt: skip
    """Play goods, where people would have brought some."""
    answers = [
        NewAnswer(order.order_id, number, packing.seal(ring, order.order_id, number, play_goods(order))[0], None, "", 0)
        for order in delivered
        for number in _by_hand(skus[order.sku_id, order.sku_revision])
    ]
    if answers:
        await store.insert_answers(connection, lane, clock.now(), answers)


def _by_hand(sku: Sku) -> list[int]:
    """What of it people would have brought: all of it, which is 0, or parts."""
    if sku.kind == "manual":
        return [0]
    return [number for number, part in enumerate(sku.parts, 1) if part.kind == "manual"]


def play_goods(order: Standing) -> Answer:
    """The same for the same order."""
    return Answer(f"演示内容 PLAY GOODS {order.order_id}, × {order.quantity}")
