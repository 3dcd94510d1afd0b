"""Showing orders: the row with what its reader may see of its cards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from kameng import catalogue, stock
from kameng.kit import crypto, logs
from kameng.kit.db import Connection
from kameng.orders.bundling import play_parts, show_parts
from kameng.orders.deciding import play_cards
from kameng.orders.model import (
    ACCOUNT,
    PARTS_VISIBLE,
    SECRETS_SHOWN,
    SECRETS_VISIBLE,
    OrderPart,
    PartState,
    ShownCard,
    ShownOrder,
)  # fmt: skip
from kameng.orders.store import OrderRow

if TYPE_CHECKING:
    from kameng.orders.snapshot import Snapshot

log = logs.get_logger(__name__)


def secrets_visible(row: OrderRow, now: datetime, parts: Sequence[OrderPart] = ()) -> bool:
    """Not after 7 days, and not once the order was refunded or never came about. Of a bundle what came by now."""
    some_came = any(part.state is PartState.delivered for part in parts)
    is_there = row.state in SECRETS_VISIBLE or (some_came and row.state in PARTS_VISIBLE)
    return is_there and now - row.placed_at <= SECRETS_SHOWN


async def open_cards(
    connection: Connection, ring: crypto.KeyRing, lane: int, rows: Sequence[OrderRow]
) -> dict[int, tuple[ShownCard, ...]]:
    """The opened cards of each order. A card in quarantine, or one that was replaced, is not opened.

    One that does not open, since the ring lost its key or the row is damaged, is there without its text, and the staff
    is told: its order stands whatever became of it, and the orders beside it have nothing to do with it.
    """
    wanted = [card_id for row in rows for card_id in row.card_ids]
    sealed = await stock.cards_of(connection, lane, wanted) if wanted else {}
    shown, closed = {}, []
    for row in rows:
        cards = []
        for card_id in row.card_ids:
            card = sealed.get(card_id)
            if card is None or card["state"] != "sold" or card["order_id"] != row.order_id:
                continue
            text = None
            try:
                text = ring.open(stock.CARD, card_id, card["sealed"])
            except crypto.Unsealable as error:
                closed.append((row.order_id, error))
            cards.append(ShownCard(text, card["expires_on"], card_id))
        shown[row.order_id] = tuple(cards)
    if closed:  # one line however many: a lost key closes thousands
        order_id, first = closed[0]
        log.error("sold cards do not open", first, lane=lane, order_id=order_id, card_count=len(closed))
    return shown


def any_open(cards: Sequence[ShownCard]) -> bool:
    """Whether a reader sees any of them."""
    return any(card.text is not None for card in cards)


def show(
    row: OrderRow, currency: str, cards: tuple[ShownCard, ...] = (), *, replayed: bool = False,
    ring: crypto.KeyRing | None = None, parts: Sequence[OrderPart] = (), is_link: bool = False,
) -> ShownOrder:  # fmt: skip
    """The row as its buyer sees it; with the ring, also whom it is for, masked. Of a bundle also its parts."""
    if currency == "XTS" and row.state in SECRETS_VISIBLE and not parts:
        cards = play_cards(row.order_id, row.quantity, is_link=is_link)
    shown = ShownOrder(
        row.order_id, row.client_ref, row.sku_id, row.quantity, row.unit_price_e4, row.total_e4, currency,
        row.state, row.sequence, row.placed_at, row.trace, cards, replayed,
        row.refunded_e4, row.confirm_until,
        None if ring is None else masked_account(ring, row.order_id, row.account),
    )  # fmt: skip
    return with_parts(shown, parts) if parts else shown


def with_parts(order: ShownOrder, parts: Sequence[OrderPart]) -> ShownOrder:
    """A bundle with its parts, each with those of the order's cards that are its own; in a sandbox they are played."""
    if order.currency != "XTS":
        return msgspec.structs.replace(order, parts=show_parts(parts, order.cards))
    shown, cards = play_parts(parts, lambda count: order.cards or play_cards(order.order_id, count, is_link=False))
    return msgspec.structs.replace(order, cards=cards, parts=shown)


def without_cards(order: ShownOrder) -> ShownOrder:
    """For keys that may not read them."""
    parts = tuple(msgspec.structs.replace(part, cards=()) for part in order.parts)
    return msgspec.structs.replace(order, cards=(), parts=parts)


def is_link(snapshot: Snapshot, row: OrderRow) -> bool:
    """Whether its goods are links: of a sandbox's order nothing else tells."""
    sku = snapshot.catalogue.skus.get(row.sku_id)
    return sku is not None and sku.kind == "link"


def masked_account(ring: crypto.KeyRing, order_id: int, sealed: bytes | None) -> dict[str, str] | None:
    """What may be seen of an account; None where there is none, or none any more, or where it does not open."""
    if sealed is None:
        return None
    try:
        return catalogue.masked(open_account(ring, order_id, sealed))
    except crypto.Unsealable as error:
        log.error("an account does not open", error, order_id=order_id)
        return None


def open_account(ring: crypto.KeyRing, order_id: int, sealed: bytes) -> dict[str, str]:
    """In clear: only for who acts on it, or in an act that is written down."""
    return msgspec.json.decode(ring.open(ACCOUNT, order_id, sealed), type=dict[str, str])


def masked(card: ShownCard) -> ShownCard:
    """The card's number down to its ends, of a link the host, without its secret; for keys that may not read cards."""
    assert card.text is not None
    text = msgspec.json.decode(card.text, type=stock.CardText)
    number, url = text.number, stock.veiled(text.url) if text.url else ""
    shown = f"{number[:4]}****{number[-4:]}" if len(number) >= 12 else "****"
    return ShownCard(msgspec.json.encode(stock.CardText(shown, "", url)), card.expires_on, card.card_id)
