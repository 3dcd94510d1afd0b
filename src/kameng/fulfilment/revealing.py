"""Revealing what came by hand: as cards are revealed, to whoever may see those, for as long as those are shown.

Each reveal is one of the order, by orders' own verb, which leaves the audit line; only then is anything opened, and
only if the order still stands as delivered.
"""

from __future__ import annotations

from collections.abc import Sequence

from kameng import orders
from kameng.fulfilment import packing, store
from kameng.fulfilment.errors import NoImage
from kameng.fulfilment.model import Goods
from kameng.fulfilment.store import AnswerRow
from kameng.identity import Caller
from kameng.kit import audit, clock, crypto, ids, lanes, logs
from kameng.kit.db import Connection, Database
from kameng.orders import SECRETS_SHOWN, CardsNotOpened, ShownOrder, Snapshot

log = logs.get_logger(__name__)


async def reveal(snapshot: Snapshot, caller: Caller, order_id: int) -> tuple[ShownOrder, list[Goods]]:
    """One of the caller's orders with its cards, and with what came by hand."""
    shown = await orders.reveal(snapshot, caller, order_id)
    organisation = caller.organisation
    async with snapshot.db.connection() as connection:
        rows = await store.shown_answers(
            connection, organisation.lane, order_id, organisation.org_id, clock.now() - SECRETS_SHOWN
        )
    return shown, _open(snapshot.ring, rows)


async def reveal_image(snapshot: Snapshot, caller: Caller, order_id: int, part_no: int) -> tuple[bytes, str]:
    """The image that came for an order or a part of it, and what it is."""
    await orders.reveal(snapshot, caller, order_id)
    organisation, since = caller.organisation, clock.now() - SECRETS_SHOWN
    async with snapshot.db.connection() as connection:
        found = await store.shown_image(connection, organisation.lane, order_id, organisation.org_id, since, part_no)
    return _image(snapshot.ring, order_id, part_no, found)


async def reveal_to_staff(
    db: Database, ring: crypto.KeyRing, order_id: int, *, reason: str, actor_id: int, image_of: int | None = None
) -> tuple[list[Goods], bytes]:
    """What came by hand for anybody's order, and one of its images; a person says why."""
    lane = ids.lane_of(order_id)
    async with db.transaction() as connection:
        if lane not in await lanes.lane_numbers(connection):
            raise orders.OrderNotFound
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        order = (await orders.read_standing(connection, lane, [order_id])).get(order_id)
        if order is None:
            raise orders.OrderNotFound
        orders.check_reason(reason, ())
        goods = _open(ring, await store.read_answers(connection, lane, [order_id]))
        image = b""
        if image_of is not None:
            image, _ = _image(ring, order_id, image_of, await store.read_image(connection, lane, order_id, image_of))
        line = audit.Line(passage.ids[0], order.org_id, actor_id, "order.reveal", order_id, {"reason": reason})
        await audit.note(connection, lane, clock.now(), [line])
    return goods, image


async def answers_of(connection: Connection, lane: int, order_ids: Sequence[int]) -> list[AnswerRow]:
    """What came by hand for some orders, sealed."""
    return await store.read_answers(connection, lane, order_ids)


def open_answers(ring: crypto.KeyRing, rows: Sequence[AnswerRow]) -> list[Goods]:
    """Those that open, in clear: only for an act that is written down. The staff is told of the others."""
    found = []
    for row in rows:
        try:
            words = packing.open_words(ring, row.order_id, row.part_no, row.sealed)
        except crypto.Unsealable as error:
            log.error("an answer does not open", error, order_id=row.order_id)
            continue
        found.append(Goods(row.part_no, words.text, words.cards, row.media_type, row.image_bytes, row.answered_at))
    return found


def _open(ring: crypto.KeyRing, rows: Sequence[AnswerRow]) -> list[Goods]:
    found = open_answers(ring, rows)
    if rows and not found:
        raise CardsNotOpened
    return found


def _image(ring: crypto.KeyRing, order_id: int, part_no: int, found: tuple[bytes, str] | None) -> tuple[bytes, str]:
    if found is None:
        raise NoImage
    try:
        return packing.open_image(ring, order_id, part_no, found[0]), found[1]
    except crypto.Unsealable as error:
        log.error("an image does not open", error, order_id=order_id)
        raise CardsNotOpened from None
