"""Paying inside WeChat: its own sheet opens for whom it knows, so a customer is led to WeChat and back before it.

He asks for it with ``?within=wechat`` at the page where he pays, and comes back to the same page with a code. The state
that goes along is made for his browser, this page and this account: nobody else's code begins a payment here.
"""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import urlencode

from litestar import Response

from kameng import payments
from kameng.channels import Method, Scene, SignIn
from kameng.kit import places
from kameng.kit.errors import Refusal
from kameng.web import till
from kameng.web.answering import way_on
from kameng.web.entrance.steps import origin_of
from kameng.web.parts import AnyRequest, door_of
from kameng.web.till import Due
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

METHOD = Method.wechat
STATE_CHARS = 32
NOT_KNOWN = N_("WeChat did not say who you are. Nothing was charged: try again, or scan the code.")


async def show(request: AnyRequest, due: Due) -> Response[Any]:
    """The page where it is paid, for whoever came to it."""
    if due.state == "open" and (led := await lead(request, due)) is not None:
        return led
    return await till.show(request, due, is_within=due.state == "open" and await _is_offered(request, due))


async def _is_offered(request: AnyRequest, due: Due) -> bool:
    """Whether its sheet can be had here: the browser is WeChat's, and an account asks."""
    if till.device_of(request) != "wechat":
        return False
    return await _sign_in(request, due) is not None


async def lead(request: AnyRequest, due: Due) -> Response[Any] | None:
    """To WeChat, or with what it said on to the sheet; None: he asked for neither."""
    query = request.query_params
    if query.get("within") == METHOD:
        return await _ask(request, due)
    if query.get("code") and query.get("account", "").isdecimal():
        return await _begin(request, due, int(query["account"][:9]), query["code"][:512], query.get("state", ""))
    return None


async def _ask(request: AnyRequest, due: Due) -> Response[Any]:
    found = await _sign_in(request, due)
    if found is None or not viewer_of(request).visitor:
        return way_on(request, due.path, said=till.UNDONE)
    number, sign_in = found
    back = f"{origin_of(request)}{due.path}?{urlencode({'account': number})}"
    return way_on(request, sign_in.address(back, _state(request, due, number)))


async def _sign_in(request: AnyRequest, due: Due) -> tuple[int, SignIn] | None:
    cashier = door_of(request).cashier
    await cashier.channels.refresh()
    agent_id = till.shop_of(request, due.organisation, is_recharge=due.is_to_us)
    if agent_id is None:
        return None
    region = await places.region_of(viewer_of(request).ip)
    return await payments.sign_in_for(cashier, due.organisation, due.rest_e4, METHOD, agent_id=agent_id, region=region)


async def _begin(request: AnyRequest, due: Due, number: int, code: str, state: str) -> Response[Any]:
    cashier = door_of(request).cashier
    is_ours = hmac.compare_digest(_state(request, due, number).encode(), state.encode())
    sign_in = await payments.sign_in_at(cashier, number) if is_ours and viewer_of(request).visitor else None
    payer_id = None if sign_in is None else await sign_in.payer_of(code)
    if payer_id is None:
        return way_on(request, due.path, said=NOT_KNOWN)
    try:
        await till.begin_with(request, due, till.Way(METHOD, Scene.jsapi), payer_id=payer_id, channel_id=number)
    except payments.NotPayable:
        pass  # the page says how it stands
    except Refusal:
        return way_on(request, due.path, said=till.UNDONE)
    return way_on(request, due.path)


def _state(request: AnyRequest, due: Due, number: int) -> str:
    said = f"{viewer_of(request).visitor}\n{due.path}\n{number}"
    return door_of(request).ring.fingerprint(b"within", said.encode()).hex()[:STATE_CHARS]
