"""`kameng bench reconcile`: a day of a million payments beside its bill, with differences planted in known places.

A stage of its own: payments with their payables and postings are made by the database, the bill is written as CSV and
read back, kept, matched and closed by the platform's own verbs. What was found has to be what was planted, and nothing
else; the audit has to be clean. Exit code 1 if not.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import resources

import msgspec

from kameng import channels, ledger, reconciliation
from kameng.channels import BillLine, NoticeKind
from kameng.kit import clock, crypto, db, lanes, migrations, sql
from kameng.kit.db import Database
from kameng.ledger import CHANNEL, CHANNEL_FEE
from kameng.ops import auditing, embedded, founding
from kameng.ops.bench.stage import fresh_folder
from kameng.reconciliation import Channel

statements = sql.parse(
    "reconcile.sql", resources.files("kameng.ops.bench").joinpath("reconcile.sql").read_text("utf-8")
)

LANES = 4
LARGE_E4 = 10**8
TIMEOUT_S = 3600.0
KINDS = ("SHORT", "AMOUNT", "FEE", "DUPLICATE", "CUT_OFF")
"""What is planted by changing lines of payments; LONG and STATUS have lines of their own."""
HEAD = ("payment_no", "provider_no", "amount", "fee", "at")
Found = set[tuple[str, str]]
"""Differences: the kind, and what the line or the payment is known by."""


class Day(msgspec.Struct):
    """The bill that was made, and what was planted in it."""

    text: str
    planted: Found


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="kameng bench reconcile", description="Match a day of so many bill lines.")
    made.add_argument("--lines", type=int, default=1_000_000, help="lines of the bill (default 1,000,000)")
    made.add_argument("--each", type=int, default=20, help="differences planted of each kind (default 20)")
    return made


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    folder = fresh_folder()
    folder.mkdir(parents=True, mode=0o755)
    try:
        with embedded.start(folder / "pg18") as server:
            return asyncio.run(_run(server.url, options.lines, options.each))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _run(url: str, lines: int, each: int) -> int:
    await migrations.migrate(url)
    database = await db.open_database(url)
    try:
        day = clock.china_day() - timedelta(days=10)
        began_s = time.monotonic()
        channel = await _open(database, day, lines, each)
        made = await _bill(database, channel, each)
        _say(f"made {lines:,} payments with their postings", began_s)
        took_s = await _measure(database, channel, day, made)
        found = await _found(database, channel)
        report = await auditing.run(database)
    finally:
        await database.close()
    print(f"parsed, kept, matched and closed {made.text.count(chr(10)) - 1:,} lines in {took_s:.1f} s")
    kinds = sorted({kind for kind, _ in made.planted})
    for kind in kinds:
        wanted, got = ({one for one in some if one[0] == kind} for some in (made.planted, found))
        print(f"  {kind:10} planted {len(wanted):>6}  found {len(got):>6}  {'exactly' if wanted == got else 'WRONG'}")
    print(f"differences found that nobody planted: {len(found - made.planted)}")
    print(
        f"audit: {'clean' if report.clean else 'BROKEN ' + ', '.join(one.law for one in report.broken)}"
    )
    return 0 if found == made.planted and report.clean else 1


async def _open(database: Database, day: date, lines: int, each: int) -> Channel:
    """A platform with a channel, and that day's payments in every lane."""
    await founding.open_platform(database, lane_count=LANES)
    ring = crypto.KeyRing(crypto.KeyMaterial(current=1, keys={1: os.urandom(32)}, hash_key=os.urandom(32)))
    owners: dict[int, int] = {}
    while len(owners) < LANES:
        member = await founding.found_member(database, ring, f"bench {len(owners)}")
        owners.setdefault(member.organisation.lane, member.organisation.org_id)
    channel_id = await database.pool.fetchval(statements.open_channel)
    channel = Channel(channel_id, "bench", "bench", "CNY")
    start_ms = clock.china_start_ms(day)
    for lane, owner in owners.items():
        async with database.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            opened = await ledger.open_channel_accounts(connection, lane, [(channel_id, "CNY")])
            accounts = [opened[channel_id, code].account_id for code in (CHANNEL, CHANNEL_FEE)]
            await connection.execute("SET LOCAL statement_timeout = 0")
            for statement, more in (
                (statements.make_payments, (channel_id, start_ms, lines // LANES, owner)),
                (statements.make_payables, (channel_id,)),
                (statements.make_transfers, (channel_id, *accounts)),
                (statements.move_balances, ()),
                (statements.make_unpaid, (channel_id, start_ms, each // LANES + 1, owner)),
            ):
                await connection.execute(statement, lane, *more, timeout=TIMEOUT_S)
    await database.pool.execute("ANALYZE", timeout=TIMEOUT_S)
    return channel


async def _bill(database: Database, channel: Channel, each: int) -> Day:
    """The bill as CSV, every planted difference some way from the next."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(HEAD)
    planted: Found = set()
    for number in range(each):
        rows.writerow((f"X{number}", f"stray{number}", "12.34", "0.07", "0"))
        planted.add(("LONG", f"payment:stray{number}:X{number}:"))
    for lane in range(LANES):
        async with database.connection() as connection:
            found = await connection.fetch(statements.read_payments, lane, channel.channel_id, timeout=TIMEOUT_S)
            booked = [row for row in found if not row["is_unpaid"]]
            places = _places(len(booked), each // LANES + 1)
            before = [booked[n]["payment_id"] for n, kind in places.items() if kind == "CUT_OFF"]
            start_ms = int(min(row["at"] for row in booked)) * 1000
            await connection.execute(statements.put_before, lane, before, start_ms)
        for number, row in enumerate(booked):
            rows.writerows(_lines(row, places.get(number), planted))
        for row in found:
            if row["is_unpaid"]:
                provider_no = f"4200{row['payment_id']}"
                rows.writerow((row["payment_no"], provider_no, "88.00", "0.53", row["at"]))
                planted.add(("STATUS", f"payment:{provider_no}:{row['payment_no']}:"))
    return Day(out.getvalue(), planted)


def _places(count: int, each: int) -> dict[int, str]:
    """Which payment has which difference."""
    step = max(1, count // (each * len(KINDS)))
    return {n * step: KINDS[n % len(KINDS)] for n in range(each * len(KINDS))}


def _lines(row: dict[str, object], kind: str | None, planted: Found) -> Iterator[tuple[object, ...]]:
    number, provider_no, amount_e4, fee_e4 = row["payment_no"], row["provider_no"], row["amount_e4"], row["fee_e4"]
    assert isinstance(amount_e4, int)
    assert isinstance(fee_e4, int)
    key = f"payment:{provider_no}:{number}:"
    if kind == "SHORT":
        planted.add((kind, f"short:payment:{row['payment_id']}"))
        return
    if kind is not None:
        planted.add((kind, f"payment:{provider_no}~:{number}:" if kind == "DUPLICATE" else key))
    amount = amount_e4 // 100 + (100 if kind == "AMOUNT" else 0)
    fee = fee_e4 // 100 + (7 if kind == "FEE" else 0)
    yield number, provider_no, f"{amount // 100}.{amount % 100:02d}", f"{fee // 100}.{fee % 100:02d}", row["at"]
    if kind == "DUPLICATE":
        yield (
            number,
            f"{provider_no}~",
            f"{amount // 100}.{amount % 100:02d}",
            f"{fee // 100}.{fee % 100:02d}",
            row["at"],
        )


async def _measure(database: Database, channel: Channel, day: date, made: Day) -> float:
    """Seconds of all that reconciling a day takes."""
    began_s = step_s = time.monotonic()
    bill = channels.Bill(day=day, lines=list(_parse(made.text)))
    step_s = _say(f"parsed {len(bill.lines):,} lines", step_s)
    await reconciliation.keep(database, channel, bill)
    step_s = _say("kept", step_s)
    await reconciliation.match(database, channel, day, large_e4=LARGE_E4)
    step_s = _say("matched and settled", step_s)
    for other in (-1, 1, 2, 3):
        empty = channels.Bill(day=day + timedelta(days=other), lines=[])
        await reconciliation.keep(database, channel, empty)
        await reconciliation.match(database, channel, empty.day, large_e4=LARGE_E4)
    await reconciliation.close(database, channel, large_e4=LARGE_E4)
    _say("closed after its buffer", step_s)
    return time.monotonic() - began_s


def _parse(text: str) -> Iterator[BillLine]:
    """As an adapter reads a provider's file."""
    rows = csv.reader(io.StringIO(text))
    next(rows)
    for payment_no, provider_no, amount, fee, at in rows:
        yield BillLine(
            kind=NoticeKind.payment, payment_no=payment_no, provider_no=provider_no, amount_minor=_minor(amount),
            fee_minor=_minor(fee), at=datetime.fromtimestamp(float(at), UTC), state="SUCCESS",
        )  # fmt: skip


def _minor(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part)


async def _found(database: Database, channel: Channel) -> Found:
    found: Found = set()
    async with database.connection() as connection:
        for lane in range(LANES):
            rows = await connection.fetch(statements.found_cases, lane, channel.channel_id, timeout=TIMEOUT_S)
            found |= {(row["kind"], row["line_key"]) for row in rows}
    return found


def _say(what: str, since_s: float) -> float:
    now_s = time.monotonic()
    print(f"{now_s - since_s:7.1f} s  {what}", flush=True)
    return now_s
