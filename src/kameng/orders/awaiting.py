"""Placing an order that is paid through a channel: its goods are reserved for ten minutes at most, the money comes.

Everything that may be refused is refused as in a batch; then the caps, so that nobody empties a shelf unpaid. A card
that is reserved has left the shelf. The order's job lets it expire; the gate puts a payment before or after that.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
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


class _Buyer(msgspec.Struct, frozen=True):
    """Who is behind a wish, as its caps know him; a guest's password is hashed."""

    guest: Guest | None
    hashed: str | None
    ip_key: bytes
    buyer_key: bytes


async def await_payment(snapshot: Snapshot, wish: Wish, *, guest: Guest | None = None) -> Answer:
    """Reserve what is wished for and wait for its payment; the same reference again is the same order.

    A guest's order lies in the lane of the shop's owner, whose organisation the wish names.
    """
    # A password is hashed on purpose slowly: beside the loop, and before the gate.
    hashed = None if guest is None else await asyncio.to_thread(guesting.hash_password, guest.password)
    (answer,) = await _await_all(snapshot, [wish], [_buyer(snapshot, wish, guest, hashed)])
    return answer


async def await_payments(snapshot: Snapshot, wishes: Sequence[Wish]) -> list[Answer]:
    """The same for many wishes of members of one lane, in one transaction; an answer for each, in order."""
    return await _await_all(snapshot, wishes, [_buyer(snapshot, wish, None, None) for wish in wishes])


def _buyer(snapshot: Snapshot, wish: Wish, guest: Guest | None, hashed: str | None) -> _Buyer:
    buyer = b"%d" % wish.organisation.org_id if guest is None else guest.contact
    return _Buyer(
        guest, hashed, snapshot.ring.fingerprint(guesting.IP, wish.ip.encode()),
        snapshot.ring.fingerprint(guesting.BUYER, buyer),
    )  # fmt: skip


async def _await_all(snapshot: Snapshot, wishes: Sequence[Wish], buyers: Sequence[_Buyer]) -> list[Answer]:
    lane, places = wishes[0].organisation.lane, Places(snapshot)
    wishes = await look_up(snapshot, wishes)
    claims = await places.reserve(wishes) if snapshot.policy.crossing else [[] for _ in wishes]
    entries = [
        Entry(wish, over_limit=some is None, needs_review=any(claim.passed for claim in some or ()))
        for wish, some in zip(wishes, claims, strict=True)
    ]
    answers: list[Answer] = []
    outcomes = await _once(snapshot, lane, entries, buyers)
    for entry, buyer, some, outcome in zip(entries, buyers, claims, outcomes, strict=True):
        answer = await _steal_for(snapshot, lane, entry, buyer, outcome)
        if some and (isinstance(answer, Refused) or answer.replayed):
            await places.give_back(some)
        answers.append(answer)
    return answers


async def _steal_for(
    snapshot: Snapshot, lane: int, entry: Entry, buyer: _Buyer, answer: Answer | Short
) -> Answer:
    """Where cards are short, tried again with those of other lanes."""
    steals: Counter[int] = Counter()
    while isinstance(answer, Short):  # a bundle may lack one after the other
        sku_id, need = answer.sku_id, answer.need
        found = await stock.steal(snapshot.db, lane, sku_id, need, least=need, ring=snapshot.ring)
        if not found.moved and not found.any_left:
            return Refused(SoldOut, field="sku")
        steals[sku_id] += 1
        # What was brought somebody quicker may take, and what wasn't may be on its way between two lanes.
        if not found.any_left or steals[sku_id] >= (STEALS_MAX if found.moved >= need else STEALS_IN_VAIN_MAX):
            entry = msgspec.structs.replace(entry, exhausted=entry.exhausted | {sku_id})
        entry = msgspec.structs.replace(entry, nonce_spent=True)
        (answer,) = await _once(snapshot, lane, [entry], [buyer])
    return answer


async def _elsewhere(snapshot: Snapshot, lane: int, entries: Sequence[Entry]) -> dict[int, stock.Shares]:
    """What the other lanes have, before the gate: a bit old once it is passed."""
    shelves = {sku_id for entry in entries for sku_id in _shelves_of(snapshot, entry.wish)}
    async with snapshot.db.connection() as connection:
        return {sku_id: await stock.shares_elsewhere(connection, lane, sku_id) for sku_id in sorted(shelves)}


def _shelves_of(snapshot: Snapshot, wish: Wish) -> set[int]:
    """The SKUs whose cards the wish would reserve."""
    sku = snapshot.catalogue.skus.get(wish.sku_id)
    return {wish.sku_id} if sku is None else {*pieces_of(sku, wish.quantity)}


async def _once(
    snapshot: Snapshot, lane: int, entries: Sequence[Entry], buyers: Sequence[_Buyer]
) -> list[Answer | Short]:
    elsewhere = await _elsewhere(snapshot, lane, entries)
    async with snapshot.db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=2 * len(entries))
        await snapshot.refresh(connection, await epochs.read(connection))
        view, asked = await read(snapshot, connection, lane, passage.ids[: len(entries)], entries)
        unpaid = await store.count_unpaid(
            connection, lane, ip_keys={one.ip_key for one in buyers}, buyer_keys={one.buyer_key for one in buyers}
        )
        shelves = {
            sku_id: shares + await stock.shares_here(connection, lane, sku_id) for sku_id, shares in elsewhere.items()
        }
        decisions: list[NewOrder | Known | Refused | Short] = []
        placed: list[tuple[NewOrder, NewPayment]] = []
        for one, buyer in zip(asked, buyers, strict=True):
            needs_review = wants_review(view, one)
            so_far = Unpaid(unpaid.get(buyer.ip_key, 0), unpaid.get(buyer.buyer_key, 0))
            decision = decide(view, one, so_far, shelves, snapshot.terms)
            decisions.append(decision)
            if isinstance(decision, NewOrder):
                placed.append((decision, _payment(snapshot, view, decision, buyer, needs_review=needs_review)))
                _count(snapshot, decision, buyer, unpaid, shelves)
        await _write(snapshot, connection, lane, view, placed, passage.ids[len(entries) :])
        return await _answers(snapshot, connection, lane, entries, decisions)


def _payment(
    snapshot: Snapshot, view: View, order: NewOrder, buyer: _Buyer, *, needs_review: bool
) -> NewPayment:
    guest, wish = buyer.guest, order.wish
    return NewPayment(
        order.order_id, view.at + timedelta(seconds=snapshot.terms.reserve_s), buyer.ip_key, buyer.buyer_key,
        None if guest is None else snapshot.ring.seal(guesting.CONTACT, order.order_id, guest.contact), buyer.hashed,
        "both" if guest is None else guest.language, needs_review,
        order.card_ids[0] if wish.pick is not None and order.card_ids else None,
    )  # fmt: skip


def _count(
    snapshot: Snapshot, order: NewOrder, buyer: _Buyer, unpaid: dict[bytes, int], shelves: dict[int, stock.Shares]
) -> None:
    """What the next of the batch finds: one more unpaid, and what was reserved is off the shelf."""
    for key in (buyer.ip_key, buyer.buyer_key):
        unpaid[key] = unpaid.get(key, 0) + 1
    sku = snapshot.catalogue.skus[order.wish.sku_id]
    for sku_id, need in pieces_of(sku, order.wish.quantity).items() if order.card_ids else ():
        shelves[sku_id] = shelves.get(sku_id, _NOTHING) + stock.Shares(-need, need)


async def _answers(
    snapshot: Snapshot, connection: Connection, lane: int, entries: Sequence[Entry],
    decisions: Sequence[NewOrder | Known | Refused | Short],
) -> list[Answer | Short]:  # fmt: skip
    standing = [one.order_id for one in decisions if isinstance(one, NewOrder | Known)]
    org_ids = {entry.wish.organisation.org_id for entry in entries}
    rows = await store.read_orders(connection, lane, standing, list(org_ids)) if standing else {}
    parts = await parts_store.parts_of(connection, lane, rows.values(), snapshot.catalogue)
    return [
        one
        if isinstance(one, Refused | Short)
        else show(
            rows[one.order_id], entry.wish.organisation.currency, replayed=isinstance(one, Known),
            parts=parts.get(one.order_id, ()),
        )
        for entry, one in zip(entries, decisions, strict=True)
    ]  # fmt: skip


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
    order_id = next(view.order_ids)
    view.refs[wish.ref_key] = (wish.digest, order_id)
    return NewOrder(
        order_id, wish, sku.revision, quote.unit_price_e4, quote.unit_price_e4 * wish.quantity,
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
    snapshot: Snapshot, connection: Connection, lane: int, view: View, placed: Sequence[tuple[NewOrder, NewPayment]],
    job_ids: Sequence[int],
) -> None:  # fmt: skip
    orders = [order for order, _ in placed]
    if orders:
        await _write_orders(snapshot, connection, lane, view, orders)
        await store.insert_payments(connection, lane, [payment for _, payment in placed])
        told = [_event(order, payment) for order, payment in placed]
        await events.emit(connection, lane, view.at, told)
        expiries = [
            jobs.NewJob(kind=WAITING_FOR[order.state], subject_id=order.order_id, due_at=payment.expires_at)
            for order, payment in placed
        ]
        await jobs.add(connection, lane, expiries, job_ids[: len(expiries)])
        if view.counters.touched:
            await risk.write_lane_counters(connection, lane, view.counters)
    if view.spent:
        await identity.spend_nonces(connection, lane, view.spent)


async def _write_orders(
    snapshot: Snapshot, connection: Connection, lane: int, view: View, orders: Sequence[NewOrder]
) -> None:
    """The orders with what is reserved for them."""
    await store.insert_orders(connection, snapshot.ring, lane, view.at, orders)
    with_account = [order for order in orders if order.wish.account is not None]
    if with_account:
        await private_store.insert_marks(connection, lane, with_account)
    bundles = [order for order in orders if order.parts]
    if bundles:
        await parts_store.insert_parts(connection, lane, bundles)
    chosen = [(card_id, one.order_id) for one in orders if one.wish.pick is not None for card_id in one.card_ids]
    if chosen:
        await stock.reserve_displayed(connection, lane, chosen)
    reserved = [
        (card_id, one.order_id, one.wish.sku_id)
        for one in orders
        if one.wish.pick is None and not one.parts
        for card_id in one.card_ids
    ]
    reserved += [
        (card_id, one.order_id, part.sku_id) for one in bundles for part in one.parts for card_id in part.card_ids
    ]
    if reserved:
        await stock.reserve(connection, lane, reserved)


def _event(order: NewOrder, payment: NewPayment) -> events.NewEvent:
    wish = order.wish
    return events.NewEvent(
        event_id=order.order_id, org_id=wish.organisation.org_id, subject_id=order.order_id, sequence=1,
        kind="order.awaiting_payment", actor_id=wish.key.key_id,
        data={"state": order.state.value, "expires_at": payment.expires_at.isoformat()},
        due=wish.organisation.wants_events,
    )  # fmt: skip
