"""代收: money that channels bring for an organisation's own shop; how it stands, its end, and giving it back.

What goes back is taken from the wallet first, at once: from then on the house owes it to the customer, and sees
to it as to every refund to its origin. What the house kept as its fee stays with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kameng import ledger
from kameng.identity import Organisation
from kameng.kit import clock, ids, jobs, lanes
from kameng.kit.db import Connection
from kameng.kit.money import MINOR_E4
from kameng.ledger import House, Leg, house_account
from kameng.payments import store
from kameng.payments.errors import BadPayment, NoSuchPayment, NotPayable, NotRefundableNow, RefundReused
from kameng.payments.model import Kind, Payable, Payment, Refund, id_of_number, refund_of
from kameng.payments.opening import Workplace
from kameng.payments.taking import QUERY_JOB, REFUND_JOB


class Collected(msgspec.Struct, frozen=True):
    """How a collection stands: the payment that paid it, and what goes back of it."""

    payable: Payable
    payment: Payment | None = None
    refunds: tuple[Refund, ...] = ()

    @property
    def is_paid(self) -> bool:
        return self.payment is not None

    @property
    def refunded_e4(self) -> int:
        """On its way back, or there."""
        return sum(one.amount_e4 for one in self.refunds)


async def read_collections(connection: Connection, lane: int, collection_ids: Sequence[int]) -> dict[int, Collected]:
    """Those that somebody began to pay, by number."""
    if not collection_ids:
        return {}
    payables = await store.read_payables(connection, lane, collection_ids)
    paid_by = [one.payment_id for one in payables.values() if one.payment_id is not None]
    payments = await store.read_payments(connection, lane, paid_by) if paid_by else {}
    refunds: dict[int, list[Refund]] = {}
    for one in await store.refunds_of(connection, lane, paid_by) if paid_by else []:
        refunds.setdefault(one.payable_id, []).append(one)
    return {
        number: Collected(one, payments.get(one.payment_id or 0), tuple(refunds.get(number, ())))
        for number, one in payables.items()
        if one.kind is Kind.collection
    }


async def end_collection(connection: Connection, lane: int, collection_id: int) -> None:
    """Nobody begins to pay it any more, and what was begun is closed at its provider. ``NotPayable`` if it is paid.
    The caller holds the gate; money that comes all the same is taken as ever."""
    payable = (await store.read_payables(connection, lane, [collection_id])).get(collection_id)
    if payable is None or payable.state == "closed":
        return
    if payable.state == "paid":
        raise NotPayable
    await store.end_payables(connection, lane, clock.now(), {collection_id: None})
    open_ones = [one for one in await store.attempts_of(connection, lane, [collection_id]) if one.is_open]
    if open_ones:
        await jobs.withdraw(connection, lane, [jobs.NewJob(QUERY_JOB, one.payment_id) for one in open_ones])
        again = [jobs.NewJob(QUERY_JOB, one.payment_id, {"step": 0, "close": True}) for one in open_ones]
        await jobs.add(connection, lane, again, (await lanes.pass_gate(connection, lane, id_count=len(again))).ids)


async def give_back_collection(
    place: Workplace, organisation: Organisation, collection_id: int, amount_e4: int, *, key: str, reason: str = ""
) -> Refund:
    """From the organisation's wallet to where it came from; the same key is the same refund.

    ``InsufficientBalance`` if the wallet has not so much, ``NotRefundableNow`` for more than was paid.
    """
    if amount_e4 <= 0 or amount_e4 % MINOR_E4:
        raise BadPayment("amount: above zero, in whole fen", field="amount", detail_zh="金额：应大于 0，且最多两位小数")
    lane = organisation.lane
    async with place.db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=3)
        known = await store.refund_by_key(connection, lane, key)
        if known is not None:
            if (known.payable_id, known.amount_e4) != (collection_id, amount_e4):
                raise RefundReused
            return known
        payment = await _payment_of(connection, organisation, collection_id)
        refunds = await store.refunds_of(connection, lane, [payment.payment_id])
        if (payment.paid_e4 or 0) - sum(one.amount_e4 for one in refunds) < amount_e4:
            raise NotRefundableNow
        refund = refund_of(payment, passage.ids[0], amount_e4, key, Kind.collection.value, reason=reason)
        suspense = house_account(House.suspense, payment.currency)
        leg = Leg(f"collection_refund:{refund.refund_no}", organisation.org_id, suspense, amount_e4,
                  "collection_refund", collection_id)  # fmt: skip
        ledger.standing(await ledger.post_chain(connection, lane, [leg], passage.ids[1:2]))
        await store.insert_refunds(connection, lane, clock.now(), [refund])
        await jobs.add(connection, lane, [jobs.NewJob(REFUND_JOB, refund.refund_id)], passage.ids[2:])
    return refund


async def find_collection_refund(
    connection: Connection, lane: int, *, key: str = "", refund_no: str = ""
) -> Refund | None:
    """By the key that it was asked for with, or by its number."""
    if key:
        return await store.refund_by_key(connection, lane, key)
    number = id_of_number(refund_no)
    return None if number is None else (await store.read_refunds(connection, lane, [number])).get(number)


async def _payment_of(connection: Connection, organisation: Organisation, collection_id: int) -> Payment:
    lane = organisation.lane
    found = None
    if ids.lane_of(collection_id) == lane:
        found = (await read_collections(connection, lane, [collection_id])).get(collection_id)
    if found is None or found.payable.org_id != organisation.org_id:
        raise NoSuchPayment
    if found.payment is None:
        raise NotRefundableNow
    return found.payment
