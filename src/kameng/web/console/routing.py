"""智能路由: the mode, the rules in their order, "why this one?" as a dry run, and why a payment went where it went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import identity, payments
from kameng.channels import Method, Scene
from kameng.kit.errors import Refusal
from kameng.kit.money import MINOR_E4
from kameng.payments import Decision
from kameng.routing import STATES, WAYS, WHY_NOT, Request, Rule, When
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.console.channels import SCENES
from kameng.web.errors import NoSuchPage
from kameng.web.forms import Field, Filled, Wrong
from kameng.web.parts import AnyRequest, door_of
from kameng.web.till import NAMES
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

HOME = "/console/routing"
VIEW = {"face": "platform", "act": "money.view"}
PROVED = {"face": "platform", "act": "money.approve", "proof": True}
MODES = {
    "smart": (N_("Smart"), N_("By what is learned of each channel; who fails is left within seconds.")),
    "weights": (N_("By weight"), N_("Drawn by the weights of the channels; who fails is left all the same.")),
    "order": (N_("In order"), N_("The first channel that is well.")),
}  # fmt: skip
ACTS = {
    "refuse": N_("Leave these out"), "only": N_("Only these"), "pin": N_("Always this one"),
    "groups": N_("First group that is well"), "split": N_("Split by share"),
}  # fmt: skip
DEVICES = {"desktop": N_("Computer"), "phone": N_("Phone"), "wechat": N_("Inside WeChat")}
METHOD, SCENE = forms.one_of(*(one.value for one in Method)), forms.one_of(*(one.value for one in Scene))


def _weight(sent: str) -> float:
    try:
        value = float(sent)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise Wrong(N_("A number from 0 to 1, please."))
    return value


def _numbers(sent: str) -> tuple[int, ...]:
    return tuple(_number(part) for part in sent.replace("，", ",").replace(" ", ",").split(",") if part)


def _number(sent: str) -> int:
    text = sent.strip().removeprefix("#")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Wrong(N_("Numbers of channels, please: 1, 2."))
    return int(text)


def _texts(sent: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in sent.replace("，", ",").split(",") if part.strip())


def _hours(sent: str) -> tuple[tuple[int, int], ...]:
    found = []
    for part in _texts(sent):
        try:
            first, last = (tuple(map(int, one.split(":"))) for one in part.split("-"))
            found.append((first[0] * 60 + first[1], last[0] * 60 + last[1]))
        except (ValueError, IndexError):
            raise Wrong(N_("Hours like 22:00-02:00, please.")) from None
    return tuple(found)


POLICY = (
    Field("mode", forms.one_of(*MODES)), Field("fee_weight", _weight, required=False, empty=0.0),
    Field("speed_weight", _weight, required=False, empty=0.0),
    Field("target_weight", _weight, required=False, empty=0.0), Field("reason", forms.text(500)),
)  # fmt: skip
RULE = (
    Field("name", forms.text(60)), Field("act", forms.one_of(*ACTS)), Field("channels", forms.text(200)),
    Field("method", METHOD, required=False), Field("scene", SCENE, required=False),
    Field("from", forms.amount(least_e4=0), required=False, empty=0), Field("to", forms.amount(), required=False),
    Field("hours", _hours, required=False, empty=()), Field("device", forms.one_of(*DEVICES), required=False),
    Field("merchants", _numbers, required=False, empty=()), Field("regions", _texts, required=False, empty=()),
    Field("banks", _texts, required=False, empty=()), Field("bins", _texts, required=False, empty=()),
)  # fmt: skip
DRY = (
    Field("method", METHOD), Field("scene", SCENE, required=False, empty="qr"), Field("amount", forms.amount()),
    Field("merchant", asking.number, required=False, empty=0),
    Field("device", forms.one_of(*DEVICES), required=False, empty=""),
    Field("region", forms.text(40), required=False, empty=""), Field("bank", forms.text(40), required=False, empty=""),
    Field("bin", forms.text(11), required=False, empty=""),
)  # fmt: skip
END = (Field("reason", forms.text(500)),)


@get(HOME, opt=VIEW)
async def show(request: AnyRequest) -> Response[Any]:
    """With a dry run, if one is asked for."""
    return await _shown(request)


async def _shown(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door, words = door_of(request), viewer_of(request).words
    standing = await payments.find_routing(door.db)
    channels = await payments.list_channels(door.db)
    policy = standing.policy
    async with door.db.connection() as connection:
        people = await identity.people_by_id(connection, {one.changed_by for one in standing.rules if one.changed_by})
    dry, decision = forms.blank(words, method="wechat", scene="qr", amount="100"), None
    if "method" in request.query_params:
        dry = asking.asked(request, DRY)
        decision = await payments.why(door.cashier, _request_of(dry)) if dry else None
    values = {
        "policy_form": forms.blank(
            words, mode=policy.mode, fee_weight=f"{policy.fee_weight:g}", speed_weight=f"{policy.speed_weight:g}",
            target_weight=f"{policy.target_weight:g}",
        ),
        "adding": forms.blank(words, act="refuse"), "rule_form": None, "rule_id": 0, "ending": None, **more,
    }  # fmt: skip
    return page(
        request, "console/routing.html", status=status, policy=policy, rules=standing.rules, people=people,
        channels={one.channel_id: one.name for one in channels if one.org_id == 0}, modes=MODES, acts=ACTS,
        devices=DEVICES, methods=NAMES, scenes=SCENES, dry=dry, decision=decision, sent_of=_sent_of, whom_of=_whom_of,
        blank=forms.blank, way_words=WAYS, whys=WHY_NOT, route_states=STATES, words=words, **values,
    )  # fmt: skip


def _request_of(dry: Filled) -> Request:
    return Request(
        payment_id=0, method=dry["method"], scene=dry["scene"], amount_minor=dry["amount"] // MINOR_E4,
        merchant_id=dry["merchant"], device=dry["device"], region=dry["region"], bank=dry["bank"], bin=dry["bin"],
    )  # fmt: skip


@get(f"{HOME}/decisions", opt=VIEW)
async def find(request: AnyRequest) -> Response[Any]:
    """By a payment's number, as people have it: with or without its K."""
    number = str(request.query_params.get("payment", "")).strip().removeprefix("K")
    return way_on(request, f"{HOME}/decisions/{asking.id_in(number, payments.NoSuchPayment)}")


@get(f"{HOME}/decisions/{{payment_id:str}}", opt=VIEW)
async def decided(request: AnyRequest, payment_id: FromPath[str]) -> Response[Any]:
    number = asking.id_in(payment_id, payments.NoSuchPayment)
    found: Decision = await payments.find_decision(door_of(request).db, number)
    return page(
        request, "console/decision.html", decision=found, number=number, methods=NAMES, scenes=SCENES, way_words=WAYS,
        whys=WHY_NOT, route_states=STATES,
    )  # fmt: skip


@post(f"{HOME}/mode", opt=PROVED, status_code=200)
async def set_mode(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, POLICY)
    if form:
        changes = {name: form[name] for name in ("mode", "fee_weight", "speed_weight", "target_weight")}
        try:
            await payments.set_policy(door.db, changes, reason=form["reason"], actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, HOME, said=N_("Saved. It holds everywhere within a second."))
    return await _shown(request, status=422, policy_form=form)


@post(f"{HOME}/rules", opt=PROVED, status_code=200)
async def add(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, RULE)
    if rule := _rule_of(form):
        try:
            await payments.add_rule(door.db, rule, actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal, FIELDS)
        else:
            return way_on(request, HOME, said=N_("Saved. It holds everywhere within a second."))
    return await _shown(request, status=422, adding=form)


@post(f"{HOME}/rules/{{rule_id:int}}", opt=PROVED, status_code=200)
async def change(request: AnyRequest, rule_id: FromPath[int]) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, RULE)
    if rule := _rule_of(form):
        try:
            await payments.change_rule(door.db, rule_id, rule, actor_id=viewer.person_id)
        except payments.BadRule as refusal:
            form.refused(refusal, FIELDS)
        else:
            return way_on(request, HOME, said=N_("Saved. It holds everywhere within a second."))
    return await _shown(request, status=422, rule_form=form, rule_id=rule_id)


@post(f"{HOME}/rules/{{rule_id:int}}/{{way:str}}", opt=PROVED, status_code=200)
async def move(request: AnyRequest, rule_id: FromPath[int], way: FromPath[str]) -> Response[Any]:
    """Up, down, or out."""
    viewer, door = viewer_of(request), door_of(request)
    if way in ("up", "down"):
        await payments.move_rule(door.db, rule_id, by=-1 if way == "up" else 1, actor_id=viewer.person_id)
        return way_on(request, HOME, said=N_("Saved."))
    if way != "end":
        raise NoSuchPage
    form = await forms.read(request, viewer.words, END)
    if form:
        await payments.end_rule(door.db, rule_id, reason=form["reason"], actor_id=viewer.person_id)
        return way_on(request, HOME, said=N_("The rule holds no more."))
    return await _shown(request, status=422, ending=form, rule_id=rule_id)


FIELDS = {"channel": "channels", "shares": "channels", "methods": "method", "scenes": "scene", "amount": "to"}
"""Of a rule, and where its form has them."""


def _rule_of(form: Filled) -> Rule | None:
    """What was meant; None, with the field at fault, if it can't be read."""
    if not form:
        return None
    when = When(
        methods=(form["method"],) if form["method"] else (), scenes=(form["scene"],) if form["scene"] else (),
        devices=(form["device"],) if form["device"] else (), merchants=form["merchants"], regions=form["regions"],
        banks=form["banks"], bins=form["bins"], hours=form["hours"], amount_min_minor=-(-form["from"] // MINOR_E4),
        amount_max_minor=None if form["to"] is None else form["to"] // MINOR_E4,
    )  # fmt: skip
    try:
        return Rule(name=form["name"], act=form["act"], when=when, **_whom(form["act"], form["channels"]))
    except Wrong as wrong:
        form.wrong("channels", wrong.msgid, **wrong.values)
        return None


def _whom(act: str, sent: str) -> dict[str, Any]:
    """``1, 2``; of groups ``1, 2 > 3``; of shares ``1=30, 2=20`` in percent."""
    if act == "groups":
        return {"groups": tuple(_numbers(group) for group in sent.replace("＞", ">").split(">"))}
    if act != "split":
        return {"channels": _numbers(sent)}
    shares = []
    for part in _texts(sent):
        channel, _, share = part.partition("=")
        try:
            shares.append((_number(channel), round(float(share.rstrip("%")) * 100)))
        except ValueError:
            raise Wrong(N_("Shares in percent, please: 1=30, 2=20.")) from None
    return {"shares": tuple(shares)}


def _whom_of(rule: Rule, names: Mapping[int, str]) -> str:
    """The channels that a rule names, by their names."""

    def listed(numbers: Iterable[int]) -> str:
        return ", ".join(names.get(one, f"#{one}") for one in numbers)

    if rule.act == "groups":
        return " > ".join(listed(group) for group in rule.groups)
    if rule.act == "split":
        return ", ".join(f"{listed([one])} {share / 100:g} %" for one, share in rule.shares)
    return listed(rule.channels)


def _sent_of(rule: Rule) -> dict[str, str]:
    """A rule as its form shows it."""
    when = rule.when
    whom = {
        "groups": " > ".join(", ".join(map(str, group)) for group in rule.groups),
        "split": ", ".join(f"{channel}={share / 100:g}" for channel, share in rule.shares),
    }.get(rule.act, ", ".join(map(str, rule.channels)))
    return {
        "name": rule.name, "act": rule.act, "channels": whom, "method": "".join(when.methods[:1]),
        "scene": "".join(when.scenes[:1]), "device": "".join(when.devices[:1]),
        "from": f"{when.amount_min_minor / 100:.2f}" if when.amount_min_minor else "",
        "to": "" if when.amount_max_minor is None else f"{when.amount_max_minor / 100:.2f}",
        "hours": ", ".join(f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in when.hours),
        "merchants": ", ".join(map(str, when.merchants)), "regions": ", ".join(when.regions),
        "banks": ", ".join(when.banks), "bins": ", ".join(when.bins),
    }  # fmt: skip
