"""The wallet: what is in it, what is held, every line that led there; how money comes in, and goes out."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import ledger
from kameng.web import listing, purse, recharging
from kameng.web.parts import AnyRequest, door_of
from kameng.web.purse import Purse
from kameng.web.viewing import viewer_of

VIEW = {"face": "buyer", "act": "money.view"}
MOVE = {"face": "buyer", "act": "money.move", "proof": True}
PURSE = Purse("shop.html", "/wallet", "/wallet/bills", "/wallet/withdrawals", "/orders", "/wallet/recharge")


@get("/wallet", opt=VIEW)
async def show(request: AnyRequest) -> Response[Any]:
    me, door = viewer_of(request).me, door_of(request)
    bills = await purse.list_bills(request, PURSE)
    async with door.db.connection() as connection:
        accounts = await ledger.read_accounts(connection, me.lane, [me.org_id])
    return listing.show(
        request, "storefront/wallet.html", bills.listed, wallet=accounts[0] if accounts else None,
        looked_to=bills.looked_to, currency=me.currency, purse=PURSE, order_of=purse.order_of,
    )  # fmt: skip


@get("/wallet/recharge", opt={"face": "buyer"})
async def recharge(request: AnyRequest) -> Response[Any]:
    return await recharging.ask(request, PURSE)


@post("/wallet/recharge", opt={"face": "buyer", "act": "money.move"}, status_code=200)
async def begin_recharge(request: AnyRequest) -> Response[Any]:
    return await recharging.begin(request, PURSE)


@get("/wallet/recharge/{recharge_id:str}", opt=VIEW)
async def pay_recharge(request: AnyRequest, recharge_id: FromPath[str]) -> Response[Any]:
    return await recharging.show(request, PURSE, recharge_id)


@post("/wallet/recharge/{recharge_id:str}", opt={"face": "buyer", "act": "money.move"}, status_code=200)
async def choose_recharge(request: AnyRequest, recharge_id: FromPath[str]) -> Response[Any]:
    return await recharging.choose(request, PURSE, recharge_id)


@get("/wallet/bills/{transfer_id:str}", opt=VIEW)
async def show_posting(request: AnyRequest, transfer_id: FromPath[str]) -> Response[Any]:
    return await purse.show_posting(request, PURSE, transfer_id)


@get("/wallet/withdrawals", opt=VIEW)
async def show_withdrawals(request: AnyRequest) -> Response[Any]:
    return await purse.show_withdrawals(request, PURSE)


@get("/wallet/withdrawals/new", opt=MOVE)
async def ask(request: AnyRequest) -> Response[Any]:
    return await purse.ask_withdrawal(request, PURSE)


@post("/wallet/withdrawals/new", opt={**MOVE, "switch": "withdrawals"}, status_code=200)
async def take(request: AnyRequest) -> Response[Any]:
    return await purse.take_withdrawal(request, PURSE)


@get("/wallet/withdrawals/{withdrawal_id:str}", opt=VIEW)
async def show_withdrawal(request: AnyRequest, withdrawal_id: FromPath[str]) -> Response[Any]:
    return await purse.show_withdrawal(request, PURSE, withdrawal_id)


@post("/wallet/withdrawals/{withdrawal_id:str}/cancel", opt={"face": "buyer", "act": "money.move"}, status_code=200)
async def cancel_withdrawal(request: AnyRequest, withdrawal_id: FromPath[str]) -> Response[Any]:
    return await purse.cancel_withdrawal(request, PURSE, withdrawal_id)
