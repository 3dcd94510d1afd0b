"""Opening attempts: many of a lane in one transaction, each a row that stands before its provider is asked. What
providers answered to earlier ones is written by the same transaction, first.

Gate, reads, one decision each, writes. The same payer who asks again for the same way to pay gets what he was
shown; who asks for another way gets another attempt, and the one before is closed at its provider.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from kameng import identity, ledger, orders, routing
from kameng.channels import Method, Scene
from kameng.identity import Nonce, NonceUsed
from kameng.kit import clock, jobs, lanes
from kameng.kit.db import Connection
from kameng.kit.errors import Refusal
from kameng.kit.money import MINOR_E4
from kameng.ledger import House, InsufficientBalance, LedgerRefused, Leg, house_account
from kameng.payments import starting_store, store
from kameng.payments.choosing import tried_of
from kameng.payments.errors import BadPayment, NotPayable, RechargeReused, TooManyAttempts
from kameng.payments.model import (
    QUERY_AFTER_S,
    Kind,
    Payable,
    Payment,
    State,
    bonus_of,
    fee_of,
)
from kameng.payments.opening import Workplace
from kameng.payments.owning import funds_of, owners
from kameng.payments.taking import LAPSE_JOB, QUERY_JOB
from kameng.routing import Logged, NoChannel, Tried

ATTEMPTS_MAX = 20
RECHARGE_S = 1800
"""How long a recharge may be paid."""
IDS_EACH = 4
"""Dealt for a wish: what is to be paid, the attempt, and jobs about them."""


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer of an organisation's own shop is to pay: into its wallet, less what the house keeps."""

    collection_id: int
    amount_e4: int
    fee_e4: int
    expires_at: datetime


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to pay something. ``order_id``, a recharge's amount and reference, or a ``collection``."""

    org_id: int
    currency: str
    method: Method
    scene: Scene
    order_id: int | None = None
    amount_e4: int = 0
    client_ref: str | None = None
    wallet_e4: int = 0  # of it from the payer's wallet
    is_once: bool = False  # a payment code: never shown again
    is_elsewhere: bool = False  # not what is shown already: another channel
    refused: tuple[int, ...] = ()  # by these channels, since its payer asked
    agent_id: int = 0  # in whose shop it was bought: his own channels may take it
    device: str = ""
    region: str = ""
    bank: str = ""
    bin: str = ""
    known_to: int = 0  # the one account that knows its payer; 0: any takes him
    collection: Collection | None = None
    nonce: Nonce | None = None  # of the signed request that it came with


class Opened(msgspec.Struct, frozen=True):
    """An attempt. With a decision it is new: its provider has to be asked."""

    payment: Payment
    payable: Payable
    decision: Logged | None = None


class _Room(msgspec.Struct):
    """What a batch of wishes read, moved forward by each of them."""

    lane: int
    at: datetime
    payables: dict[int, Payable]
    attempts: dict[int, list[Payment]]
    standings: Mapping[int, orders.Standing]
    recharges: dict[tuple[int, str], Payable]
    new_payables: list[Payable] = []
    new_payments: list[Payment] = []
    decisions: dict[int, Logged] = {}
    funds: Mapping[int, int] = {}  # of agents whose own channels may be asked
    waiting: list[jobs.NewJob] = []
    gone: list[jobs.NewJob] = []


async def start(
    place: Workplace, lane: int, wishes: Sequence[Wanted], answered: Sequence[Payment] = ()
) -> list[Opened | Refusal]:
    """One answer for each wish, after the commit. ``answered``: attempts as their providers' answers leave them; what
    was decided meanwhile stands as it is."""
    if wishes:
        await place.channels.refresh()
    async with place.db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=IDS_EACH * len(wishes))
        if answered:
            await _write_answers(connection, lane, answered)
        return await _start(place, connection, passage, wishes) if wishes else []


async def _start(
    place: Workplace, connection: Connection, passage: lanes.Passage, wishes: Sequence[Wanted]
) -> list[Opened | Refusal]:
    lane = passage.lane
    room = await _read(connection, lane, wishes)
    own = {wish.agent_id for wish in wishes if wish.agent_id in place.channels.own}
    room.funds = await funds_of(connection, lane, own) if own else {}
    # Here, for a transaction of its own costs as much as all the rest.
    unspent = await identity.spend_unspent(connection, lane, [wish.nonce for wish in wishes])
    fresh = iter(passage.ids)
    answers = [
        await _start_one(place, connection, room, fresh, wish) if is_unspent else NonceUsed()
        for wish, is_unspent in zip(wishes, unspent, strict=True)
    ]
    await _write(connection, room, list(fresh))
    return answers


async def _read(connection: Connection, lane: int, wishes: Sequence[Wanted]) -> _Room:
    order_ids = {wish.order_id for wish in wishes if wish.order_id is not None}
    known_ids = order_ids | {wish.collection.collection_id for wish in wishes if wish.collection is not None}
    payables = await store.read_payables(connection, lane, known_ids) if known_ids else {}
    recharges = {}
    for wish in wishes:
        if wish.client_ref is not None:
            found = await store.find_recharge(connection, lane, wish.org_id, wish.client_ref)
            if found is not None:
                recharges[wish.org_id, wish.client_ref] = payables[found.payable_id] = found
    attempts: dict[int, list[Payment]] = {}
    for one in await store.attempts_of(connection, lane, list(payables)) if payables else []:
        attempts.setdefault(one.payable_id, []).append(one)
    standings = await orders.read_standing(connection, lane, list(order_ids)) if order_ids else {}
    return _Room(lane, clock.now(), payables, attempts, standings, recharges)


async def _start_one(
    place: Workplace, connection: Connection, room: _Room, fresh: Iterator[int], wish: Wanted
) -> Opened | Refusal:
    try:
        payable = await _payable_of(place, connection, room, fresh, wish)
        before = room.attempts.get(payable.payable_id, [])
        again = next((one for one in reversed(before) if _shows_again(one, wish, room.at)), None)
        if again is not None:
            return Opened(again, payable)
        if len(before) >= ATTEMPTS_MAX:
            raise TooManyAttempts
        payment, decision = _attempt(place, room, next(fresh), payable, wish, before)
    except Refusal as refusal:
        return refusal
    for one in before:  # another way to pay: the ways before are closed
        if one.is_open:
            room.gone.append(jobs.NewJob(QUERY_JOB, one.payment_id))
            room.waiting.append(jobs.NewJob(QUERY_JOB, one.payment_id, {"step": 0, "close": True}, room.at))
    room.attempts.setdefault(payable.payable_id, []).append(payment)
    payable = msgspec.structs.replace(payable, attempts=payable.attempts + 1)
    room.payables[payable.payable_id] = payable
    room.new_payments.append(payment)
    room.decisions[payment.payment_id] = decision
    due_at = room.at + timedelta(seconds=QUERY_AFTER_S[0])
    room.waiting.append(jobs.NewJob(QUERY_JOB, payment.payment_id, {"step": 0}, due_at))
    return Opened(payment, payable, decision)


def _shows_again(one: Payment, wish: Wanted, at: datetime) -> bool:
    return (
        one.state is State.waiting and one.shown is not None and at < one.expires_at
        and not wish.is_once and not wish.is_elsewhere and (one.method, one.scene) == (wish.method, wish.scene)
    )  # fmt: skip


async def _payable_of(
    place: Workplace, connection: Connection, room: _Room, fresh: Iterator[int], wish: Wanted
) -> Payable:
    """What is to be paid: as it stands, or from now on."""
    if wish.collection is not None:
        return _collection_of(room, wish, wish.collection)
    if wish.order_id is None:
        return _recharge_of(place, room, fresh, wish)
    order = room.standings.get(wish.order_id)
    if order is None or order.org_id != wish.org_id:
        raise orders.OrderNotFound
    if not order.is_awaited or order.expires_at is None or order.expires_at <= room.at:
        raise NotPayable(f"the order is {order.state}", detail_zh=f"订单当前状态为 {order.state}")
    payable = room.payables.get(order.order_id)
    if payable is not None:
        if payable.state != "open":
            raise NotPayable
        return payable
    if wish.wallet_e4 and order.is_guest:
        raise BadPayment("wallet: a guest has none", field="wallet", detail_zh="钱包：游客没有钱包")
    _check_amount(order.total_e4 - wish.wallet_e4, "wallet" if wish.wallet_e4 else "amount")
    payable = Payable(
        order.order_id, Kind.order, order.org_id, order.total_e4, order.currency, wish.wallet_e4, None, 0, None, 0,
        "open", None, order.expires_at, room.at,
    )  # fmt: skip
    if wish.wallet_e4:
        payable = msgspec.structs.replace(
            payable, hold_id=await _hold(connection, room.lane, payable, payer_id=order.payer_id)
        )
        room.waiting.append(jobs.NewJob(LAPSE_JOB, order.order_id, due_at=order.expires_at + timedelta(seconds=5)))
    return _add(room, payable)


def _add(room: _Room, payable: Payable) -> Payable:
    room.payables[payable.payable_id] = payable
    room.new_payables.append(payable)
    return payable


def _check_amount(amount_e4: int, field: str) -> None:
    if amount_e4 <= 0 or amount_e4 % MINOR_E4:
        raise BadPayment(
            "what a channel brings is above zero, in whole fen", field=field,
            detail_zh="通道支付部分应大于 0，且最多两位小数",
        )  # fmt: skip


async def _hold(connection: Connection, lane: int, payable: Payable, *, payer_id: int) -> int:
    if payer_id != payable.org_id:
        raise BadPayment("wallet: this order is not yours to pay so", field="wallet", detail_zh="钱包：不能用于该订单")
    passage = await lanes.pass_gate(connection, lane, id_count=1)
    leg = Leg(
        f"payment_wallet:{payable.payable_id}:hold", payer_id, house_account(House.clearing, payable.currency),
        payable.wallet_e4, "payment_wallet", payable.payable_id, "hold",
    )  # fmt: skip
    try:
        return ledger.standing(await ledger.post_chain(connection, lane, [leg], passage.ids)).transfer_id
    except (InsufficientBalance, LedgerRefused) as refusal:
        refusal.field = "wallet"
        raise


def _recharge_of(place: Workplace, room: _Room, fresh: Iterator[int], wish: Wanted) -> Payable:
    assert wish.client_ref is not None
    known = room.recharges.get((wish.org_id, wish.client_ref))
    if known is not None:
        if known.amount_e4 != wish.amount_e4:
            raise RechargeReused(field="client_ref")
        if known.state != "open" or known.expires_at <= room.at:
            raise NotPayable
        return known
    _check_amount(wish.amount_e4, "amount")
    payable = Payable(
        next(fresh), Kind.recharge, wish.org_id, wish.amount_e4, wish.currency, 0, None,
        bonus_of(place.channels.bonuses, wish.amount_e4, room.at), wish.client_ref, 0, "open", None,
        room.at + timedelta(seconds=RECHARGE_S), room.at,
    )  # fmt: skip
    room.recharges[wish.org_id, wish.client_ref] = payable
    return _add(room, payable)


def _collection_of(room: _Room, wish: Wanted, asked: Collection) -> Payable:
    known = room.payables.get(asked.collection_id)
    if known is not None:
        if known.state != "open" or known.expires_at <= room.at:
            raise NotPayable
        return known
    if asked.expires_at <= room.at:
        raise NotPayable
    _check_amount(asked.amount_e4, "amount")
    return _add(room, Payable(
        asked.collection_id, Kind.collection, wish.org_id, asked.amount_e4, wish.currency, 0, None, 0, None, 0, "open",
        None, asked.expires_at, room.at, fee_e4=asked.fee_e4,
    ))  # fmt: skip


def _attempt(
    place: Workplace, room: _Room, payment_id: int, payable: Payable, wish: Wanted, before: Sequence[Payment]
) -> tuple[Payment, Logged]:
    known, router = place.channels, place.router
    request = _request_of(payment_id, payable, wish, before)
    able = [one for one in owners(known.own, wish.agent_id) if not one or room.funds.get(one, 0) >= payable.rest_e4]
    if not able:
        raise NoChannel(field="method")
    for owner in able:
        decision = router.choose(known.books[owner], known.usages(owner), request)
        if decision.choice.channel_id:
            break
    if not decision.choice.channel_id:
        raise NoChannel(field="method")
    channel = known.accounts[decision.choice.channel_id]
    known.reserve(channel.channel_id, payable.rest_e4)
    payment = Payment(
        payment_id, payable.payable_id, payable.org_id, channel.channel_id, len(before) + 1, wish.method, wish.scene,
        payable.rest_e4, payable.currency, fee_of(channel, payable.rest_e4), State.created, None, None, 0, "", "", "",
        None, room.at, payable.expires_at,
    )  # fmt: skip
    return payment, decision


def _request_of(payment_id: int, payable: Payable, wish: Wanted, before: Sequence[Payment]) -> routing.Request:
    """After refusals the next channel follows by itself; otherwise whoever tried before asks again."""
    if wish.refused:
        tried = tuple(Tried(channel_id, "refused_channel") for channel_id in wish.refused)
    else:
        tried = tried_of(before, (wish.method, wish.scene))
    return routing.Request(
        payment_id=payment_id, method=wish.method.value, scene=wish.scene.value,
        amount_minor=payable.rest_e4 // MINOR_E4, currency=payable.currency, merchant_id=payable.org_id,
        device=wish.device, region=wish.region, bank=wish.bank, bin=wish.bin, tried=tried, known_to=wish.known_to,
        is_asked_again=not wish.refused,
    )  # fmt: skip


async def _write(connection: Connection, room: _Room, job_ids: Sequence[int]) -> None:
    """``job_ids``: those that the gate dealt and nobody took."""
    new = [room.payables[one.payable_id] for one in room.new_payables]
    if room.gone:
        await jobs.withdraw(connection, room.lane, room.gone)
    if new or room.new_payments:
        await starting_store.open_payments(
            connection, room.lane, room.at, clock.china_day(), new, room.new_payments, room.decisions
        )
        known = {one.payable_id for one in room.new_payments} - {one.payable_id for one in new}
        if known:
            await starting_store.count_attempts(connection, room.lane, sorted(known))
    if room.waiting:
        if len(job_ids) < len(room.waiting):  # ways before are closed: rare, and many at once
            job_ids = (await lanes.pass_gate(connection, room.lane, id_count=len(room.waiting))).ids
        await jobs.add(connection, room.lane, room.waiting, job_ids[: len(room.waiting)])


async def _write_answers(connection: Connection, lane: int, answered: Sequence[Payment]) -> None:
    await starting_store.set_begun(connection, lane, answered)
    failed = [jobs.NewJob(QUERY_JOB, one.payment_id) for one in answered if one.state is State.failed]
    if failed:
        await jobs.withdraw(connection, lane, failed)
