"""``bill``: providers' bills and bank statements, fetched, matched and reported by hand."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from kameng import finance, orders, payments, reconciliation
from kameng.kit import money
from kameng.kit.errors import Fault
from kameng.ops.commands.options import Commands, content_of, count, on_platform, say, say_person
from kameng.ops.opening import Platform
from kameng.reconciliation import Bill, Channel


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("bill", help="对账 providers' bills").add_subparsers(metavar="ACT", required=True)
    for name, run, said in (
        ("fetch", fetch, "获取渠道账单 ask a provider for its bill of a day"),
        ("match", match, "对账并结算 match a bill that was fetched"),
    ):
        one = group.add_parser(name, parents=[common], help=said)
        one.add_argument("channel", type=count, metavar="CHANNEL")
        one.add_argument("day", type=day_of, metavar="DAY")
        one.set_defaults(run=run)
    one = group.add_parser("report", parents=[common], help="对账日报 Excel a day's report as a workbook")
    one.add_argument("day", type=day_of, metavar="DAY")
    one.add_argument("--file", type=Path, required=True, metavar="FILE", help="写入的 .xlsx where it is written")
    one.set_defaults(run=report)
    one = group.add_parser("import", parents=[common], help="导入银行流水 bring in a bank statement, CSV or XLSX")
    one.add_argument("channel", type=count, metavar="CHANNEL")
    one.add_argument("file", type=Path, metavar="FILE")
    say_person(one)
    one.set_defaults(run=import_statement)


def day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"应为日期 a day like 2026-11-23, not {text!r}") from None


def fetch(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Bill:
        channel = await channel_of(platform, arguments.channel)
        async with _cashier(platform) as cashier:
            adapter = await cashier.channels.adapter(channel.channel_id)
            if adapter is None:
                raise Fault("This channel's credentials can't be opened.\n无法打开该通道的凭据。")
            return await reconciliation.fetch(platform.db, channel, arguments.day, adapter)

    _say_bill(on_platform(work))
    return 0


def match(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> tuple[Bill, int]:
        channel = await channel_of(platform, arguments.channel)
        large_e4 = finance.terms_of(platform.settings).adjustment_limit_e4
        bill = await reconciliation.match(platform.db, channel, arguments.day, large_e4=large_e4)
        await reconciliation.close(platform.db, channel, large_e4=large_e4)
        await reconciliation.clear(platform.db, channel)
        found = await reconciliation.days(platform.db, arguments.day, arguments.day, channel_id=channel.channel_id)
        return bill, sum(one.waiting for one in found)

    bill, waiting = on_platform(work)
    _say_bill(bill)
    say(f"{waiting} differences wait. 待处理差错 {waiting} 笔。")
    return 0


def report(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> bytes:
        return await reconciliation.report(platform.db, arguments.day)

    arguments.file.write_bytes(on_platform(work))
    say(f"Written to {arguments.file}. 已写入 {arguments.file}。")
    return 0


def import_statement(arguments: argparse.Namespace) -> int:
    content = content_of(arguments.file)

    async def work(platform: Platform) -> reconciliation.Imported:
        channel = await channel_of(platform, arguments.channel)
        async with _cashier(platform) as cashier:
            return await reconciliation.import_statement(
                platform.db, reconciliation.teller_of(cashier), channel, content, file_name=arguments.file.name,
                actor_id=arguments.by,
            )  # fmt: skip

    done = on_platform(work)
    say(
        f"{done.lines} credits, {done.known} known before, {done.booked} booked, {done.waiting} wait for a person."
        f" 入账 {done.lines} 笔，此前已导入 {done.known} 笔，已入账 {done.booked} 笔，待人工确认 {done.waiting} 笔。"
    )
    return 0


async def channel_of(platform: Platform, channel_id: int) -> Channel:
    found = (await reconciliation.channels(platform.db)).get(channel_id)
    if found is None:
        raise payments.NoSuchChannel(field="channel")
    return found


@asynccontextmanager
async def _cashier(platform: Platform) -> AsyncIterator[payments.Cashier]:
    made = payments.Cashier(
        platform.db, platform.ring, public_url=platform.settings.public_url,
        terms=orders.terms_of(platform.settings),
    )  # fmt: skip
    try:
        yield made
    finally:
        await made.close()


def _say_bill(bill: Bill) -> None:
    sums = ", ".join(money.format_e4(one) for one in (bill.payment_e4, bill.refund_e4, bill.fee_e4))
    say(f"{bill.day}  {bill.state}  {bill.lines} lines 行  {sums}  {bill.said}".rstrip())
