"""Statements and closed months against brute force over the transfers, to the last of four decimals."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from kameng import finance, ledger
from kameng.finance import (
    BadFinanceRequest,
    MonthNotOver,
    MonthOutOfTurn,
    Period,
    Section,
    Sums,
    Terms,
    closing,
    stating,
    store,
)  # fmt: skip
from kameng.kit import clock, ids
from kameng.orders import Acted, By
from kameng.orders.model import Command
from laws.lives import ask
from laws.world import Merchant, World, placed

TERMS = Terms(10**12, 10**12)
DAY_MS = 86_400_000
FIRST = date(2031, 10, 30)
ANN = 71


def at(day: date, *, ms: int = 0) -> Any:
    """The clock held at a moment of a day in China."""
    return clock.hold(clock.china_start_ms(day) + ms)


async def live(world: World) -> list[Merchant]:
    """Four days of two merchants in two lanes: money in, orders, a refund, adjustments, holds; days without any."""
    merchants = [await world.merchant(lane=lane, money_e4=0) for lane in (0, 1)]
    await world.load(world.card, 30)
    for n, days in enumerate((0, 1, 3, 33)):
        # The first and the last millisecond of a day belong to it.
        with at(FIRST + timedelta(days=days), ms=0 if n % 2 else DAY_MS - 1):
            await _a_day(world, merchants, n)
    return merchants


async def _a_day(world: World, merchants: list[Merchant], n: int) -> None:
    for merchant in merchants:
        org_id, lane = merchant.org_id, merchant.lane
        await ledger.recharge(world.db, lane, org_id, 5_000_000 + n, key=f"in-{org_id}-{n}", bonus_e4=77, reason="gift")
        taken = -33 - n
        await finance.adjust(
            world.db, org_id, taken, key=f"adj-{org_id}-{n}", reason="penalty", note="late", terms=TERMS, actor_id=ANN
        )
    async with world.gateway() as gateway:
        answers = [await gateway.place(m.caller, f"r-{n}", world.card, 1 + n % 2) for m in merchants]
        answers += [await gateway.place(m.caller, f"p-{n}", world.phone) for m in merchants]
    assert len(placed(answers)) == 4
    sold = placed(answers)[0]
    clearing = ledger.house_account(ledger.House.sales, "CNY")
    refunded = await ask(world, sold.order_id, Command.refund, amount_e4=12_345 + n, by=By.staff, actor_id=ANN)
    assert isinstance(refunded, Acted)
    hold = ("hold", 999)
    await ledger.transfer(
        world.db, merchants[0].lane, merchants[0].org_id, clearing, hold[1], key=f"hold-{n}", code="withdrawal",
        subject_id=0, kind="hold",
    )  # fmt: skip


async def lines_of(world: World, period: Period, org_ids: list[int]) -> list[tuple[date, str, int, int, int]]:
    """(day, code, organisation, subject, signed amount) of every posted line: the plain way."""
    found = []
    for row in await world.rows("SELECT * FROM transfer WHERE kind IN ('posted', 'post') ORDER BY transfer_id"):
        day = clock.china_day_at(ids.ms_of(row["transfer_id"]))
        if not period.first <= day <= period.last:
            continue
        for account, sign in ((row["debit_account"], -1), (row["credit_account"], 1)):
            if account in org_ids:
                found.append((day, row["code"], account, row["subject_id"], sign * row["amount_e4"]))
    return found


async def sections_of(world: World, period: Period, by: Any, merchant: Merchant | None) -> list[Section]:
    organisation = merchant.caller.organisation if merchant else None
    found = finance.sections(world.db, period, by, organisation=organisation, currency="CNY")
    return [section async for section in found]


def sums_of(lines: list[tuple[date, str, int, int, int]], code: str) -> tuple[int, int, int]:
    amounts = [line[4] for line in lines if line[1] == code]
    return len(amounts), sum(a for a in amounts if a > 0), -sum(a for a in amounts if a < 0)


def entries_of(section: Section) -> dict[str, tuple[int, int, int]]:
    return {entry.code: (entry.count, entry.in_e4, entry.out_e4) for entry in section.entries}


@pytest.mark.parametrize("whose", [0, 1, None])
async def test_days_products_and_customers_agree_with_every_line(world: World, whose: int | None) -> None:
    merchants = await live(world)
    asked = merchants if whose is None else [merchants[whose]]
    merchant = None if whose is None else merchants[whose]
    period = finance.period_of(FIRST + timedelta(days=1), FIRST + timedelta(days=40))
    before = Period(date(2025, 1, 1), FIRST)
    org_ids = [one.org_id for one in asked]
    lines = await lines_of(world, period, org_ids)
    opening_e4 = sum(line[4] for line in await lines_of(world, before, org_ids))
    organisation = merchant.caller.organisation if merchant else None
    assert await finance.opening_balance(world.db, period, organisation=organisation, currency="CNY") == opening_e4

    days = await sections_of(world, period, "day", merchant)
    assert [section.key for section in days] == ["2031-10-31", "2031-11-02", "2031-12-02"]
    balance_e4 = opening_e4
    for section in days:
        own = [line for line in lines if line[0].isoformat() == section.key]
        assert entries_of(section) == {code: sums_of(own, code) for code in {line[1] for line in own}}
        assert (section.opening_e4, section.closing_e4) == (balance_e4, balance_e4 + sum(line[4] for line in own))
        balance_e4 = section.closing_e4 or 0
    held = [await world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", org_id) for org_id in org_ids]
    assert balance_e4 == sum(held)

    skus = {row[0]: row[1] for row in await world.rows("SELECT order_id, sku_id FROM orders")}
    for section in await sections_of(world, period, "product", merchant):
        own = [line for line in lines if str(skus.get(line[3], "")) == section.key]
        assert entries_of(section) == {code: sums_of(own, code) for code in {line[1] for line in own}}
        assert section.name == ("网易 网易一卡通 100" if section.key == str(world.card.sku_id) else section.name)

    customers = await sections_of(world, period, "customer", merchant)
    assert [section.key for section in customers] == [str(org_id) for org_id in org_ids]
    for section in customers:
        own = [line for line in lines if str(line[2]) == section.key]
        assert entries_of(section) == {code: sums_of(own, code) for code in {line[1] for line in own}}
    for found in (days, customers, await sections_of(world, period, "product", merchant)):
        sums = Sums(opening_e4)
        for section in found:
            sums.add(section)
        refunds = sum(line[4] for line in lines if line[1] == "refund")
        assert (sums.refunded_e4, sums.closing_e4) == (refunds, balance_e4)
    await world.assert_clean()


async def test_lines_come_page_by_page_and_stay_in_the_period(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    merchants = await live(world)
    period = finance.period_of(FIRST + timedelta(days=1), FIRST + timedelta(days=3))
    wanted = await lines_of(world, period, [merchants[0].org_id])
    for at_once in (1, 2, 1000):
        monkeypatch.setattr(stating, "LINES_AT_ONCE", at_once)
        found = await sections_of(world, period, "line", merchants[0])
        moved = [entry.in_e4 - entry.out_e4 for section in found for entry in section.entries]
        assert moved == [line[4] for line in reversed(wanted)]


async def test_customers_come_in_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    merchants = [await world.merchant(money_e4=100 + n) for n in range(5)]
    monkeypatch.setattr(stating, "WALLETS_AT_ONCE", 2)
    today = clock.china_day()
    period = finance.period_of(today - timedelta(days=1), today + timedelta(days=1))
    found = await sections_of(world, period, "customer", None)
    assert {section.key: section.closing_e4 for section in found} == {
        str(merchant.org_id): 100 + n for n, merchant in enumerate(merchants)
    }


async def test_the_file_is_for_excel_and_its_totals_add_up(world: World) -> None:
    merchants = await live(world)
    period = finance.period_of(FIRST, FIRST + timedelta(days=40))
    organisation = merchants[0].caller.organisation
    found = finance.sections(world.db, period, "day", organisation=organisation, currency="CNY")
    data = b"".join([chunk async for chunk in finance.csv_of(found, 0)])
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[0][0] == "编号 key"
    totals = [row for row in rows if row[0] == "合计 total"]
    posted_e4 = await world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", merchants[0].org_id)
    assert totals[2][7] == f"{posted_e4 // 10_000}.{posted_e4 % 10_000:04d}"
    assert totals[0][7] == "0.0000"


async def test_a_name_is_no_formula() -> None:
    async def one() -> Any:
        yield Section("1", "=cmd()", (finance.Entry("sale", 1, 0, 5),), 5, 0)

    data = b"".join([chunk async for chunk in finance.csv_of(one(), 5)])
    assert b"'=cmd()" in data
    assert b",=cmd()" not in data


async def test_a_file_is_made_as_it_is_sent() -> None:
    """A million rows: never more in hand than a piece."""
    async def many() -> Any:
        for n in range(1_000_000):
            yield Section(str(n), "", (entry,), 5, 4)

    entry = finance.Entry("sale", 1, 0, 1)
    largest = total = 0
    async for chunk in finance.csv_of(many(), 5):
        largest, total = max(largest, len(chunk)), total + chunk.count(b"\r\n")
    assert total == 3_000_000 + 4
    assert largest < 100_000


@pytest.mark.parametrize(("first", "last"), [("2031-10-02", "2031-10-01"), ("2031-01-01", "2032-01-02")])
def test_periods_have_a_beginning_and_an_end(first: str, last: str) -> None:
    with pytest.raises(BadFinanceRequest):
        finance.period_of(finance.day_of(first), finance.day_of(last))


async def close(world: World, month: str) -> list[finance.Closed]:
    return await finance.close_month(world.db, finance.month_of(month), actor_id=ANN)


async def test_closed_sums_are_those_of_the_transfers_and_open_with_the_month_before(world: World) -> None:
    await live(world)
    this_month = clock.china_day().replace(day=1)  # the fixture's own transfers
    with at(date(2032, 1, 5)):
        month = this_month
        while month < date(2032, 1, 1):
            await close(world, f"{month:%Y-%m}")
            month = (month + timedelta(days=31)).replace(day=1)
        rows = await world.rows("SELECT lane, account_id, code, month, debit_e4, credit_e4 FROM month_sum")
        wanted: dict[tuple[int, int, str, date], list[int]] = {}
        for row in await world.rows("SELECT * FROM transfer WHERE kind IN ('posted', 'post')"):
            day = clock.china_day_at(ids.ms_of(row["transfer_id"])).replace(day=1)
            for account, side in ((row["debit_account"], 0), (row["credit_account"], 1)):
                sums = wanted.setdefault((row["lane"], account, row["code"], day), [0, 0])
                sums[side] += row["amount_e4"]
        assert {tuple(row)[:4]: list(row)[4:] for row in rows} == wanted
        last = (
            "SELECT sum(closing_e4)::bigint FROM (SELECT DISTINCT ON (lane, account_id, code) lane, account_id,"
            " closing_e4 FROM month_sum ORDER BY lane, account_id, code, month DESC) AS m"
            " WHERE (lane, account_id) = ($1, $2)"
        )
        for row in await world.rows("SELECT lane, account_id, posted_e4 FROM account WHERE posted_e4 <> 0"):
            assert await world.scalar(last, row["lane"], row["account_id"]) == row["posted_e4"]
        assert (await finance.closed_months(world.db))[0] == (date(2031, 12, 1), 2)
    await world.assert_clean()


async def test_nothing_posts_into_a_closed_month_whatever_the_clock_says(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=1000)
    month = clock.china_day().replace(day=1)
    after = (month + timedelta(days=31)).replace(day=1)
    with at(after, ms=120_000):
        await close(world, f"{month:%Y-%m}")
    late = await ledger.recharge(world.db, 0, merchant.org_id, 5, key="late")  # this clock is still in the old month
    assert clock.china_day_at(ids.ms_of(late.transfer_id)) == after
    before = await world.rows("SELECT * FROM month_sum ORDER BY 1, 2, 3, 4")
    with at(after, ms=120_000):
        again = await close(world, f"{month:%Y-%m}")
    assert [one.is_new for one in again] == [False, False]
    assert await world.rows("SELECT * FROM month_sum ORDER BY 1, 2, 3, 4") == before
    await world.assert_clean()


async def test_only_a_month_that_is_over_in_its_turn(world: World) -> None:
    month = clock.china_day().replace(day=1)
    await world.merchant(lane=0, money_e4=1000)
    with pytest.raises(MonthNotOver):
        await close(world, f"{month:%Y-%m}")
    after = (month + timedelta(days=31)).replace(day=1)
    with at(after, ms=59_999), pytest.raises(MonthNotOver):
        await close(world, f"{month:%Y-%m}")
    with at(after + timedelta(days=70)):
        with pytest.raises(MonthOutOfTurn, match=f"{month:%Y-%m}"):
            await close(world, f"{after:%Y-%m}")
        assert await world.scalar("SELECT count(*) FROM month_sum") == 0
    for wrong in ("2026-13", "2026-1", "26-10", "2026-10-01"):
        with pytest.raises(BadFinanceRequest):
            finance.month_of(wrong)


async def test_one_that_was_cut_off_is_taken_up_where_it_stood(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        await world.merchant(lane=0, money_e4=1000)
    month = clock.china_day().replace(day=1)
    insert, calls = store.insert_sums, 0

    async def cut_off(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise ConnectionError("killed")
        await insert(*arguments)

    monkeypatch.setattr(closing, "CHUNK_SUMS", 2)
    monkeypatch.setattr(store, "insert_sums", cut_off)
    with at((month + timedelta(days=31)).replace(day=1), ms=120_000):
        with pytest.raises(ConnectionError):
            await close(world, f"{month:%Y-%m}")
        assert await world.scalar("SELECT count(*) FROM month_sum") == 4
        assert await finance.closed_months(world.db) == []
        calls = 10
        done = await close(world, f"{month:%Y-%m}")
    accounts = "SELECT count(*) FROM account WHERE posted_e4 <> 0"
    assert sum(one.sum_count for one in done) == await world.scalar(accounts)
    assert all(one.is_new for one in done)
    await world.assert_clean()


async def test_what_is_closed_stays(world: World) -> None:
    await world.merchant(lane=0, money_e4=1000)
    month = clock.china_day().replace(day=1)
    with at((month + timedelta(days=31)).replace(day=1), ms=120_000):
        await close(world, f"{month:%Y-%m}")
    for table in ("month_sum", "month_close"):
        for change in (f"DELETE FROM {table}", f"TRUNCATE {table}", f"UPDATE {table} SET lane = lane"):
            with pytest.raises(asyncpg.PostgresError, match="never changed"):
                await world.execute(change)
