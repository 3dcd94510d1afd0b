"""``catalogue``, ``cards`` and ``price``: what is sold, and for how much."""

from __future__ import annotations

import argparse
from pathlib import Path

from kameng import catalogue, pricing, stock
from kameng.kit import money
from kameng.ops.commands.options import Commands, amount, content_of, count, number, on_platform, say, sku_of
from kameng.ops.opening import Platform


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("catalogue", help="商品目录 the catalogue").add_subparsers(metavar="ACT", required=True)
    one = group.add_parser("import", parents=[common], help="导入商品 CSV bring in a CSV file of SKUs")
    one.add_argument("file", type=Path, metavar="FILE")
    one.set_defaults(run=import_catalogue)

    group = commands.add_parser("cards", help="卡密 cards").add_subparsers(metavar="ACT", required=True)
    one = group.add_parser("load", parents=[common], help="入库卡密 put the cards of a file on the shelf")
    one.add_argument("file", type=Path, metavar="FILE", help="TXT, CSV, XLSX, XLS")
    one.add_argument("--sku", type=number, required=True, help="商品编号 the SKU's code")
    one.set_defaults(run=load_cards)

    group = commands.add_parser("price", help="价格 prices").add_subparsers(metavar="ACT", required=True)
    one = group.add_parser("level", parents=[common], help="等级价 for everybody of a level")
    one.add_argument("sku", type=number, metavar="SKU")
    one.add_argument("level", type=count, metavar="LEVEL")
    one.add_argument("price", type=amount, metavar="PRICE")
    one.set_defaults(run=price_level)
    one = group.add_parser("named", parents=[common], help="密价 for one buyer")
    one.add_argument("sku", type=number, metavar="SKU")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.add_argument("price", type=amount, metavar="PRICE")
    one.set_defaults(run=price_named)
    one = group.add_parser("tier", parents=[common], help="批量折扣 a rebate from a quantity on")
    one.add_argument("sku", type=number, metavar="SKU")
    one.add_argument("quantity", type=count, metavar="FROM")
    one.add_argument("off", type=count, metavar="PER_MILLE", help="千分之几 off the unit price, in thousandths")
    one.set_defaults(run=price_tier)


def import_catalogue(arguments: argparse.Namespace) -> int:
    data = content_of(arguments.file)

    async def work(platform: Platform) -> catalogue.ImportReport:
        return await catalogue.import_file(platform.db, data)

    report = on_platform(work)
    say(
        f"新增 created {report.created}，修改 changed {report.changed}，未变 unchanged {report.unchanged}，"
        f"拒绝 refused {len(report.refused)}"
    )
    for row in report.refused:
        say(f"  第 {row.line} 行 line {row.line}: {row.message_zh} {row.message} [{row.reason}]")
    return 1 if report.refused else 0


def load_cards(arguments: argparse.Namespace) -> int:
    """Bad lines are told with their reasons and masked; the others are on the shelf."""
    data = content_of(arguments.file)

    async def work(platform: Platform) -> tuple[catalogue.Sku, stock.LoadReport]:
        sku = await sku_of(platform, arguments.sku)
        report = await stock.load_file(
            platform.db, platform.ring, data, sku_id=sku.sku_id, file_name=arguments.file.name
        )
        return sku, report

    sku, report = on_platform(work)
    say(
        f"{sku.product} {sku.spec}：入库 loaded {report.loaded}，拒绝 refused {len(report.refused)}"
        f" (batch {report.batch_id})"
    )
    for line in report.refused:
        say(f"  第 {line.line} 行 line {line.line}: {line.preview} {line.message_zh} {line.message} [{line.reason}]")
    return 1 if report.refused else 0


def price_level(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        await sku_of(platform, arguments.sku)
        await pricing.set_level_prices(platform.db, [(arguments.sku, arguments.level, arguments.price)])

    on_platform(work)
    say(f"{arguments.sku} 等级价 level {arguments.level}: {money.format_e4(arguments.price)}")
    return 0


def price_named(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        await sku_of(platform, arguments.sku)
        await pricing.set_named_price(platform.db, arguments.sku, arguments.organisation, arguments.price)

    on_platform(work)
    say(f"{arguments.sku} 密价 for {arguments.organisation}: {money.format_e4(arguments.price)}")
    return 0


def price_tier(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        await sku_of(platform, arguments.sku)
        await pricing.set_tier(platform.db, arguments.sku, arguments.quantity, arguments.off)

    on_platform(work)
    say(f"{arguments.sku} 满 {arguments.quantity} 件减 {arguments.off}‰ from {arguments.quantity} on")
    return 0
