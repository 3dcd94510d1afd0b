"""Webhooks: endpoints with their secret shown once, tried out, their log, and sending again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import notices
from kameng.kit import clock, ids
from kameng.kit.errors import Refusal
from kameng.notices import Endpoint, LogFilter
from kameng.web import forms
from kameng.web.answering import message_of, page, way_on
from kameng.web.forms import Field, Filled, Wrong
from kameng.web.merchant import lists
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

MAY = {"face": "merchant", "act": "webhooks"}
PROVED = {**MAY, "proof": True}


def kinds(text: str) -> list[str]:
    return [part for part in re.split(r"[\s,，;；]+", text) if part]


def moment(text: str) -> datetime:
    """``2026-11-23T10:00`` in China's time, as a browser's field for it sends it."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=clock.CHINA)
    except ValueError:
        raise Wrong(N_("A time like 2026-11-23T10:00, please.")) from None


def event(text: str) -> int:
    """An event's number, as the log or a message's ``webhook-id`` has it."""
    try:
        return ids.parse(text.removeprefix("msg_"))
    except ValueError:
        raise Wrong(N_("The number of an event, please.")) from None


ENDPOINT = (
    Field("name", forms.text(60), required=False, empty=""), Field("url", forms.text(2000)),
    Field("kinds", kinds, required=False, empty=()),
)  # fmt: skip
REPLAY = (
    Field("event", event, required=False),
    Field("since", moment, required=False), Field("hours", forms.whole(1, 24), required=False, empty=24),
)  # fmt: skip


@get("/merchant/webhooks", opt=MAY)
async def show_list(request: AnyRequest) -> Response[Any]:
    endpoints = await notices.list_endpoints(door_of(request).db, viewer_of(request).me.org_id)
    return page(request, "merchant/webhooks.html", endpoints=endpoints)


@get("/merchant/webhooks/new", opt=PROVED)
async def ask(request: AnyRequest) -> Response[Any]:
    return page(request, "merchant/webhook_new.html", form=forms.blank(viewer_of(request).words))


@post("/merchant/webhooks/new", opt=PROVED, status_code=200)
async def create(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, ENDPOINT)
    if form:
        try:
            made = await notices.create_endpoint(
                door.db, door.ring, viewer.me.org_id, url=form["url"], kinds=form["kinds"], name=form["name"],
                policy=door.policy, actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return page(request, "merchant/webhook_made.html", endpoint=made.endpoint, secret=made.secret)
    return page(request, "merchant/webhook_new.html", status=422, form=form)


@get("/merchant/webhooks/{endpoint_id:str}", opt=MAY)
async def show(request: AnyRequest, endpoint_id: FromPath[str]) -> Response[Any]:
    endpoint = await _own(request, endpoint_id)
    return await _page(request, endpoint, _standing(request, endpoint))


@post("/merchant/webhooks/{endpoint_id:str}", opt=MAY, status_code=200)
async def change(request: AnyRequest, endpoint_id: FromPath[str]) -> Response[Any]:
    viewer, door, endpoint = viewer_of(request), door_of(request), await _own(request, endpoint_id)
    form = await forms.read(request, viewer.words, ENDPOINT)
    if form:
        try:
            await notices.change_endpoint(
                door.db, viewer.me.org_id, endpoint.endpoint_id, policy=door.policy, url=form["url"],
                kinds=form["kinds"], name=form["name"], actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return _back(request, endpoint, N_("Saved."))
    return await _page(request, endpoint, form, status=422)


@post("/merchant/webhooks/{endpoint_id:str}/state", opt=MAY, status_code=200)
async def switch(request: AnyRequest, endpoint_id: FromPath[str]) -> Response[Any]:
    """On, also after it was disabled or paused for failing; or off."""
    viewer, door, endpoint = viewer_of(request), door_of(request), await _own(request, endpoint_id)
    state = str((await request.form()).get("state", ""))
    try:
        await notices.change_endpoint(
            door.db, viewer.me.org_id, endpoint.endpoint_id, policy=door.policy, state=state, actor_id=viewer.person_id
        )
    except Refusal as refusal:
        return await _refused(request, endpoint, refusal)
    return _back(request, endpoint, N_("Saved."))


@post("/merchant/webhooks/{endpoint_id:str}/rotate", opt=PROVED, status_code=200)
async def rotate(request: AnyRequest, endpoint_id: FromPath[str]) -> Response[Any]:
    viewer, door, endpoint = viewer_of(request), door_of(request), await _own(request, endpoint_id)
    made = await notices.rotate_secret(
        door.db, door.ring, viewer.me.org_id, endpoint.endpoint_id, actor_id=viewer.person_id
    )
    return page(request, "merchant/webhook_made.html", endpoint=made.endpoint, secret=made.secret)


@post("/merchant/webhooks/{endpoint_id:str}/remove", opt=MAY, status_code=200)
async def remove(request: AnyRequest, endpoint_id: FromPath[str]) -> Response[Any]:
    viewer, door, endpoint = viewer_of(request), door_of(request), await _own(request, endpoint_id)
    await notices.remove_endpoint(door.db, viewer.me.org_id, endpoint.endpoint_id, actor_id=viewer.person_id)
    return way_on(request, "/merchant/webhooks", said=N_("The webhook is removed."))


@post("/merchant/webhooks/{endpoint_id:str}/test", opt=MAY, status_code=200)
async def test(request: AnyRequest, endpoint_id: FromPath[str]) -> Response[Any]:
    """A ``webhook.test``, sent while one waits."""
    viewer, door, endpoint = viewer_of(request), door_of(request), await _own(request, endpoint_id)
    async with notices.Sender(door.policy) as sender:
        outcome = await notices.try_endpoint(door.db, door.ring, sender, viewer.me.org_id, endpoint.endpoint_id)
    return await _page(request, endpoint, _standing(request, endpoint), tried=outcome)


@post("/merchant/webhooks/{endpoint_id:str}/replay", opt=MAY, status_code=200)
async def replay(request: AnyRequest, endpoint_id: FromPath[str]) -> Response[Any]:
    """One event again, or those of up to a day."""
    viewer, door, endpoint = viewer_of(request), door_of(request), await _own(request, endpoint_id)
    form = await forms.read(request, viewer.words, REPLAY)
    if form:
        since = form["since"]
        until = None if since is None else since + timedelta(hours=form["hours"])
        try:
            await notices.replay(
                door.db, viewer.me.org_id, endpoint.endpoint_id, event_id=form["event"], since=since, until=until,
                actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return _back(request, endpoint, N_("They will be sent again."))
    whole = _standing(request, endpoint)
    whole.sent |= form.sent
    whole.errors, whole.general = form.errors, form.general
    return await _page(request, endpoint, whole, status=422)


async def _own(request: AnyRequest, endpoint_id: str) -> Endpoint:
    return await notices.find_endpoint(door_of(request).db, viewer_of(request).me.org_id, lists.id_of(endpoint_id))


def _standing(request: AnyRequest, endpoint: Endpoint) -> Filled:
    return forms.blank(
        viewer_of(request).words, name=endpoint.name, url=endpoint.url, kinds=" ".join(endpoint.kinds), hours=24
    )


def _back(request: AnyRequest, endpoint: Endpoint, said: str) -> Response[Any]:
    return way_on(request, f"/merchant/webhooks/{endpoint.endpoint_id}", said=said)


async def _refused(request: AnyRequest, endpoint: Endpoint, refusal: Refusal) -> Response[Any]:
    form = _standing(request, endpoint)
    form.general = message_of(refusal, viewer_of(request).words)
    return await _page(request, endpoint, form, status=refusal.status)


async def _page(
    request: AnyRequest, endpoint: Endpoint, form: Filled, *, status: int = 200, tried: notices.Outcome | None = None
) -> Response[Any]:
    door, query = door_of(request), request.query_params
    wanted = _filter(query)
    log = await notices.read_log(
        door.db, endpoint.org_id, endpoint.endpoint_id, before_id=lists.before_of(query), limit=lists.PAGE,
        wanted=wanted,
    )  # fmt: skip
    return page(
        request, "merchant/webhook.html", status=status, endpoint=endpoint, form=form, log=log, tried=tried,
        chosen=query.get("only", ""), event=query.get("event", ""),
    )  # fmt: skip


def _filter(query: Any) -> LogFilter | None:
    """What of the log an address asks for."""
    only, event = query.get("only", ""), query.get("event", "").strip().removeprefix("msg_")
    delivered = {"delivered": True, "failed": False}.get(only)
    event_id = int(event) if event.isascii() and event.isdecimal() and len(event) < 20 else None
    return None if delivered is None and event_id is None else LogFilter(delivered, event_id)
