"""The wallet: what is in it, its bills with the posting behind each, how to fill it, and withdrawals."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import finance, ledger
from kameng.web import forms, listing, purse, recharging
from kameng.web.answering import way_on
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, door_of
from kameng.web.purse import Purse
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

VIEW = {"face": "merchant", "act": "money.view"}
MOVE = {"face": "merchant", "act": "money.move", "proof": True}
PURSE = Purse(
    "desk.html", "/merchant/wallet", "/merchant/wallet", "/merchant/withdrawals", "/merchant/orders",
    "/merchant/recharge",
)  # fmt: skip
ALERT = (Field("low_at", forms.amount(), required=False),)


@get("/merchant/wallet", opt=VIEW)
async def show(request: AnyRequest) -> Response[Any]:
    return await _wallet_page(request, forms.blank(viewer_of(request).words))


@post("/merchant/wallet/alert", opt={"face": "merchant", "act": "money.move"}, status_code=200)
async def set_alert(request: AnyRequest) -> Response[Any]:
    """Below how much somebody wants to be told; empty: not any more."""
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, ALERT)
    if form:
        await finance.set_low_balance(door.db, viewer.me.org_id, form["low_at"], actor_id=viewer.person_id)
        said = N_("You will be told.") if form["low_at"] else N_("You will not be told any more.")
        return way_on(request, "/merchant/wallet", said=said)
    return await _wallet_page(request, form, status=422)


async def _wallet_page(request: AnyRequest, form: Filled, *, status: int = 200) -> Response[Any]:
    me, door = viewer_of(request).me, door_of(request)
    bills = await purse.list_bills(request, PURSE)
    async with door.db.connection() as connection:
        wallet = (await ledger.read_accounts(connection, me.lane, [me.org_id]))[0]
    return listing.show(
        request, "merchant/wallet.html", bills.listed, status=status, wallet=wallet, looked_to=bills.looked_to,
        form=form, purse=PURSE, order_of=purse.order_of,
    )  # fmt: skip


@get("/merchant/wallet/{transfer_id:str}", opt=VIEW)
async def show_posting(request: AnyRequest, transfer_id: FromPath[str]) -> Response[Any]:
    return await purse.show_posting(request, PURSE, transfer_id)


@get("/merchant/recharge", opt=VIEW)
async def show_recharge(request: AnyRequest) -> Response[Any]:
    return await recharging.ask(request, PURSE)


@post("/merchant/recharge", opt={"face": "merchant", "act": "money.move"}, status_code=200)
async def begin_recharge(request: AnyRequest) -> Response[Any]:
    return await recharging.begin(request, PURSE)


@get("/merchant/recharge/{recharge_id:str}", opt=VIEW)
async def pay_recharge(request: AnyRequest, recharge_id: FromPath[str]) -> Response[Any]:
    return await recharging.show(request, PURSE, recharge_id)


@post("/merchant/recharge/{recharge_id:str}", opt={"face": "merchant", "act": "money.move"}, status_code=200)
async def choose_recharge(request: AnyRequest, recharge_id: FromPath[str]) -> Response[Any]:
    return await recharging.choose(request, PURSE, recharge_id)


# withdrawals -------------------------------------------------------------------------------------------------


@get("/merchant/withdrawals", opt=VIEW)
async def show_withdrawals(request: AnyRequest) -> Response[Any]:
    return await purse.show_withdrawals(request, PURSE)


@get("/merchant/withdrawals/new", opt=MOVE)
async def ask(request: AnyRequest) -> Response[Any]:
    return await purse.ask_withdrawal(request, PURSE)


@post("/merchant/withdrawals/new", opt={**MOVE, "switch": "withdrawals"}, status_code=200)
async def take(request: AnyRequest) -> Response[Any]:
    return await purse.take_withdrawal(request, PURSE)


@get("/merchant/withdrawals/{withdrawal_id:str}", opt=VIEW)
async def show_withdrawal(request: AnyRequest, withdrawal_id: FromPath[str]) -> Response[Any]:
    return await purse.show_withdrawal(request, PURSE, withdrawal_id)


@post(
    "/merchant/withdrawals/{withdrawal_id:str}/cancel", opt={"face": "merchant", "act": "money.move"}, status_code=200
)
async def cancel_withdrawal(request: AnyRequest, withdrawal_id: FromPath[str]) -> Response[Any]:
    return await purse.cancel_withdrawal(request, PURSE, withdrawal_id)
