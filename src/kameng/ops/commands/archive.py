"""``archive``: old orders out of the way of today's, and back."""

from __future__ import annotations

import argparse
from datetime import timedelta

from kameng import orders
from kameng.kit import clock, lanes
from kameng.ops.commands.options import Commands, count, on_platform, say
from kameng.ops.opening import Platform

MONTH = timedelta(days=31)


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("archive", help="归档旧订单 old orders out of the way").add_subparsers(
        metavar="ACT", required=True
    )
    one = group.add_parser(
        "orders", parents=[common], help="归档已完结的旧订单 move old final orders, while others run"
    )
    one.add_argument("--months", type=count, required=True, metavar="N", help="早于几个月 older than so many months")
    one.set_defaults(run=archive)
    one = group.add_parser("back", parents=[common], help="全部移回 bring everything back")
    one.set_defaults(run=bring_back)


def archive(arguments: argparse.Namespace) -> int:
    """Final orders older than some months, lane by lane."""
    before = clock.now() - arguments.months * MONTH

    async def work(platform: Platform) -> int:
        return sum([await orders.archive(platform.db, lane, before) for lane in await _lanes(platform)])

    say(f"已归档订单 orders archived: {on_platform(work)}")
    return 0


def bring_back(_: argparse.Namespace) -> int:
    """Before the schema is spread over Citus, say."""

    async def work(platform: Platform) -> int:
        return sum([await orders.bring_back(platform.db, lane) for lane in await _lanes(platform)])

    say(f"已移回订单 orders brought back: {on_platform(work)}")
    return 0


async def _lanes(platform: Platform) -> list[int]:
    async with platform.db.connection() as connection:
        return await lanes.lane_numbers(connection)
