"""A merchant's orders as a list: its columns and filters, how a page of it is read, its bulk acts, its export."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from kameng import identity, orders
from kameng.identity import Caller
from kameng.kit import ids
from kameng.kit.db import Database
from kameng.lists import Found, Plan, Row, Run
from kameng.orders import Browsed, By, Command, Instruction, OrderNotFound, Refused, ShownOrder, State
from kameng.web import forms, planning
from kameng.web.merchant import lists
from kameng.web.planning import ListPlan, Tools
from kameng.web.tables import Act, Asked, Column, Filter, Table, View
from kameng.web.wording import N_, WORDS

PATH = "/merchant/orders"
STATES = (
    (State.awaiting_payment, N_("Awaiting payment")), (State.paid, N_("Paid")), (State.held, N_("Under review")),
    (State.fulfilling, N_("In progress")), (State.review, N_("Being verified")),
    (State.cancelling, N_("Cancelling")), (State.partly_delivered, N_("Partly delivered")),
    (State.delivered, N_("Delivered")), (State.settled, N_("Completed")), (State.expired, N_("Expired")),
    (State.cancelled, N_("Cancelled")), (State.refused, N_("Refused")), (State.failed, N_("Failed")),
    (State.refunded, N_("Refunded")),
)  # fmt: skip
GOOD = (State.delivered, State.settled, State.partly_delivered)
WAITING = (State.awaiting_payment, State.paid, State.held, State.fulfilling, State.review, State.cancelling)
BACK = (State.refunded, State.failed, State.refused, State.cancelled, State.expired)
CANCELLABLE = frozenset({State.awaiting_payment, State.fulfilling})
REF_CHARS_MAX = 64
PLAY_CURRENCY = "XTS"
NUMBER_CHARS_MIN = 16
"""So long are our own numbers; what is shorter is somebody's phone, account or reference."""


def query_of(states: Sequence[State]) -> str:
    """What an address says of several states."""
    return urlencode([("state", state.value) for state in states])


def href_of(order: ShownOrder) -> str:
    return f"{PATH}/{order.order_id}{'?sandbox=1' if order.currency == PLAY_CURRENCY else ''}"


ORDERS = Table(
    "merchant-orders",
    columns=(
        Column("order_id", N_("Order"), "own"),
        Column("sku_id", N_("Goods"), "own"),
        Column("account", N_("For"), of=lambda order: " ".join((order.account or {}).values())),
        Column("quantity", N_("Quantity"), "number", optional=True),
        Column("unit_price_e4", N_("Unit price"), "money", optional=True),
        Column("total_e4", N_("Amount"), "money"),
        Column("refunded_e4", N_("Given back"), "money", optional=True),
        Column("state", N_("State"), "state"),
        Column("placed_at", N_("Time"), "time"),
        Column("client_ref", N_("Your number"), "code"),
    ),
    filters=(
        Filter("state", N_("State"), choices=tuple((state.value, label) for state, label in STATES), many=True),
        Filter("sku", N_("SKU"), "text", parse=forms.whole(1, orders.ID_MAX)),
        Filter("day", N_("Day"), "days"),
        Filter("sandbox", N_("Sandbox"), choices=(("1", N_("Sandbox")),)),
    ),
    views=(
        View(N_("Delivered"), query_of(GOOD)), View(N_("In progress"), query_of(WAITING)),
        View(N_("Returned and failed"), query_of(BACK)), View(N_("Sandbox"), "sandbox=1"),
    ),
    acts=(
        Act("merchant.orders.confirm", N_("Confirm that they came"), "check", act="orders"),
        Act("merchant.orders.cancel", N_("Cancel the orders"), "cross", act="orders"),
        Act("merchant.orders.refund", N_("Give back"), "history", danger=True, act="orders"),
    ),
    size=50,
    row_id=lambda order: order.order_id,
    peek=href_of,
    export="merchant.orders.export",
)  # fmt: skip
FOUND = msgspec.structs.replace(
    ORDERS, filters=(), views=(), acts=(), export="", keep=("q", "sandbox"),
)  # fmt: skip
"""What a look for somebody's number or phone shows. No filter: an export and a saved view would write it down."""


# reading -----------------------------------------------------------------------------------------------------


async def buyer_of(db: Database, caller: Caller, *, sandbox: bool) -> Caller:
    """Whose orders are meant: the organisation's, or those of its sandbox."""
    if not sandbox:
        return caller
    beside = await identity.sandboxes_of(db, caller.organisation)
    if not beside:
        raise OrderNotFound
    return msgspec.structs.replace(caller, organisation=beside[0])


async def read_page(snapshot: orders.Snapshot, buyer: Caller, asked: Asked, before_id: int, limit: int) -> Browsed:
    """One page of what is asked, for the list and for runs alike."""
    first, until = asked["day"] or (None, None)
    wanted = orders.Filter(
        asked["state"] or (), asked["sku"], 0 if first is None else _first_id(first),
        orders.ID_MAX if until is None else _first_id(until),
    )  # fmt: skip
    return await orders.browse(snapshot, buyer.organisation, wanted, before_id=before_id, limit=limit)


def _first_id(moment: datetime) -> int:
    return ids.first_at(int(moment.timestamp() * 1000))


async def look_for(snapshot: orders.Snapshot, buyer: Caller, text: str, *, before_id: int, limit: int) -> Browsed:
    """By order number, by one's own number, or by whom it is for."""
    if text.isascii() and text.isdecimal() and len(text) >= NUMBER_CHARS_MIN:
        found = await orders.find(snapshot, buyer, [int(text)] if int(text) <= orders.ID_MAX else [])
        if found:
            return Browsed([one for one in found if one.order_id < before_id], None)
    try:
        named = await orders.find_by_ref(snapshot, buyer, text[:REF_CHARS_MAX])
        return Browsed([named] if named.order_id < before_id else [], None)
    except OrderNotFound:
        page = await orders.find_by_target(snapshot, buyer, text, before_id=before_id, limit=limit)
    return Browsed(page.orders, page.next_id)


async def _read(tools: Tools, run: Run, place: str | None, limit: int) -> tuple[list[ShownOrder], object | None]:
    asked = planning.asked_of(run, ORDERS, PATH)
    buyer = await buyer_of(tools.db, await tools.caller(run), sandbox=asked["sandbox"] is not None)
    if run.wanted is not None:
        wanted, following = planning.by_wanted(run, place, limit)
        return await orders.find(tools.snapshot, buyer, wanted), following
    before_id = int(place) if place else min(run.up_to, orders.ID_MAX)
    page = await read_page(tools.snapshot, buyer, asked, before_id, limit)
    return page.orders, page.next_id


# what is done ------------------------------------------------------------------------------------------------


def _can(tools: Tools, order: ShownOrder, command: Command) -> str:
    """Why the state as it is now does not allow it, or ''. It is decided again when it is done."""
    state = State(order.state)
    if command is Command.cancel:
        return "" if state in CANCELLABLE else orders.StateForbids.code
    if (state, command) not in orders.TRANSITIONS:
        return orders.StateForbids.code
    sku = tools.snapshot.catalogue.skus.get(order.sku_id)
    if command is Command.refund and (sku is None or not sku.refundable):
        return orders.NotRefundable.code
    return ""


def _plan(command: Command, name: str) -> Plan:
    async def find(tools: Tools, run: Run, place: str | None, limit: int) -> Found:
        found, following = await _read(tools, run, place, limit)
        rows = (Row(one.order_id, one.total_e4 - one.refunded_e4, _can(tools, one, command)) for one in found)
        return planning.found_of(rows, following)

    async def act(tools: Tools, run: Run, rows: Sequence[Row]) -> list[str]:
        asked = planning.asked_of(run, ORDERS, PATH)
        buyer = await buyer_of(tools.db, await tools.caller(run), sandbox=asked["sandbox"] is not None)
        instructions = [
            Instruction(
                order_id=row.row_id, command=command, key=f"list:{run.run_id}", by=By.buyer, actor_id=run.person_id,
                org_id=buyer.organisation.org_id, reason=run.reason,
            )
            for row in rows
        ]  # fmt: skip
        outcomes = await orders.act(tools.db, tools.ring, instructions, terms=tools.snapshot.terms)
        return [one.reason.code if isinstance(one, Refused) else "" for one in outcomes]

    async def check(tools: Tools, run: Run) -> None:
        await planning.check_maker(tools, run, face="merchant", act="orders")

    return Plan(name, find, act=act, check=check)


async def _find_for_export(tools: Tools, run: Run, place: str | None, limit: int) -> Found:
    found, following = await _read(tools, run, place, limit)
    words = WORDS[run.language]
    rows = (Row(one.order_id, one.total_e4, cells=_cells(tools, one, words.say)) for one in found)
    return planning.found_of(rows, following)


def _cells(tools: Tools, order: ShownOrder, say: Any) -> tuple[Any, ...]:
    labels = {state.value: label for state, label in STATES}
    return (
        str(order.order_id), order.client_ref, order.placed_at, str(order.sku_id),
        lists.goods_name(tools.snapshot, order.sku_id), " ".join((order.account or {}).values()), order.quantity,
        *(amount_e4 / 10_000 for amount_e4 in (order.unit_price_e4, order.total_e4, order.refunded_e4)),
        order.currency, say(labels.get(State(order.state), order.state)),
    )  # fmt: skip


HEAD = (
    N_("Order number"), N_("Your number"), N_("Placed at"), N_("SKU"), N_("Goods"), N_("For"), N_("Quantity"),
    N_("Unit price"), N_("Total"), N_("Refunded"), N_("Currency"), N_("State"),
)  # fmt: skip


async def _check_export(tools: Tools, run: Run) -> None:
    await planning.check_maker(tools, run, face="merchant", act="view")


_EXPORT = Plan(
    "merchant.orders.export", _find_for_export, head=lambda language: [WORDS[language].say(one) for one in HEAD],
    check=_check_export,
)  # fmt: skip

PLANS = (
    *(
        ListPlan(_plan(command, act.name), "merchant", act.label, PATH, ORDERS, act.act)
        for command, act in zip((Command.settle, Command.cancel, Command.refund), ORDERS.acts, strict=True)
    ),
    ListPlan(_EXPORT, "merchant", N_("Export"), PATH, ORDERS),
)
