"""Payments and refunds as lists of the staff: their columns and filters, how a page of them is read, their exports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from kameng import payments
from kameng.kit import ids
from kameng.kit.db import Database
from kameng.kit.ids import ID_MAX
from kameng.lists import Found, Plan, Row, Run
from kameng.payments import (
    AskedPayments,
    AskedRefunds,
    ChannelAccount,
    OverseenPayment,
    Refund,
    RefundState,
    State,
    TakenAs,
)
from kameng.web import forms, planning, till
from kameng.web.console import asking
from kameng.web.planning import ListPlan, Tools
from kameng.web.tables import Asked, Choices, Column, Filter, Table, View
from kameng.web.wording import N_, WORDS

PAYMENTS_PATH, REFUNDS_PATH = "/console/payments", "/console/refunds"
STATES: Mapping[str, tuple[str, str]] = {
    State.created.value: (N_("Being begun"), "news"), State.waiting.value: (N_("Awaiting the payer"), "news"),
    State.unknown.value: (N_("Outcome unknown"), "warn"), State.failed.value: (N_("Never begun"), ""),
    State.closed.value: (N_("Closed unpaid"), ""), State.paid.value: (N_("Paid"), "good"),
    State.refunded.value: (N_("Given back"), ""),
}  # fmt: skip
"""What each state is called, and its tone."""
TAKEN: Mapping[str, str] = {
    TakenAs.order.value: N_("An order's payment"), TakenAs.recharge.value: N_("A recharge"),
    TakenAs.collection.value: N_("Collected for a shop"), TakenAs.late.value: N_("Came too late"),
    TakenAs.double.value: N_("Paid twice"),
    TakenAs.mismatch.value: N_("Not what was asked for"),
}  # fmt: skip
REFUND_STATES: Mapping[str, tuple[str, str]] = {
    RefundState.requested.value: (N_("To be sent"), "news"),
    RefundState.sent.value: (N_("The provider is at it"), "news"),
    RefundState.unknown.value: (N_("Outcome unknown"), "warn"), RefundState.done.value: (N_("Given back"), "good"),
    RefundState.failed.value: (N_("Refused by the provider"), "bad"),
    RefundState.abnormal.value: (N_("The provider could not"), "bad"),
}  # fmt: skip
CAUSES: Mapping[str, str] = {
    "order": N_("The order was refunded"), "late": N_("Came too late"), "double": N_("Paid twice"),
    "mismatch": N_("Not what was asked for"), "case": N_("A difference with the bill"),
    "collection": N_("The shop gives it back"),
}  # fmt: skip

WAYS = tuple((method.value, label) for method, label in till.NAMES.items())


def _labels(states: Mapping[str, tuple[str, str]]) -> Choices:
    return tuple((name, label) for name, (label, _) in states.items())


PAYMENTS = Table(
    "console-payments",
    columns=(
        Column("begun_at", N_("Begun"), "time", time_style="second"),
        Column("payment_id", N_("Payment number"), "own"),
        Column("payable_id", N_("Pays for"), "own"),
        Column("payer_name", N_("Payer"), "own"),
        Column("channel_id", N_("Channel"), "own"),
        Column("amount_e4", N_("Amount"), "own", right=True),
        Column("state", N_("State"), "own"),
        Column("provider_no", N_("Provider's number"), "code", optional=True),
        Column("paid_at", N_("Paid"), "time", time_style="second", optional=True),
        Column("attempt", N_("Attempt"), "number", optional=True),
    ),
    filters=(
        Filter("number", N_("Number"), "text", inline=True, parse=forms.text(100),
               hint=N_("Payment, order, refund or provider's number")),
        Filter("state", N_("State"), choices=_labels(STATES), many=True),
        Filter("taken", N_("Taken as"), choices=tuple(TAKEN.items()), many=True),
        Filter("channel", N_("Channel")),
        Filter("method", N_("Way to pay"), choices=WAYS, many=True),
        Filter("org", N_("Organisation's number"), "text", parse=asking.number),
        Filter("amount", N_("Amount"), "amounts"),
        Filter("day", N_("Day"), "days"),
    ),
    views=(
        View(N_("Open payments"), "state=created&state=waiting&state=unknown"),
        View(N_("Outcome unknown"), "state=unknown"),
        View(N_("Paid"), "state=paid"),
        View(N_("Late, twice, other amounts"), "taken=late&taken=double&taken=mismatch"),
    ),
    size=50,
    peek=lambda row: f"{PAYMENTS_PATH}/{row.payment_id}",
    export="console.payments.export",
)  # fmt: skip
REFUNDS = Table(
    "console-refunds",
    columns=(
        Column("asked_at", N_("Asked"), "time", time_style="second"),
        Column("refund_id", N_("Refund"), "own"),
        Column("payment_id", N_("Of"), "own"),
        Column("cause", N_("Why"), "own"),
        Column("channel_id", N_("Channel"), "own"),
        Column("amount_e4", N_("Amount"), "own", right=True),
        Column("state", N_("State"), "own"),
        Column("tries", N_("Tries"), "number", of=lambda row: max(row.tries, 1) if row.sent_at else 0),
        Column("code", N_("Provider's code"), "code", optional=True),
        Column("ended_at", N_("Ended at"), "time", time_style="second", optional=True),
    ),
    filters=(
        Filter("state", N_("State"), choices=_labels(REFUND_STATES), many=True),
        Filter("who", N_("Waits for"), choices=(("person", N_("A person")),)),
        Filter("cause", N_("Why"), choices=tuple(CAUSES.items()), many=True),
        Filter("channel", N_("Channel")),
        Filter("day", N_("Day"), "days"),
    ),
    views=(
        View(N_("Waits for a person"), "who=person"),
        View(N_("Under way"), "state=requested&state=sent&state=unknown"), View(N_("Given back"), "state=done"),
    ),
    size=50,
    peek=lambda row: f"{REFUNDS_PATH}/{row.refund_id}",
    export="console.refunds.export",
)  # fmt: skip

Kept = TypeVar("Kept", OverseenPayment, Refund)


async def channels_of(db: Database) -> dict[int, ChannelAccount]:
    return {one.channel_id: one for one in await payments.list_channels(db)}


def choices_of(channels: Mapping[int, ChannelAccount]) -> dict[str, Choices]:
    """What the lists can't know by themselves."""
    return {"channel": tuple((str(number), one.name) for number, one in channels.items())}


async def read_payments(db: Database, asked: Asked, before_id: int, limit: int) -> payments.Page[OverseenPayment]:
    """One page of what is asked, for the list and for its export alike. A number is looked for alone."""
    if asked["number"] is not None:
        found = await payments.payments_by_number(db, asked["number"], limit=limit)
        return payments.Page([one for one in found if one.payment_id < before_id], None)
    first, until = asked["day"] or (None, None)
    least, most = asked["amount"] or (None, None)
    wanted = AskedPayments(
        states=asked["state"], taken_as=asked["taken"], channel_id=_number(asked["channel"]), methods=asked["method"],
        org_id=asked["org"], least_e4=least, most_e4=most, from_id=0 if first is None else _first_id(first),
    )  # fmt: skip
    return await payments.oversee_payments(db, wanted, before_id=_before(until, before_id), limit=limit)


async def read_refunds(db: Database, asked: Asked, before_id: int, limit: int) -> payments.Page[Refund]:
    first, until = asked["day"] or (None, None)
    wanted = AskedRefunds(
        states=asked["state"], channel_id=_number(asked["channel"]), causes=asked["cause"],
        by_person=asked["who"] is not None, from_id=0 if first is None else _first_id(first),
    )  # fmt: skip
    return await payments.oversee_refunds(db, wanted, before_id=_before(until, before_id), limit=limit)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _first_id(moment: datetime) -> int:
    return ids.first_at(int(moment.timestamp() * 1000))


def _before(until: datetime | None, before_id: int) -> int:
    return before_id if until is None else min(before_id, _first_id(until))


# exports -----------------------------------------------------------------------------------------------------

PAYMENT_HEAD = (
    N_("Payment number"), N_("Begun"), N_("Pays for"), N_("Payer"), N_("Channel"), N_("Way to pay"), N_("Amount"),
    N_("Currency"), N_("Paid"), N_("Given back"), N_("State"), N_("Taken as"), N_("Provider's number"), N_("Paid at"),
)  # fmt: skip
REFUND_HEAD = (
    N_("Refund"), N_("Asked"), N_("Payment number"), N_("Why"), N_("Channel"), N_("Amount"), N_("Currency"),
    N_("State"), N_("Tries"), N_("Provider's number"), N_("Provider's code"), N_("Ended at"), N_("By hand"),
)  # fmt: skip


async def _find_payments(tools: Tools, run: Run, place: str | None, limit: int) -> Found:
    channels = await channels_of(tools.db)
    asked = planning.asked_of(run, PAYMENTS, PAYMENTS_PATH, choices_of(channels))
    before_id = int(place) if place else min(run.up_to, ID_MAX)
    found, say = await read_payments(tools.db, asked, before_id, limit), WORDS[run.language].say
    rows = (
        Row(one.payment_id, one.amount_e4, cells=(
            one.payment_no, one.begun_at, str(one.payable_id), one.payer_name, _name(channels, one.channel_id),
            say(till.NAMES[one.method]), one.amount_e4 / 10_000, one.currency, (one.paid_e4 or 0) / 10_000,
            one.refunded_e4 / 10_000, say(STATES[one.state][0]), say(TAKEN[one.taken_as]) if one.taken_as else "",
            one.provider_no, one.paid_at,
        ))
        for one in found.rows
    )  # fmt: skip
    return planning.found_of(rows, found.next_id)


async def _find_refunds(tools: Tools, run: Run, place: str | None, limit: int) -> Found:
    channels = await channels_of(tools.db)
    asked = planning.asked_of(run, REFUNDS, REFUNDS_PATH, choices_of(channels))
    before_id = int(place) if place else min(run.up_to, ID_MAX)
    found, say = await read_refunds(tools.db, asked, before_id, limit), WORDS[run.language].say
    rows = (
        Row(one.refund_id, one.amount_e4, cells=(
            one.refund_no, one.asked_at, payments.number_of(one.payment_id) if one.payment_id else "",
            say(CAUSES[one.cause]), _name(channels, one.channel_id), one.amount_e4 / 10_000, one.currency,
            say(REFUND_STATES[one.state][0]), one.tries, one.provider_refund_no, one.code, one.ended_at,
            one.hand_no or "",
        ))
        for one in found.rows
    )  # fmt: skip
    return planning.found_of(rows, found.next_id)


def _name(channels: Mapping[int, ChannelAccount], channel_id: int) -> str:
    return channels[channel_id].name if channel_id in channels else str(channel_id)


async def _check(tools: Tools, run: Run) -> None:
    await planning.check_maker(tools, run, face="platform", act="money.view")


def _head(names: tuple[str, ...]) -> Any:
    return lambda language: [WORDS[language].say(one) for one in names]


PLANS = (
    ListPlan(
        Plan("console.payments.export", _find_payments, head=_head(PAYMENT_HEAD), check=_check), "platform",
        N_("Export"), PAYMENTS_PATH, PAYMENTS, "money.view",
    ),
    ListPlan(
        Plan("console.refunds.export", _find_refunds, head=_head(REFUND_HEAD), check=_check), "platform",
        N_("Export"), REFUNDS_PATH, REFUNDS, "money.view",
    ),
)  # fmt: skip
