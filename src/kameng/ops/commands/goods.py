"""``catalogue``, ``sku`` and ``price``: what is sold, and for how much."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import msgspec

from kameng import catalogue, fulfilment, pricing
from kameng.kit import money
from kameng.ops import store
from kameng.ops.commands import agents
from kameng.ops.commands.options import Commands, amount, content_of, count, number, on_platform, say, sku_of
from kameng.ops.opening import Platform


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("catalogue", help="商品目录 the catalogue").add_subparsers(metavar="ACT", required=True)
    one = group.add_parser("import", parents=[common], help="导入商品 CSV bring in a CSV file of SKUs")
    one.add_argument("file", type=Path, metavar="FILE")
    one.set_defaults(run=import_catalogue)

    group = commands.add_parser("sku", help="单个商品 one SKU").add_subparsers(metavar="ACT", required=True)
    _add_sku(group, common)

    group = commands.add_parser("price", help="价格 prices").add_subparsers(metavar="ACT", required=True)
    _add_price(group, common)


def _add_sku(group: Commands, common: argparse.ArgumentParser) -> None:
    one = group.add_parser("show", parents=[common], help="查看 all that stands of one")
    one.add_argument("sku", type=number, metavar="SKU")
    one.set_defaults(run=show_sku)
    said = "修改，未写明的不变 change what is named of one"
    one = group.add_parser("set", parents=[common], help=said, argument_default=argparse.SUPPRESS)
    one.add_argument("sku", type=number, metavar="SKU")
    add = one.add_argument
    add("--list-price", type=amount, metavar="AMOUNT", dest="list_price_e4", help="标价 its list price")
    add("--cost", type=amount, metavar="AMOUNT", dest="cost_e4", help="成本 its cost")
    add("--floor", type=amount_or_none, metavar="AMOUNT", dest="floor_e4", help="最低限价，none 为取消 the least price")
    add("--ceiling", type=amount_or_none, metavar="AMOUNT", dest="ceiling_e4", help="最高限价，none 为取消 the most")
    add("--below-cost", type=choice, metavar="YES|NO", dest="below_cost_allowed", help="允许亏本 may sell at a loss")
    add("--min", type=count, metavar="N", dest="quantity_min", help="最小数量 the least pieces an order has")
    add("--max", type=count, metavar="N", dest="quantity_max", help="最大数量 the most")
    add("--step", type=count, metavar="N", dest="quantity_step", help="数量步长 in steps of")
    add("--form", metavar="NAME", help="下单表单 its account form, like phone or address")
    add("--refundable", type=choice, metavar="YES|NO", help="可退款 whether money may go back")
    add("--reversible", type=choice, metavar="YES|NO", help="可撤销 whether the goods may be taken back")
    add("--promise", type=minutes, metavar="MINUTES", dest="delivery_promise_minutes",
        help="承诺交付分钟，none 为取消 within how long it is delivered")  # fmt: skip
    add("--redeem", metavar="TEXT", dest="redeem_instructions", help="兑换说明 how its buyer redeems it")
    add("--barcode", metavar="DIGITS", help="条码 its EAN or UPC")
    add("--worked-by", type=supplier_or_none, metavar="ORG",
        help="人工处理的供货商，none 为平台 the supplier that works it by hand, none: the staff")  # fmt: skip
    add("--external-ref", metavar="TEXT", help="外部编码 what your ERP calls it")
    add("--confirm-days", type=days, metavar="DAYS", dest="confirm_days",
        help="确认收货天数，none 为按平台设置 how long its buyer may confirm, the money in escrow")  # fmt: skip
    add("--pickable", type=choice, metavar="YES|NO", help="可自选 whether its buyer may choose the card")
    add("--pick-fee", type=amount, metavar="AMOUNT", dest="pick_fee_e4",
        help="自选加价 what choosing costs, where a card says nothing else")  # fmt: skip
    state = one.add_mutually_exclusive_group()
    for name, value, said in (
        ("--pause", "paused", "暂停销售 stop selling it for a while"),
        ("--resume", "on_sale", "恢复销售 sell it again"),
        ("--withdraw", "withdrawn", "下架 take it off for good"),
    ):
        state.add_argument(name, action="store_const", const=value, dest="state", help=said)
    one.set_defaults(run=set_sku)
    _add_bundle(group, common)


def _add_bundle(group: Commands, common: argparse.ArgumentParser) -> None:
    one = group.add_parser("bundle", parents=[common], help="组合商品的组成内容 what a bundle is made of")
    one.add_argument("sku", type=number, metavar="SKU")
    one.add_argument("--part", type=part, action="append", required=True, dest="parts", metavar="PART",
                     help="一项内容，如 100001x2=60：编号、件数、占售价的百分比，交付失败时退还；"
                     "均不填则按标价分摊 a part, like 100001x2=60: which, how many, its percentage of the price,"
                     " which goes back if it fails")  # fmt: skip
    one.add_argument("--gift", type=gift, action="append", dest="parts", metavar="GIFT",
                     help="赠品，不占售价 a gift, which has no share")  # fmt: skip
    one.add_argument("--discount", type=amount, metavar="PERCENT", dest="discount_percent_e4",
                     help="标价为各项标价之和减去此折扣，并随其变动；不填则标价自定"
                     " its list price is so much below its parts', and follows them; else it is its own")  # fmt: skip
    one.set_defaults(run=set_parts)


def _add_price(group: Commands, common: argparse.ArgumentParser) -> None:
    agents.add_to_prices(group, common)
    one = group.add_parser("list", parents=[common], help="列出 every price of a SKU")
    one.add_argument("sku", type=number, metavar="SKU")
    one.set_defaults(run=list_prices)
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
    one = group.add_parser("remove", parents=[common], help="取消已设价格 take a price away that was set")
    one.add_argument("sku", type=number, metavar="SKU")
    one.add_argument("rule", choices=["level", "named", "tier"], help="哪一种 of which sort")
    one.add_argument("which", type=count, metavar="LEVEL|ORG|FROM", help="等级、商户或起始数量 which of them")
    one.set_defaults(run=remove_price)


def amount_or_none(text: str) -> int | None:
    """An amount, or ``none`` to take it away."""
    return None if text == "none" else amount(text)


def days(text: str) -> int | None:
    """A number, or ``none`` for what the platform's setting says."""
    return None if text == "none" else count(text)


def minutes(text: str) -> int | None:
    """A number, or ``none`` to take it away."""
    return None if text == "none" else count(text)


def supplier_or_none(text: str) -> int:
    """An organisation, or ``none`` for the staff."""
    return fulfilment.STAFF if text == "none" else number(text)


def part(text: str) -> catalogue.WantedPart:
    """``100001``, ``100001x2``, ``100001x2=60``."""
    what, has_share, share = text.partition("=")
    one = gift(what)
    try:
        share_e4 = catalogue.share_of(share) if has_share else None
    except catalogue.BadSku:
        raise argparse.ArgumentTypeError(f"应为百分比，最多两位小数 a percentage like 33.34, not {share!r}") from None
    return msgspec.structs.replace(one, share_e4=share_e4)


def gift(text: str) -> catalogue.WantedPart:
    """``100001`` or ``100001x2``."""
    sku_id, _, pieces = text.partition("x")
    return catalogue.WantedPart(number(sku_id), count(pieces or "1"), 0)


def choice(text: str) -> bool:
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"应为 yes 或 no, not {text!r}")
    return text == "yes"


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
    if report.bundles:
        say(
            f"  组合商品 {report.bundles} 个已暂停销售，请用 `kameng sku bundle` 填写组成内容"
            " bundles are paused until they have parts"
        )
    return 1 if report.refused else 0


def show_sku(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> catalogue.Sku:
        return await sku_of(platform, arguments.sku)

    _say_sku(on_platform(work))
    return 0


def set_sku(arguments: argparse.Namespace) -> int:
    """Only what was named: ``none`` is a value, what was not named is not among the arguments."""
    named = vars(arguments)
    changes: dict[str, Any] = {name: named[name] for name in catalogue.CHANGEABLE if name in named}

    async def work(platform: Platform) -> catalogue.Sku:
        if worker_id := changes.get("worked_by"):
            async with platform.db.connection() as connection:
                worker = await store.organisation(connection, worker_id)
            if worker.kind != "supplier" or worker.sandbox:
                raise catalogue.BadSku(
                    "worked_by: a supplier", field="worked_by", detail_zh="处理方：应为供货商（supplier）"
                )
        return await catalogue.set_sku(platform.db, arguments.sku, changes)

    _say_sku(on_platform(work))
    return 0


def set_parts(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> catalogue.Sku:
        return await catalogue.set_parts(
            platform.db, arguments.sku, arguments.parts, discount_percent_e4=arguments.discount_percent_e4
        )

    _say_sku(on_platform(work))
    return 0


def _say_sku(sku: catalogue.Sku) -> None:
    say(f"{sku.sku_id} {sku.product} {sku.spec} ({sku.kind}): {sku.state}, 版本 revision {sku.revision}")
    loss = "，允许亏本 may be sold below it" if sku.below_cost_allowed else ""
    say(
        f"  标价 list {money.format_e4(sku.list_price_e4)}，成本 cost {money.format_e4(sku.cost_e4)}{loss}，"
        f"限价 floor {_amount(sku.floor_e4)}, ceiling {_amount(sku.ceiling_e4)}",
        f"  数量 quantity {sku.allowed_quantities}，表单 form {sku.form or '-'}",
        f"  退款 refundable {_yes(sku.refundable)}，撤销 reversible {_yes(sku.reversible)}，"
        f"承诺 promise {'-' if sku.delivery_promise_minutes is None else f'{sku.delivery_promise_minutes} min'}，"
        f"条码 barcode {sku.barcode or '-'}，外部编码 external {sku.external_ref or '-'}",
    )
    if sku.kind == "manual":
        say(f"  处理方 worked by {sku.worked_by or '平台 the staff'}")
    if sku.pickable:
        say(f"  可自选，加价 the buyer may choose, for {money.format_e4(sku.pick_fee_e4)} more")
    if sku.redeem_instructions:
        say(f"  兑换说明 redeem: {sku.redeem_instructions}")
    for number_, one in enumerate(sku.parts, 1):
        said = f"份额 share {one.share_e4 / 100:.2f}%" if one.share_e4 else "赠品 gift"
        paused = "" if one.on_sale else "，未上架 not on sale"
        say(f"  第 {number_} 项 part {number_}: {one.sku_id} × {one.quantity} ({one.kind})，{said}{paused}")
    if sku.discount_percent_e4 is not None:
        say(f"  组合折扣 discount {money.format_e4(sku.discount_percent_e4)}%，标价随各项变动 the list price follows")


def _amount(amount_e4: int | None) -> str:
    return "-" if amount_e4 is None else money.format_e4(amount_e4)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


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
        async with platform.db.connection() as connection:
            buyer = await store.organisation(connection, arguments.organisation)
        await pricing.set_named_price(
            platform.db, arguments.sku, arguments.organisation, arguments.price,
            seller_id=buyer.parent_id or pricing.PLATFORM,
        )  # fmt: skip

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


def remove_price(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        await pricing.remove_price(platform.db, arguments.rule, arguments.sku, arguments.which)

    on_platform(work)
    say(f"{arguments.sku} 已取消 removed: {arguments.rule} {arguments.which}")
    return 0


def list_prices(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> tuple[catalogue.Sku, list[tuple[str, int]]]:
        sku = await sku_of(platform, arguments.sku)
        async with platform.db.connection() as connection:
            return sku, await pricing.prices_of(connection, sku.sku_id)

    sku, rules = on_platform(work)
    _say_sku(sku)
    for rule, value in rules:
        say(f"  {rule} {f'-{value}‰' if rule.startswith('tier:') else money.format_e4(value)}")
    return 0
