"""What Kameng does by the clock: the entries of the timetable, each a few lines around a context's own verb."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from kameng import (
    access,
    documents,
    epay,
    finance,
    fulfilment,
    identity,
    ledger,
    lists,
    notices,
    orders,
    payments,
    pricing,
    reconciliation,
    risk,
    shops,
    stock,
    suppliers,
)
from kameng.kit import blobs, clock, crypto, lanes, logs
from kameng.kit.db import Database
from kameng.kit.errors import Fault
from kameng.kit.settings import PRIVATE_DAYS, Settings
from kameng.kit.timetable import Entry
from kameng.ops import telling

log = logs.get_logger(__name__)

MINUTE_S = 60.0
BILLS_S = 300.0
NONCES_S = 600.0
SWEEP_S = 60.0
WATCH_S = 10.0
TASKS_S = 5.0
MEASURE_S = 600.0
SALES_S = 1.0
TALLY_S = 15.0
HOUR_S = 3600.0
DAY_S = 86_400.0


def entries(ring: crypto.KeyRing, *, private_days: int = PRIVATE_DAYS) -> list[Entry]:
    """The whole timetable."""
    return [
        Entry("identity.empty_drawer", NONCES_S, empty_drawer, limit_s=60.0),
        Entry("risk.purge", HOUR_S, risk.purge, limit_s=600.0),
        Entry("ledger.sweep", SWEEP_S, partial(_lane_by_lane, ledger.sweep), limit_s=600.0),
        Entry("finance.watch_balances", WATCH_S, partial(_lane_by_lane, finance.watch_balances), limit_s=60.0),
        Entry("pricing.tell", WATCH_S, partial(_lane_by_lane, pricing.tell_price_changes), limit_s=600.0),
        Entry("shops.turn_sales", SALES_S, shops.turn_sales, limit_s=60.0),
        Entry("stock.watch", WATCH_S, watch_stock, limit_s=60.0),
        Entry("stock.void_expired", DAY_S, partial(_lane_by_lane, stock.void_expired)),
        Entry("stock.restock", MINUTE_S, partial(restock, ring=ring), limit_s=600.0),
        Entry("stock.read_numbers", HOUR_S, partial(read_numbers, ring=ring)),
        Entry("documents.watch", HOUR_S, partial(_lane_by_lane, documents.watch), limit_s=600.0),
        Entry("payments.purge_messages", DAY_S, partial(purge_messages, kept_days=private_days)),
        Entry("payments.watch_papers", HOUR_S, payments.watch_papers, limit_s=60.0),
        Entry("payments.estimate", MINUTE_S, partial(_lane_by_lane, payments.estimate), limit_s=60.0),
        Entry("fulfilment.watch", TASKS_S, partial(watch_tasks, ring=ring), limit_s=60.0),
        Entry("fulfilment.count", MINUTE_S, fulfilment.count, limit_s=60.0),
        Entry("fulfilment.purge_answers", DAY_S, partial(purge_answers, kept_days=private_days)),
        Entry("lists.purge", HOUR_S, partial(_lane_by_lane, lists.purge), limit_s=60.0),
        Entry("notices.purge", DAY_S, partial(_lane_by_lane, notices.purge)),
        Entry("notices.watch_desk", WATCH_S, partial(_lane_by_lane, notices.watch_desk), limit_s=60.0),
        Entry("notices.watch_work", MINUTE_S, notices.watch_work, limit_s=60.0),
        Entry("suppliers.measure", MEASURE_S, measure_suppliers, limit_s=600.0),
        Entry("suppliers.tidy", HOUR_S, tidy_runs, limit_s=600.0),
        Entry("telling.watch_keys", DAY_S, partial(_lane_by_lane, telling.watch_keys), limit_s=600.0),
        Entry("orders.measure_pace", MINUTE_S, orders.measure_pace, limit_s=60.0),
        Entry("orders.mark_older", HOUR_S, partial(mark_older, ring=ring)),
        Entry("orders.tally", TALLY_S, tally_orders, limit_s=300.0),
        Entry("orders.wipe_passwords", MINUTE_S, partial(wipe_passwords, ring=ring)),
        Entry("orders.purge_accounts", DAY_S, partial(purge_accounts, ring=ring, kept_days=private_days)),
        Entry("access.purge", DAY_S, partial(purge_sign_ins, kept_days=private_days)),
        Entry("access.purge_invitations", DAY_S, partial(_lane_by_lane, access.purge_invitations)),
        Entry("reseal", HOUR_S, partial(reseal, ring=ring)),
    ]


def bills_entry(chosen: Settings, cashier: payments.Workplace) -> Entry:
    """Providers' bills: asked for each morning, matched, their days closed."""
    large_e4 = finance.terms_of(chosen).adjustment_limit_e4
    work = partial(reconciliation.make_round, adapters=cashier.channels.adapter, large_e4=large_e4)
    return Entry("reconciliation.make_round", BILLS_S, work)


def paying_entries(cashier: payments.Workplace) -> list[Entry]:
    """Staff told of channels that were left and are back, and creates tried there, by what this process learned; and
    what gateways acknowledged and left behind."""
    return [
        Entry("payments.tidy_inbox", WATCH_S, partial(payments.tidy_inbox, place=cashier), limit_s=60.0),
        Entry("payments.tell_news", WATCH_S, partial(payments.tell_news, place=cashier), limit_s=60.0),
        Entry("payments.revive", WATCH_S, partial(payments.revive, place=cashier), limit_s=60.0),
    ]


async def empty_drawer(db: Database) -> None:
    """Truncate the drawer of nonces that nobody can sign for, now and when it is done.

    Waiting for the table takes as long as somebody reads it. Should the drawer's time have come meanwhile, a
    nonce that still protects may lie in it: then nothing is forgotten.
    """
    drawer = identity.drawer_to_empty(_now_s())
    async with db.transaction() as connection:
        await connection.execute("SET LOCAL lock_timeout = '2s'")  # orders queue up behind this one
        await identity.empty_drawer(connection, drawer)
        if identity.drawer_to_empty(_now_s()) != drawer:
            raise Fault("The drawer's time came while its table was busy; it is emptied by a later run.")


async def reseal(db: Database, *, ring: crypto.KeyRing) -> None:
    """After a rotation: seal with the ring's present key what lies here under others."""
    if len(ring.numbers) == 1:
        return
    if apps := await access.reseal(db, ring):
        log.info("re-sealed with the present key", authenticator_apps_count=apps)
    if credentials := await payments.reseal(db, ring):
        log.info("re-sealed with the present key", channels_count=credentials)
    if shops := await epay.reseal(db, ring):
        log.info("re-sealed with the present key", epay_accounts_count=shops)
    for lane in await _lane_numbers(db):
        keys = await identity.reseal(db, ring, lane)
        cards = await stock.reseal(db, ring, lane)
        accounts = await orders.reseal(db, ring, lane)
        answers = await fulfilment.reseal(db, ring, lane)
        told = await notices.reseal(db, ring, lane)
        payees = await finance.reseal(db, ring, lane)
        pieces = await blobs.reseal(db, ring, lane)
        if keys or cards or accounts or answers or told or payees or pieces:
            log.info(
                "re-sealed with the present key",
                in_lane=lane, keys_count=keys, cards_count=cards, accounts_count=accounts, answers_count=answers,
                notices_count=told, payees_count=payees, pieces_count=pieces,
            )  # fmt: skip


async def read_numbers(db: Database, *, ring: crypto.KeyRing) -> None:
    """Print the numbers of cards that an older version loaded, so that no load has to do it all."""
    if count := await stock.read_numbers(db, ring):
        log.info("numbers of older cards are known now", cards_count=count)


async def measure_suppliers(db: Database) -> None:
    """How well suppliers deliver, for their pages."""
    await suppliers.measure(db)


async def tidy_runs(db: Database) -> None:
    """Files of cards that nobody said a word about are wiped."""
    if count := await suppliers.tidy_runs(db):
        log.info("files of cards were wiped unloaded", files_count=count)


async def watch_stock(db: Database) -> None:
    """Tell of SKUs that are low."""
    await stock.watch_stock(db)


async def restock(db: Database, *, ring: crypto.KeyRing) -> None:
    """Issue uses of reusable cards: of those without a limit before the shelves are empty, and what a load that was
    cut off still owes."""
    if count := await stock.restock(db, ring):
        log.info("uses of reusable cards were issued", uses_count=count)


async def mark_older(db: Database, *, ring: crypto.KeyRing) -> None:
    """Orders of before there were marks are found by their account too; how far it is survives a cut."""
    for lane in await _lane_numbers(db):
        if count := await orders.mark_older(db, ring, lane):
            log.info("older orders are marked", in_lane=lane, orders_count=count)


async def tally_orders(db: Database) -> None:
    """What orders came to, for boards: added up, so that nobody counts a day of them to look at it."""
    for lane in await _lane_numbers(db):
        await orders.add_up(db, lane, now_ms=clock.now_ms())


async def wipe_passwords(db: Database, *, ring: crypto.KeyRing) -> None:
    """No password outlives its order by more than a minute or two."""
    for lane in await _lane_numbers(db):
        await orders.wipe_passwords(db, ring, lane)


async def purge_accounts(db: Database, *, ring: crypto.KeyRing, kept_days: int) -> None:
    """Remove the accounts of old orders: what nobody asks about any more nobody can lose."""
    for lane in await _lane_numbers(db):
        if count := await orders.purge_accounts(db, ring, lane, kept_days=kept_days):
            log.info("accounts of old orders are removed", in_lane=lane, accounts_count=count)


async def watch_tasks(db: Database, *, ring: crypto.KeyRing) -> None:
    """The clocks of what people work, and what their suppliers are told."""
    for lane in await _lane_numbers(db):
        await fulfilment.watch(db, ring, lane)
        await fulfilment.tell_suppliers(db, lane)


async def purge_sign_ins(db: Database, *, kept_days: int) -> None:
    """Remove the record of old sign-ins, and sessions and codes that ran out."""
    if count := await access.purge(db, kept_days=kept_days):
        log.info("what is left of old sign-ins is removed", rows_count=count)


async def purge_messages(db: Database, *, kept_days: int) -> None:
    """Remove what payment providers' old notices were; what they proved stays."""
    for lane in await _lane_numbers(db):
        if count := await payments.purge_messages(db, lane, kept_days=kept_days):
            log.info("old notices of providers are removed", in_lane=lane, messages_count=count)


async def purge_answers(db: Database, *, kept_days: int) -> None:
    """Remove what came by hand for old orders."""
    for lane in await _lane_numbers(db):
        if count := await fulfilment.purge_answers(db, lane, kept_days=kept_days):
            log.info("answers to old orders are removed", in_lane=lane, answers_count=count)


async def _lane_by_lane(work: Callable[[Database, int], Awaitable[int]], db: Database) -> None:
    for lane in await _lane_numbers(db):
        await work(db, lane)


async def _lane_numbers(db: Database) -> list[int]:
    async with db.connection() as connection:
        return await lanes.lane_numbers(connection)


def _now_s() -> int:
    return clock.now_ms() // 1000
