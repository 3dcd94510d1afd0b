"""Statements of wallets by day, by product, by customer or line by line: exact sums, made as they are sent.

Sections come one after the other, so a statement of any length needs no memory: a day is one query, customers and
lines come in pages; only products are added up here, and there are no more of them than the catalogue has. Of the
platform they are all its wallets of one currency together: what it owes, and why that changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Literal

from kameng import ledger
from kameng.finance import store
from kameng.finance.model import Entry, Section
from kameng.finance.periods import Period
from kameng.identity import Organisation
from kameng.kit import clock, ids, lanes
from kameng.kit.db import Connection, Database

By = Literal["day", "product", "customer", "line"]
WALLETS_AT_ONCE = 500
LINES_AT_ONCE = 1000


async def opening_balance(db: Database, period: Period, *, organisation: Organisation | None, currency: str) -> int:
    """What the wallet held before the period, or all wallets of the currency together."""
    if organisation is not None:
        async with db.survey() as connection:
            return await _balance_before(connection, organisation, period.from_id)
    total_e4 = 0
    async for page in _wallets(db, currency, period.from_id):
        total_e4 += sum(balance_e4 for _, _, balance_e4 in page[1])
    return total_e4


def sections(
    db: Database, period: Period, by: By, *, organisation: Organisation | None, currency: str
) -> AsyncIterator[Section]:
    """Of one organisation's wallet, or without one of all wallets of a currency."""
    if by == "day":
        return _by_day(db, period, organisation, currency)
    if by == "product":
        return _by_product(db, period, organisation, currency)
    if by == "customer":
        return _by_customer(db, period, organisation, currency)
    assert organisation is not None, "lines are of one wallet"
    return _by_line(db, period, organisation)


async def _by_day(
    db: Database, period: Period, organisation: Organisation | None, currency: str
) -> AsyncIterator[Section]:
    balance_e4 = await opening_balance(db, period, organisation=organisation, currency=currency)
    for day in period.days():
        entries: dict[str, Entry] = {}
        async with db.survey() as connection:
            for lane in await _lanes_of(connection, organisation):
                for entry in await store.moved(connection, lane, day, organisation=organisation, currency=currency):
                    _merge(entries, entry)
        section = _section(day.first.isoformat(), "", entries, balance_e4)
        if entries:
            yield section
        balance_e4 = section.closing_e4 or 0


async def _by_product(
    db: Database, period: Period, organisation: Organisation | None, currency: str
) -> AsyncIterator[Section]:
    found: dict[int, dict[str, Entry]] = {}
    async with db.survey() as connection:
        for lane in await _lanes_of(connection, organisation):
            for day in period.days():
                for sku_id, entry in await store.moved_by_product(
                    connection, lane, day, organisation=organisation, currency=currency
                ):
                    _merge(found.setdefault(sku_id, {}), entry)
        names = await store.sku_names(connection, list(found))
    for sku_id, entries in sorted(found.items()):
        ordered = tuple(entries[code] for code in sorted(entries))
        yield Section(str(sku_id) if sku_id else "", names.get(sku_id, ""), ordered)


async def _by_customer(
    db: Database, period: Period, organisation: Organisation | None, currency: str
) -> AsyncIterator[Section]:
    async for lane, page in _wallets(db, currency, period.from_id, only=organisation):
        async with db.survey() as connection:
            moved = await store.moved_by_customer(connection, lane, period, [org_id for org_id, _, _ in page])
        for org_id, name, balance_e4 in page:
            entries = moved.get(org_id, {})
            if entries or balance_e4:
                yield _section(str(org_id), name, entries, balance_e4)


async def _by_line(db: Database, period: Period, organisation: Organisation) -> AsyncIterator[Section]:
    before_id = period.end_id
    while True:
        async with db.survey() as connection:
            page = await ledger.read_statement(
                connection, organisation.lane, organisation.org_id, before_id=before_id, limit=LINES_AT_ONCE
            )
        for line in page:
            if line.transfer_id < period.from_id:
                return
            if line.kind in ("posted", "post"):
                entry = Entry(line.code, 1, max(0, line.amount_e4), max(0, -line.amount_e4))
                opening_e4 = line.balance_after_e4 - line.amount_e4
                at = clock.china_time(ids.ms_of(line.transfer_id))
                yield Section(str(line.transfer_id), at, (entry,), opening_e4, line.balance_after_e4)
        if len(page) < LINES_AT_ONCE:
            return
        before_id = page[-1].transfer_id


async def _wallets(
    db: Database, currency: str, before_id: int, *, only: Organisation | None = None
) -> AsyncIterator[tuple[int, list[tuple[int, str, int]]]]:
    """(lane, (organisation, name, what it held before the id) each), a page at a time."""
    async with db.survey() as connection:
        numbers = await _lanes_of(connection, only)
    for lane in numbers:
        after_id = 0 if only is None else only.org_id - 1
        while True:
            async with db.survey() as connection:
                page = await store.wallets_before(
                    connection, lane, currency, before_id=before_id, after_id=after_id,
                    limit=WALLETS_AT_ONCE if only is None else 1,
                )  # fmt: skip
            if page:
                yield lane, page
            if only is not None or len(page) < WALLETS_AT_ONCE:
                break
            after_id = page[-1][0]


async def _lanes_of(connection: Connection, organisation: Organisation | None) -> Sequence[int]:
    return await lanes.lane_numbers(connection) if organisation is None else [organisation.lane]


async def _balance_before(connection: Connection, organisation: Organisation, before_id: int) -> int:
    last = await ledger.read_statement(
        connection, organisation.lane, organisation.org_id, before_id=before_id, limit=1
    )
    return last[0].balance_after_e4 if last else 0


def _merge(entries: dict[str, Entry], new: Entry) -> None:
    old = entries.get(new.code, Entry(new.code, 0, 0, 0))
    entries[new.code] = Entry(new.code, old.count + new.count, old.in_e4 + new.in_e4, old.out_e4 + new.out_e4)


def _section(key: str, name: str, entries: dict[str, Entry], opening_e4: int) -> Section:
    moved_e4 = sum(entry.in_e4 - entry.out_e4 for entry in entries.values())
    ordered = tuple(entries[code] for code in sorted(entries))
    return Section(key, name, ordered, opening_e4, opening_e4 + moved_e4)


def day_of(text: str) -> date:
    """``"2026-10-31"``; ValueError otherwise. Python also reads other forms, which nobody writes."""
    day = date.fromisoformat(text)
    if day.isoformat() != text or not 2025 <= day.year < 2100:
        raise ValueError(f"not a day: {text!r}")
    return day
