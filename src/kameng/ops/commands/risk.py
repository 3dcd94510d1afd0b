"""``risk``: who is refused or always let through, and how much of what passes in how long."""

from __future__ import annotations

import argparse
import re
import sys
from datetime import datetime, timedelta, timezone

from kameng import risk
from kameng.kit import clock, ids, money
from kameng.ops import store
from kameng.ops.commands.options import Commands, actor_of, amount, count, on_platform, say, say_why
from kameng.ops.opening import Platform

CHINA = timezone(timedelta(hours=8))
"""A time without its zone is one in China, as the days of limits are."""
UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
ENTITIES = {"ip": "ip", "org": "organisation", "organisation": "organisation", "target": "target"}


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("risk", help="风控 lists and limits").add_subparsers(metavar="ACT", required=True)
    one = group.add_parser("rules", parents=[common], help="列出限额规则 every rule, in force or not")
    one.set_defaults(run=list_rules)
    rule = group.add_parser("rule", help="单条限额规则 one rule").add_subparsers(metavar="ACT", required=True)
    _add_rule(rule, common)
    listed = group.add_parser("list", parents=[common], help="名单：查看、添加、移除 the lists: show, add, remove")
    listed.set_defaults(run=show_lists)
    _add_list(listed.add_subparsers(metavar="ACT"))


def _add_rule(group: Commands, common: argparse.ArgumentParser) -> None:
    one = group.add_parser("set", parents=[common], help="新建或替换 put one in place, of the old one's name or a new")
    one.add_argument("name", metavar="NAME")
    one.add_argument("--entity", required=True, metavar="ip|org|target", help="按来源、商户或充值账号计 whose orders")
    one.add_argument("--kinds", default="", metavar="KIND,…", help="商品类型，不填为全部 kinds of goods; all")
    one.add_argument("--window", type=window, required=True, metavar="TIME", help="时间窗口 in how long: 600, 10m, 1d")
    one.add_argument("--count", type=count, metavar="N", help="次数上限 at most so many orders")
    one.add_argument("--amount", type=amount, metavar="AMOUNT", help="金额上限 at most so much money")
    one.add_argument(
        "--outcome", default="refuse", metavar="refuse|review", help="超限则拒绝或人工审核 what is beyond it (refuse)"
    )
    say_why(one)
    one.set_defaults(run=set_rule)
    for name, enabled, said in (
        ("disable", False, "停用 put one out of force; it stays"),
        ("enable", True, "启用 put one back into force"),
    ):
        one = group.add_parser(name, parents=[common], help=said)
        one.add_argument("name", metavar="NAME")
        say_why(one)
        one.set_defaults(run=switch_rule, enabled=enabled)


def _add_list(group: Commands) -> None:
    common = argparse.ArgumentParser(add_help=False)  # what was named before ADD must not be forgotten after it
    common.add_argument("--data", metavar="FOLDER", default=argparse.SUPPRESS, help="数据目录 the data folder")
    for name, run, said in (
        ("add", add_listing, "添加，已有则替换 put one on, or change it"),
        ("remove", remove_listing, "移除 take one off"),
    ):
        one = group.add_parser(name, parents=[common], help=said)
        one.add_argument("entity", metavar="ip|org|target")
        one.add_argument(
            "value", metavar="VALUE", help="地址、商户号或充值账号，- 为从标准输入读取 whom; -: from stdin"
        )
        one.add_argument("--form", metavar="NAME", help="充值账号的下单表单 the form of a target's account; phone")
        if run is add_listing:
            one.add_argument(
                "--verdict", "--outcome", required=True, metavar="refuse|review|allow",
                help="拒绝、人工审核或放行 what becomes of it",
            )  # fmt: skip
            one.add_argument("--until", type=moment, metavar="TIME", help="截止时间（北京时间）till when; for ever")
        say_why(one)
        one.set_defaults(run=run)


def window(text: str) -> int:
    """``600``, ``10m``, ``1h`` or ``1d`` in seconds."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"应为时长 a time like 600, 10m, 1h or 1d, not {text!r}")
    return int(found[1]) * UNITS_S[found[2]]


def moment(text: str) -> datetime:
    """``2026-12-31T00:00``, in China unless it says where."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"应为时间 a time like 2026-12-31T00:00, not {text!r}") from None
    return found if found.tzinfo else found.replace(tzinfo=CHINA)


def list_rules(_: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[tuple[risk.Rule, bool]]:
        async with platform.db.connection() as connection:
            return await risk.every_rule(connection)

    for rule, enabled in on_platform(work):
        say(_shown(rule, enabled=enabled))
    return 0


def _shown(rule: risk.Rule, *, enabled: bool) -> str:
    limits = [f"{rule.limit_count} 笔 orders"] if rule.limit_count is not None else []
    limits += [money.format_e4(rule.limit_e4)] if rule.limit_e4 is not None else []
    state, kinds = "启用 enabled" if enabled else "停用 disabled", ",".join(rule.kinds) or "all"
    outcome = ", 人工审核 review" if rule.outcome == "review" else ""
    return f"{rule.name}: {state}, {rule.entity}, {kinds}, {rule.window_s} s, {', '.join(limits)}{outcome}"


def set_rule(arguments: argparse.Namespace) -> int:
    kinds = tuple(kind.strip() for kind in arguments.kinds.split(",") if kind.strip())
    entity = ENTITIES.get(arguments.entity, arguments.entity)
    rule = risk.Rule(
        0, arguments.name, entity, kinds, arguments.window, arguments.count, arguments.amount,
        arguments.outcome,
    )  # fmt: skip

    async def work(platform: Platform) -> None:
        actor_id = await actor_of(platform, arguments)
        await risk.set_rule(platform.db, rule, reason=arguments.reason, actor_id=actor_id)

    on_platform(work)
    say(_shown(rule, enabled=True))
    return 0


def switch_rule(arguments: argparse.Namespace) -> int:
    name, enabled = arguments.name, arguments.enabled

    async def work(platform: Platform) -> None:
        actor_id = await actor_of(platform, arguments)
        await risk.switch_rule(platform.db, name, enabled=enabled, reason=arguments.reason, actor_id=actor_id)

    on_platform(work)
    say(f"{name}: {'启用 enabled' if enabled else '停用 disabled'}")
    return 0


def show_lists(_: argparse.Namespace) -> int:
    """What ended is shown as such: it is on the list and names nobody."""

    async def work(platform: Platform) -> list[risk.Entry]:
        async with platform.db.connection() as connection:
            return await risk.every_listing(connection)

    now = clock.now()
    for entry in on_platform(work):
        ended = "（已到期 ended）" if entry.until is not None and entry.until <= now else ""
        say(f"{_named(entry.entity, entry.value)}: {entry.verdict}{_until(entry.until)}{ended}, {entry.reason}")
    return 0


def add_listing(arguments: argparse.Namespace) -> int:
    until = arguments.until
    if until is not None and until <= clock.now():
        raise risk.BadRiskSettings("until: not in the past", field="until", detail_zh="截止时间：不得早于现在")
    entity, text = ENTITIES.get(arguments.entity, arguments.entity), _value(arguments)

    async def work(platform: Platform) -> str:
        actor_id = await actor_of(platform, arguments)
        value = risk.whom(platform.ring, entity, text, form=arguments.form, reason=arguments.reason)
        if entity == "organisation" and (org_id := _number(value)):
            async with platform.db.connection() as connection:
                await store.organisation(connection, org_id)  # or it would be listed in vain
        await risk.set_listing(
            platform.db, entity, value, arguments.verdict, reason=arguments.reason, until=until, actor_id=actor_id
        )
        return value

    value = on_platform(work)
    say(f"{_named(entity, value)}: {arguments.verdict}{_until(until)}")
    return 0


def remove_listing(arguments: argparse.Namespace) -> int:
    entity, text = ENTITIES.get(arguments.entity, arguments.entity), _value(arguments)

    async def work(platform: Platform) -> tuple[str, str]:
        actor_id = await actor_of(platform, arguments)
        value = risk.whom(platform.ring, entity, text, form=arguments.form, reason=arguments.reason)
        verdict = await risk.remove_listing(platform.db, entity, value, reason=arguments.reason, actor_id=actor_id)
        return value, verdict

    value, verdict = on_platform(work)
    say(f"已移除 removed: {_named(entity, value)} ({verdict})")
    return 0


def _value(arguments: argparse.Namespace) -> str:
    """From stdin a number stands in no history of a shell and in no list of processes."""
    value: str = sys.stdin.readline().strip() if arguments.value == "-" else arguments.value
    return value


def _number(text: str) -> int | None:
    try:
        return ids.parse(text)
    except ValueError:
        return None  # refused as what it is


def _named(entity: str, value: str) -> str:
    return f"{'org' if entity == 'organisation' else entity} {value}"


def _until(until: datetime | None) -> str:
    return "" if until is None else f" 至 until {until.astimezone(CHINA):%Y-%m-%d %H:%M:%S} +08:00"
