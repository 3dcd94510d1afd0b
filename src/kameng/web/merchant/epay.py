"""易支付接口: an organisation's account at the house's epay site, and what its own shops were paid through it."""

from __future__ import annotations

import re
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import epay, payments
from kameng.epay import Account, Given, Trade
from kameng.kit import clock
from kameng.kit.errors import Refusal
from kameng.payments import Collected
from kameng.web import forms
from kameng.web.answering import message_of, page, way_on
from kameng.web.errors import NoSuchPage, SwitchedOff
from kameng.web.forms import Field, Filled
from kameng.web.merchant import lists
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

PATH = "/merchant/epay"
MAY = {"face": "merchant", "act": "money.view"}
KEYS = {"face": "merchant", "act": "keys", "proof": True}
MOVE = {"face": "merchant", "act": "money.move", "proof": True}
DAYS = 30


def hosts(text: str) -> list[str]:
    """One a line, or with commas between."""
    return [part for part in re.split(r"[\s,，;；]+", text) if part]


SETTINGS = (
    Field("hosts", hosts, required=False, empty=()), Field("is_rsa_only", forms.checked, required=False, empty=False),
    Field("has_refunds", forms.checked, required=False, empty=False),
)  # fmt: skip
REFUND = (Field("amount", forms.amount(least_e4=100)), Field("token", forms.text(40)))


@get(PATH, opt=MAY)
async def show(request: AnyRequest) -> Response[Any]:
    account = await _account(request)
    if account is None:
        is_open = await door_of(request).site.switches.is_on(epay.SWITCH)
        return page(request, "merchant/epay_none.html", is_open=is_open, fee_ppm=door_of(request).site.fee_ppm)
    return await _page(request, account, _standing(request, account))


@post(f"{PATH}/open", opt=KEYS, status_code=200)
async def open_account(request: AnyRequest) -> Response[Any]:
    """An account with its first keys, which stand on the answer and nowhere else ever."""
    viewer, door = viewer_of(request), door_of(request)
    if not await door.site.switches.is_on(epay.SWITCH):
        raise SwitchedOff
    given = await epay.open_account(
        door.db, door.ring, viewer.me, fee_ppm=door.site.fee_ppm, actor_id=viewer.person_id
    )  # fmt: skip
    return _given(request, given)


@post(f"{PATH}/rotate", opt=KEYS, status_code=200)
async def rotate(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    return _given(request, await epay.rotate_keys(door.db, door.ring, viewer.me, actor_id=viewer.person_id))


@post(PATH, opt=KEYS, status_code=200)
async def change(request: AnyRequest) -> Response[Any]:
    viewer, door, account = viewer_of(request), door_of(request), await _account(request)
    if account is None:
        raise NoSuchPage
    form = await forms.read(request, viewer.words, SETTINGS)
    if form:
        try:
            await epay.change_account(door.db, viewer.me, actor_id=viewer.person_id, **form.values)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, PATH, said=N_("Saved."))
    return await _page(request, account, form, status=422)


@post(f"{PATH}/state", opt=KEYS, status_code=200)
async def switch(request: AnyRequest) -> Response[Any]:
    """On or off: what was begun is still told."""
    viewer, door = viewer_of(request), door_of(request)
    is_on = (await request.form()).get("state") == "on"
    await epay.change_account(door.db, viewer.me, is_on=is_on, actor_id=viewer.person_id)
    return way_on(request, PATH, said=N_("Saved."))


@get(f"{PATH}/{{trade_id:str}}", opt=MAY)
async def show_trade(request: AnyRequest, trade_id: FromPath[str]) -> Response[Any]:
    trade, stands = await _own(request, trade_id)
    return _trade_page(request, trade, stands, forms.blank(viewer_of(request).words, token=forms.new_token()))


@post(f"{PATH}/{{trade_id:str}}/tell", opt=MAY | {"act": "orders"}, status_code=200)
async def tell(request: AnyRequest, trade_id: FromPath[str]) -> Response[Any]:
    door, (trade, _) = door_of(request), await _own(request, trade_id)
    account = await epay.find_account(door.db, viewer_of(request).me)
    await epay.tell_again(door.db, account, trade.trade_id)
    return way_on(request, f"{PATH}/{trade.trade_id}", said=N_("The shop is told again in a moment."))


@post(f"{PATH}/{{trade_id:str}}/refund", opt=MOVE, status_code=200)
async def refund(request: AnyRequest, trade_id: FromPath[str]) -> Response[Any]:
    """From the wallet to where it came from; the form's token is the refund's number, so pressed twice it is one."""
    viewer, (trade, stands) = viewer_of(request), await _own(request, trade_id)
    form = await forms.read(request, viewer.words, REFUND)
    if form:
        try:
            await epay.give_back(
                door_of(request).site, viewer.me, trade, form["amount"], out_refund_no=form["token"]
            )  # fmt: skip
        except payments.NotRefundableNow as refusal:
            form.errors["amount"] = message_of(refusal, form.words)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"{PATH}/{trade.trade_id}", said=N_("The money is on its way back."))
    return _trade_page(request, trade, stands, form, status=422)


async def _account(request: AnyRequest) -> Account | None:
    try:
        return await epay.find_account(door_of(request).db, viewer_of(request).me)
    except epay.NoEpayAccount:
        return None


async def _own(request: AnyRequest, text: str) -> tuple[Trade, Collected | None]:
    account = await _account(request)
    if account is None:
        raise NoSuchPage
    return await epay.find_trade(door_of(request).site, account, lists.id_of(text))


def _standing(request: AnyRequest, account: Account) -> Filled:
    return forms.blank(
        viewer_of(request).words, hosts="\n".join(account.hosts), is_rsa_only="on" if account.is_rsa_only else "",
        has_refunds="on" if account.has_refunds else "",
    )  # fmt: skip


def _given(request: AnyRequest, given: Given) -> Response[Any]:
    return page(request, "merchant/epay_made.html", given=given, address=door_of(request).site.address)


async def _page(request: AnyRequest, account: Account, form: Filled, *, status: int = 200) -> Response[Any]:
    door, query = door_of(request), request.query_params
    only = query.get("only", "")
    trades = await epay.list_trades(
        door.site, account, before_id=lists.before_of(query), limit=lists.PAGE,
        is_paid={"paid": True, "unpaid": False}.get(only),
    )  # fmt: skip
    days = await epay.read_days(door.db, account, days=DAYS)
    now = clock.now()
    return page(
        request, "merchant/epay.html", status=status, account=account, form=form, address=door.site.address,
        lines=[(trade, stands, epay.state_of(trade, stands, now)) for trade, stands in trades.lines],
        next_id=trades.next_id, only=only, paid=sum(day.paid for day in days),
        paid_e4=sum(day.paid_e4 for day in days), begun=sum(day.begun for day in days),
        is_open=await door.site.switches.is_on(epay.SWITCH),
    )  # fmt: skip


def _trade_page(
    request: AnyRequest, trade: Trade, stands: Collected | None, form: Filled, *, status: int = 200
) -> Response[Any]:
    paid_e4 = 0 if stands is None or stands.payment is None else stands.payment.paid_e4 or 0
    back_e4 = 0 if stands is None else stands.refunded_e4
    return page(
        request, "merchant/epay_trade.html", status=status, trade=trade, stands=stands, form=form,
        state=epay.state_of(trade, stands, clock.now()), left_e4=paid_e4 - back_e4,
    )  # fmt: skip


HANDLERS = [show, open_account, rotate, change, switch, show_trade, tell, refund]
