"""Placing an order that is paid through a channel: its goods are reserved for ten minutes at most, the money comes.

Everything that may be refused is refused as in a batch; then the caps, so that nobody empties a shelf unpaid. A card
that is reserved has left the shelf. The order's job lets it expire; the gate puts a payment before or after that.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec

from kameng import identity, risk, stock
from kameng.identity import ApiKey, Organisation
from kameng.kit import epochs, events, jobs, lanes
from kameng.kit.db import Connection
from kameng.orders import guesting, private_store, store
from kameng.orders.commands import Terms
from kameng.orders.deciding import Asked, View, judge, wants_review
from kameng.orders.drafting import WAITING_FOR
from kameng.orders.errors import SoldOut, TooManyUnpaid
from kameng.orders.guesting import Guest
from kameng.orders.model import Answer, Known, NewOrder, Refused, Short, State, Wish
from kameng.orders.placing import Entry, read
from kameng.orders.reserving import Places
from kameng.orders.showing import show
from kameng.orders.snapshot import Snapshot
from kameng.orders.splitting import split_of
from kameng.orders.store import NewPayment, Unpaid


def key_of_guest(organisation: Organisation) -> ApiKey:
    """What stands in a guest's wish where others have their key: it is none, and may nothing."""
    return ApiKey(0, organisation.org_id, frozenset(), None, None, (), 1, None, "active", None)


async def await_payment(snapshot: Snapshot, wish: Wish, *, guest: Guest | None = None) -> Answer:
    """Reserve what is wished for and wait for its payment; the same reference again is the same order.

    A guest's order lies in the lane of the shop's owner, whose organisation the wish names.
    """
    lane, places = wish.organisation.lane, Places(snapshot)
    # A password is hashed on purpose slowly: beside the loop, and before the gate.
    hashed = None if guest is None else await asyncio.to_thread(guesting.hash_password, guest.password)
    claims = (await places.reserve([wish]))[0] if snapshot.policy.crossing else []
    entry = Entry(wish, over_limit=claims is None, needs_review=any(claim.passed for claim in claims or ()))
    async with snapshot.db.connection() as connection:
        elsewhere = await stock.shares_elsewhere(connection, lane, wish.sku_id)
    answer = await _once(snapshot, lane, entry, guest, hashed, elsewhere)
    if isinstance(answer, Short):
        await stock.steal(snapshot.db, lane, wish.sku_id, wish.quantity)
        answer = await _once(
            snapshot, lane, msgspec.structs.replace(entry, may_steal=False, nonce_spent=True), guest, hashed, elsewhere
        )
    assert not isinstance(answer, Short)
    if claims and (isinstance(answer, Refused) or answer.replayed):
        await places.give_back(claims)
    return answer


async def _once(
    snapshot: Snapshot, lane: int, entry: Entry, guest: Guest | None, hashed: str | None, elsewhere: stock.Shares
) -> Answer | Short:
    wish, terms = entry.wish, snapshot.terms
    buyer = b"%d" % wish.organisation.org_id if guest is None else guest.contact
    ip_key = snapshot.ring.fingerprint(guesting.IP, wish.ip.encode())
    buyer_key = snapshot.ring.fingerprint(guesting.BUYER, buyer)
    async with snapshot.db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=2)
        await snapshot.refresh(connection, await epochs.read(connection))
        view, (asked,) = await read(snapshot, connection, lane, passage.ids[:1], [entry])
        unpaid = await store.count_unpaid(connection, lane, ip_key=ip_key, buyer_key=buyer_key)
        shelves = elsewhere + await stock.shares_here(connection, lane, wish.sku_id)
        needs_review = wants_review(view, asked)
        decision = decide(view, asked, unpaid, shelves, terms)
        if isinstance(decision, NewOrder):
            expires_at = view.at + timedelta(seconds=terms.reserve_s)
            contact = None if guest is None else snapshot.ring.seal(guesting.CONTACT, decision.order_id, guest.contact)
            language = "both" if guest is None else guest.language
            payment = NewPayment(
                decision.order_id, expires_at, ip_key, buyer_key, contact, hashed, language, needs_review
            )
            await _write(snapshot, connection, lane, view, decision, payment, passage.ids[1])
        elif view.spent:
            await identity.spend_nonces(connection, lane, view.spent)
        if isinstance(decision, Refused | Short):
            return decision
        order_id = decision.order_id
        rows = await store.read_orders(connection, lane, [order_id], [wish.organisation.org_id])
    return show(rows[order_id], wish.organisation.currency, replayed=isinstance(decision, Known))


def decide(
    view: View, asked: Asked, unpaid: Unpaid, shelves: stock.Shares, terms: Terms
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
    card_ids: tuple[int, ...] = ()
    if sku.from_stock and not wish.organisation.sandbox:
        # One card at least, or nothing that is nearly sold out could be sold through a channel.
        most = max(1, (shelves.on_hand + shelves.reserved) * terms.reserve_share_percent // 100)
        if wish.quantity > shelves.on_hand:
            return Refused(SoldOut, field="sku")
        if shelves.reserved + wish.quantity > most:
            return Refused(TooManyUnpaid, field="quantity")
        cards = view.shelf.take(sku.sku_id, wish.quantity)
        if cards is None:
            return Short(sku.sku_id, wish.quantity) if asked.may_steal else Refused(SoldOut, field="sku")
        card_ids = tuple(card.card_id for card in cards)
    view.counters.take(asked.lane_claims)
    # The platform collects it: no agent pays, each has its margin when the order is delivered.
    has_split = quote.agents and not wish.organisation.sandbox
    return NewOrder(
        next(view.order_ids), wish, sku.revision, quote.unit_price_e4, quote.unit_price_e4 * wish.quantity,
        sku.cost_e4 * wish.quantity, State.awaiting_payment, quote.trace, card_ids,
        split=split_of(quote, wish.quantity) if has_split else None,
    )  # fmt: skip


async def _write(
    snapshot: Snapshot, connection: Connection, lane: int, view: View, order: NewOrder, payment: NewPayment,
    job_id: int,
) -> None:  # fmt: skip
    wish = order.wish
    await store.insert_orders(connection, snapshot.ring, lane, view.at, [order])
    await store.insert_payment(connection, lane, payment)
    if wish.account is not None:
        await private_store.insert_marks(connection, lane, [order])
    if order.card_ids:
        await stock.reserve(connection, lane, [(card_id, order.order_id, wish.sku_id) for card_id in order.card_ids])
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
