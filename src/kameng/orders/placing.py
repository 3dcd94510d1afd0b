"""Placing a batch: one transaction of one lane that decides hundreds of wishes at once.

Gate, reads, ``decide``, writes, commit. Nothing is answered before the commit returned; nothing here talks to
anything but the database. What another lane could help with (``Short``) goes back to the caller. ``refuse_sold_out``
is the same with an empty shelf, for wishes that nobody can serve.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from kameng import identity, ledger, risk, stock
from kameng.identity import Scope
from kameng.kit import audit, clock, epochs, events, jobs, lanes, metrics
from kameng.kit.db import Connection
from kameng.orders import private_store, store
from kameng.orders.commands import FULFIL_JOB, SETTLE_JOB
from kameng.orders.deciding import Asked, View, decide
from kameng.orders.drafting import WAITING_FOR
from kameng.orders.model import Answer, Decision, Known, NewOrder, Placed, Refused, Short, ShownOrder, State, Wish
from kameng.orders.showing import any_open, masked, open_cards, secrets_visible, show

if TYPE_CHECKING:
    from kameng.catalogue import Sku
    from kameng.identity import Chain, Organisation
    from kameng.orders.snapshot import Snapshot
    from kameng.pricing import Quote

PLACED_EVENTS = {
    State.delivered: "order.delivered", State.fulfilling: "order.fulfilling", State.held: "order.held"
}  # fmt: skip


_FULFILLING, _HELD = State.fulfilling, State.held
_DECIDE_JOB = WAITING_FOR[State.held]
_POSTED_TO = (ledger.House.sales, ledger.House.escrow)
_HOUSE = [ledger.house_account(code, currency) for code in _POSTED_TO for currency in ("CNY", "XTS")]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A wish as it enters a batch. The flags say what it went through before."""

    wish: Wish
    over_limit: bool = False
    may_steal: bool = True
    nonce_spent: bool = False
    unsure: bool = False
    needs_review: bool = False


class AnswersLost(Exception):
    """The batch stands, but its answers could not be made."""


async def place_batch(snapshot: Snapshot, lane: int, entries: Sequence[Entry]) -> list[Answer | Short]:
    """Decide and write one batch; one answer for each entry, in order.

    ``CommitUnknown`` and ``AnswersLost`` say that it may stand or does; whatever else is raised, nothing does.
    """
    async with snapshot.db.transaction() as connection:
        # An id for the order, one for its job or the audit line of a repeat.
        passage = await lanes.pass_gate(connection, lane, id_count=2 * len(entries))
        passed_at = time.monotonic()
        await snapshot.refresh(connection, await epochs.read(connection))
        order_ids, spare_ids = passage.ids[: len(entries)], passage.ids[len(entries) :]
        view, asked = await read(snapshot, connection, lane, order_ids, entries)
        decisions = decide(view, asked)
        await _write(snapshot, connection, lane, view, decisions, spare_ids)
        known = await _read_known(snapshot, connection, lane, view.at, entries, decisions, spare_ids[::-1])
    metrics.gate_seconds.observe(time.monotonic() - passed_at)
    try:
        return [
            _answer(entry.wish, decision, view.at, known) for entry, decision in zip(entries, decisions, strict=True)
        ]
    except Exception as error:
        raise AnswersLost from error


async def refuse_sold_out(
    snapshot: Snapshot, lane: int, wishes: Sequence[Wish], sold_out_at: Mapping[int, int]
) -> list[Refused | None]:
    """The refusals of wishes for SKUs of which no lane had a card at the stock's epoch in ``sold_out_at``; None for
    one that must enter a batch after all: it stands already, or there may be cards again.

    Decided as in a batch, by the directories of now. Each refusal spends its nonce: else whoever overheard the request
    could send it again once there are cards, and buy what its sender was told he did not get. Nothing that must
    survive is written, so the commit does not wait for the disk: a server that crashes may forget the nonces of its
    last second.
    """
    async with snapshot.db.transaction(durable=False) as connection:
        await lanes.pass_gate(connection, lane)
        await snapshot.refresh(connection, await epochs.read(connection))
        at = clock.now()
        refs = await store.read_refs(connection, lane, [wish.ref_key for wish in wishes])
        asked = [
            _ask(snapshot, Entry(wish, may_steal=False), int(at.timestamp()))
            if sold_out_at.get(wish.sku_id) == snapshot.stock_epoch and wish.ref_key not in refs
            else None
            for wish in wishes
        ]
        nonces = [a.wish.nonce for a in asked if a is not None and a.wish.nonce is not None]
        view = View(
            at=at,
            at_ms=int(at.timestamp() * 1000),
            order_ids=iter(()),
            keys=snapshot.directory.keys,
            organisations=snapshot.directory.organisations,
            books=ledger.Books([]),
            shelf=stock.Shelf([]),
            counters=risk.Counters({}),
            refs=refs,
            nonces=await identity.known_nonces(connection, lane, nonces) if nonces else set(),
        )
        decisions = iter(decide(view, [a for a in asked if a is not None]))
        if view.spent:
            await identity.spend_nonces(connection, lane, view.spent)
    refusals = [next(decisions) if a is not None else None for a in asked]
    return [refusal if isinstance(refusal, Refused) else None for refusal in refusals]


async def read(
    snapshot: Snapshot, connection: Connection, lane: int, order_ids: list[int], entries: Sequence[Entry]
) -> tuple[View, list[Asked]]:
    """Everything the batch must know, each kind in one statement."""
    at = clock.now()
    asked = [_ask(snapshot, entry, int(at.timestamp())) for entry in entries]
    refs = await store.read_refs(connection, lane, [a.wish.ref_key for a in asked])
    needs: dict[int, int] = {}
    wallets = set()
    split: list[Asked] = []
    for a in asked:
        organisation = a.wish.organisation
        wallets.add(organisation.org_id if a.spender is None else a.spender.org_id)
        if a.chain.agents and organisation.sandbox_of is None:
            split.append(a)
        # Only what can be sold is read and opened: no repeat, no quantity that nobody may order.
        may_sell = a.sku is not None and a.sku.from_stock and a.wish.quantity <= a.sku.quantity_max
        if may_sell and organisation.sandbox_of is None and a.wish.ref_key not in refs:
            needs[a.wish.sku_id] = needs.get(a.wish.sku_id, 0) + a.wish.quantity
    nonces = [a.wish.nonce for a in asked if a.wish.nonce is not None]
    claims = {claim.key for a in asked for claim in a.lane_claims}
    sub_accounts, leg_ids = await _sub_accounts(connection, lane, split) if split else ([], [])
    view = View(
        at=at,
        at_ms=int(at.timestamp() * 1000),
        order_ids=iter(order_ids),
        keys=snapshot.directory.keys,
        organisations=snapshot.directory.organisations,
        books=ledger.Books([*await ledger.read_accounts(connection, lane, [*_HOUSE, *wallets]), *sub_accounts]),
        shelf=await stock.read_shelf(connection, snapshot.ring, lane, needs),
        counters=await risk.read_lane_counters(connection, lane, claims) if claims else risk.Counters({}),
        refs=refs,
        nonces=await identity.known_nonces(connection, lane, nonces) if nonces else set(),
        confirm_days=snapshot.terms.confirm_days,
        sub_accounts={account.org_id: account.account_id for account in sub_accounts},
        leg_ids=iter(leg_ids),
    )
    return view, asked


async def _sub_accounts(
    connection: Connection, lane: int, split: Sequence[Asked]
) -> tuple[list[ledger.Account], list[int]]:
    """Where the agents above some buyers earn in this lane, and ids for as many transfers as there may be."""
    earners = {agent.org_id for a in split for agent in a.chain.agents}
    leg_count = sum(len(a.chain.agents) for a in split)
    return await ledger.open_sub_accounts(connection, lane, sorted(earners), leg_count=leg_count)


def _ask(snapshot: Snapshot, entry: Entry, at_s: int) -> Asked:
    """The wish with its SKU, price and limits by the directories of now."""
    wish = entry.wish
    sku = snapshot.catalogue.skus.get(wish.sku_id)
    if sku is None:
        return Asked(wish, None, None, nonce_spent=entry.nonce_spent, unsure=entry.unsure)
    organisation = _buyer(snapshot, wish)
    quote = snapshot.quote(organisation, sku, wish.quantity)
    policy, listed, claims = snapshot.policy, None, []
    if policy.rules or policy.listings:
        facts = facts_of(wish, sku, quote, at_s)
        listed = policy.listed(facts)
        claims = policy.lane_claims(facts)
    if wish.key.daily_limit_e4 is not None:
        amount_e4 = quote.unit_price_e4 * wish.quantity
        claims = [*claims, risk.key_day_claim(wish.key.key_id, wish.key.daily_limit_e4, amount_e4, at_s)]
    chain = snapshot.directory.chain_of(organisation)
    spender = _spender(organisation, chain)
    if spender is not None:
        is_shop = spender.org_id != organisation.org_id
        paid_e4 = (quote.agents[-1][1] if is_shop else quote.unit_price_e4) * wish.quantity
        day_e4, month_e4 = spender.day_budget_e4, spender.month_budget_e4
        claims = [*claims, *risk.budget_claims(spender.org_id, day_e4, month_e4, paid_e4, at_s)]
    return Asked(
        wish, sku, quote, listed, tuple(claims), entry.over_limit and listed != "allow", entry.may_steal,
        entry.nonce_spent, entry.unsure, chain, spender, entry.needs_review or listed == "review",
    )  # fmt: skip


def quote_of(snapshot: Snapshot, wish: Wish, sku: Sku) -> Quote:
    """What the wish costs its organisation as that stands now."""
    return snapshot.quote(_buyer(snapshot, wish), sku, wish.quantity)


def _buyer(snapshot: Snapshot, wish: Wish) -> Organisation:
    """Who wishes, by the directory of now."""
    return snapshot.directory.organisations.get(wish.organisation.org_id, wish.organisation)


def _spender(organisation: Organisation, chain: Chain) -> Organisation | None:
    """Whose wallet pays, if there is more to it than the buyer's own: its limits, or a shop that pays for him."""
    if chain.agents and not organisation.sandbox and identity.pays_for(chain.seller, organisation.kind):
        return chain.seller
    return organisation if organisation.has_limits else None


def facts_of(wish: Wish, sku: Sku, quote: Quote, at_s: int) -> risk.Facts:
    """What risk may know of the wish, for the limits of the lane and for those that cross lanes."""
    amount_e4 = quote.unit_price_e4 * wish.quantity
    organisation = wish.organisation
    return risk.Facts(
        organisation.org_id, wish.ip, wish.target_hash, sku.kind, amount_e4, at_s, organisation.sandbox
    )  # fmt: skip


async def _write(
    snapshot: Snapshot, connection: Connection, lane: int, view: View, decisions: Sequence[Decision],
    job_ids: Sequence[int],
) -> None:  # fmt: skip
    """Every row of the batch, table by table."""
    placed = [decision for decision in decisions if isinstance(decision, Placed)]
    orders = [decision.order for decision in placed]
    if orders:
        await store.insert_orders(connection, snapshot.ring, lane, view.at, orders)
        await ledger.write(connection, lane, view.at, view.books)
        await events.emit(connection, lane, view.at, [_placed_event(order, view) for order in orders])
    with_account = [order for order in orders if order.wish.account is not None]
    if with_account:
        await private_store.insert_marks(connection, lane, with_account)
    sold = [(card_id, order.order_id, order.wish.sku_id) for order in orders for card_id in order.card_ids]
    if sold:
        await stock.sell(connection, lane, sold)
    new_jobs = [
        jobs.NewJob(
            kind=FULFIL_JOB if order.state is _FULFILLING else _DECIDE_JOB, subject_id=order.order_id, due_at=view.at
        )
        for order in orders
        if order.state is _FULFILLING or order.state is _HELD
    ]
    until = {o.order_id: view.at + timedelta(days=o.confirm_days) for o in orders if o.confirm_days}
    if until:
        await store.await_confirmation(connection, lane, until)
        new_jobs += [jobs.NewJob(kind=SETTLE_JOB, subject_id=order_id, due_at=at) for order_id, at in until.items()]
    if new_jobs:
        await jobs.add(connection, lane, new_jobs, job_ids[: len(new_jobs)])
    if view.counters.touched:
        await risk.write_lane_counters(connection, lane, view.counters)
    if view.spent:
        await identity.spend_nonces(connection, lane, view.spent)


def _placed_event(order: NewOrder, view: View) -> events.NewEvent:
    wish = order.wish
    # By the directory of this batch: a door may have met the organisation before it wanted events.
    organisation = view.organisations.get(wish.organisation.org_id, wish.organisation)
    return events.NewEvent(
        event_id=order.order_id,
        org_id=wish.organisation.org_id,
        subject_id=order.order_id,
        sequence=1,
        kind=PLACED_EVENTS[order.state],
        actor_id=wish.key.key_id,
        due=organisation.wants_events,
    )


async def _read_known(
    snapshot: Snapshot, connection: Connection, lane: int, at: datetime, entries: Sequence[Entry],
    decisions: Sequence[Decision], audit_ids: Sequence[int],
) -> dict[int, ShownOrder]:  # fmt: skip
    """The orders of repeats, in their current state; showing cards again leaves one audit line each."""
    repeats = {
        decision.order_id: entry.wish
        for entry, decision in zip(entries, decisions, strict=True)
        if isinstance(decision, Known)
    }
    if not repeats:
        return {}
    org_ids = list({wish.organisation.org_id for wish in repeats.values()})
    rows = await store.read_orders(connection, lane, list(repeats), org_ids)
    readers = {
        decision.order_id: entry.wish.key.key_id
        for entry, decision in zip(entries, decisions, strict=True)
        if isinstance(decision, Known) and Scope.cards_read in entry.wish.key.scopes
    }
    revealed = [row for row in rows.values() if row.order_id in readers and secrets_visible(row, at)]
    shown = await open_cards(connection, snapshot.ring, lane, revealed)
    lines = [
        audit.Line(audit_id, row.org_id, readers[row.order_id], "order.reveal", row.order_id)
        for audit_id, row in zip(audit_ids, (row for row in revealed if any_open(shown[row.order_id])), strict=False)
    ]
    if lines:
        await audit.note(connection, lane, at, lines)
    currencies = {order_id: wish.organisation.currency for order_id, wish in repeats.items()}
    return {
        row.order_id: show(row, currencies[row.order_id], shown.get(row.order_id, ()), replayed=True)
        for row in rows.values()
    }


def _answer(wish: Wish, decision: Decision, at: datetime, known: dict[int, ShownOrder]) -> Answer | Short:
    if isinstance(decision, Placed):
        order = decision.order
        may_read = Scope.cards_read in wish.key.scopes
        return ShownOrder(
            order.order_id, wish.client_ref, wish.sku_id, wish.quantity, order.unit_price_e4, order.total_e4,
            wish.organisation.currency, order.state, 1, at, order.trace,
            decision.card_texts if may_read else tuple(masked(card) for card in decision.card_texts),
        )  # fmt: skip
    if not isinstance(decision, Known):
        return decision
    repeat = known[decision.order_id]
    # Another key of the same batch may have had them opened.
    is_shown = Scope.cards_read in wish.key.scopes or wish.organisation.sandbox
    return repeat if is_shown else msgspec.structs.replace(repeat, cards=())
