"""Finding orders: by id, by reference, or in a list; and revealing their cards, which leaves an audit line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kameng.identity import Caller, Organisation
from kameng.kit import audit, clock, events, ids, lanes
from kameng.kit.db import Connection
from kameng.kit.ids import ID_MAX
from kameng.orders import parts_store, store
from kameng.orders.errors import CardsNotOpened, OrderNotFound, SecretsNotShown
from kameng.orders.model import OrderPart, ShownOrder
from kameng.orders.showing import any_open, is_link, open_cards, secrets_visible, show
from kameng.orders.snapshot import Snapshot
from kameng.orders.wishing import ref_key_of

Parts = Mapping[int, Sequence[OrderPart]]
"""Those of bundles, by order."""


class Page(msgspec.Struct, frozen=True):
    """Orders, newest first; ``next_id`` is the cursor of the next page, None on the last."""

    orders: list[ShownOrder]
    next_id: int | None


async def find(snapshot: Snapshot, caller: Caller, order_ids: Sequence[int]) -> list[ShownOrder]:
    """The caller's orders among these ids, without their cards, in the order asked for."""
    organisation = caller.organisation
    own = [order_id for order_id in order_ids if ids.lane_of(order_id) == organisation.lane]
    async with snapshot.db.connection() as connection:
        rows = await store.read_orders(connection, organisation.lane, own, [organisation.org_id])
        parts = await parts_store.parts_of(connection, organisation.lane, rows.values(), snapshot.catalogue)
    return shown(snapshot, organisation, [rows[order_id] for order_id in own if order_id in rows], parts)


def shown(
    snapshot: Snapshot, organisation: Organisation, rows: Sequence[store.OrderRow], parts: Parts
) -> list[ShownOrder]:
    """The organisation's orders, without their cards."""
    currency, ring = organisation.currency, snapshot.ring
    return [show(row, currency, ring=ring, parts=parts.get(row.order_id, ())) for row in rows]


async def present(
    connection: Connection, lane: int, order_ids: Sequence[int], *, currencies: Mapping[int, str]
) -> dict[int, ShownOrder]:
    """Orders of some organisations as they stand now, without cards; ``currencies`` says what each pays with."""
    rows = await store.read_orders(connection, lane, order_ids, list(currencies))
    parts = await parts_store.read_parts(connection, lane, list(rows))
    return {
        order_id: show(row, currencies[row.org_id], parts=parts.get(order_id, ())) for order_id, row in rows.items()
    }


async def find_by_ref(snapshot: Snapshot, caller: Caller, client_ref: str) -> ShownOrder:
    """The order that a reference stands for."""
    organisation = caller.organisation
    ref_key = ref_key_of(organisation.org_id, client_ref)
    async with snapshot.db.connection() as connection:
        refs = await store.read_refs(connection, organisation.lane, [ref_key])
    if ref_key not in refs:
        raise OrderNotFound(field="client_ref")
    return (await find(snapshot, caller, [refs[ref_key][1]]))[0]


async def list_orders(
    snapshot: Snapshot, caller: Caller, *, before_id: int = ID_MAX, limit: int = 50, state: str | None = None
) -> Page:
    organisation = caller.organisation
    async with snapshot.db.connection() as connection:
        rows = await store.list_orders(
            connection, organisation.lane, organisation.org_id, before_id=before_id, limit=limit + 1, state=state
        )
        return await page_of(connection, snapshot, organisation, rows, limit)


async def page_of(
    connection: Connection, snapshot: Snapshot, organisation: Organisation, rows: Sequence[store.OrderRow], limit: int
) -> Page:
    """At most ``limit`` of the rows; one row more than that says that there is a next page."""
    parts = await parts_store.parts_of(connection, organisation.lane, rows[:limit], snapshot.catalogue)
    next_id = rows[limit - 1].order_id if len(rows) > limit else None
    return Page(shown(snapshot, organisation, rows[:limit], parts), next_id)


async def timeline(snapshot: Snapshot, caller: Caller, order_id: int) -> list[events.Event]:
    """What happened to one of the caller's orders, oldest first."""
    if not await find(snapshot, caller, [order_id]):
        raise OrderNotFound
    async with snapshot.db.connection() as connection:
        return await events.timeline(connection, ids.lane_of(order_id), order_id)


async def reveal(snapshot: Snapshot, caller: Caller, order_id: int) -> ShownOrder:
    """One of the caller's orders with its cards; writes who saw them, in the same transaction.

    A card that does not open comes without its text, as in a repeat; ``CardsNotOpened`` if that leaves nothing to see.
    """
    organisation = caller.organisation
    lane = organisation.lane
    async with snapshot.db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        rows = await store.read_orders(connection, lane, [order_id], [organisation.org_id])
        if order_id not in rows:
            raise OrderNotFound
        at = clock.now()
        parts = await parts_store.parts_of(connection, lane, rows.values(), snapshot.catalogue)
        if not secrets_visible(rows[order_id], at, parts.get(order_id, ())):
            raise SecretsNotShown
        cards = (await open_cards(connection, snapshot.ring, lane, [rows[order_id]]))[order_id]
        if cards and not any_open(cards):
            raise CardsNotOpened
        line = audit.Line(passage.ids[0], organisation.org_id, caller.key.key_id, "order.reveal", order_id)
        await audit.note(connection, lane, at, [line])
    return show(
        rows[order_id], organisation.currency, cards, parts=parts.get(order_id, ()),
        is_link=is_link(snapshot, rows[order_id]),
    )  # fmt: skip
