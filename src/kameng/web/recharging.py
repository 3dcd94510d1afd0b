"""Filling a wallet through a channel: how much, what is given on top, and with what; one for all faces that have one.

A form has a token of its own, which is the recharge's reference: pressed twice it is one recharge.
"""

from __future__ import annotations

from typing import Any

from litestar import Response

from kameng import payments
from kameng.channels import Method
from kameng.kit import clock, ids, money, places
from kameng.kit.errors import Refusal
from kameng.payments import Payable
from kameng.web import forms, till, within
from kameng.web.answering import page, way_on
from kameng.web.entrance.steps import origin_of
from kameng.web.errors import NoSuchPage
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, door_of
from kameng.web.purse import Purse
from kameng.web.till import Due
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

ASK = (
    Field("amount", forms.amount(least_e4=100, most_e4=10**7 * money.E4)), Field("method", forms.one_of(*Method)),
    Field("token", forms.text(40)),
)  # fmt: skip
SUGGESTED_E4 = (50 * money.E4, 100 * money.E4, 200 * money.E4, 500 * money.E4, 1000 * money.E4)
LISTED = 10
TITLE = N_("Wallet recharge")


async def ask(request: AnyRequest, purse: Purse) -> Response[Any]:
    sent = request.query_params.get("amount", "")[:20]
    return await _page(request, purse, forms.blank(viewer_of(request).words, amount=sent, token=forms.new_token()))


async def begin(request: AnyRequest, purse: Purse) -> Response[Any]:
    """To the till, where it is paid; or the form again with what is wrong."""
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, ASK)
    if form:
        payer = payments.Payer(
            client_ip=viewer.ip, return_url=f"{origin_of(request)}{purse.wallet}", device=till.device_of(request),
            region=await places.region_of(viewer.ip),
        )  # fmt: skip
        try:
            way = await till.way_of(request, viewer.me, form["amount"], form["method"], is_recharge=True)
            begun = await payments.begin_recharge(
                door.cashier, viewer.me, form["amount"], client_ref=form["token"], method=way.method, scene=way.scene,
                payer=payer,
            )  # fmt: skip
        except payments.PaymentUnknown:
            found = await payments.list_recharges(door.db, viewer.me, limit=LISTED)
            known = next((one for one in found if one.client_ref == form["token"]), None)
            return way_on(request, purse.recharge if known is None else f"{purse.recharge}/{known.payable_id}")
        except payments.NoChannel:
            form.errors["method"] = form.words.say(till.UNDONE)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"{purse.recharge}/{begun.payable.payable_id}")
        form.sent["token"] = forms.new_token()
    return await _page(request, purse, form, status=422)


async def show(request: AnyRequest, purse: Purse, recharge_id: str) -> Response[Any]:
    return await within.show(request, await _due(request, purse, recharge_id))


async def choose(request: AnyRequest, purse: Purse, recharge_id: str) -> Response[Any]:
    """Another way to pay (``method``), or 我已支付 (``act=look``)."""
    due = await _due(request, purse, recharge_id)
    if (await request.form()).get("act") == "look":
        return await till.look(request, due)
    return await till.choose(request, due)


async def _due(request: AnyRequest, purse: Purse, text: str) -> Due:
    viewer = viewer_of(request)
    try:
        number = ids.parse(text)
    except ValueError:
        raise NoSuchPage from None
    one = await payments.find_recharge(door_of(request).db, viewer.me, number)
    return Due(
        payable_id=one.payable_id, organisation=viewer.me, amount_e4=one.amount_e4, currency=one.currency,
        state=_state_of(one), title=viewer.words.say(TITLE), path=f"{purse.recharge}/{one.payable_id}",
        back=purse.wallet, again=f"{purse.recharge}?amount={money.format_e4(one.amount_e4)}", layout=purse.layout,
        expires_at=one.expires_at, recharge_ref=one.client_ref or "", bonus_e4=one.bonus_e4,
    )  # fmt: skip


def _state_of(one: Payable) -> str:
    if one.state == "open":
        return "open" if clock.now() < one.expires_at else "expired"
    return "paid" if one.state == "paid" else "expired"


async def _page(request: AnyRequest, purse: Purse, form: Filled, *, status: int = 200) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    now = clock.now()
    offered = await till.ways(request, viewer.me, _amount_of(form), is_recharge=True)
    rules = sorted((one for one in door.cashier.channels.bonuses if one.starts_at <= now), key=lambda one: one.from_e4)
    if not form.sent.get("method") and offered:
        form.sent["method"] = offered[0].method
    found = await payments.list_recharges(door.db, viewer.me, limit=LISTED)
    return page(
        request, "till/recharge.html", status=status, purse=purse, form=form, ways=offered, rules=rules,
        suggested=[(one, payments.bonus_of(rules, one, now)) for one in SUGGESTED_E4],
        recharges=[(one, _state_of(one)) for one in found],
    )  # fmt: skip


def _amount_of(form: Filled) -> int:
    """What is asked for, or what most recharge: the ways that are offered depend on it."""
    try:
        return money.parse_e4(form.sent.get("amount", "").replace(",", "")) or SUGGESTED_E4[1]
    except ValueError:
        return SUGGESTED_E4[1]
