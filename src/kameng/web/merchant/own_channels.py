"""自收款通道: payment accounts of an agent that collects itself: added, sealed, tried, switched; what its shop takes.

Every act looks first whether the account is the agent's own. What they bring is the agent's; as much leaves its wallet.
"""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import payments
from kameng.channels import PROTOCOLS
from kameng.kit.errors import Refusal
from kameng.payments import OWN_RULES, ChannelAccount
from kameng.web import credentials, forms
from kameng.web.answering import page, way_on
from kameng.web.errors import NoSuchPage
from kameng.web.forms import Field, Filled
from kameng.web.merchant.shop_own import SAVED
from kameng.web.parts import AnyRequest, door_of
from kameng.web.till import NAMES
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

HOME = "/merchant/channels"
VIEW: dict[str, Any] = {"face": "agent", "act": "money.view"}
CHANGE: dict[str, Any] = {"face": "agent", "act": "money.move", "proof": True}
THEIRS = {name: spec for name, spec in PROTOCOLS.items() if name != "bank"}
"""Whose money comes by transfer is found by the platform's staff in its own statements."""
NEW = (Field("name", forms.text(60)), Field("account_no", forms.text(100), required=False, empty=""))
REASON = "代理自行操作 by its owner"


@get(HOME, opt=VIEW)
async def list_channels(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    found = await payments.own_channels(door.db, viewer.me)
    return page(
        request, "agent/channels.html", channels=found, protocols=PROTOCOLS, methods=NAMES,
        collects=viewer.me.self_collected, rule=await payments.own_rule_of(door.db, viewer.me),
    )  # fmt: skip


@post(f"{HOME}/rule", opt=CHANGE, status_code=200)
async def set_rule(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, (Field("rule", forms.one_of(*OWN_RULES)),))
    if not form:
        raise NoSuchPage
    await payments.set_own_rule(door.db, viewer.me, form["rule"], actor_id=viewer.person_id)
    return way_on(request, HOME, said=SAVED)


@get(f"{HOME}/new", opt=CHANGE)
async def ask_new(request: AnyRequest) -> Response[Any]:
    """A protocol first, then what it needs."""
    chosen = str(request.query_params.get("protocol", ""))
    return _new(request, chosen, forms.blank(viewer_of(request).words))


def _new(request: AnyRequest, protocol: str, form: Filled, *, status: int = 200) -> Response[Any]:
    return page(
        request, "agent/channel_new.html", status=status, protocols=THEIRS, spec=THEIRS.get(protocol), form=form
    )


@post(f"{HOME}/new", opt=CHANGE, status_code=200)
async def add(request: AnyRequest) -> Response[Any]:
    """Off until it is switched on; its credentials are sealed, and nobody sees them again."""
    viewer, door = viewer_of(request), door_of(request)
    spec, form = await credentials.read_new(request, THEIRS, NEW)
    if form:
        try:
            number = await payments.add_own_channel(
                door.db, door.ring, viewer.me, protocol=spec.name, name=form["name"],
                credentials=credentials.given(spec, form), account_no=form["account_no"], actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal, credentials.names(spec))
        else:
            return way_on(request, f"{HOME}/{number}", said=N_("Added. Try it, then switch it on."))
    credentials.forget(spec, form)
    return _new(request, spec.name, form, status=422)


@get(f"{HOME}/{{channel_id:int}}", opt=VIEW)
async def show(request: AnyRequest, channel_id: FromPath[int]) -> Response[Any]:
    return await _shown(request, await _own(request, channel_id))


async def _own(request: AnyRequest, channel_id: int) -> ChannelAccount:
    """``NoSuchChannel`` for everybody else's."""
    return await payments.own_channel(door_of(request).db, viewer_of(request).me, channel_id)


async def _shown(request: AnyRequest, one: ChannelAccount, *, status: int = 200, **more: Any) -> Response[Any]:
    door, words = door_of(request), viewer_of(request).words
    unreadable = await credentials.unreadable(request, one.channel_id)
    values = {"sealing": forms.blank(words), "trying": forms.blank(words), "steps": (), **more}
    return page(
        request, "agent/channel.html", status=status, one=one, spec=PROTOCOLS[one.protocol], methods=NAMES,
        unreadable=unreadable, notify_url=door.cashier.notify_url(one.channel_id), **values,
    )  # fmt: skip


@post(f"{HOME}/{{channel_id:int}}/switch", opt=CHANGE, status_code=200)
async def switch(request: AnyRequest, channel_id: FromPath[int]) -> Response[Any]:
    viewer, one = viewer_of(request), await _own(request, channel_id)
    form = await forms.read(request, viewer.words, (Field("on", forms.one_of("0", "1")),))
    if form:
        on = form["on"] == "1"
        await payments.switch_channel(
            door_of(request).db, one.channel_id, on=on, reason=REASON, actor_id=viewer.person_id
        )
    return way_on(request, f"{HOME}/{one.channel_id}", said=SAVED)


@post(f"{HOME}/{{channel_id:int}}/credentials", opt=CHANGE, status_code=200)
async def seal(request: AnyRequest, channel_id: FromPath[int]) -> Response[Any]:
    """Other credentials, all of them."""
    one = await _own(request, channel_id)
    form = await credentials.seal(request, one.channel_id, PROTOCOLS[one.protocol])
    if form:
        return way_on(request, f"{HOME}/{one.channel_id}", said=N_("Sealed. Try it now."))
    return await _shown(request, one, status=422, sealing=form)


@post(f"{HOME}/{{channel_id:int}}/try", opt=CHANGE, status_code=200)
async def try_it(request: AnyRequest, channel_id: FromPath[int]) -> Response[Any]:
    """拨测: a payment of the smallest amount, begun, asked about and closed."""
    viewer, one = viewer_of(request), await _own(request, channel_id)
    try:
        steps = await payments.probe_channel(door_of(request).cashier, one.channel_id, actor_id=viewer.person_id)
    except payments.BadChannel as refusal:
        refused = forms.blank(viewer.words).refused(refusal)
        return await _shown(request, one, status=422, trying=refused)
    return await _shown(request, one, steps=steps)
