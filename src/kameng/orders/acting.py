"""Acting on orders that stand: one transaction of one lane that runs many commands at once.

Gate, reads, ``changing.decide``, writes, commit. Every command leaves a row under its key, an event a step, and an
audit line if a person gave it. ``act_within`` is the same inside a transaction that somebody else opened, for handlers
of jobs. What another lane's shelf could help with is stolen in between, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from kameng import catalogue, ledger, stock
from kameng.kit import audit, clock, crypto, events, ids, jobs, lanes
from kameng.kit.db import Connection, Database
from kameng.orders import parts_store, store
from kameng.orders.bundling import pieces_of
from kameng.orders.changing import decide
from kameng.orders.commands import KEY_CHARS_MAX, REASON_CHARS_MAX, Acted, By, Instruction, Standing, Terms
from kameng.orders.drafting import Draft, View
from kameng.orders.errors import BadCommand
from kameng.orders.expecting import jobs_of
from kameng.orders.model import Command, Refused, Short
from kameng.orders.settling import Fresh
from kameng.orders.splitting import booked
from kameng.orders.telling import job_of_guest

IDS_EACH = 24
"""Ids that one command needs at most: for its events, transfers, jobs and audit line."""

_HOUSE = [ledger.house_account(code, currency) for code in ledger.HOUSE_NUMBERS for currency in ("CNY", "XTS")]
_MAY_TAKE_CARDS = frozenset({Command.pay, Command.deliver, Command.fulfil, Command.swap})


async def act(
    db: Database, ring: crypto.KeyRing, instructions: Sequence[Instruction], *, terms: Terms | None = None
) -> list[Acted | Refused]:
    """Run commands to orders of one lane; one answer for each, in order, after the commit.

    If the commit got no answer, the same commands again find what became of them.
    """
    for instruction in instructions:
        check(instruction)
    lane = ids.lane_of(instructions[0].order_id)
    stolen: set[int] = set()
    may_steal = True
    while True:  # each SKU is stolen for once: a bundle may lack one after the other
        try:
            return await _once(db, ring, lane, instructions, terms or Terms(), may_steal=may_steal)
        except ShortOfCards as short:
            fresh = short.needs.keys() - stolen
            for sku_id in fresh:
                await stock.steal(db, lane, sku_id, short.needs[sku_id], ring=ring)
            stolen |= fresh
            may_steal = bool(fresh)


async def act_on(db: Database, ring: crypto.KeyRing, instruction: Instruction, *, terms: Terms | None = None) -> Acted:
    """Run one command; its refusal is raised."""
    (outcome,) = await act(db, ring, [instruction], terms=terms)
    if isinstance(outcome, Refused):
        raise outcome.refusal()
    return outcome


class ShortOfCards(Exception):
    """Undoes the batch: all of it comes again, once other lanes were asked for what each SKU lacks."""

    def __init__(self, needs: dict[int, int]) -> None:
        super().__init__(needs)
        self.needs = needs


NEED_REASON = frozenset({Command.refund, Command.swap, Command.hold, Command.refuse, Command.pay, Command.fail})
"""What a person must give a reason for."""


def check(instruction: Instruction) -> None:
    """``BadCommand`` with the first field that can't be."""
    must_explain = instruction.by is By.staff and instruction.command in NEED_REASON
    check_text(instruction.key, "key", "操作编号", least=1, most=KEY_CHARS_MAX)
    check_text(instruction.reason, "reason", "原因", least=int(must_explain), most=REASON_CHARS_MAX)


def check_text(text: str, field: str, zh: str, *, least: int, most: int) -> None:
    if not (least <= len(text.strip()) and len(text) <= most and (not text or text.isprintable())):
        raise BadCommand(
            f"{least} to {most} printable characters", field=field,
            detail_zh=f"{zh}：应为 {least} 至 {most} 个可见字符",
        )  # fmt: skip


async def _once(
    db: Database, ring: crypto.KeyRing, lane: int, instructions: Sequence[Instruction], terms: Terms,
    *, may_steal: bool,
) -> list[Acted | Refused]:  # fmt: skip
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=IDS_EACH * len(instructions))
        return await act_within(connection, ring, passage, instructions, terms=terms, may_steal=may_steal)


async def act_within(
    connection: Connection, ring: crypto.KeyRing, passage: lanes.Passage, instructions: Sequence[Instruction],
    *, terms: Terms | None = None, may_steal: bool = False, books: ledger.Books | None = None,
) -> list[Acted | Refused]:  # fmt: skip
    """The same in a transaction that passed the gate with ``IDS_EACH`` ids for each command. ``ShortOfCards`` where
    another lane may help; without ``may_steal`` the shelf is what it is. ``books``: what the caller has posted in this
    transaction and not written; it is gone on with, and written here."""
    books = ledger.Books([]) if books is None else books
    view = await _read(connection, ring, passage, instructions, terms or Terms(), books, may_steal=may_steal)
    outcomes = decide(view, instructions)
    if short := {outcome.sku_id: outcome.need for outcome in outcomes if isinstance(outcome, Short)}:
        raise ShortOfCards(short)
    await _write(connection, passage.lane, view)
    return [outcome for outcome in outcomes if not isinstance(outcome, Short)]


async def _read(
    connection: Connection, ring: crypto.KeyRing, passage: lanes.Passage, instructions: Sequence[Instruction],
    terms: Terms, books: ledger.Books, *, may_steal: bool,
) -> View:  # fmt: skip
    """Everything that the rules must know, each kind in one statement."""
    lane = passage.lane
    order_ids = list({instruction.order_id for instruction in instructions})
    standing = await store.read_standing(connection, lane, order_ids)
    revisions = {(order.sku_id, order.sku_revision) for order in standing.values()}
    skus = await catalogue.read_revisions(connection, revisions)
    bundles = [order.order_id for order in standing.values() if skus[order.sku_id, order.sku_revision].parts]
    for order_id, parts in (await parts_store.read_parts(connection, lane, bundles) if bundles else {}).items():
        standing[order_id] = msgspec.structs.replace(standing[order_id], parts=parts)
    wallets = {order.payer_id for order in standing.values()}
    needs: dict[int, int] = {}
    chosen: list[int] = []
    replaced: list[int] = []
    payments: dict[str, int] = {}
    otherwise = {one.order_id for one in instructions if one.command is not Command.pay}
    for instruction in instructions:
        order = standing.get(instruction.order_id)
        if order is None or order.is_sandbox:
            continue
        if instruction.command is Command.pay and order.expires_at is not None and (instruction.amount_e4 or 0) > 0:
            payments.setdefault(instruction.key, order.order_id)
        if instruction.command in _MAY_TAKE_CARDS:
            if instruction.command is Command.swap:
                replaced += instruction.card_ids
            elif order.chosen_card is not None:
                chosen.append(order.chosen_card)
                continue
            elif instruction.command is Command.pay and order.card_ids and order.order_id not in otherwise:
                continue  # what is reserved for it is what it gets
            for sku_id, need in _needs(order, skus[order.sku_id, order.sku_revision], len(instruction.card_ids)):
                needs[sku_id] = needs.get(sku_id, 0) + need
    sub_accounts, leg_ids = await _sub_accounts(connection, lane, standing, instructions)
    unread = [number for number in (*_HOUSE, *wallets) if number not in books.accounts]
    books.add([*await ledger.read_accounts(connection, lane, unread), *sub_accounts])
    return View(
        at=clock.now(),
        fresh=Fresh(iter(passage.ids), iter(leg_ids), {account.org_id: account.account_id for account in sub_accounts}),
        orders=standing,
        skus=skus,
        known=await store.read_commands(connection, lane, [(i.order_id, i.full_key) for i in instructions]),
        references=await store.claim_references(connection, payments) if payments else {},
        books=books,
        shelf=await stock.read_shelf(connection, ring, lane, needs, chosen=chosen, beside=replaced),
        terms=terms,
        may_steal=may_steal,
    )


def _needs(order: Standing, sku: catalogue.Sku, replaced_count: int) -> Iterable[tuple[int, int]]:
    """How many cards of which SKUs a command may take from the shelf."""
    return pieces_of(sku, order.quantity if order.parts else replaced_count or order.quantity).items()


async def _sub_accounts(
    connection: Connection, lane: int, standing: Mapping[int, Standing], instructions: Sequence[Instruction]
) -> tuple[list[ledger.Account], list[int]]:
    """Where the agents above some buyers earn in this lane, and ids for as many transfers as there may be: a command
    moves each margin once at most."""
    splits = [
        order.split
        for instruction in instructions
        if (order := standing.get(instruction.order_id)) is not None and order.split is not None
    ]
    if not splits:
        return [], []
    earners = sorted({agent_id for split in splits for agent_id, _ in booked(split)})
    leg_count = sum(len(booked(split)) for split in splits)
    return await ledger.open_sub_accounts(connection, lane, earners, leg_count=leg_count)


async def _write(connection: Connection, lane: int, view: View) -> None:
    """Every row of the batch, table by table."""
    drafts = view.drafts
    await ledger.write(connection, lane, view.at, view.books)
    if not drafts:
        return
    changed = {draft.order.order_id: draft.order for draft in drafts}
    first = {draft.instruction.order_id: draft.before for draft in reversed(drafts)}
    await store.set_standing(connection, lane, list(changed.values()))
    other_cards = [order for order in changed.values() if order.card_ids != first[order.order_id].card_ids]
    if other_cards:
        await store.set_cards(connection, lane, other_cards)
    other_parts = [
        (order.order_id, part)
        for order in changed.values()
        for part, before in zip(order.parts, first[order.order_id].parts, strict=True)
        if part != before
    ]
    if other_parts:
        await parts_store.set_parts(connection, lane, other_parts)
    await store.insert_commands(connection, lane, view.at, [(d.instruction, d.acted) for d in drafts])
    await events.emit(connection, lane, view.at, [event for draft in drafts for event in draft.events])
    await _move_cards(connection, lane, drafts)
    paid_by = {
        order.order_id: order.payment_id
        for order in changed.values()
        if order.payment_id is not None and order.payment_id != first[order.order_id].payment_id
    }
    if paid_by:
        await store.set_payments(connection, lane, paid_by)
    closed = [
        order.order_id
        for order in changed.values()
        if order.expires_at is not None and not order.is_awaited and order.order_id not in paid_by
    ]
    if closed:
        await store.close_payments(connection, lane, closed)
    await _move_jobs(connection, lane, view, first, changed)
    await _note(connection, lane, view)


async def _move_cards(connection: Connection, lane: int, drafts: Sequence[Draft]) -> None:
    sold = [(card_id, d.order.order_id, sku_id) for d in drafts for card_id, sku_id in d.sold]
    chosen = [(card_id, d.order.order_id) for d in drafts for card_id in d.chosen]
    handed_over = [(card_id, d.order.order_id) for d in drafts for card_id in d.handed_over]
    freed = [card_id for draft in drafts for card_id in draft.freed]
    taken_back = [card_id for draft in drafts for card_id in draft.taken_back]
    if freed:
        await stock.free(connection, lane, freed)
    if sold:
        await stock.sell(connection, lane, sold)
    if chosen:
        await stock.sell_displayed(connection, lane, chosen)
    if handed_over:
        await stock.hand_over(connection, lane, handed_over)
    if taken_back:
        await stock.take_back(connection, lane, taken_back)


async def _move_jobs(
    connection: Connection, lane: int, view: View, first: dict[int, Standing], changed: dict[int, Standing]
) -> None:
    """What an order waited for is not wanted any more; what it waits for now is."""
    gone: list[jobs.NewJob] = []
    new = [job for draft in view.drafts for job in draft.desk]
    new += [job for draft in view.drafts if (job := job_of_guest(draft)) is not None]
    for order_id, order in changed.items():
        kind = view.sku_of(order).kind
        before, after = jobs_of(first[order_id], kind, view.at), jobs_of(order, kind, view.at)
        gone += [job for job in before if job not in after]
        new += [job for job in after if job not in before]
    if gone:
        await jobs.withdraw(connection, lane, gone)
    if new:
        await jobs.add(connection, lane, new, [next(view.ids) for _ in new])


async def _note(connection: Connection, lane: int, view: View) -> None:
    """What persons did."""
    lines = [
        audit.Line(
            next(view.ids), draft.order.org_id, draft.instruction.actor_id, f"order.{draft.instruction.command}",
            draft.order.order_id, _noted(draft),
        )
        for draft in view.drafts
        if draft.instruction.by is By.staff
    ]  # fmt: skip
    if lines:
        await audit.note(connection, lane, view.at, lines)


def _noted(draft: Draft) -> dict[str, str]:
    return {"key": draft.instruction.key, "reason": draft.instruction.reason, "state": draft.order.state.value}
