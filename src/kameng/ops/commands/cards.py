"""``cards``: putting cards on the shelf, seeing what became of a supplier's, taking unsold ones off for good."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

from kameng import catalogue, stock
from kameng.kit import money
from kameng.kit.errors import Fault
from kameng.kit.ids import ID_MAX
from kameng.ops.commands.options import (
    Commands,
    actor_of,
    amount,
    content_of,
    count,
    number,
    on_platform,
    say,
    say_why,
    sku_of,
)  # fmt: skip
from kameng.ops.opening import Platform

ROWS_AT_ONCE = 1000
T = TypeVar("T")


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("cards", help="卡密 cards").add_subparsers(metavar="ACT", required=True)
    one = group.add_parser("load", parents=[common], help="入库卡密 put the cards of a file on the shelf")
    one.add_argument("file", type=Path, metavar="FILE", help="TXT, CSV, XLSX, XLS")
    one.add_argument("--sku", type=number, required=True, help="商品编号 the SKU's code")
    one.add_argument("--cost", type=amount, metavar="AMOUNT", dest="cost_e4",
                     help="单张成本，以文件所载为先 the cost of one card, where the file has none")  # fmt: skip
    one.add_argument("--expires", type=day, metavar="YYYY-MM-DD", dest="expires_on",
                     help="最后有效日，以文件所载为先 the last good day, where the file has none")  # fmt: skip
    one.add_argument("--supplier", type=number, metavar="ORG", default=0, help="供货商编号 the supplier's organisation")
    one.add_argument("--uses", type=uses, metavar="N", default=1,
                     help="循环卡：每张可售次数，unlimited 为不限 how often each card is sold")  # fmt: skip
    one.set_defaults(run=load_cards)

    one = group.add_parser("void", parents=[common], help="作废未售卡密 take unsold cards off for good")
    which = one.add_mutually_exclusive_group(required=True)
    which.add_argument("--batch", type=number, metavar="BATCH", help="整批 all of a batch")
    which.add_argument("--numbers", type=Path, metavar="FILE", help="文件，每行一个卡号 a card number a line")
    one.add_argument("--sku", type=number, help="卡号所属商品 the SKU of the numbers")
    say_why(one)
    one.set_defaults(run=void_cards)

    one = group.add_parser("stock", parents=[common], help="供货商实时库存 what became of a supplier's cards")
    one.add_argument("supplier", type=number, metavar="ORG")
    one.set_defaults(run=show_stock)

    one = group.add_parser("display", parents=[common], help="自选卡列表 the cards that may be chosen of a SKU")
    one.add_argument("sku", type=number, metavar="SKU")
    one.set_defaults(run=list_displayed)


def day(text: str) -> date:
    """``2028-12-31``."""
    try:
        return date(*map(int, text.split("-")))
    except (ValueError, TypeError):
        raise argparse.ArgumentTypeError(f"应为日期 a day like 2028-12-31, not {text!r}") from None


def uses(text: str) -> int:
    """A number from 1 on, or ``unlimited``."""
    if text == "unlimited":
        return stock.AS_OFTEN_AS_ASKED
    value = count(text)
    if not value:
        raise argparse.ArgumentTypeError("应为正整数或 unlimited a number from 1 on, or unlimited")
    return value


def load_cards(arguments: argparse.Namespace) -> int:
    """Bad lines are told with their reasons and masked; the others are on the shelf."""
    data = content_of(arguments.file)

    async def work(platform: Platform) -> tuple[catalogue.Sku, stock.LoadReport]:
        sku = await sku_of(platform, arguments.sku)
        report = await stock.load_file(
            platform.db, platform.ring, data, sku_id=sku.sku_id, file_name=arguments.file.name,
            supplier_org_id=arguments.supplier, cost_e4=arguments.cost_e4, expires_on=arguments.expires_on,
            uses=arguments.uses,
        )  # fmt: skip
        return sku, report

    sku, report = on_platform(work)
    say(
        f"{sku.product} {sku.spec}：入库 loaded {report.loaded}，拒绝 refused {len(report.refused)}"
        f" (batch {report.batch_id})"
    )
    for line in report.refused:
        say(f"  第 {line.line} 行 line {line.line}: {line.preview} {line.message_zh} {line.message} [{line.reason}]")
    return 1 if report.refused else 0


def void_cards(arguments: argparse.Namespace) -> int:
    """What was sold or awaits its payment stays, and is told."""
    if (arguments.numbers is None) != (arguments.sku is None):
        say("请同时使用 --sku 与 --numbers。 Numbers are of one SKU: name both, or a batch.")
        return 1
    listed = [] if arguments.numbers is None else numbers_of(arguments.numbers)

    async def work(platform: Platform) -> stock.Voided:
        by = stock.By(await actor_of(platform, arguments), None, arguments.reason)
        if arguments.batch is not None:
            return await stock.void_batch(platform.db, arguments.batch, by)
        sku = await sku_of(platform, arguments.sku)
        numbers = [card_number for _, card_number in listed]
        return await stock.void_numbers(platform.db, platform.ring, sku.sku_id, numbers, by)

    done = on_platform(work)
    say(
        f"作废 voided {done.voided}，此前已作废 before {done.already}，已售 sold {done.sold}，"
        f"已预留 reserved {done.reserved}"
    )
    for one in done.refused:
        en, zh = stock.VOID_REASONS[one.why]
        line = listed[one.line - 1][0]
        say(f"  第 {line} 行 line {line}: {stock.masked(one.number)} {zh} {en} [{one.why}]")
    return 1 if done.refused or done.sold or done.reserved else 0


def numbers_of(path: Path) -> list[tuple[int, str]]:
    """The card numbers of a file, each with its line."""
    try:
        text = content_of(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Fault(f"{path} is not UTF-8.\n{path} 不是 UTF-8 编码。") from None
    return [(line, found) for line, each in enumerate(text.splitlines(), 1) if (found := each.strip())]


def show_stock(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[stock.BatchStock]:
        async def page(before_id: int) -> list[stock.BatchStock]:
            return await stock.stock_of_batches(
                platform.db, arguments.supplier, before_id=before_id, limit=ROWS_AT_ONCE
            )

        return await _every(page, lambda one: one.batch_id, first=ID_MAX)

    for one in on_platform(work):
        say(
            f"{one.batch_id} {one.sku_id} {one.file_name}: 在架 on the shelf {one.on_shelf}，"
            f"预留 reserved {one.reserved}，已售 sold {one.sold}，隔离 set aside {one.quarantined}，"
            f"作废 void {one.voided}"
        )
    return 0


def list_displayed(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> tuple[catalogue.Sku, list[stock.Displayed]]:
        sku = await sku_of(platform, arguments.sku)

        async def page(after_id: int) -> list[stock.Displayed]:
            return await stock.list_displayed(platform.db, sku.sku_id, after_id=after_id, limit=ROWS_AT_ONCE)

        return sku, await _every(page, lambda one: one.card_id, first=0)

    sku, cards = on_platform(work)
    for card in cards:
        fee_e4 = sku.pick_fee_e4 if card.pick_fee_e4 is None else card.pick_fee_e4
        say(f"{card.card_id} {card.label} +{money.format_e4(fee_e4)}")
    return 0


async def _every(page: Callable[[int], Awaitable[list[T]]], id_of: Callable[[T], int], *, first: int) -> list[T]:
    """All there is, page after page."""
    found: list[T] = []
    while more := await page(id_of(found[-1]) if found else first):
        found += more
    return found
