"""Paying through a channel: an order that awaits it, or into the caller's own wallet."""

from __future__ import annotations

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import UNSET

from kameng import channels, payments
from kameng.identity import Caller, Nonce, Scope
from kameng.kit import clock, money, places
from kameng.ledger import InsufficientBalance
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import AnyRequest, answer, arrival_of, signed
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.payments_model import (
    PayBody,
    PaymentsAnswer,
    PaymentView,
    RechargeBody,
    RechargesAnswer,
    RechargesQuery,
    RechargeView,
    ShownBody,
)  # fmt: skip
from kameng.openapi.v1.reading import body_of, first_page, id_of, parse_cursor, query_of
from kameng.orders import ID_MAX, OrderNotFound

ORDER_ID = {"order_id": "The order's id."}
RECHARGE_ID = {"recharge_id": "The recharge's id."}
BEGINNING = (
    payments.BadPayment, payments.NotPayable, payments.NoChannel, payments.PaymentUnknown, payments.TooManyAttempts,
)  # fmt: skip
PAY = "/api/v1/orders/{order_id}/payments"
"""As its answers are counted."""
_pay_decoder = msgspec.json.Decoder(PayBody)
_recharge_decoder = msgspec.json.Decoder(RechargeBody)


@post(
    "/api/v1/orders/{order_id:str}/payments",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="payOrder", tag="orders", zh="支付订单", en="Pay an order through a channel",
        text="Of an order that awaits its payment. The same way to pay again is answered with what was shown; another "
        "way, or `another`, closes the one before: money that still comes there goes back by itself. Signed like a "
        "write.",
        scope=Scope.orders_place, write=True, path=ORDER_ID, body=PayBody, body_example=examples.PAY_BODY,
        refusals=(OrderNotFound, InsufficientBalance, *BEGINNING),
        replies=(Reply(200, PaymentView, "What the payer is shown.", examples.PAYMENT),),
    ),
)  # fmt: skip
async def pay_order(request: AnyRequest, order_id: FromPath[str]) -> Response[bytes]:
    """What does not come by the door of paying (``openapi.paying``): a path of an unusual form."""
    arrival = arrival_of(request)
    begun = await begin(arrival.parts.cashier, arrival.caller, arrival.nonce, order_id, arrival.body)
    return answer(arrival, view(begun.payment))


async def begin(
    cashier: payments.Cashier, caller: Caller, nonce: Nonce | None, order_id: str, body: bytes
) -> payments.Begin:
    """Begin to pay an order as a signed request asks for it."""
    sent = body_of(body, _pay_decoder)
    return await payments.begin_order(
        cashier, caller.organisation, id_of(order_id, OrderNotFound), method=channels.Method(sent.method),
        scene=channels.Scene(sent.scene), payer=await _payer(caller, sent),
        wallet_e4=0 if sent.wallet is UNSET else money.parse_e4(sent.wallet), nonce=nonce,
    )  # fmt: skip


@get(
    "/api/v1/orders/{order_id:str}/payments",
    guards=[signed],
    opt=says(
        operation="listPayments", tag="orders", zh="订单付款记录", en="The payments of an order",
        text="Every attempt, in order; the order itself says whether it is paid.", scope=Scope.orders_read,
        path=ORDER_ID, refusals=(payments.NoSuchPayment,),
        replies=(Reply(200, PaymentsAnswer, "The attempts.", examples.PAYMENTS),),
    ),
)  # fmt: skip
async def list_payments(request: AnyRequest, order_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    found = await payments.find_payments(
        arrival.parts.cashier, arrival.caller.organisation, id_of(order_id, payments.NoSuchPayment)
    )
    return answer(arrival, PaymentsAnswer([view(one) for one in found]))


@post(
    "/api/v1/recharges",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="recharge", tag="money", zh="在线充值", en="Recharge your wallet",
        text="Through a channel; what is given on top is promised when it begins. The same `client_ref` is the same "
        "recharge; another way, or `another`, closes the payment before. It may be paid for half an hour; money that "
        "comes later is credited too. Signed like a write.",
        scope=Scope.orders_place, write=True, body=RechargeBody, body_example=examples.RECHARGE_BODY,
        refusals=(payments.RechargeReused, *BEGINNING),
        replies=(Reply(200, RechargeView, "What the payer is shown.", examples.RECHARGE),),
    ),
)  # fmt: skip
async def recharge(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    sent = body_of(arrival.body, _recharge_decoder)
    begun = await payments.begin_recharge(
        arrival.parts.cashier, arrival.caller.organisation, money.parse_e4(sent.amount), client_ref=sent.client_ref,
        method=channels.Method(sent.method), scene=channels.Scene(sent.scene), payer=await _payer(arrival.caller, sent),
        nonce=arrival.nonce,
    )  # fmt: skip
    return answer(arrival, recharge_view(begun.payable, [begun.payment]))


@get(
    "/api/v1/recharges",
    guards=[signed],
    opt=says(
        operation="listRecharges", tag="money", zh="充值记录", en="Your recharges",
        text="Newest first, without their payments.", scope=Scope.balance_read, query=RechargesQuery,
        replies=(Reply(200, RechargesAnswer, "A page of recharges.", examples.RECHARGES),),
    ),
)  # fmt: skip
async def list_recharges(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    query = query_of(arrival.query, RechargesQuery)
    found = await payments.list_recharges(
        arrival.parts.db, arrival.caller.organisation,
        before_id=ID_MAX if query.cursor is UNSET else parse_cursor(query.cursor), limit=query.limit + 1,
    )  # fmt: skip
    shown, next_cursor = first_page(found, query.limit, lambda one: one.payable_id)
    return answer(arrival, RechargesAnswer([recharge_view(one, []) for one in shown], next_cursor))


@get(
    "/api/v1/recharges/{recharge_id:str}",
    guards=[signed],
    opt=says(
        operation="findRecharge", tag="money", zh="单笔充值", en="One recharge", scope=Scope.balance_read,
        path=RECHARGE_ID, refusals=(payments.NoSuchPayment,),
        replies=(Reply(200, RechargeView, "As it stands, with its payments.", examples.RECHARGE),),
    ),
)  # fmt: skip
async def find_recharge(request: AnyRequest, recharge_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    organisation = arrival.caller.organisation
    found = await payments.find_recharge(arrival.parts.db, organisation, id_of(recharge_id, payments.NoSuchPayment))
    attempts = await payments.find_payments(arrival.parts.cashier, organisation, found.payable_id)
    return answer(arrival, recharge_view(found, attempts))


async def _payer(caller: Caller, sent: PayBody) -> payments.Payer:
    """What the caller knows of him. Its own address says nothing of where its customer is."""
    return payments.Payer(
        client_ip=caller.ip if sent.client_ip is UNSET else sent.client_ip,
        return_url="" if sent.return_url is UNSET else sent.return_url,
        auth_code="" if sent.auth_code is UNSET else sent.auth_code,
        payer_id="" if sent.payer_id is UNSET else sent.payer_id, is_elsewhere=sent.another,
        device="" if sent.device is UNSET else sent.device,
        region="" if sent.client_ip is UNSET else await places.region_of(sent.client_ip),
        bank="" if sent.bank is UNSET else sent.bank, bin="" if sent.bin is UNSET else sent.bin,
    )  # fmt: skip


def view(one: payments.Payment) -> PaymentView:
    """An attempt as its payer sees it: nothing of its channel but what the provider shows."""
    shown = one.shown if one.state is payments.State.waiting else None
    return PaymentView(
        str(one.payment_id), one.payment_no, one.attempt, one.method.value, one.scene.value,
        money.format_e4(one.amount_e4), one.currency, one.state.value, money.format_e4(one.refunded_e4),
        clock.rfc3339(one.expires_at), None if one.paid_at is None else clock.rfc3339(one.paid_at),
        None if shown is None else ShownBody(shown.kind, shown.text, dict(shown.fields)),
    )  # fmt: skip


def recharge_view(one: payments.Payable, attempts: list[payments.Payment]) -> RechargeView:
    """A recharge with its payments."""
    return RechargeView(
        str(one.payable_id), one.client_ref or "", money.format_e4(one.amount_e4), money.format_e4(one.bonus_e4),
        one.currency, one.state, clock.rfc3339(one.expires_at), [view(attempt) for attempt in attempts],  # type: ignore[arg-type]
    )  # fmt: skip
