"""充值赠送: the rules that apply or will, one more, and one that ends."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import payments
from kameng.kit import clock, money
from kameng.kit.errors import Refusal
from kameng.payments import BonusRule
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.errors import NoSuchPage
from kameng.web.forms import Field, Filled, Wrong
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

HOME = "/console/bonuses"
TRIED_E4 = tuple(amount * 10_000 for amount in (100, 500, 1000, 5000, 10_000))
"""Recharges that the page reckons through."""


def _percent(sent: str) -> int:
    """``2.5`` or ``2.5%`` as millionths."""
    try:
        found = money.parse_e4(sent.rstrip("% "))
    except ValueError:
        raise Wrong(N_("A percentage like 2.5, please.")) from None
    if not 0 <= found <= 1_000_000:
        raise Wrong(N_("A percentage like 2.5, please."))
    return found


ADD = (
    Field("from", forms.amount()), Field("give", forms.amount(), required=False, empty=0),
    Field("percent", _percent, required=False, empty=0), Field("most", forms.amount(), required=False),
    Field("starts", asking.day, required=False), Field("ends", asking.day, required=False),
)  # fmt: skip


@get(HOME, opt={"face": "platform", "act": "money.view"})
async def list_bonuses(request: AnyRequest) -> Response[Any]:
    return await _shown(request)


async def _shown(request: AnyRequest, *, status: int = 200, form: Filled | None = None) -> Response[Any]:
    rules, at = await payments.list_bonuses(door_of(request).db), clock.now()
    tried = [(amount_e4, payments.bonus_of(rules, amount_e4, at)) for amount_e4 in TRIED_E4]
    return page(
        request, "console/bonuses.html", status=status, rules=rules, tried=tried if rules else [], now=at,
        form=forms.blank(viewer_of(request).words) if form is None else form,
    )  # fmt: skip


@post(HOME, opt={"face": "platform", "act": "money.move", "proof": True}, status_code=200)
async def add_bonus(request: AnyRequest) -> Response[Any]:
    """What began before keeps what it was promised."""
    viewer = viewer_of(request)
    form = await forms.read(request, viewer.words, ADD)
    if form:
        try:
            await _add(request, form, viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal, {"ends_at": "ends"})
        else:
            return way_on(request, HOME, said=N_("The bonus stands."))
    return await _shown(request, status=422, form=form)


async def _add(request: AnyRequest, form: Filled, by: int) -> BonusRule:
    """Days as people say them: the last one counts whole."""
    last = form["ends"]
    return await payments.add_bonus(
        door_of(request).db, from_e4=form["from"], give_e4=form["give"], give_ppm=form["percent"],
        most_e4=form["most"], starts_at=_start_of(form["starts"]),
        ends_at=None if last is None else _start_of(last + timedelta(days=1)), actor_id=by,
    )  # fmt: skip


def _start_of(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), clock.CHINA)


@post(f"{HOME}/{{bonus_id:str}}/end", opt={"face": "platform", "act": "money.move", "proof": True}, status_code=200)
async def end_bonus(request: AnyRequest, bonus_id: FromPath[str]) -> Response[Any]:
    number = asking.id_in(bonus_id)
    if number >= 1 << 31 or not await payments.end_bonus(
        door_of(request).db, number, actor_id=viewer_of(request).person_id
    ):
        raise NoSuchPage
    return way_on(request, HOME, said=N_("The bonus ended."))
