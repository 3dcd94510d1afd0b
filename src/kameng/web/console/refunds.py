"""Refunds through channels: the list, one with its tries, and what a person did where the provider would not."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import identity, payments
from kameng.kit import ids, jobs
from kameng.kit.errors import Refusal
from kameng.kit.ids import ID_MAX
from kameng.payments import NoSuchPayment, Refund
from kameng.web import forms, listing, tables
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.console.payment_plans import (
    CAUSES,
    REFUND_STATES,
    REFUNDS,
    REFUNDS_PATH,
    channels_of,
    choices_of,
    read_refunds,
)
from kameng.web.console.payments_story import Message, pretty
from kameng.web.forms import Field
from kameng.web.listing import Listed
from kameng.web.merchant.lists import moment_of
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

BY_HAND = (Field("reference", forms.text(100)), Field("reason", forms.text(500)))


@get(REFUNDS_PATH, opt={"face": "platform", "act": "money.view"})
async def list_refunds(request: AnyRequest) -> Response[Any]:
    db = door_of(request).db
    channels = await channels_of(db)
    asked = await tables.ask(request, REFUNDS, choices=choices_of(channels))
    found: payments.Page[Refund] = payments.Page([], None)
    if asked:
        found = await read_refunds(db, asked, asked.place or ID_MAX, asked.limit)
    return listing.show(
        request, "console/refunds.html", Listed(asked, found.rows, found.next_id), channels=channels,
        states=REFUND_STATES, causes=CAUSES,
        looked_to=None if found.looked_to is None else moment_of(found.looked_to),
    )  # fmt: skip


@get(f"{REFUNDS_PATH}/{{refund_id:str}}", opt={"face": "platform", "act": "money.view"})
async def show_refund(request: AnyRequest, refund_id: FromPath[str]) -> Response[Any]:
    return await _shown(request, asking.id_in(refund_id, NoSuchPayment))


async def _shown(request: AnyRequest, refund_id: int, *, status: int = 200, **more: Any) -> Response[Any]:
    door, words = door_of(request), viewer_of(request).words
    refund, heard = await payments.refund_history(door.db, refund_id)
    async with door.db.connection() as connection:
        people = await identity.people_by_id(connection, {refund.hand_by} if refund.hand_by else set())
        waits = await jobs.of_subject(connection, ids.lane_of(refund_id), refund_id)
    values = {"form": forms.blank(words), **more}
    return page(
        request, "console/refund.html", status=status, refund=refund,
        channel=(await channels_of(door.db)).get(refund.channel_id), states=REFUND_STATES, causes=CAUSES,
        messages=[Message(one, pretty(one.said)) for one in heard], people=people, waits_for=waits, **values,
    )  # fmt: skip


@post(
    f"{REFUNDS_PATH}/{{refund_id:str}}/by-hand",
    opt={"face": "platform", "act": "money.move", "proof": True},
    status_code=200,
)
async def book_by_hand(request: AnyRequest, refund_id: FromPath[str]) -> Response[Any]:
    """A person gave it back by other means, under that number."""
    viewer, number = viewer_of(request), asking.id_in(refund_id, NoSuchPayment)
    form = await forms.read(request, viewer.words, BY_HAND)
    if form:
        try:
            await payments.book_by_hand(
                door_of(request).db, number, hand_no=form["reference"], reason=form["reason"],
                actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"{REFUNDS_PATH}/{number}", said=N_("Written down: it went back by other means."))
    return await _shown(request, number, status=422, form=form)
