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

from kameng import identity, ledger, risk, stock
from kameng.identity import Scope
from kameng.kit import audit, clock, epochs, events, jobs, lanes, metrics
from kameng.kit.db import Connection
from kameng.orders import parts_store, private_store, store
from kameng.orders.asking import Entry, ask
from kameng.orders.bundling import pieces_of, told_parts
from kameng.orders.deciding import decide
from kameng.orders.expecting import SETTLE_JOB, first_job, first_part_jobs
from kameng.orders.judging import Asked, View
from kameng.orders.model import (
    Answer,
    Decision,
    Known,
    NewOrder,
    Placed,
    Refused,
    Short,
    ShownOrder,
    State,
    Wish,
)  # fmt: skip
from kameng.orders.showing import (
    any_open,
    is_link,
    masked,
    open_cards,
    secrets_visible,
    show,
    with_parts,
    without_cards,
)  # fmt: skip

if TYPE_CHECKING:
    from kameng.catalogue import Sku
    from kameng.orders.snapshot import Snapshot

PLACED_EVENTS = {
    State.delivered: "order.delivered", State.fulfilling: "order.fulfilling", State.held: "order.held"
}  # fmt: skip


_FULFILLING, _HELD = State.fulfilling, State.held
_POSTED_TO = (ledger.House.sales, ledger.House.escrow)
_HOUSE = [ledger.house_account(code, currency) for code in _POSTED_TO for currency in ("CNY", "XTS")]


class AnswersLost(Exception):
    """The batch stands, but its answers could not be made."""


class Repeated(Exception):
    """A batch that was taken to be new has a reference that stands, or a nonce that was spent. Nothing was done."""


async def place_batch(
    snapshot: Snapshot, lane: int, entries: Sequence[Entry], *, is_new: bool = False
) -> list[Answer | Short]:
    """Decide and write one batch; one answer for each entry, in order.

    ``CommitUnknown`` and ``AnswersLost`` say that it may stand or does; whatever else is raised, nothing does.
    ``is_new`` saves the look at references and nonces before (see ``trusting``).
    """
    async with snapshot.db.transaction() as connection:
        # An id for the order, one for its job or the audit line of a repeat.
        passage = await lanes.pass_gate(connection, lane, id_count=2 * len(entries))
        passed_at = time.monotonic()
        await snapshot.refresh(connection, await epochs.read(connection))
        order_ids, spare_ids = passage.ids[: len(entries)], passage.ids[len(entries) :]
        view, asked = await read(snapshot, connection, lane, order_ids, entries, is_new=is_new)
        decisions = decide(view, asked)
        if is_new:
            await _refuse_nothing_that_stands(connection, lane, entries, decisions)
        await _write(snapshot, connection, lane, view, decisions, spare_ids)
        known = await _read_known(snapshot, connection, lane, view.at, entries, decisions, spare_ids[::-1])
    metrics.gate_seconds.observe(time.monotonic() - passed_at)
    try:
        return [
            _answer(entry.wish, decision, view.at, known) for entry, decision in zip(entries, decisions, strict=True)
        ]
    except Exception as error:
        raise AnswersLost from error


async def _refuse_nothing_that_stands(
    connection: Connection, lane: int, entries: Sequence[Entry], decisions: Sequence[Decision]
) -> None:
    """What is placed meets its reference in the index; what is refused would not."""
    refused = [
        entry.wish.ref_key
        for entry, decision in zip(entries, decisions, strict=True)
        if not isinstance(decision, Placed | Known)
    ]
    if refused and await store.read_refs(connection, lane, refused):
        raise Repeated


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
            ask(snapshot, Entry(wish, may_steal=False), int(at.timestamp()))
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
    snapshot: Snapshot, connection: Connection, lane: int, order_ids: list[int], entries: Sequence[Entry], *,
    is_new: bool = False,
) -> tuple[View, list[Asked]]:  # fmt: skip
    """Everything the batch must know, each kind in one statement. ``is_new``: that no reference stands and no nonce was
    spent is taken for granted."""
    at = clock.now()
    asked = [ask(snapshot, entry, int(at.timestamp())) for entry in entries]
    refs = {} if is_new else await store.read_refs(connection, lane, [a.wish.ref_key for a in asked])
    needs: dict[int, int] = {}
    wallets = set()
    chosen: list[int] = []
    split: list[Asked] = []
    for a in asked:
        organisation = a.wish.organisation
        wallets.add(organisation.org_id if a.spender is None else a.spender.org_id)
        if a.chain.agents and organisation.sandbox_of is None:
            split.append(a)
        # Only what can be sold is read and opened: no repeat, no quantity that nobody may order.
        may_sell = a.sku is not None and a.sku.from_stock and a.wish.quantity <= a.sku.quantity_max
        if may_sell and organisation.sandbox_of is None and a.wish.ref_key not in refs:
            if a.wish.pick is None:
                needs[a.wish.sku_id] = needs.get(a.wish.sku_id, 0) + a.wish.quantity
            else:
                chosen.append(a.wish.pick.card_id)
        elif a.sku is not None and a.sku.parts and organisation.sandbox_of is None and a.wish.ref_key not in refs:
            _add_pieces(needs, a.sku, a.wish.quantity)
    nonces = [] if is_new else [a.wish.nonce for a in asked if a.wish.nonce is not None]
    claims = {claim.key for a in asked for claim in a.lane_claims}
    sub_accounts, leg_ids = await _sub_accounts(connection, lane, split) if split else ([], [])
    view = View(
        at=at,
        at_ms=int(at.timestamp() * 1000),
        order_ids=iter(order_ids),
        keys=snapshot.directory.keys,
        organisations=snapshot.directory.organisations,
        books=ledger.Books([*await ledger.read_accounts(connection, lane, [*_HOUSE, *wallets]), *sub_accounts]),
        shelf=await stock.read_shelf(connection, snapshot.ring, lane, needs, chosen=chosen),
        counters=await risk.read_lane_counters(connection, lane, claims) if claims else risk.Counters({}),
        refs=refs,
        nonces=await identity.known_nonces(connection, lane, nonces) if nonces else set(),
        confirm_days=snapshot.terms.confirm_days,
        sub_accounts={account.org_id: account.account_id for account in sub_accounts},
        leg_ids=iter(leg_ids),
    )
    return view, asked


def _add_pieces(needs: dict[int, int], bundle: Sku, quantity: int) -> None:
    """What a bundle takes from the shelf, if so many may be ordered."""
    if quantity <= bundle.quantity_max:
        for sku_id, need in pieces_of(bundle, quantity).items():
            needs[sku_id] = needs.get(sku_id, 0) + need


async def _sub_accounts(
    connection: Connection, lane: int, split: Sequence[Asked]
) -> tuple[list[ledger.Account], list[int]]:
    """Where the agents above some buyers earn in this lane, and ids for as many transfers as there may be."""
    earners = {agent.org_id for a in split for agent in a.chain.agents}
    leg_count = sum(len(a.chain.agents) for a in split)
    return await ledger.open_sub_accounts(connection, lane, sorted(earners), leg_count=leg_count)


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
    plain, bundles = orders, [order for order in orders if order.parts]
    if bundles:
        plain = [order for order in orders if not order.parts]
    sold = [
        (card_id, order.order_id, order.wish.sku_id)
        for order in plain
        if order.wish.pick is None
        for card_id in order.card_ids
    ]
    if bundles:
        sold += await _write_parts(connection, lane, view.at, bundles)
    if sold:
        await stock.sell(connection, lane, sold)
    chosen = [(card_id, o.order_id) for o in orders if o.wish.pick is not None for card_id in o.card_ids]
    if chosen:
        await stock.sell_displayed(connection, lane, chosen)
    new_jobs = [
        first_job(order, view.at)
        for order in orders
        if order.state is _HELD
        or (order.state is _FULFILLING and (not order.parts or order.wish.organisation.sandbox))
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


async def _write_parts(
    connection: Connection, lane: int, at: datetime, bundles: Sequence[NewOrder]
) -> list[tuple[int, int, int]]:
    """The parts of bundles and their jobs; the cards that were sold with them, as (card, order, SKU) each. The gate is
    held; it is passed once more, for the ids of jobs."""
    await parts_store.insert_parts(connection, lane, bundles)
    due = [job for order in bundles for job in first_part_jobs(order, at)]
    if due:
        await jobs.add(connection, lane, due, (await lanes.pass_gate(connection, lane, id_count=len(due))).ids)
    return [
        (card_id, order.order_id, part.sku_id) for order in bundles for part in order.parts for card_id in part.card_ids
    ]


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
        data={"parts": told_parts(order.parts)} if order.parts else None,
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
    parts = await parts_store.parts_of(connection, lane, rows.values(), snapshot.catalogue)
    readers = {
        decision.order_id: entry.wish.key.key_id
        for entry, decision in zip(entries, decisions, strict=True)
        if isinstance(decision, Known) and Scope.cards_read in entry.wish.key.scopes
    }
    revealed = [
        row
        for row in rows.values()
        if row.order_id in readers and secrets_visible(row, at, parts.get(row.order_id, ()))
    ]
    shown = await open_cards(connection, snapshot.ring, lane, revealed)
    lines = [
        audit.Line(audit_id, row.org_id, readers[row.order_id], "order.reveal", row.order_id)
        for audit_id, row in zip(audit_ids, (row for row in revealed if any_open(shown[row.order_id])), strict=False)
    ]
    if lines:
        await audit.note(connection, lane, at, lines)
    currencies = {order_id: wish.organisation.currency for order_id, wish in repeats.items()}
    return {
        row.order_id: show(
            row, currencies[row.order_id], shown.get(row.order_id, ()), replayed=True,
            parts=parts.get(row.order_id, ()), is_link=is_link(snapshot, row),
        )
        for row in rows.values()
    }


def _answer(wish: Wish, decision: Decision, at: datetime, known: dict[int, ShownOrder]) -> Answer | Short:
    if isinstance(decision, Placed):
        order = decision.order
        may_read = Scope.cards_read in wish.key.scopes
        cards = decision.card_texts if may_read else tuple(masked(card) for card in decision.card_texts)
        shown = ShownOrder(
            order.order_id, wish.client_ref, wish.sku_id, wish.quantity, order.unit_price_e4, order.total_e4,
            wish.organisation.currency, order.state, 1, at, order.trace, cards,
        )  # fmt: skip
        return with_parts(shown, order.parts) if order.parts else shown
    if not isinstance(decision, Known):
        return decision
    repeat = known[decision.order_id]
    # Another key of the same batch may have had them opened.
    is_shown = Scope.cards_read in wish.key.scopes or wish.organisation.sandbox
    return repeat if is_shown else without_cards(repeat)
