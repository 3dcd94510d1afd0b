"""Licences and certificates of payment channels: until when, and what is running out. Documents that organisations hand
in are ``papers``'."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from kameng import payments
from kameng.kit import clock
from kameng.web.answering import page
from kameng.web.parts import AnyRequest, door_of


@get("/console/licences", opt={"face": "platform", "act": "money.view"})
async def list_licences(request: AnyRequest) -> Response[Any]:
    """Every channel, those that end first ahead."""
    every, today = await payments.list_channels(door_of(request).db), clock.china_day()
    ends = {one.channel_id: [d for d in (one.licence_until, one.certificate_until) if d] for one in every}
    far = today.replace(year=9999)
    every.sort(key=lambda one: (not one.is_on, min(ends[one.channel_id], default=far), one.channel_id))
    soon = {(one.channel_id, one.what) for one in payments.running_out(every, today)}
    return page(request, "console/licences.html", channels=every, soon=soon, today=today)
