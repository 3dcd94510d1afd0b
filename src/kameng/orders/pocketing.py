"""A buyer's cards of all his orders (我的卡包): what they are, how long they are good, and which he has used.

Numbers are masked; a card in clear is shown by its order's own ``reveal``, as long as that is allowed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

import msgspec

from kameng import stock
from kameng.identity import Caller
from kameng.kit import clock, crypto, ids, lanes
from kameng.kit.db import Connection
from kameng.kit.ids import ID_MAX
from kameng.orders import store
from kameng.orders.errors import NoSuchCard, OrderNotFound
from kameng.orders.model import SECRETS_SHOWN, SECRETS_VISIBLE, ShownCard
from kameng.orders.showing import masked
from kameng.orders.snapshot import Snapshot
from kameng.orders.store import OrderRow

ORDERS_AT_ONCE = 200
ORDERS_MAX = 2_000
"""So many orders are looked through for one page; what lies further back is on the next."""


class OwnCard(msgspec.Struct, frozen=True):
    """A card as its owner's list shows it; ``number`` masked, '' for what has none."""

    card_id: int
    order_id: int
    sku_id: int
    number: str
    url: str
    expires_on: date | None
    bought_at: datetime
    used_at: datetime | None
    is_shown: bool
    """Whether its order still shows it in clear."""


class CardPage(msgspec.Struct, frozen=True):
    """Cards, those of the newest orders first; ``next_id``: the order to go on below, None on the last page."""

    cards: list[OwnCard]
    next_id: int | None


async def list_cards(
    snapshot: Snapshot, caller: Caller, *, before_id: int = ID_MAX, limit: int = 30,
    sku_ids: Collection[int] | None = None, used: bool | None = None,
) -> CardPage:  # fmt: skip
    """The caller's cards below an order; an order's cards are on one page. ``used``: those that are marked, or not."""
    organisation, found = caller.organisation, list[OwnCard]()
    looked_at = 0
    async with snapshot.db.connection() as connection:
        while looked_at < ORDERS_MAX:
            rows = await store.list_orders(
                connection, organisation.lane, organisation.org_id, before_id=before_id, limit=ORDERS_AT_ONCE,
                state=None,
            )  # fmt: skip
            looked_at += len(rows)
            wanted = [row for row in rows if _has_cards(row) and (sku_ids is None or row.sku_id in sku_ids)]
            for number, row in enumerate(wanted):
                before_id = row.order_id
                found += [card for card in await _cards(connection, snapshot, caller, row) if _suits(card, used)]
                if len(found) >= limit:
                    is_last = number == len(wanted) - 1 and len(rows) < ORDERS_AT_ONCE
                    return CardPage(found, None if is_last else before_id)
            if len(rows) < ORDERS_AT_ONCE:
                return CardPage(found, None)
            before_id = rows[-1].order_id
    return CardPage(found, before_id)


def _suits(card: OwnCard, used: bool | None) -> bool:
    return used is None or used == (card.used_at is not None)


def _has_cards(row: OrderRow) -> bool:
    return bool(row.card_ids) and row.state in SECRETS_VISIBLE


async def _cards(connection: Connection, snapshot: Snapshot, caller: Caller, row: OrderRow) -> list[OwnCard]:
    organisation = caller.organisation
    sealed = await stock.cards_of(connection, organisation.lane, row.card_ids)
    marks = await store.card_marks(connection, organisation.lane, organisation.org_id, row.card_ids)
    is_shown = clock.now() - row.placed_at <= SECRETS_SHOWN
    found = []
    for card_id in row.card_ids:
        card = sealed.get(card_id)
        if card is None or card["state"] != "sold" or card["order_id"] != row.order_id:
            continue  # replaced, or taken back
        number, url = _masked(snapshot, card_id, card["sealed"])
        until = None if card["expires_on"] == stock.NEVER else card["expires_on"]
        found.append(
            OwnCard(card_id, row.order_id, row.sku_id, number, url, until, row.placed_at, marks.get(card_id), is_shown)
        )
    return found


def _masked(snapshot: Snapshot, card_id: int, sealed: bytes) -> tuple[str, str]:
    try:
        shown = masked(ShownCard(snapshot.ring.open(stock.CARD, card_id, sealed), None))
    except crypto.Unsealable:
        return "", ""
    assert shown.text is not None
    text = msgspec.json.decode(shown.text, type=stock.CardText)
    return text.number, text.url


async def mark_card(snapshot: Snapshot, caller: Caller, order_id: int, card_id: int, *, used: bool) -> None:
    """The caller notes that he used one of his cards, or that he did not; ``NoSuchCard`` if it is none of his."""
    organisation = caller.organisation
    lane = organisation.lane
    if ids.lane_of(order_id) != lane:
        raise OrderNotFound
    async with snapshot.db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        rows = await store.read_orders(connection, lane, [order_id], [organisation.org_id])
        if order_id not in rows:
            raise OrderNotFound
        if card_id not in rows[order_id].card_ids:
            raise NoSuchCard
        await store.mark_card(connection, lane, organisation.org_id, card_id, clock.now() if used else None)
