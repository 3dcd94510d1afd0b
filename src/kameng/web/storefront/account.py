"""My account: who I am here and what I am called, whom messages go to, what I may go to, language and look."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import access, identity, notices
from kameng.kit import ids
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.entrance import steps
from kameng.web.errors import NoSuchPage
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.storefront import buying
from kameng.web.viewing import Viewer, viewer_of
from kameng.web.wording import N_

TOPICS = {
    "balance_low": N_("The balance runs low"), "withdrawal_decided": N_("A withdrawal was decided"),
    "key_expiring": N_("An API key runs out"), "webhook_disabled": N_("A webhook was switched off"),
    "document_decided": N_("A document was decided"), "document_expiring": N_("A document runs out"),
    "offer_decided": N_("An offer was decided"), "stock_low": N_("Stock runs low"),
}  # fmt: skip
OF_BUYERS = ("balance_low", "withdrawal_decided")
OF_KINDS = {
    "customer": OF_BUYERS,
    "merchant": (*OF_BUYERS, "key_expiring", "webhook_disabled", "document_decided", "document_expiring"),
    "agent": (*OF_BUYERS, "key_expiring", "webhook_disabled", "document_decided", "document_expiring"),
    "supplier": ("withdrawal_decided", "document_decided", "document_expiring", "offer_decided", "stock_low"),
}
"""What each kind of organisation can be told of; the platform's own staff is told by topics of its own."""
CHANNELS = {
    "mail": N_("Mail"), "sms": N_("SMS"), "wecom": N_("WeCom robot"), "dingtalk": N_("DingTalk robot"),
    "feishu": N_("Feishu robot"),
}  # fmt: skip
NAME = (Field("name", forms.text(100)),)


@get("/me", opt={"face": "member"})
async def show(request: AnyRequest) -> Response[Any]:
    return await _page(request)


@post("/me/name", opt={"face": "member"}, status_code=200)
async def rename(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, NAME)
    if form:
        try:
            await identity.rename_person(door.db, viewer.person_id, form["name"], actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/me", said=N_("Saved."))
    return await _page(request, named=form)


@post("/me/notices", opt={"face": "member"}, status_code=200)
async def subscribe(request: AnyRequest) -> Response[Any]:
    """Have somebody told, in the name of whom one works for."""
    viewer, door = _teller(request), door_of(request)
    form = await forms.read(request, viewer.words, _asked(viewer, door))
    if form:
        try:
            await notices.subscribe(
                door.db, door.ring, viewer.me.org_id, topic=form["topic"], channel=form["channel"],
                address=notices.Address(form["target"], form["secret"]), policy=door.policy,
                language=form["language"], actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/me#notices", said=N_("You will be told."))
    return await _page(request, told=form)


@post("/me/notices/{number:str}/remove", opt={"face": "member"}, status_code=200)
async def unsubscribe(request: AnyRequest, number: FromPath[str]) -> Response[Any]:
    viewer = _teller(request)
    try:
        subscription_id = ids.parse(number)
    except ValueError:
        raise NoSuchPage from None
    await notices.unsubscribe(door_of(request).db, viewer.me.org_id, subscription_id, actor_id=viewer.person_id)
    return way_on(request, "/me#notices", said=N_("You will not be told any more."))


def _is_teller(viewer: Viewer) -> bool:
    """Whether he may say who is told of what his organisation should know, as who leads its webhooks may."""
    return viewer.organisation is not None and viewer.me.kind in OF_KINDS and viewer.may("webhooks")


def _teller(request: AnyRequest) -> Viewer:
    viewer = viewer_of(request)
    if not _is_teller(viewer):
        raise access.Forbidden
    return viewer


def _asked(viewer: Viewer, door: Door) -> tuple[Field, ...]:
    return (
        Field("topic", forms.one_of(*OF_KINDS[viewer.me.kind])), Field("channel", forms.one_of(*_channels(door))),
        Field("target", forms.text(500)), Field("secret", forms.text(200), required=False, empty=""),
        Field("language", forms.one_of(*notices.LANGUAGES)),
    )  # fmt: skip


def _channels(door: Door) -> list[str]:
    """Those that something can be sent by from here: robots always."""
    set_up = steps.channels_of(door.settings)
    return [name for name in CHANNELS if name in set_up or name not in ("mail", "sms")]


async def _page(request: AnyRequest, *, named: Filled | None = None, told: Filled | None = None) -> Response[Any]:
    """``named``, ``told``: what was sent and can't be taken."""
    viewer, door = viewer_of(request), door_of(request)
    assert viewer.session is not None
    found, is_teller = [], _is_teller(viewer)
    status = 200 if named is told is None else 422
    if named is None:
        named = forms.blank(viewer.words, name=viewer.session.name)
    if is_teller:
        found = await notices.subscriptions(door.db, viewer.me.org_id)
        if told is None:
            told = _untold(viewer, door, viewer.session.sign_in)
        told.sent["secret"] = ""
    return page(
        request, "storefront/account.html", status=status, is_buyer=buying.is_buyer(viewer), named=named, told=told,
        subscriptions=found, topic_names=TOPICS, channel_names=CHANNELS, channels=_channels(door),
        topics=OF_KINDS[viewer.me.kind] if is_teller else (),
    )  # fmt: skip


def _untold(viewer: Viewer, door: Door, sign_in: str) -> Filled:
    """By mail to himself, as far as that can be."""
    return forms.blank(
        viewer.words, channel=_channels(door)[0], language=viewer.language, target=sign_in if "@" in sign_in else ""
    )
