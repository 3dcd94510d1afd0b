"""Offers: a supplier names another cost, or goods that are not in the catalogue; staff accepts or declines.

What is accepted is what cards without a cost of their own are booked at from then on, and the consent to load cards.
It moves no price: what buyers pay is the catalogue's and the pricing's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from kameng import notices
from kameng.identity import Organisation
from kameng.kit import audit, clock, ids, lanes, money
from kameng.kit.db import Connection, Database
from kameng.kit.lanes import Passage
from kameng.suppliers import store
from kameng.suppliers.errors import BadOffer, NoSuchOffer, NotSupplied, OfferDecided, TooManyOffers
from kameng.suppliers.model import OPEN_OFFERS_MAX, NewOffer, Offer, OfferState, check_note, check_offer
from kameng.suppliers.supplying import supplied

ID_MAX = (1 << 63) - 1
EVER = datetime(9999, 1, 1, tzinfo=UTC)
STATES_ZH = {OfferState.accepted: "已采纳", OfferState.refused: "未采纳"}


async def offer(db: Database, organisation: Organisation, new: NewOffer, *, actor_id: int) -> Offer:
    """Lay an offer on the operators' desk."""
    check_offer(new)
    lane, org_id = organisation.lane, organisation.org_id
    mine = {one.sku_id: one for one in await supplied(db, org_id)}
    if new.sku_id is not None and new.sku_id not in mine:
        raise NotSupplied(field="sku")
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=2)
        if await store.count_open_offers(connection, org_id) >= OPEN_OFFERS_MAX:
            raise TooManyOffers
        offer_id, audit_id = passage.ids
        was_e4 = None if new.sku_id is None else mine[new.sku_id].cost_e4
        made = Offer(
            offer_id, org_id, new.sku_id, new.sku_id is None, new.brand.strip(), new.product.strip(), new.spec.strip(),
            new.cost_e4, was_e4, new.reason.strip(), OfferState.waiting, "", actor_id, clock.now(), None, None,
        )  # fmt: skip
        await store.insert_offer(connection, lane, made)
        data = {"sku_id": new.sku_id, "cost": money.format_e4(new.cost_e4)}
        line = audit.Line(audit_id, org_id, actor_id, "offer.make", offer_id, data)
        await audit.note(connection, lane, clock.now(), [line])
    return made


async def withdraw_offer(db: Database, org_id: int, offer_id: int, *, actor_id: int) -> Offer:
    """Take back what nobody has answered."""
    async with db.transaction() as connection:
        passage = await _pass_gate(connection, offer_id)
        found = await store.read_offer(connection, offer_id)
        if found is None or found.org_id != org_id:
            raise NoSuchOffer
        after = msgspec.structs.replace(found, state=OfferState.withdrawn)
        return await _decide(connection, passage, after, "offer.withdraw", actor_id)


async def decide_offer(
    db: Database, offer_id: int, *, accept: bool, note: str = "", sku_id: int | None = None, actor_id: int
) -> Offer:
    """Staff answers: yes, for goods that were new with the SKU that they became; or no, with a reason."""
    if not accept or note:
        check_note(note)
    async with db.transaction() as connection:
        passage = await _pass_gate(connection, offer_id)
        found = await store.read_offer(connection, offer_id)
        if found is None:
            raise NoSuchOffer
        became = found.sku_id
        if accept and found.is_new:
            if sku_id is None or not await store.has_sku(connection, sku_id):
                raise BadOffer("sku: which SKU it became", field="sku", detail_zh="商品：请填写新商品对应的商品编号")
            became = sku_id
        after = msgspec.structs.replace(
            found, state=OfferState.accepted if accept else OfferState.refused, note=note.strip(), sku_id=became,
            decided_by=actor_id, decided_at=clock.now(),
        )  # fmt: skip
        return await _decide(connection, passage, after, "offer.decide", actor_id)


async def list_offers(
    db: Database, org_id: int, *, before_id: int = ID_MAX, limit: int = 50, states: Sequence[OfferState] = ()
) -> list[Offer]:
    """A supplier's, newest first; of these states, or of all."""
    async with db.connection() as connection:
        return await store.offers_of(connection, org_id, before_id=before_id, limit=limit, states=states)


async def list_decided_offers(
    db: Database, *, before: tuple[datetime, int] = (EVER, ID_MAX), state: OfferState | None = None, limit: int = 50
) -> list[Offer]:
    """What was accepted or refused, of all lanes, the last decided first, before (moment, id) of the last one seen."""
    found: list[Offer] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            found += await store.decided_offers(connection, lane, before, state, limit)
    found.sort(key=lambda one: (one.decided_at or EVER, one.offer_id), reverse=True)
    return found[:limit]


async def list_waiting_offers(db: Database, *, after_id: int = 0, limit: int = 50) -> list[Offer]:
    """What waits for an answer, of all lanes, the oldest first, beyond the id of the last one seen."""
    found: list[Offer] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            found += await store.waiting_offers(connection, lane, after_id=after_id, limit=limit)
    return sorted(found, key=lambda one: one.offer_id)[:limit]


async def find_offer(db: Database, offer_id: int, *, org_id: int | None = None) -> Offer:
    """One offer; with ``org_id`` only of that supplier's."""
    async with db.connection() as connection:
        found = None
        if ids.lane_of(offer_id) in await lanes.lane_numbers(connection):
            found = await store.read_offer(connection, offer_id)
    if found is None or org_id not in (None, found.org_id):
        raise NoSuchOffer
    return found


async def _pass_gate(connection: Connection, offer_id: int) -> Passage:
    lane = ids.lane_of(offer_id)
    if lane not in await lanes.lane_numbers(connection):  # the number was mistyped
        raise NoSuchOffer
    return await lanes.pass_gate(connection, lane, id_count=2)


async def _decide(connection: Connection, passage: Passage, after: Offer, act: str, actor_id: int) -> Offer:
    if not await store.set_offer(connection, passage.lane, after):
        raise OfferDecided
    data = {"state": after.state.value, "sku_id": after.sku_id, **({"note": after.note} if after.note else {})}
    line = audit.Line(passage.ids[0], after.org_id, actor_id, act, after.offer_id, data)
    await audit.note(connection, passage.lane, clock.now(), [line])
    if after.state in STATES_ZH:
        facts = {
            "offer": str(after.offer_id), "cost": money.format_e4(after.cost_e4), "state": after.state.value,
            "state_zh": STATES_ZH[after.state],
        }  # fmt: skip
        notice = notices.Notice(after.org_id, "offer_decided", str(after.offer_id), facts)
        await notices.announce(connection, passage.lane, [notice], passage.ids[1:])
    return after
