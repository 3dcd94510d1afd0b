"""How an order is told to who bought it: steps, what happened, what he may do now, and its cards where they may be
seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from kameng import catalogue, stock
from kameng.catalogue import Sku
from kameng.fulfilment import Goods
from kameng.kit import clock, events
from kameng.orders import FINAL, SECRETS_SHOWN, ShownCard, ShownOrder, State
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

STEPS = (N_("Ordered"), N_("Paid"), N_("On its way"), N_("Done"))
ENDED_WELL = frozenset({State.delivered, State.settled, State.partly_delivered})
ENDED_BADLY = frozenset({State.expired, State.cancelled, State.refused, State.failed, State.refunded})
NOW: dict[str, str] = {
    State.awaiting_payment: N_("Waiting for your payment. What you ordered is kept for you meanwhile."),
    State.paid: N_("Paid. It is being prepared."),
    State.held: N_("We are having a short look at this order; nothing is lost. You will see here how it goes on."),
    State.fulfilling: N_("It is on its way. This page follows by itself."),
    State.review: N_("The outcome is being verified by a person. Nothing is charged twice, and nothing is lost."),
    State.cancelling: N_("Whoever delivers it was asked to stop. It ends as refunded or as delivered."),
    State.partly_delivered: N_("A part has come; what could not be delivered is refunded."),
    State.delivered: N_("Delivered."),
    State.settled: N_("Completed. Thank you!"),
    State.expired: N_("It was not paid in time, so what was kept for you went back. Order again whenever you like."),
    State.cancelled: N_("Cancelled. Nothing was charged."),
    State.refused: N_("This order could not be accepted. What was paid goes back to you."),
    State.failed: N_("It could not be delivered. What was paid goes back to you by itself."),
    State.refunded: N_("Refunded: the money is where it came from."),
}
HAPPENED: dict[str, str] = {
    "order.awaiting_payment": N_("Ordered, waiting for payment"), "order.paid": N_("Paid"),
    "order.held": N_("Under review"), "order.fulfilling": N_("Being delivered"),
    "order.delivered": N_("Delivered"), "order.partly_delivered": N_("Partly delivered"),
    "order.review": N_("Being verified by a person"), "order.cancelling": N_("Asked to be cancelled"),
    "order.cancelled": N_("Cancelled"), "order.expired": N_("Expired unpaid"), "order.refused": N_("Refused"),
    "order.failed": N_("Delivery failed"), "order.refunded": N_("Refunded"),
    "order.refunded_in_part": N_("Refunded in part"), "order.settled": N_("Completed"),
    "order.redelivered": N_("Delivered once more"), "order.replaced": N_("Cards replaced"),
    "order.overdue": N_("Later than promised: somebody looks after it"),
    "order.part_delivered": N_("A part was delivered"), "order.part_failed": N_("A part could not be delivered"),
}  # fmt: skip


class Card(msgspec.Struct, frozen=True):
    """A card in clear, for the one who just asked to see it."""

    card_id: int
    number: str
    secret: str
    url: str
    expires_on: date | None

    @property
    def line(self) -> str:
        """As it is copied and downloaded."""
        return " ".join(part for part in (self.number, self.secret, self.url) if part)


class Happened(msgspec.Struct, frozen=True):
    label: str
    at: datetime


def cards_of(shown: ShownOrder) -> list[Card]:
    """The cards that opened, those of a bundle's parts too."""
    every: Sequence[ShownCard] = shown.cards or [card for part in shown.parts for card in part.cards]
    found = []
    for card in every:
        if card.text is None:
            continue
        text = msgspec.json.decode(card.text, type=stock.CardText)
        until = None if card.expires_on in (None, stock.NEVER) else card.expires_on
        found.append(Card(card.card_id, text.number, text.secret, text.url, until))
    return found


def steps_of(state: str) -> list[tuple[str, str]]:
    """The four steps everybody knows, each done, now, or to come; none for an order that ended otherwise."""
    if state in ENDED_BADLY:
        return []
    at = {State.awaiting_payment: 1, State.paid: 2, State.held: 2}.get(State(state), 2)
    reached = len(STEPS) if state in ENDED_WELL else at
    return [(label, "done" if step < reached else "now" if step == reached else "") for step, label in enumerate(STEPS)]


def values(
    request: AnyRequest, shown: ShownOrder, happened: Sequence[events.Event] = (), *,
    cards: list[Card] | None = None, goods: Sequence[Goods] = (),
) -> dict[str, Any]:  # fmt: skip
    """What the pages of an order show."""
    sku = door_of(request).snapshot.catalogue.skus[shown.sku_id]
    return {
        "order": shown, "sku": sku, "steps": steps_of(shown.state), "now": NOW[State(shown.state)],
        "happened": [Happened(HAPPENED.get(one.kind, one.kind), one.at) for one in happened],
        "account": _account(request, shown), "cards": cards, "goods": goods, "is_final": shown.state in FINAL,
        "is_well": shown.state in ENDED_WELL, "shows_secrets": shows_secrets(shown), "acts": acts_of(shown, sku),
        "part_path": f"/orders/{shown.order_id}/part",
        "is_guest": False, "pay_until": _pay_until(request, shown),
        "has_cards": sku.from_stock or bool(sku.parts) or sku.kind == "manual",
    }  # fmt: skip


def _pay_until(request: AnyRequest, shown: ShownOrder) -> datetime | None:
    if shown.state != State.awaiting_payment:
        return None
    return shown.placed_at + timedelta(seconds=door_of(request).snapshot.terms.reserve_s)


def _account(request: AnyRequest, shown: ShownOrder) -> list[tuple[str, str]]:
    """For whom it is, masked, with what each field is called."""
    is_chinese, fields = viewer_of(request).language == "zh", catalogue.form_fields()
    labels = {name: field.label if is_chinese else field.label_en for name, field in fields.items()}
    return [(labels.get(name, name), value) for name, value in (shown.account or {}).items()]


def guest_values(request: AnyRequest, shown: ShownOrder, *, cards: list[Card] | None = None) -> dict[str, Any]:
    return {
        **values(request, shown, cards=cards), "is_guest": True,
        "part_path": f"/guest/orders/{shown.order_id}/part",
        "acts": {"cancel"} if shown.state == State.awaiting_payment and cards is None else set(),
    }  # fmt: skip


def shows_secrets(shown: ShownOrder) -> bool:
    """Whether its cards may still be asked for."""
    some_came = shown.state in ENDED_WELL or any(part.state == "delivered" for part in shown.parts)
    return some_came and clock.now() - shown.placed_at <= SECRETS_SHOWN


def acts_of(shown: ShownOrder, sku: Sku) -> set[str]:
    """What its buyer may ask for now."""
    acts = set()
    if shown.state in (State.awaiting_payment, State.fulfilling):
        acts.add("cancel")
    if shown.state == State.delivered and shown.confirm_until is not None:
        acts.add("confirm")
    if shown.state == State.delivered and sku.refundable and sku.at_once:
        acts.add("refund")
    return acts
