"""支付通道: accounts at payment providers: how they are, what they may take, their credentials (never shown again),
and 拨测: a real payment of the smallest amount, begun, asked about and closed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import payments
from kameng.channels import PROTOCOLS
from kameng.kit import clock, money
from kameng.kit.errors import Refusal
from kameng.payments import ChannelAccount, Health
from kameng.web import credentials, forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.forms import Field, Filled, Wrong
from kameng.web.parts import AnyRequest, door_of
from kameng.web.till import NAMES
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

HOME = "/console/channels"
NEWS_SHOWN = 8
RATE_PPM = 10_000
"""One percent."""
SCENES = {
    "qr": N_("Code to scan"), "page": N_("Page on a computer"), "wap": N_("Page on a phone"),
    "jsapi": N_("Inside the app"), "code": N_("Payment code at the till"),
}  # fmt: skip
VIEW = {"face": "platform", "act": "money.view"}
CHANGE = {"face": "platform", "act": "money.approve"}
PROVED = {**CHANGE, "proof": True}
SWITCH = (Field("on", forms.one_of("0", "1")), Field("reason", forms.text(500)))


def _rate(sent: str) -> int:
    """A percentage, as a million parts."""
    try:
        ppm = round(float(sent.rstrip("%").strip()) * RATE_PPM)
    except ValueError:
        raise Wrong(N_("A percentage like 0.6, please.")) from None
    if not 0 <= ppm <= 50 * RATE_PPM:
        raise Wrong(N_("At most 50 percent, please."))
    return ppm


def _minute(sent: str) -> int:
    try:
        hour, minute = map(int, sent.split(":")[:2])
    except ValueError:
        raise Wrong(N_("A time like 09:30, please.")) from None
    if not (0 <= hour < 24 and 0 <= minute < 60):
        raise Wrong(N_("A time like 09:30, please."))
    return hour * 60 + minute


def _networks(sent: str) -> tuple[str, ...]:
    return tuple(sent.replace(",", " ").split())


SETTINGS = (
    Field("name", forms.text(60)), Field("account_no", forms.text(100), required=False, empty=""),
    Field("fee_ppm", _rate), Field("fee_fixed_e4", forms.amount(least_e4=0), required=False, empty=0),
    Field("least_e4", forms.amount(least_e4=0), required=False, empty=0),
    Field("most_e4", forms.amount(), required=False), Field("day_most_e4", forms.amount(), required=False),
    Field("day_target_e4", forms.amount(), required=False), Field("opens_min", _minute, required=False),
    Field("closes_min", _minute, required=False), Field("licence_until", asking.day, required=False),
    Field("certificate_until", asking.day, required=False),
    Field("notify_from", _networks, required=False, empty=()), Field("weight", forms.whole(0, 10_000)),
)  # fmt: skip


@get(HOME, opt=VIEW)
async def list_channels(request: AnyRequest) -> Response[Any]:
    """How each is; what happened lately."""
    cashier = door_of(request).cashier
    found = await payments.channel_health(cashier)
    names = {one.channel.channel_id: one.channel.name for one in found}
    news = [one for one in list(cashier.router.news)[::-1] if not one.channel_id or one.channel_id in names]
    return page(
        request, "console/channels.html", channels=found, news=news[:NEWS_SHOWN], names=names, protocols=PROTOCOLS,
        ends=payments.running_out([one.channel for one in found], clock.china_day()), at=_moment,
    )  # fmt: skip


@get(f"{HOME}/new", opt=CHANGE)
async def ask_new(request: AnyRequest) -> Response[Any]:
    """A protocol first, then what it needs."""
    words, chosen = viewer_of(request).words, str(request.query_params.get("protocol", ""))
    return _new(request, chosen, forms.blank(words, fee_ppm="0.6", weight="100"))


def _new(request: AnyRequest, protocol: str, form: Filled, *, status: int = 200) -> Response[Any]:
    spec = PROTOCOLS.get(protocol)
    return page(
        request, "console/channel_new.html", status=status, protocols=PROTOCOLS, spec=spec, form=form,
    )  # fmt: skip


@post(f"{HOME}/new", opt=PROVED, status_code=200)
async def add(request: AnyRequest) -> Response[Any]:
    """Off until it is switched on; its credentials are sealed, and nobody sees them again."""
    viewer, door = viewer_of(request), door_of(request)
    spec, form = await credentials.read_new(request, PROTOCOLS, SETTINGS[:3])
    if form:
        try:
            number = await payments.add_channel(
                door.db, door.ring, protocol=spec.name, name=form["name"], credentials=credentials.given(spec, form),
                account_no=form["account_no"], fee_ppm=form["fee_ppm"], actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal, credentials.names(spec))
        else:
            return way_on(request, f"{HOME}/{number}", said=N_("Added. Try it, then switch it on."))
    credentials.forget(spec, form)
    return _new(request, spec.name, form, status=422)


@get(f"{HOME}/{{channel_id:int}}", opt=VIEW)
async def show(request: AnyRequest, channel_id: FromPath[int]) -> Response[Any]:
    return await _shown(request, channel_id)


async def _shown(request: AnyRequest, channel_id: int, *, status: int = 200, **more: Any) -> Response[Any]:
    door, words = door_of(request), viewer_of(request).words
    health = await _health(request, channel_id)
    one = health.channel
    spec = PROTOCOLS.get(one.protocol)
    values = {
        "setting": forms.blank(words, **_standing(one)), "switching": forms.blank(words),
        "sealing": forms.blank(words), "steps": (), **more,
    }  # fmt: skip
    unreadable = None if spec is None else await credentials.unreadable(request, channel_id)
    return page(
        request, "console/channel.html", status=status, one=one, health=health, spec=spec, methods=NAMES,
        scenes=SCENES, faults=await payments.channel_faults(door.db, channel_id), today=clock.china_day(),
        unreadable=unreadable, **values,
    )  # fmt: skip


async def _health(request: AnyRequest, channel_id: int) -> Health:
    found = await payments.channel_health(door_of(request).cashier)
    one = next((one for one in found if one.channel.channel_id == channel_id), None)
    if one is None:
        raise payments.NoSuchChannel
    return one


@post(f"{HOME}/{{channel_id:int}}", opt=PROVED, status_code=200)
async def change(request: AnyRequest, channel_id: FromPath[int]) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    spec = PROTOCOLS.get((await payments.find_channel(door.db, channel_id)).protocol)
    ways = () if spec is None else spec.offers
    boxes = [Field(f"offer_{method}_{scene}", forms.checked, required=False, empty=False) for method, scene in ways]
    form = await forms.read(request, viewer.words, (*SETTINGS, *boxes))
    if form:
        offers = [(method, scene) for method, scene in ways if form[f"offer_{method}_{scene}"]]
        changes = {field.name: form[field.name] for field in SETTINGS}
        try:
            await payments.change_channel(door.db, channel_id, **changes, offers=offers, actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return _on(request, channel_id, N_("Saved. It holds everywhere within a second."))
    return await _shown(request, channel_id, status=422, setting=form)


@post(f"{HOME}/{{channel_id:int}}/switch", opt=PROVED, status_code=200)
async def switch(request: AnyRequest, channel_id: FromPath[int]) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, SWITCH)
    if form:
        on = form["on"] == "1"
        try:
            await payments.switch_channel(
                door.db, channel_id, on=on, reason=form["reason"], actor_id=viewer.person_id
            )
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return _on(request, channel_id, N_("Switched on.") if on else N_("Switched off. What was begun goes on."))
    return await _shown(request, channel_id, status=422, switching=form)


@post(f"{HOME}/{{channel_id:int}}/credentials", opt=PROVED, status_code=200)
async def seal(request: AnyRequest, channel_id: FromPath[int]) -> Response[Any]:
    """Other credentials, all of them."""
    spec = PROTOCOLS[(await payments.find_channel(door_of(request).db, channel_id)).protocol]
    form = await credentials.seal(request, channel_id, spec)
    if form:
        return _on(request, channel_id, N_("Sealed. Try it now."))
    return await _shown(request, channel_id, status=422, sealing=form)


@post(f"{HOME}/{{channel_id:int}}/try", opt=CHANGE, status_code=200)
async def try_it(request: AnyRequest, channel_id: FromPath[int]) -> Response[Any]:
    """拨测: each call's answer, shown on the page."""
    viewer, cashier = viewer_of(request), door_of(request).cashier
    try:
        steps = await payments.probe_channel(cashier, channel_id, actor_id=viewer.person_id)
    except payments.BadChannel as refusal:
        refused = forms.blank(viewer.words).refused(refusal)
        return await _shown(request, channel_id, status=422, switching=refused)
    return await _shown(request, channel_id, steps=steps)


def _standing(one: ChannelAccount) -> dict[str, str]:
    """An account's settings as its form shows them."""
    def amount(value: int | None) -> str:
        return "" if not value else money.format_e4(value)

    def minute(value: int | None) -> str:
        return "" if value is None else f"{value // 60:02}:{value % 60:02}"

    shown = {
        "name": one.name, "account_no": one.account_no, "fee_ppm": f"{one.fee_ppm / RATE_PPM:g}",
        "fee_fixed_e4": amount(one.fee_fixed_e4), "least_e4": amount(one.least_e4), "most_e4": amount(one.most_e4),
        "day_most_e4": amount(one.day_most_e4), "day_target_e4": amount(one.day_target_e4),
        "opens_min": minute(one.opens_min), "closes_min": minute(one.closes_min),
        "licence_until": "" if one.licence_until is None else one.licence_until.isoformat(),
        "certificate_until": "" if one.certificate_until is None else one.certificate_until.isoformat(),
        "notify_from": " ".join(one.notify_from), "weight": str(one.weight),
    }  # fmt: skip
    return shown | {f"offer_{method}_{scene}": "on" for method, scene in one.offers}


def _on(request: AnyRequest, channel_id: int, said: str) -> Response[Any]:
    return way_on(request, f"{HOME}/{channel_id}", said=said)


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
