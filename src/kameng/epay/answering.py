"""What shops call, answered in the protocol's own way: version 1's three files, version 2's paths."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import msgspec

from kameng import finance, identity, ledger, payments
from kameng.channels import Shown
from kameng.channels import epay_serving as serving
from kameng.epay import store, trading
from kameng.epay.model import Opened, Trade, order_of, settlement_of
from kameng.epay.site import SWITCH, Site
from kameng.identity import Organisation
from kameng.kit import clock, ids, places
from kameng.kit.errors import Refusal
from kameng.kit.money import MINOR_E4
from kameng.payments import Payer, Refund, RefundState

OFFSET_MAX, SETTLEMENTS_MAX = 100_000, 1000
JSON, TEXT = "application/json; charset=utf-8", "text/plain; charset=utf-8"


class Call(msgspec.Struct, frozen=True):
    """A request below ``PATH``: what follows it, its fields, and whose it is."""

    path: str
    fields: Mapping[str, str]
    address: str = "127.0.0.1"
    agent: str = ""


class Reply(msgspec.Struct, frozen=True):
    """``location``: a browser goes on there."""

    body: bytes = b""
    media_type: str = JSON
    status: int = 200
    location: str = ""


class _Visit(msgspec.Struct, frozen=True):
    """Who asks, proved to exist only: each act verifies its own fields."""

    site: Site
    call: Call
    opened: Opened
    organisation: Organisation


async def answer(site: Site, call: Call) -> Reply:
    """Whatever shops ask of a path that is one is answered, refusals too."""
    act = _ACTS[call.path]
    try:
        return await act(await _visit(site, call))
    except serving.Refusal as refusal:
        if call.path in PAGES:
            return Reply(f"{refusal.message}\n".encode(), TEXT, 400)
        return Reply(serving.refused(refusal))


async def _visit(site: Site, call: Call) -> _Visit:
    if not await site.switches.is_on(SWITCH):
        raise serving.Refusal(-1, "易支付接口未开启")
    pid = serving.pid_of(call.fields)
    opened = await site.account(int(pid)) if pid.isascii() and pid.isdecimal() and len(pid) < 10 else None
    if opened is None:
        raise serving.Refusal(-3, "商户ID不存在")
    async with site.db.connection() as connection:
        organisation = await identity.find_organisation(connection, opened.account.org_id)
    if organisation is None or organisation.state != "active" or not opened.account.may_collect:
        raise serving.Refusal(-3, "商户已停用")
    return _Visit(site, call, opened, organisation)


# paying ------------------------------------------------------------------------------------------------------


async def _submit(visit: _Visit, *, version: int) -> Reply:
    """A browser comes from the shop: on to our page, where it is paid; begun already, if the shop said how."""
    wished = serving.read_payment(visit.call.fields, visit.opened.shop, version=version, is_page=True)
    trade = await trading.wish(visit.site, visit.opened, wished)
    device = "mobile" if "Mobi" in visit.call.agent else "pc"
    if "MicroMessenger" in visit.call.agent:
        device = "wechat"
    try:
        if wished.type and wished.method not in ("scan", "jsapi"):
            await trading.begin(
                visit.site, visit.organisation, trade, msgspec.structs.replace(wished, device=device),
                await _payer(visit.call.address),
            )
    except serving.Refusal:
        pass  # the page says how it stands, and what else there is
    return Reply(status=303, location=visit.site.page_of(trade.trade_id))


async def _create(visit: _Visit, *, version: int) -> Reply:
    """The shop's own server asks: it hands on what its customer is to be shown."""
    wished = serving.read_payment(visit.call.fields, visit.opened.shop, version=version, is_page=False)
    trade = await trading.wish(visit.site, visit.opened, wished)
    page = Shown("redirect", visit.site.page_of(trade.trade_id))
    shown = None
    if wished.method != "jump":
        shown = await trading.begin(
            visit.site, visit.organisation, trade, wished,
            await _payer(wished.client_ip[:45]) if wished.client_ip else Payer(client_ip=visit.call.address),
        )  # fmt: skip
    if wished.method == "scan":
        shown = Shown("scan", str(trade.trade_id))
    elif shown is None or shown.kind not in ("qr", "redirect", "jsapi"):
        shown = page  # a form, facts of a transfer, or nothing yet: our page shows it
    return Reply(serving.begun(version, str(trade.trade_id), shown, platform=visit.opened.platform))


async def _payer(client_ip: str) -> Payer:
    """By his own address; a shop's server, which calls without naming it, is not where its customer is."""
    return Payer(client_ip=client_ip, region=await places.region_of(client_ip))


# asking ------------------------------------------------------------------------------------------------------


async def _api(visit: _Visit) -> Reply:
    """``api.php?act=``."""
    asked = serving.read_act(visit.call.fields, visit.opened.shop, visit.call.fields.get("act", ""))
    if asked.what == "query":
        return await _account(visit)
    if asked.what == "orders":
        return await _orders(visit, asked)
    if asked.what == "settle":
        return await _settlements(visit, asked)
    if asked.what == "order":
        return Reply(serving.order_told(1, await _order(visit, asked)))
    if not visit.opened.account.has_refunds:
        raise serving.Refusal(-1, "未开启订单退款API接口")
    return await _give_back(visit, asked)


async def _account(visit: _Visit) -> Reply:
    pid, organisation, today = visit.opened.account.pid, visit.organisation, clock.china_day()
    async with visit.site.db.connection() as connection:
        wallet = await ledger.read_wallet(connection, organisation.lane, organisation.org_id)
        every = await store.count_begun(connection, organisation.lane, pid)
        days = await store.read_days(connection, organisation.lane, pid, today - timedelta(days=1))
    paid = {one.day: one.paid for one in days}
    return Reply(serving.account_told(
        visit.opened.shop, money_minor=max(0, wallet.posted_e4 // MINOR_E4), orders=every,
        orders_today=paid.get(today, 0), orders_lastday=paid.get(today - timedelta(days=1), 0),
    ))  # fmt: skip


async def _orders(visit: _Visit, asked: serving.Asked) -> Reply:
    is_paid = {"1": True, "0": False}.get(asked.status)
    found = await trading.list_trades(
        visit.site, visit.opened.account, limit=max(1, asked.limit), offset=min(asked.offset, OFFSET_MAX),
        is_paid=is_paid,
    )  # fmt: skip
    orders = [order_of(trade, stands) for trade, stands in found.lines]
    return Reply(serving.orders_told(orders, version=asked.version, platform=visit.opened.platform))


async def _settlements(visit: _Visit, asked: serving.Asked) -> Reply:
    """What is paid is in the wallet at once; what leaves it for the member's own account is a withdrawal."""
    offset = min(asked.offset, SETTLEMENTS_MAX)
    found = await finance.list_withdrawals(
        visit.site.db, org_id=visit.organisation.org_id, limit=offset + max(1, asked.limit)
    )
    return Reply(serving.settlements_told([settlement_of(visit.opened.account, one) for one in found[offset:]]))


async def _order(visit: _Visit, asked: serving.Asked) -> serving.Order:
    trade = await trading.find(visit.site, visit.opened.account, asked)
    return order_of(trade, await trading.read_one(visit.site, trade))


async def _call(visit: _Visit, *, name: str) -> Reply:
    """``api/…`` of version 2, besides creating."""
    asked = serving.read_call(visit.call.fields, visit.opened.shop, name)
    platform = visit.opened.platform
    if name == "query":
        return Reply(serving.order_told(2, await _order(visit, asked), platform=platform))
    if name == "orders":
        return await _orders(visit, asked)
    if name == "refund":
        return await _give_back(visit, asked)
    if name == "refundquery":
        return await _refund(visit, asked)
    trade = await trading.find(visit.site, visit.opened.account, asked)
    await trading.close(visit.site, visit.opened.account, trade)
    return Reply(serving.closed_told(order_of(trade, None), platform=platform))


async def _give_back(visit: _Visit, asked: serving.Asked) -> Reply:
    """Without a number of the shop's own only the whole goes back: a second try of a part can't be told from a second
    refund."""
    trade = await trading.find(visit.site, visit.opened.account, asked)
    amount_e4, number = asked.money_minor * MINOR_E4, asked.out_refund_no if asked.version == 2 else ""
    if not number and amount_e4 != trade.amount_e4:
        raise serving.Refusal(-1, "部分退款须提供商户退款单号(out_refund_no)")
    try:
        refund = await trading.give_back(visit.site, visit.organisation, trade, amount_e4, out_refund_no=number)
    except Refusal as refusal:
        stands = await trading.read_one(visit.site, trade)
        is_back = stands is not None and stands.refunded_e4 >= trade.amount_e4
        words = "该订单已全额退款" if is_back else _REFUSED.get(type(refusal), refusal.detail_zh or refusal.zh)
        raise serving.Refusal(-1, words) from None
    return _told(visit, trade, refund, asked)


_REFUSED: Mapping[type[Refusal], str] = {
    ledger.InsufficientBalance: "商户余额不足，请充值后重试", payments.NoSuchPayment: "订单未支付，不能退款",
    payments.NotRefundableNow: "订单未支付，或退款金额超出可退金额",
    payments.RefundReused: "商户退款单号(out_refund_no)已用于另一笔退款",
}  # fmt: skip


def _told(visit: _Visit, trade: Trade, refund: Refund, asked: serving.Asked, *, status: int | None = None) -> Reply:
    return Reply(serving.refund_told(
        asked.version, order_of(trade, None), refund_no=refund.refund_no, out_refund_no=asked.out_refund_no,
        money_minor=refund.amount_e4 // MINOR_E4, status=status, platform=visit.opened.platform,
    ))  # fmt: skip


async def _refund(visit: _Visit, asked: serving.Asked) -> Reply:
    """One that was asked for: 1 if it is back at its origin, 0 while it is under way."""
    refund = await trading.find_refund(visit.site, visit.opened.account, asked)
    lane = ids.lane_of(refund.payable_id)
    async with visit.site.db.connection() as connection:
        trade = (await store.read_trades(connection, lane, [refund.payable_id]))[refund.payable_id]
    return _told(visit, trade, refund, asked, status=int(refund.state is RefundState.done))


def is_path(path: str) -> bool:
    """Whether anything is there, below ``PATH``."""
    return path in _ACTS


_Act = Callable[[_Visit], Awaitable[Reply]]


def _acts() -> dict[str, _Act]:
    async def submit(visit: _Visit) -> Reply:
        return await _submit(visit, version=1)

    async def mapi(visit: _Visit) -> Reply:
        return await _create(visit, version=1)

    async def submit2(visit: _Visit) -> Reply:
        return await _submit(visit, version=2)

    async def create(visit: _Visit) -> Reply:
        return await _create(visit, version=2)

    def named(name: str) -> _Act:
        async def call(visit: _Visit) -> Reply:
            return await _call(visit, name=name)

        return call

    more = {f"api/{'merchant' if name == 'orders' else 'pay'}/{name}": named(name) for name in serving.CALLS}
    return {
        "submit.php": submit, "mapi.php": mapi, "api.php": _api, "api/pay/submit": submit2, "api/pay/create": create,
        **more,
    }  # fmt: skip


_ACTS = _acts()
PAGES = ("submit.php", "api/pay/submit")
"""What a browser opens."""
