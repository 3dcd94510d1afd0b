"""Placing an order that is paid through a channel: its goods are reserved for ten minutes at most, the money comes.

Everything that may be refused is refused as in a batch; then the caps, so that nobody empties a shelf unpaid. A card
that is reserved has left the shelf. The order's job lets it expire; the gate puts a payment before or after that.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from kameng import identity, risk, stock
from kameng.catalogue import Sku
from kameng.identity import ApiKey, Organisation
from kameng.kit import epochs, events, jobs, lanes
from kameng.kit.db import Connection
from kameng.orders import guesting, parts_store, private_store, store
from kameng.orders.asking import Entry
from kameng.orders.bundling import Packed, as_waiting, cards_of, pack, pieces_of, short_of
from kameng.orders.choosing import look_up
from kameng.orders.commands import Terms
from kameng.orders.errors import CardTaken, SoldOut, TooManyUnpaid
from kameng.orders.expecting import WAITING_FOR
from kameng.orders.guesting import Guest
from kameng.orders.judging import Asked, View, judge, wants_review
from kameng.orders.model import Answer, Known, NewOrder, OrderPart, Refused, Short, State, Wish
from kameng.orders.placing import read
from kameng.orders.reserving import Places
from kameng.orders.showing import show
from kameng.orders.snapshot import Snapshot
from kameng.orders.splitting import split_of
from kameng.orders.store import NewPayment, Unpaid
from kameng.pricing import Quote

STEALS_MAX, STEALS_IN_VAIN_MAX = 20, 2
"""So often cards are brought for one wish, and others take them; so often none can be brought while there are some."""


def key_of_guest(organisation: Organisation) -> ApiKey:
    """What stands in a guest's wish where others have their key: it is none, and may nothing."""
    return ApiKey(0, organisation.org_id, frozenset(), None, None, (), 1, None, "active", None)


async def await_payment(snapshot: Snapshot, wish: Wish, *, guest: Guest | None = None) -> Answer:
    """Reserve what is wished for and wait for its payment; the same reference again is the same order.

    A guest's order lies in the lane of the shop's owner, whose organisation the wish names.
    """
    lane, places = wish.organisation.lane, Places(snapshot)
    (wish,) = await look_up(snapshot, [wish])
    # A password is hashed on purpose slowly: beside the loop, and before the gate.
    hashed = None if guest is None else await asyncio.to_thread(guesting.hash_password, guest.password)
    claims = (await places.reserve([wish]))[0] if snapshot.policy.crossing else []
    entry = Entry(wish, over_limit=claims is None, needs_review=any(claim.passed for claim in claims or ()))
    steals: Counter[int] = Counter()
    answer = await _once(snapshot, lane, entry, guest, hashed)
    while isinstance(answer, Short):  # a bundle may lack one after the other
        sku_id, need = answer.sku_id, answer.need
        found = await stock.steal(snapshot.db, lane, sku_id, need, least=need, ring=snapshot.ring)
        if not found.moved and not found.any_left:
            answer = Refused(SoldOut, field="sku")
            break
        steals[sku_id] += 1
        # What was brought somebody quicker may take, and what wasn't may be on its way between two lanes.
        if not found.any_left or steals[sku_id] >= (STEALS_MAX if found.moved >= need else STEALS_IN_VAIN_MAX):
            entry = msgspec.structs.replace(entry, exhausted=entry.exhausted | {sku_id})
        entry = msgspec.structs.replace(entry, nonce_spent=True)
        answer = await _once(snapshot, lane, entry, guest, hashed)
    if claims and (isinstance(answer, Refused) or answer.replayed):
        await places.give_back(claims)
    return answer


async def _elsewhere(snapshot: Snapshot, lane: int, wish: Wish) -> dict[int, stock.Shares]:
    """What the other lanes have, before the gate: a bit old once it is passed."""
    async with snapshot.db.connection() as connection:
        return {
            sku_id: await stock.shares_elsewhere(connection, lane, sku_id) for sku_id in _shelves_of(snapshot, wish)
        }


def _shelves_of(snapshot: Snapshot, wish: Wish) -> set[int]:
    """The SKUs whose cards the wish would reserve."""
    sku = snapshot.catalogue.skus.get(wish.sku_id)
    return {wish.sku_id} if sku is None else {*pieces_of(sku, wish.quantity)}


async def _once(
    snapshot: Snapshot, lane: int, entry: Entry, guest: Guest | None, hashed: str | None
) -> Answer | Short:  # fmt: skip
    elsewhere = await _elsewhere(snapshot, lane, entry.wish)
    wish, terms = entry.wish, snapshot.terms
    buyer = b"%d" % wish.organisation.org_id if guest is None else guest.contact
    ip_key = snapshot.ring.fingerprint(guesting.IP, wish.ip.encode())
    buyer_key = snapshot.ring.fingerprint(guesting.BUYER, buyer)
    async with snapshot.db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=2)
        await snapshot.refresh(connection, await epochs.read(connection))
        view, (asked,) = await read(snapshot, connection, lane, passage.ids[:1], [entry])
        unpaid = await store.count_unpaid(connection, lane, ip_key=ip_key, buyer_key=buyer_key)
        shelves = {
            sku_id: shares + await stock.shares_here(connection, lane, sku_id) for sku_id, shares in elsewhere.items()
        }
        needs_review = wants_review(view, asked)
        decision = decide(view, asked, unpaid, shelves, terms)
        if isinstance(decision, NewOrder):
            expires_at = view.at + timedelta(seconds=terms.reserve_s)
            contact = None if guest is None else snapshot.ring.seal(guesting.CONTACT, decision.order_id, guest.contact)
            chosen = decision.card_ids[0] if wish.pick is not None and decision.card_ids else None
            language = "both" if guest is None else guest.language
            payment = NewPayment(
                decision.order_id, expires_at, ip_key, buyer_key, contact, hashed, language, needs_review, chosen
            )
            await _write(snapshot, connection, lane, view, decision, payment, passage.ids[1])
        elif view.spent:
            await identity.spend_nonces(connection, lane, view.spent)
        if isinstance(decision, Refused | Short):
            return decision
        order_id = decision.order_id
        rows = await store.read_orders(connection, lane, [order_id], [wish.organisation.org_id])
        parts = await parts_store.parts_of(connection, lane, rows.values(), snapshot.catalogue)
    return show(
        rows[order_id], wish.organisation.currency, replayed=isinstance(decision, Known), parts=parts.get(order_id, ())
    )


def decide(
    view: View, asked: Asked, unpaid: Unpaid, shelves: Mapping[int, stock.Shares], terms: Terms
) -> NewOrder | Known | Refused | Short:
    """Pure: as ``deciding``, with caps in the place of money."""
    wish, sku, quote = asked.wish, asked.sku, asked.quote
    decision = judge(view, asked)
    if decision is not None:
        return decision
    assert sku is not None
    assert quote is not None
    if unpaid.of_buyer >= terms.reserve_buyer_max or unpaid.of_ip >= terms.reserve_ip_max:
        return Refused(TooManyUnpaid)
    reserved = _reserve(view, asked, sku, quote, shelves, terms)
    if not isinstance(reserved, tuple):
        return reserved
    parts, card_ids = reserved
    view.counters.take(asked.lane_claims)
    # The platform collects it: no agent pays, each has its margin when the order is delivered.
    has_split = quote.agents and not wish.organisation.sandbox
    return NewOrder(
        next(view.order_ids), wish, sku.revision, quote.unit_price_e4, quote.unit_price_e4 * wish.quantity,
        sku.cost_e4 * wish.quantity, State.awaiting_payment, quote.trace, card_ids,
        split=split_of(quote, wish.quantity) if has_split else None, kind=sku.kind, parts=parts,
    )  # fmt: skip


def _reserve(
    view: View, asked: Asked, sku: Sku, quote: Quote, shelves: Mapping[int, stock.Shares], terms: Terms
) -> tuple[tuple[OrderPart, ...], tuple[int, ...]] | Refused | Short:
    """The cards that the order would have, of each of its parts if it has any; no more than its share of a shelf; or
    the one that was chosen."""
    wish = asked.wish
    is_real = not wish.organisation.sandbox
    if wish.pick is not None and is_real:
        card = view.shelf.take_displayed(wish.pick.card_id)
        return Refused(CardTaken, field="card") if card is None else ((), (card.card_id,))
    pieces = pieces_of(sku, wish.quantity)
    beyond = _beyond_its_share(pieces, shelves, terms) if is_real else None
    short = short_of(pieces, view.shelf) if is_real and beyond is None else beyond
    if isinstance(short, Short):
        return Refused(SoldOut, field="sku") if short.sku_id in asked.exhausted else short
    if short is not None:
        return short
    if sku.parts:
        packed = pack(sku, wish.quantity, quote.unit_price_e4 * wish.quantity, shelf=view.shelf if is_real else None)
        assert isinstance(packed, Packed)  # its cards were there just now
        return as_waiting(packed.parts), cards_of(packed.parts)
    cards = view.shelf.take(sku.sku_id, wish.quantity) if pieces and is_real else None
    return (), tuple(card.card_id for card in cards or ())


def _beyond_its_share(
    pieces: Mapping[int, int], shelves: Mapping[int, stock.Shares], terms: Terms
) -> Refused | Short | None:
    """Short, not sold out, where all shelves seem to have less: cards may have moved between the two looks at them."""
    for sku_id, need in pieces.items():
        shares = shelves.get(sku_id, _NOTHING)  # a bundle that has just changed: nothing is known of its new part yet
        # One card at least, or nothing that is nearly sold out could be sold through a channel.
        most = max(1, (shares.on_hand + shares.reserved) * terms.reserve_share_percent // 100)
        if need > shares.on_hand:
            return Short(sku_id, need)
        if shares.reserved + need > most:
            return Refused(TooManyUnpaid, field="quantity")
    return None


_NOTHING = stock.Shares(0, 0)


async def _write(
    snapshot: Snapshot, connection: Connection, lane: int, view: View, order: NewOrder, payment: NewPayment,
    job_id: int,
) -> None:  # fmt: skip
    wish = order.wish
    await store.insert_orders(connection, snapshot.ring, lane, view.at, [order])
    await store.insert_payment(connection, lane, payment)
    if wish.account is not None:
        await private_store.insert_marks(connection, lane, [order])
    if order.parts:
        await parts_store.insert_parts(connection, lane, [order])
    if wish.pick is not None and order.card_ids:
        await stock.reserve_displayed(connection, lane, [(card_id, order.order_id) for card_id in order.card_ids])
    elif order.card_ids:
        of_parts = [(card_id, order.order_id, part.sku_id) for part in order.parts for card_id in part.card_ids]
        own = [(card_id, order.order_id, wish.sku_id) for card_id in order.card_ids]
        await stock.reserve(connection, lane, of_parts or own)
    event = events.NewEvent(
        event_id=order.order_id, org_id=wish.organisation.org_id, subject_id=order.order_id, sequence=1,
        kind="order.awaiting_payment", actor_id=wish.key.key_id,
        data={"state": order.state.value, "expires_at": payment.expires_at.isoformat()},
        due=wish.organisation.wants_events,
    )  # fmt: skip
    await events.emit(connection, lane, view.at, [event])
    expiry = jobs.NewJob(kind=WAITING_FOR[order.state], subject_id=order.order_id, due_at=payment.expires_at)
    await jobs.add(connection, lane, [expiry], [job_id])
    if view.counters.touched:
        await risk.write_lane_counters(connection, lane, view.counters)
    if view.spent:
        await identity.spend_nonces(connection, lane, view.spent)
