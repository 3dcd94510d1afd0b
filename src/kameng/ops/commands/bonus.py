"""``bonus``: 充值赠送, what is given on top of recharges."""

from __future__ import annotations

import argparse
from datetime import datetime

from kameng import payments
from kameng.kit import clock, money
from kameng.ops.commands.options import Commands, actor_of, amount, moment, on_platform, positive, say, say_who
from kameng.ops.opening import Platform
from kameng.payments import BonusRule


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("bonus", help="充值赠送 bonuses on recharges").add_subparsers(
        metavar="ACT", required=True
    )
    one = group.add_parser("add", parents=[common], help="新增规则 from an amount on, so much on top")
    one.add_argument("start", type=amount, metavar="FROM", help="起充金额 the amount from which it applies")
    one.add_argument("--give", type=amount, default=0, metavar="AMOUNT", help="固定赠送 so much on top")
    one.add_argument("--percent", type=percent, default=0, metavar="N", help="按比例赠送，如 5 a part of the recharge")
    one.add_argument("--most", type=amount, metavar="AMOUNT", help="最高赠送 at most")
    one.add_argument("--starts", type=moment, metavar="TIME", help="开始时间，北京时间 from when, now unless said")
    one.add_argument("--ends", type=moment, metavar="TIME", help="结束时间 until when, for ever unless said")
    say_who(one)
    one.set_defaults(run=add_rule)
    one = group.add_parser("list", parents=[common], help="有效规则 those that apply, or will")
    one.set_defaults(run=list_rules)
    one = group.add_parser("end", parents=[common], help="停用规则 it applies no more")
    one.add_argument("bonus", type=positive, metavar="BONUS", help="规则编号 its number")
    say_who(one)
    one.set_defaults(run=end_rule)


def percent(text: str) -> int:
    """``5`` or ``2.5`` as millionths."""
    try:
        return money.parse_e4(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"应为百分数 a percentage like 2.5, not {text!r}") from None


def add_rule(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> BonusRule:
        return await payments.add_bonus(
            platform.db, from_e4=arguments.start, give_e4=arguments.give, give_ppm=arguments.percent,
            most_e4=arguments.most, starts_at=arguments.starts, ends_at=arguments.ends,
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    say(_line(on_platform(work)))
    return 0


def list_rules(_: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[BonusRule]:
        return await payments.list_bonuses(platform.db)

    for one in on_platform(work):
        say(_line(one))
    return 0


def end_rule(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> bool:
        return await payments.end_bonus(
            platform.db, arguments.bonus, actor_id=await actor_of(platform, arguments)
        )  # fmt: skip

    if not on_platform(work):
        raise payments.BadPayment(
            f"there is no bonus {arguments.bonus} that applies", field="bonus",
            detail_zh=f"没有生效中的赠送规则 {arguments.bonus}",
        )  # fmt: skip
    say(f"规则 Bonus {arguments.bonus}: 已停用 ended")
    return 0


def _moment(at: datetime) -> str:
    return f"{at.astimezone(clock.CHINA):%Y-%m-%dT%H:%M}"


def _line(one: BonusRule) -> str:
    parts = [
        f"满 from {money.format_e4(one.from_e4)}",
        *([f"送 gives {money.format_e4(one.give_e4)}"] if one.give_e4 else []),
        *([f"送 gives {money.format_e4(one.give_ppm)}%"] if one.give_ppm else []),
        *([f"最高 at most {money.format_e4(one.most_e4)}"] if one.most_e4 is not None else []),
        f"{_moment(one.starts_at)} – {_moment(one.ends_at) if one.ends_at else '…'}",
    ]
    return f"规则 Bonus {one.bonus_id}: " + ", ".join(parts)
