"""Payments: the list, one with everything about it, and what staff may do: ask, confirm, give back to the origin."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import payments, routing
from kameng.kit.errors import Refusal
from kameng.kit.ids import ID_MAX
from kameng.payments import NoSuchPayment, Payment, State, TakenAs
from kameng.web import forms, listing, tables, till
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.console.payment_plans import (
    CAUSES,
    PAYMENTS,
    PAYMENTS_PATH,
    REFUND_STATES,
    STATES,
    TAKEN,
    channels_of,
    choices_of,
    read_payments,
)
from kameng.web.console.payments_story import story_of
from kameng.web.forms import Field, Filled
from kameng.web.listing import Listed
from kameng.web.merchant.lists import moment_of
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

REASON = Field("reason", forms.text(500))
CONFIRM = (Field("amount", forms.amount()), Field("provider_no", forms.text(100)), REASON)
GIVE_BACK = (Field("amount", forms.amount(), required=False), Field("key", forms.text(64)), REASON)
CONFIRMED = {
    "booked": N_("Booked, and what it pays goes on."), "repeated": N_("It was booked before; nothing changed."),
    "set_aside": N_("Booked, but the amount differs: it waits in suspense."),
}  # fmt: skip
"""What came of a confirmation."""
NOT_BOOKED = N_("Nothing was booked.")


@get(PAYMENTS_PATH, opt={"face": "platform", "act": "money.view"})
async def list_payments(request: AnyRequest) -> Response[Any]:
    db = door_of(request).db
    channels = await channels_of(db)
    asked = await tables.ask(request, PAYMENTS, choices=choices_of(channels))
    found: payments.Page[payments.OverseenPayment] = payments.Page([], None)
    if asked:
        found = await read_payments(db, asked, asked.place or ID_MAX, asked.limit)
    return listing.show(
        request, "console/payments.html", Listed(asked, found.rows, found.next_id), channels=channels, states=STATES,
        taken=TAKEN, methods=till.NAMES, looked_to=None if found.looked_to is None else moment_of(found.looked_to),
    )  # fmt: skip


@get(f"{PAYMENTS_PATH}/{{payment_id:str}}", opt={"face": "platform", "act": "money.view"})
async def show_payment(request: AnyRequest, payment_id: FromPath[str]) -> Response[Any]:
    return await _shown(request, asking.id_in(payment_id, NoSuchPayment))


async def _shown(
    request: AnyRequest, payment_id: int, *, status: int = 200, act: str = "", form: Filled | None = None
) -> Response[Any]:
    viewer, story = viewer_of(request), await story_of(door_of(request), payment_id)
    blank = forms.blank(viewer.words, key=forms.new_token())
    return page(
        request, "console/payment.html", status=status, story=story, payment=story.payment, states=STATES, taken=TAKEN,
        methods=till.NAMES, refund_states=REFUND_STATES, causes=CAUSES, act=act, blank=blank,
        way_words=routing.WAYS, whys=routing.WHY_NOT, route_states=routing.STATES,
        form=blank if form is None else form, may=_open_to(story.payment, story.room_e4, is_order=story.is_order),
    )  # fmt: skip


def _open_to(payment: Payment, room_e4: int, *, is_order: bool) -> frozenset[str]:
    """What can be done with it as it stands; the verb has the last word."""
    found = set()
    if payment.is_open:
        found.add("ask")
    if payment.booked_at is None:
        found.add("confirm")
    is_ours = is_order and payment.taken_as is TakenAs.order
    if payment.state is State.paid and room_e4 > 0 and (is_ours or payment.taken_as is TakenAs.mismatch):
        found.add("refund")
    return frozenset(found)


@post(f"{PAYMENTS_PATH}/{{payment_id:str}}/ask", opt={"face": "platform", "act": "money.move"}, status_code=200)
async def ask_provider(request: AnyRequest, payment_id: FromPath[str]) -> Response[Any]:
    """What its provider says now, taken as a notice would be."""
    viewer, number = viewer_of(request), asking.id_in(payment_id, NoSuchPayment)
    found = await payments.query_now(door_of(request).cashier, number, actor_id=viewer.person_id)
    said = N_("Asked: it is still open there.") if found.is_open else N_("Asked: the provider gave its word.")
    return way_on(request, f"{PAYMENTS_PATH}/{number}", said=said)


@post(
    f"{PAYMENTS_PATH}/{{payment_id:str}}/confirm",
    opt={"face": "platform", "act": "money.move", "proof": True},
    status_code=200,
)
async def confirm(request: AnyRequest, payment_id: FromPath[str]) -> Response[Any]:
    """Somebody saw it at the provider: the same handler as a notice takes it."""
    viewer, number = viewer_of(request), asking.id_in(payment_id, NoSuchPayment)
    form = await forms.read(request, viewer.words, CONFIRM)
    if form:
        try:
            effect = await payments.confirm_payment(
                door_of(request).cashier, number, amount_e4=form["amount"], provider_no=form["provider_no"],
                reason=form["reason"], actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"{PAYMENTS_PATH}/{number}", said=CONFIRMED.get(effect, NOT_BOOKED))
    return await _shown(request, number, status=422, act="confirm", form=form)


@post(
    f"{PAYMENTS_PATH}/{{payment_id:str}}/refund",
    opt={"face": "platform", "act": "money.move", "proof": True},
    status_code=200,
)
async def give_back(request: AnyRequest, payment_id: FromPath[str]) -> Response[Any]:
    """原路退回: whole or in part; once for the form's key."""
    viewer, number = viewer_of(request), asking.id_in(payment_id, NoSuchPayment)
    form = await forms.read(request, viewer.words, GIVE_BACK)
    if form:
        try:
            await _give_back(door_of(request), number, form, viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal, {"key": "reason"})
        else:
            return way_on(request, f"{PAYMENTS_PATH}/{number}", said=N_("It goes back to where it came from."))
    return await _shown(request, number, status=422, act="refund", form=form)


async def _give_back(door: Door, number: int, form: Filled, by: int) -> None:
    """Of what is not what was asked for all goes back, whatever amount was typed."""
    payment = await payments.find_payment(door.cashier, number)
    if payment.taken_as is TakenAs.mismatch:
        await payments.return_mismatch(door.db, number, reason=form["reason"], actor_id=by)
        return
    await payments.refund_to_origin(
        door.cashier, number, amount_e4=form["amount"], key=form["key"], reason=form["reason"], actor_id=by
    )
