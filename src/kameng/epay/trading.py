"""The payments that shops wish for: written down once, found again, begun at the house's channels, ended, given back.

A shop's number stands for one payment for ever: the same wish again is the same payment, another one is refused. What
shops are told is ``serving.Refusal``, in the words that their plugins look for.
"""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import msgspec

from kameng import payments
from kameng.channels import Method, Scene, Shown
from kameng.channels import epay_serving as serving
from kameng.epay import store
from kameng.epay.errors import NoSuchTrade
from kameng.epay.model import DEVICES, TRADE_S, Account, Day, Opened, Page, Trade, fee_of
from kameng.epay.site import Site
from kameng.epay.telling import notice_of
from kameng.identity import Organisation
from kameng.kit import clock, ids, lanes
from kameng.kit.db import Connection, Database
from kameng.kit.errors import Refusal, TryLater
from kameng.kit.ids import ID_MAX
from kameng.kit.money import MINOR_E4
from kameng.notices import BadEndpoint
from kameng.payments import Collected, Payer

PAID_BEFORE = "该订单(out_trade_no)已完成支付，请勿重复支付"
CHANGED = "该订单(out_trade_no)的参数有变化，请更换订单号"
ENDED = "该订单(out_trade_no)已关闭，请更换订单号"
CODES_OF = ((Method.alipay, re.compile(r"(?:2[5-9]|30)\d{14,22}")), (Method.wechat, re.compile(r"1[0-5]\d{16}")))
"""Whose payment code it is, by how it begins."""


async def wish(site: Site, opened: Opened, wished: serving.Wished) -> Trade:
    """A payment from now on, or the one that stands under this number."""
    account = opened.account
    _check_addresses(site, account, wished)
    lane, at = ids.lane_of(account.org_id), clock.now()
    async with site.db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        known = await store.find_trade(connection, lane, account.pid, wished.out_trade_no)
        if known is not None:
            if not known.is_of(wished):
                raise serving.Refusal(-1, CHANGED)
            return known
        amount_e4 = wished.money_minor * MINOR_E4
        trade = Trade(
            passage.ids[0], account.pid, account.org_id, wished.out_trade_no, wished.version, wished.type,
            wished.name, amount_e4, fee_of(amount_e4, account.fee_ppm), wished.notify_url, wished.return_url,
            wished.param, at, at + timedelta(seconds=TRADE_S),
        )  # fmt: skip
        await store.insert_trade(connection, lane, trade)
        await store.add_to_days(connection, lane, clock.china_day(), {account.pid: (1, 0, 0)})
    return trade


def _check_addresses(site: Site, account: Account, wished: serving.Wished) -> None:
    """Whom we call has to be public, as with webhooks; where customers are led, one of the account's own hosts."""
    try:
        site.policy.check_url(wished.notify_url)
    except BadEndpoint as refusal:
        raise serving.Refusal(-1, f"通知地址(notify_url)不可用：{refusal.detail_zh}") from None
    for name, url in (("通知地址(notify_url)", wished.notify_url), ("回调地址(return_url)", wished.return_url)):
        host = (urlsplit(url).hostname or "").lower()
        if url and account.hosts and host not in account.hosts:
            raise serving.Refusal(-1, f"{name}的域名未授权")


async def begin(
    site: Site, organisation: Organisation, trade: Trade, wished: serving.Wished, payer: Payer
) -> Shown | None:
    """Begin to pay it, as its shop asked; what the customer is shown. None: nothing that could be handed on.

    ``serving.Refusal`` if it can't be, or was paid; what its provider has not answered is no refusal.
    """
    stands = await read_one(site, trade)
    if stands is not None and stands.is_paid:
        raise serving.Refusal(-1, PAID_BEFORE)
    if trade.closed_at is not None or trade.expires_at <= clock.now():
        raise serving.Refusal(-1, ENDED)
    method, scene = await _way_of(site, organisation, trade, wished, payer.region)
    payer = msgspec.structs.replace(
        payer, subject=trade.name, auth_code=wished.auth_code if scene is Scene.code else "",
        payer_id=wished.sub_openid if scene is Scene.jsapi else "", return_url=site.page_of(trade.trade_id),
        device=DEVICES.get(wished.device, "desktop"),
    )  # fmt: skip
    try:
        begun = await payments.begin_collection(
            site.cashier, organisation, trade.collection, method=method, scene=scene, payer=payer
        )
    except payments.PaymentUnknown:
        return None
    except Refusal as refusal:
        raise serving.Refusal(-2 if isinstance(refusal, TryLater) else -1, refusal.detail_zh or refusal.zh) from None
    return begun.shown


async def _way_of(
    site: Site, organisation: Organisation, trade: Trade, wished: serving.Wished, region: str
) -> tuple[Method, Scene]:
    device = DEVICES.get(wished.device, "desktop")
    offered = await payments.ways_to_pay(site.cashier, organisation, trade.amount_e4, device=device, region=region)
    methods = serving.methods_of(wished.type)
    if wished.method == "scan":
        methods = methods or tuple(method for method, code in CODES_OF if code.fullmatch(wished.auth_code))
    elif not methods:
        raise serving.Refusal(-1, "支付方式(type)不存在")
    for method in methods:
        scene = payments.best_scene(offered, method, device)
        if wished.method in ("scan", "jsapi"):
            asked = Scene.code if wished.method == "scan" else Scene.jsapi
            scene = asked if (method, asked) in offered else None
        if scene is not None:
            return method, scene
    raise serving.Refusal(-2, "当前无可用的支付通道，请更换支付方式或稍后重试")


async def find(site: Site, account: Account, asked: serving.Asked) -> Trade:
    """By our number or the shop's; only the account's own."""
    lane = ids.lane_of(account.org_id)
    async with site.db.connection() as connection:
        if asked.trade_no:
            number = int(asked.trade_no) if asked.trade_no.isdecimal() and len(asked.trade_no) < 20 else 0
            found = (await store.read_trades(connection, lane, [number])).get(number) if number <= ID_MAX else None
        else:
            found = await store.find_trade(connection, lane, account.pid, asked.out_trade_no)
    if found is None or found.pid != account.pid or (asked.out_trade_no and found.out_trade_no != asked.out_trade_no):
        raise serving.Refusal(-1, "订单号不存在")
    return found


async def read_one(site: Site, trade: Trade) -> Collected | None:
    """How it stands; None: nobody began to pay it."""
    async with site.db.connection() as connection:
        found = await payments.read_collections(connection, ids.lane_of(trade.trade_id), [trade.trade_id])
    return found.get(trade.trade_id)


async def find_trade(site: Site, account: Account, trade_id: int) -> tuple[Trade, Collected | None]:
    """One of the account's own, with how it stands."""
    async with site.db.connection() as connection:
        found = await _trade_at(connection, trade_id)
    if found is None or found.pid != account.pid:
        raise NoSuchTrade
    return found, await read_one(site, found)


async def trade_at(site: Site, trade_id: int) -> Trade:
    """For whoever has the address of its page."""
    async with site.db.connection() as connection:
        found = await _trade_at(connection, trade_id)
    if found is None:
        raise NoSuchTrade
    return found


async def _trade_at(connection: Connection, trade_id: int) -> Trade | None:
    lane = ids.lane_of(trade_id)
    return (await store.read_trades(connection, lane, [trade_id])).get(trade_id)


async def find_refund(site: Site, account: Account, asked: serving.Asked) -> payments.Refund:
    """By the shop's number or ours; only of the account's own payments."""
    lane = ids.lane_of(account.org_id)
    async with site.db.connection() as connection:
        key = f"epay:{account.pid}:{asked.out_refund_no}" if asked.out_refund_no else ""
        found = await payments.find_collection_refund(connection, lane, key=key, refund_no=asked.refund_no)
        trade = None if found is None else (await store.read_trades(connection, lane, [found.payable_id])).values()
    if found is None or not trade or next(iter(trade)).pid != account.pid:
        raise serving.Refusal(-1, "退款订单不存在")
    return found


async def list_trades(
    site: Site, account: Account, *, before_id: int = ID_MAX, limit: int = 50, offset: int = 0,
    is_paid: bool | None = None,
) -> Page:  # fmt: skip
    """Newest first, with how each stands."""
    lane = ids.lane_of(account.org_id)
    async with site.db.connection() as connection:
        found = await store.list_trades(
            connection, lane, account.pid, before_id=before_id, limit=limit + 1, offset=offset, is_paid=is_paid
        )
        stands = await payments.read_collections(connection, lane, [one.trade_id for one in found])
    lines = tuple((one, stands.get(one.trade_id)) for one in found[:limit])
    return Page(lines, found[limit - 1].trade_id if len(found) > limit else None)


async def close(site: Site, account: Account, trade: Trade) -> None:
    """Nobody begins to pay it any more; what was begun is closed at its provider."""
    lane, at = ids.lane_of(account.org_id), clock.now()
    async with site.db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        try:
            await payments.end_collection(connection, lane, trade.trade_id)
        except payments.NotPayable:
            raise serving.Refusal(-1, "订单已支付，不能关闭") from None
        await store.close_trade(connection, lane, trade.trade_id, at)


async def give_back(
    site: Site, organisation: Organisation, trade: Trade, amount_e4: int, *, out_refund_no: str
) -> payments.Refund:
    """From the wallet to where it came from. The same number is the same refund; the whole, which goes back once, needs
    none of the shop's own. Raises what payments refuse, and ``InsufficientBalance``."""
    key = f"epay:{trade.pid}:{out_refund_no}" if out_refund_no else f"epay:{trade.trade_id}"
    return await payments.give_back_collection(site.cashier, organisation, trade.trade_id, amount_e4, key=key)


async def back_of(site: Site, trade: Trade, stands: Collected) -> str:
    """Where its customer goes on once it is paid, with the proof of it; '' if its shop named nothing."""
    opened = await site.account(trade.pid) if trade.return_url else None
    return "" if opened is None else notice_of(trade, stands, opened, back=True)


async def read_days(db: Database, account: Account, *, days: int) -> list[Day]:
    """The last days of an account, those on which something happened."""
    since = clock.china_day() - timedelta(days=days - 1)
    async with db.connection() as connection:
        return await store.read_days(connection, ids.lane_of(account.org_id), account.pid, since)
