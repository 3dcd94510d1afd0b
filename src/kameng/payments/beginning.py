"""Beginning a payment: an attempt's row is committed, its provider asked, and what it answered is written down.

Only what was surely not begun is tried through another channel, twice at most and within eight seconds. What got no
answer is asked about with its own number, and never tried elsewhere by itself. Whom the router left between the choice
and the call is not called.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any

import msgspec

from kameng import channels, routing
from kameng.channels import Begun, Method, Outcome, Scene, Shown
from kameng.identity import Nonce, Organisation
from kameng.kit import clock, ids, logs
from kameng.kit.errors import Refusal
from kameng.kit.money import MINOR_E4
from kameng.payments import store
from kameng.payments.cashier import Cashier
from kameng.payments.choosing import LEFT
from kameng.payments.confirming import query_now
from kameng.payments.errors import BadPayment, NoSuchPayment, PaymentUnknown
from kameng.payments.model import Kind, Payable, Payment, State
from kameng.payments.owning import funds_of, owners
from kameng.payments.starting import Collection, Opened, Wanted
from kameng.routing import CASCADE_AFTER, TRIES_MAX, Logged, NoChannel, Snapshot

CASCADE_S = 8.0
CALL_S = 12.0
SUBJECT_BYTES_MAX = 127
REF_CHARS_MAX = 64
log = logs.get_logger(__name__)


class Payer(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of whoever pays, for the provider."""

    client_ip: str = "127.0.0.1"
    return_url: str = ""
    auth_code: str = ""  # of his payment code
    payer_id: str = ""  # his openid, for ``jsapi``
    channel_id: int | None = None  # the account that knows him by it
    subject: str = ""  # what he reads
    is_elsewhere: bool = False  # what he is shown already does not work for him: through another channel
    device: str = ""  # desktop, phone, wechat; this and what follows for rules, as far as it is known
    region: str = ""
    bank: str = ""
    bin: str = ""  # how his card's number begins


class Begin(msgspec.Struct, frozen=True):
    """An attempt as its payer sees it."""

    payment: Payment
    payable: Payable

    @property
    def shown(self) -> Shown | None:
        return self.payment.shown


async def ways_to_pay(
    cashier: Cashier, organisation: Organisation, amount_e4: int, *, agent_id: int = 0, device: str = "",
    region: str = "",
) -> frozenset[tuple[Method, Scene]]:  # fmt: skip
    """What a channel could take now of this payer; one of them may still refuse when it is asked. ``agent_id``: in
    whose shop he buys, whose own channels may take it. ``device`` and ``region`` as in the ``Payer`` that will begin
    it: by the same words the same rules hold, so that what is offered is not refused by one of them."""
    known = cashier.channels
    await known.refresh()
    asked = owners(known.own, agent_id)
    if agent_id in asked and agent_id:
        async with cashier.db.connection() as connection:
            funds = await funds_of(connection, ids.lane_of(agent_id), [agent_id])
        asked = tuple(one for one in asked if not one or funds.get(one, 0) >= amount_e4)
    request = routing.Request(
        payment_id=0, method="", scene="", amount_minor=amount_e4 // MINOR_E4, currency=organisation.currency,
        merchant_id=organisation.org_id, device=device, region=region,
    )  # fmt: skip
    found: set[tuple[Method, Scene]] = set()
    for owner in asked:
        snapshot = Snapshot(at_ms=clock.now_ms(), views=(), usages=known.usages(owner))
        offered = routing.offered(known.books[owner], request, snapshot)
        found |= {(Method(method), Scene(scene)) for method, scene in offered}
    return frozenset(found)


async def begin_order(
    cashier: Cashier, organisation: Organisation, order_id: int, *, method: Method, scene: Scene, payer: Payer,
    wallet_e4: int = 0, nonce: Nonce | None = None,
) -> Begin:  # fmt: skip
    """Begin to pay an order of this organisation, or of a guest of it; ``wallet_e4`` of it from its wallet. The nonce
    of a signed request is spent with it; ``NonceUsed``."""
    if wallet_e4 < 0:
        raise BadPayment("wallet: not below zero", field="wallet", detail_zh="钱包：不能为负")
    wish = Wanted(
        org_id=organisation.org_id, currency=organisation.currency, method=method, scene=scene, order_id=order_id,
        wallet_e4=wallet_e4, agent_id=organisation.parent_id or 0, nonce=nonce, **_of(payer),
    )  # fmt: skip
    return await _begin(cashier, organisation.lane, wish, payer)


async def begin_recharge(
    cashier: Cashier, organisation: Organisation, amount_e4: int, *, client_ref: str, method: Method, scene: Scene,
    payer: Payer, nonce: Nonce | None = None,
) -> Begin:  # fmt: skip
    """Begin to pay into this organisation's wallet; the same reference is the same recharge."""
    if not (client_ref.strip() and len(client_ref) <= REF_CHARS_MAX and client_ref.isprintable()):
        raise BadPayment(
            f"1 to {REF_CHARS_MAX} printable characters", field="client_ref",
            detail_zh=f"外部单号：应为 1 至 {REF_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    wish = Wanted(
        org_id=organisation.org_id, currency=organisation.currency, method=method, scene=scene, amount_e4=amount_e4,
        client_ref=client_ref, nonce=nonce, **_of(payer),
    )  # fmt: skip
    return await _begin(cashier, organisation.lane, wish, payer)


async def begin_collection(
    cashier: Cashier, organisation: Organisation, collection: Collection, *, method: Method, scene: Scene, payer: Payer
) -> Begin:
    """Begin to pay what a customer of this organisation's own shop owes it; the same number is the same collection."""
    wish = Wanted(
        org_id=organisation.org_id, currency=organisation.currency, method=method, scene=scene, collection=collection,
        **_of(payer),
    )  # fmt: skip
    return await _begin(cashier, organisation.lane, wish, payer)


def _of(payer: Payer) -> dict[str, Any]:
    """What the choice of a channel may look at."""
    return {
        "is_once": bool(payer.auth_code), "is_elsewhere": payer.is_elsewhere, "device": payer.device,
        "region": payer.region, "bank": payer.bank, "bin": payer.bin,
        "known_to": payer.channel_id or 0,
    }  # fmt: skip


async def _begin(cashier: Cashier, lane: int, wish: Wanted, payer: Payer) -> Begin:
    until_s = time.monotonic() + CASCADE_S
    while True:
        opened = await cashier.open(lane, wish)
        if isinstance(opened, Refusal):
            raise NoChannel if wish.refused and isinstance(opened, NoChannel) else opened
        if opened.decision is None:
            return Begin(opened.payment, opened.payable)
        wish = msgspec.structs.replace(wish, nonce=None)  # it is spent
        begun = await _ask(cashier, opened, opened.decision, payer)
        payment = after_call(opened.payment, begun, clock.now())
        await cashier.note(lane, payment)
        if begun.code == LEFT:
            continue
        if begun.outcome in CASCADE_AFTER:
            wish = msgspec.structs.replace(wish, refused=(*wish.refused, opened.payment.channel_id))
            if len(wish.refused) >= TRIES_MAX or time.monotonic() >= until_s:
                raise NoChannel
            continue
        if begun.outcome is Outcome.declined_user:
            raise BadPayment(begun.message[:100], field="method", detail_zh="付款被拒绝，请更换支付方式")
        if begun.outcome is Outcome.paid:
            payment = await query_now(cashier, payment.payment_id)  # a payment code, paid at once: its record says so
        elif payment.state is State.unknown:
            raise PaymentUnknown
        return Begin(payment, opened.payable)


async def _ask(cashier: Cashier, opened: Opened, decision: Logged, payer: Payer) -> Begun:
    """The call, and what the router learns of it; none if its channel was left meanwhile."""
    router, payment_id = cashier.router, opened.payment.payment_id
    if router.has_left(decision):
        return Begun(outcome=Outcome.refused_channel, code=LEFT)
    router.began(payment_id, decision.choice, decision.request)
    begun = await _call(cashier, opened, payer)
    router.ended(payment_id, begun.outcome)
    return begun


async def _call(cashier: Cashier, opened: Opened, payer: Payer) -> Begun:
    """Ask the provider; whatever goes wrong, it may have been begun."""
    payment, payable = opened.payment, opened.payable
    adapter = await cashier.channels.adapter(payment.channel_id)
    if adapter is None:
        return Begun(outcome=Outcome.refused_config, code="not_opened")
    title = payer.subject or (f"订单 {payable.payable_id}" if payable.kind is Kind.order else "账户充值")
    asked = channels.Payment(
        payment_no=payment.payment_no, method=payment.method, scene=payment.scene,
        amount_minor=payment.amount_e4 // MINOR_E4, currency=payment.currency,
        subject=title.encode()[:SUBJECT_BYTES_MAX].decode("utf-8", "ignore"),
        notify_url=cashier.notify_url(payment.channel_id), return_url=payer.return_url, expires_at=payment.expires_at,
        begun_at=payment.begun_at, client_ip=payer.client_ip, auth_code=payer.auth_code, payer_id=payer.payer_id,
    )  # fmt: skip
    try:
        async with asyncio.timeout(CALL_S):
            return await adapter.begin(asked)
    except Exception as error:  # no adapter should
        log.error("a payment's call broke", error=error, payment_no=payment.payment_no)
        return Begun(outcome=Outcome.unknown)


def after_call(payment: Payment, begun: Begun, at: datetime) -> Payment:
    """Where an attempt stands after its provider's answer. Pure."""
    states = {Outcome.accepted: State.waiting, Outcome.paid: State.waiting, Outcome.done: State.waiting,
              Outcome.unknown: State.unknown}  # fmt: skip
    state = states.get(begun.outcome, State.failed)
    return msgspec.structs.replace(
        payment, state=state, shown=begun.shown, provider_no=begun.provider_no, code=begun.code[:100],
        closed_at=at if state is State.failed else None,
    )  # fmt: skip


async def find_payable(cashier: Cashier, organisation: Organisation, payable_id: int) -> Payable | None:
    """What one of this organisation's orders or recharges takes to be paid; None: nobody has begun to."""
    async with cashier.db.connection() as connection:
        found = (await store.read_payables(connection, organisation.lane, [payable_id])).get(payable_id)
    return found if found is not None and found.org_id == organisation.org_id else None


async def find_payments(cashier: Cashier, organisation: Organisation, payable_id: int) -> list[Payment]:
    """Every attempt to pay one of this organisation's orders or recharges, in order."""
    lane = organisation.lane
    if ids.lane_of(payable_id) != lane:
        raise NoSuchPayment
    async with cashier.db.connection() as connection:
        found = await store.attempts_of(connection, lane, [payable_id])
    if not found or found[0].org_id != organisation.org_id:
        raise NoSuchPayment
    return found
