"""``sale`` and ``review``: flash sales of the shops, and what their buyers say."""

from __future__ import annotations

import argparse

from kameng import shops
from kameng.kit import clock
from kameng.ops.commands.options import Commands, actor_of, count, moment, number, on_platform, say, say_who
from kameng.ops.opening import Platform


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    sales = commands.add_parser("sale", help="限时抢购 flash sales").add_subparsers(metavar="ACT", required=True)
    one = sales.add_parser("plan", parents=[common], help="安排抢购 put a SKU on sale between two moments")
    one.add_argument("sku", type=number, metavar="SKU", help="专用商品 a SKU made for it: its price, its cards")
    one.add_argument("starts_at", type=moment, metavar="FROM", help="开始 2026-12-12T20:00, China's time")
    one.add_argument("ends_at", type=moment, metavar="TO", help="结束 its end")
    one.add_argument("--each", type=count, default=1, metavar="N", help="每人限购 pieces for each buyer (1)")
    say_who(one)
    one.set_defaults(run=plan)
    one = sales.add_parser("list", parents=[common], help="进行中与即将开始 running and to come")
    one.set_defaults(run=list_sales)
    reviews = commands.add_parser("review", help="评价 reviews").add_subparsers(metavar="ACT", required=True)
    one = reviews.add_parser("pending", parents=[common], help="待审评价 what waits for a look")
    one.add_argument("--limit", type=count, default=50, metavar="N", help="行数 how many")
    one.set_defaults(run=list_pending)
    for name, verdict, said in (("show", "shown", "通过 show it"), ("hide", "hidden", "隐藏 hide it")):
        one = reviews.add_parser(name, parents=[common], help=said)
        one.add_argument("order", type=number, metavar="ORDER", help="订单号 the order's number")
        say_who(one)
        one.set_defaults(run=judge, verdict=verdict)


def plan(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> shops.Sale:
        return await shops.plan_sale(
            platform.db, arguments.sku, starts_at=arguments.starts_at, ends_at=arguments.ends_at,
            buyer_max=arguments.each, actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    say(f"已安排 Planned: {_line(on_platform(work))}")
    return 0


def list_sales(_: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[shops.Sale]:
        return await shops.Sales(platform.db).open()

    for sale in on_platform(work):
        say(_line(sale))
    return 0


def _line(sale: shops.Sale) -> str:
    times = (f"{at.astimezone(clock.CHINA):%Y-%m-%dT%H:%M}" for at in (sale.starts_at, sale.ends_at))
    return f"{sale.sku_id} {' – '.join(times)}，每人 each {sale.buyer_max}，{sale.state}"


def list_pending(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[shops.Review]:
        async with platform.db.connection() as connection:
            return await shops.pending_reviews(connection, before_id=shops.NEWEST, limit=arguments.limit)

    for one in on_platform(work):
        body = one.body.replace("\n", " ")
        say(f"{one.order_id} SKU {one.sku_id} {'★' * one.stars} {body}")
    return 0


def judge(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        await shops.judge_review(
            platform.db, arguments.order, arguments.verdict, actor_id=await actor_of(platform, arguments)
        )

    on_platform(work)
    say(f"{arguments.order} {arguments.verdict}")
    return 0
