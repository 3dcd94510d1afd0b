"""易支付商户: whose other shops collect through the house, what came in today, and the house's switch over each."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import epay, identity
from kameng.kit import clock
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

HOME = "/console/epay"
CHANGE: dict[str, Any] = {"face": "platform", "act": "money.approve", "proof": True}
FILTERS = (Field("after", asking.number, required=False),)
PID_MAX = (1 << 31) - 1
REASON = (Field("reason", forms.text(epay.REASON_CHARS_MAX)),)


@get(HOME, opt={"face": "platform", "act": "money.view"})
async def list_accounts(request: AnyRequest) -> Response[Any]:
    return await _shown(request)


async def _shown(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door, asked = door_of(request), asking.asked(request, FILTERS)
    after_pid = min(asked["after"] or 0, PID_MAX)
    found = await epay.oversee_accounts(door.db, clock.china_day(), after_pid=after_pid, limit=asking.PAGE + 1)
    shown = found[: asking.PAGE]
    async with door.db.connection() as connection:
        owners = await identity.organisations_by_id(connection, {one.account.org_id for one in shown})
    onward = f"{HOME}?after={shown[-1].account.pid}" if len(found) > len(shown) else None
    values = {"act_form": forms.blank(viewer_of(request).words), "refused_id": 0, **more}
    return page(
        request, "console/epay.html", status=status, accounts=shown, owners=owners, onward=onward,
        is_first=not after_pid, is_open=await door.site.switches.is_on(epay.SWITCH), **values,
    )  # fmt: skip


@post(f"{HOME}/{{pid:str}}/off", opt=CHANGE, status_code=200)
async def switch_off(request: AnyRequest, pid: FromPath[str]) -> Response[Any]:
    """With a reason, which its owner reads; he can't switch it on himself."""
    viewer, number = viewer_of(request), _pid(pid)
    form = await forms.read(request, viewer.words, REASON)
    if form:
        try:
            await epay.bar_account(door_of(request).db, number, reason=form["reason"], actor_id=viewer.person_id)
        except epay.NoEpayAccount:
            raise
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, HOME, said=N_("Switched off."))
    return await _shown(request, status=422, act_form=form, refused_id=number)


@post(f"{HOME}/{{pid:str}}/on", opt=CHANGE, status_code=200)
async def let_go_on(request: AnyRequest, pid: FromPath[str]) -> Response[Any]:
    """It stands again as its owner has switched it."""
    await epay.bar_account(door_of(request).db, _pid(pid), reason="", actor_id=viewer_of(request).person_id)
    return way_on(request, HOME, said=N_("It may collect again."))


def _pid(text: str) -> int:
    number = asking.id_in(text, epay.NoEpayAccount)
    if number > PID_MAX:
        raise epay.NoEpayAccount
    return number
