"""Everybody's orders: the list with its filters."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from kameng import orders
from kameng.orders import Asked, State
from kameng.web import forms
from kameng.web.answering import page
from kameng.web.console import asking
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, door_of
from kameng.web.wording import N_

VIEWS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "": (N_("All"), None),
    "open": (N_("Unfinished"), tuple(sorted(orders.UNFINISHED))),
    "held": (N_("Held for review"), ("held",)),
    "review": (N_("Being verified"), ("review",)),
    "fulfilling": (N_("In progress"), ("fulfilling",)),
    "cancelling": (N_("Cancelling"), ("cancelling",)),
    "awaiting_payment": (N_("Awaiting payment"), ("awaiting_payment",)),
    "failed": (N_("Failed, not paid back"), ("failed", "refused")),
    "partly_delivered": (N_("Partly delivered"), ("partly_delivered",)),
    "refunded": (N_("Refunded"), ("refunded",)),
}
"""What is looked at most, each a tab: its words and its states."""
FILTERS = (
    Field("view", forms.one_of(*(name for name in VIEWS if name)), required=False, empty=""),
    Field("state", forms.one_of(*(state.value for state in State)), required=False),
    Field("org", asking.number, required=False),
    Field("sku", asking.number, required=False),
    Field("from", asking.day, required=False),
    Field("to", asking.day, required=False),
    Field("least", forms.amount(least_e4=0), required=False),
    Field("most", forms.amount(least_e4=0), required=False),
    Field("before", asking.number, required=False),
)


@get("/console/orders", opt={"face": "platform"})
async def list_orders(request: AnyRequest) -> Response[Any]:
    door, form = door_of(request), asking.asked(request, FILTERS)
    found = await orders.oversee(door.db, asked_of(form), limit=asking.PAGE)
    onward = None if found.next_id is None else asking.address("/console/orders", form, before=found.next_id)
    tabs = [
        (label, asking.address("/console/orders", form, view=name, state="", org=form["org"]), name == form["view"])
        for name, (label, _) in VIEWS.items()
    ]
    return page(
        request, "console/orders.html", form=form, orders=found.orders, onward=onward, tabs=tabs,
        looked_to=found.looked_to, skus=door.snapshot.catalogue.skus, is_first=form["before"] is None,
        states=[state.value for state in State],
    )  # fmt: skip


def asked_of(form: Filled) -> Asked:
    """What the filters mean."""
    states = None if form["state"] is None else (form["state"],)
    return Asked(
        org_id=form["org"], states=states or VIEWS[form["view"] or ""][1], sku_id=form["sku"], least_e4=form["least"],
        most_e4=form["most"], from_id=asking.from_id_of(form["from"]),
        before_id=asking.before_id_of(form["to"], form["before"]),
    )  # fmt: skip
