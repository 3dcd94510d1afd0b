"""What ``organisation`` and ``price`` do for agents: their tree, their limits, what each adds to a price."""

from __future__ import annotations

import argparse
from typing import Any

from kameng import finance, identity, ledger, pricing
from kameng.identity import BadOrganisationSettings, Organisation
from kameng.kit import money
from kameng.ops import store
from kameng.ops.commands.options import (
    Commands,
    actor_of,
    amount,
    count,
    number,
    on_platform,
    say,
    say_who,
    say_why,
    sku_of,
)
from kameng.ops.opening import Platform
from kameng.pricing import EVERY_LEVEL, Bound, Markup, Template


def add_to_organisations(group: Commands, common: argparse.ArgumentParser) -> None:
    one = group.add_parser("move", parents=[common], help="调整上级 put one under another agent, with all below it")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.add_argument("parent", type=parent, metavar="AGENT|platform", help="新上级 who it buys from then")
    say_why(one)
    one.set_defaults(run=move)
    one = group.add_parser("tree", parents=[common], help="代理层级 an agent, who is above it and all below it")
    one.add_argument("organisation", type=number, metavar="AGENT")
    one.set_defaults(run=show_tree)
    one = group.add_parser("terms", parents=[common], help="收款方式与限额 what one may spend, and who collects for it")
    one.add_argument("organisation", type=number, metavar="ORG")
    one.add_argument("--self-collected", choices=["yes", "no"], help="自收款 whether its customers pay it themselves")
    for name, said in (
        ("minimum-balance", "最低余额 what an order must leave in its wallet"),
        ("day-budget", "每日预算 what it may spend a day"),
        ("month-budget", "每月预算 what it may spend a month"),
    ):
        one.add_argument(f"--{name}", type=limit, metavar="AMOUNT", help=f"{said}; none", default=argparse.SUPPRESS)
    say_why(one)
    one.set_defaults(run=set_terms)


def add_to_prices(group: Commands, common: argparse.ArgumentParser) -> None:
    one = group.add_parser("markup", parents=[common], help="加价模板 what an agent adds to what it pays")
    _say_where(one)
    one.add_argument("--fixed", type=signed, default=0, metavar="AMOUNT", help="固定加价 so much")
    one.add_argument("--percent", type=signed, default=0, metavar="PERCENT", help="按比例加价 that share of it")
    one.add_argument("--unit", type=amount, default=1, metavar="AMOUNT", help="取整单位 0.0001, 0.01, 0.1 or 1")
    one.add_argument("--rounding", choices=["up", "half_even", "down"], default="up", help="取整方式 which way")
    one.add_argument("--ending", type=amount, default=0, metavar="AMOUNT", help="尾数 what prices end in: 0.9")
    say_who(one)
    one.set_defaults(run=set_markup)
    one = group.add_parser("unmark", parents=[common], help="取消加价模板 take a template away")
    _say_where(one)
    say_who(one)
    one.set_defaults(run=remove_markup)
    one = group.add_parser("templates", parents=[common], help="列出加价模板 an agent's templates")
    one.add_argument("agent", type=number, metavar="AGENT")
    one.set_defaults(run=list_templates)
    one = group.add_parser("bound", parents=[common], help="限价 what agents below one may ask for a SKU")
    one.add_argument("owner", type=parent, metavar="AGENT|platform", help="由谁限定 whose bound it is")
    one.add_argument("sku", type=number, metavar="SKU")
    one.add_argument("--floor", type=amount, metavar="AMOUNT", help="最低限价 not less; without both: no bound")
    one.add_argument("--ceiling", type=amount, metavar="AMOUNT", help="最高限价 not more")
    say_who(one)
    one.set_defaults(run=set_bound)


def _say_where(one: argparse.ArgumentParser) -> None:
    one.add_argument("agent", type=number, metavar="AGENT")
    one.add_argument("scope", choices=["sku", "brand", "scene", "all"], help="范围 for which of its sales")
    one.add_argument("which", nargs="?", default="", metavar="SKU|BRAND|SCENE", help="对象 not with `all`")
    one.add_argument("--level", type=count, default=EVERY_LEVEL, metavar="N", help="仅此等级的买家 only of that level")


def parent(text: str) -> int | None:
    """An agent, or ``platform``."""
    return None if text == "platform" else number(text)


def limit(text: str) -> int | None:
    """An amount, or ``none`` to take it away."""
    return None if text == "none" else amount(text)


def signed(text: str) -> int:
    """An amount that may be below zero."""
    return -amount(text[1:]) if text.startswith("-") else amount(text)


def move(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Organisation:
        return await finance.move_member(
            platform.db, arguments.organisation, arguments.parent, reason=arguments.reason,
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    moved = on_platform(work)
    say(f"{moved.org_id} {moved.name}: 上级 under {moved.parent_id or '平台 the platform'}")
    return 0


def show_tree(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[tuple[int, Organisation, int]]:
        async with platform.db.connection() as connection:
            root = await store.organisation(connection, arguments.organisation)
            above = await identity.ancestors(connection, root)
            found = [(depth, one) for depth, one in enumerate([*reversed(above), root])]
            waiting = [(len(above) + 1, child) for child in await identity.children(connection, root.org_id)][::-1]
            while waiting:
                depth, one = waiting.pop()
                found.append((depth, one))
                waiting += [(depth + 1, child) for child in await identity.children(connection, one.org_id)][::-1]
            return [
                (depth, one, sum(e4 for _, e4 in await ledger.unsettled_of(connection, one.org_id)))
                for depth, one in found
            ]

    for depth, one, unsettled_e4 in on_platform(work):
        terms = [f"level {one.level}", one.state, *_terms(one)]
        terms += [f"待结算 to settle {money.format_e4(unsettled_e4)}"] if unsettled_e4 else []
        say(f"{'  ' * depth}{one.org_id} {one.name} ({one.kind}): {', '.join(terms)}")
    return 0


def set_terms(arguments: argparse.Namespace) -> int:
    named = vars(arguments)
    changes: dict[str, Any] = {
        f"{name}_e4": named[name] for name in ("minimum_balance", "day_budget", "month_budget") if name in named
    }
    if arguments.self_collected is not None:
        changes["self_collected"] = arguments.self_collected == "yes"

    async def work(platform: Platform) -> Organisation:
        return await identity.set_terms(
            platform.db, arguments.organisation, changes, reason=arguments.reason,
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    new = on_platform(work)
    say(f"{new.org_id} {new.name}: {', '.join(_terms(new)) or '无限额 no limits'}")
    return 0


def _terms(one: Organisation) -> list[str]:
    said = ["自收款 collects itself"] if one.self_collected else []
    for label, value_e4 in (
        ("最低余额 minimum balance", one.minimum_balance_e4),
        ("每日预算 day budget", one.day_budget_e4),
        ("每月预算 month budget", one.month_budget_e4),
    ):
        said += [] if value_e4 is None else [f"{label} {money.format_e4(value_e4)}"]
    return said


def set_markup(arguments: argparse.Namespace) -> int:
    markup = Markup(arguments.fixed, arguments.percent, arguments.unit, arguments.rounding, arguments.ending)
    template = Template(arguments.agent, arguments.scope, arguments.which, arguments.level, markup)

    async def work(platform: Platform) -> None:
        await _agent_of(platform, arguments.agent)
        if template.scope == "sku" and template.which.isdecimal():
            await sku_of(platform, int(template.which))
        await pricing.set_markup(platform.db, template, actor_id=await actor_of(platform, arguments))

    on_platform(work)
    say(f"{arguments.agent} {_shown(template)}")
    return 0


def remove_markup(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        await pricing.remove_markup(
            platform.db, arguments.agent, arguments.scope, arguments.which, arguments.level,
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    on_platform(work)
    say(f"{arguments.agent} 已取消 removed: {arguments.scope} {arguments.which}".rstrip())
    return 0


def list_templates(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[Template]:
        await _agent_of(platform, arguments.agent)
        async with platform.db.connection() as connection:
            return await pricing.templates_of(connection, arguments.agent)

    for template in on_platform(work):
        say(_shown(template))
    return 0


def set_bound(arguments: argparse.Namespace) -> int:
    bound = Bound(arguments.floor, arguments.ceiling)

    async def work(platform: Platform) -> None:
        await sku_of(platform, arguments.sku)
        if arguments.owner is not None:
            await _agent_of(platform, arguments.owner)
        await pricing.set_bound(
            platform.db, arguments.owner or pricing.PLATFORM, arguments.sku, bound,
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    on_platform(work)
    floor, ceiling = ("-" if e4 is None else money.format_e4(e4) for e4 in (bound.floor_e4, bound.ceiling_e4))
    say(f"{arguments.sku} {arguments.owner or 'platform'}: 限价 floor {floor}, ceiling {ceiling}")
    return 0


async def _agent_of(platform: Platform, org_id: int) -> None:
    async with platform.db.connection() as connection:
        if (await store.organisation(connection, org_id)).kind != "agent":
            raise BadOrganisationSettings(f"{org_id} is no agent", field="agent", detail_zh=f"{org_id} 不是代理")


def _shown(template: Template) -> str:
    m = template.markup
    whose = "" if template.level == EVERY_LEVEL else f" 等级 level {template.level}"
    ending = f" 尾数 ending {money.format_e4(m.ending_e4)}" if m.ending_e4 else ""
    return (
        f"{template.scope} {template.which}".rstrip() + f"{whose}: 固定 fixed {money.format_e4(m.fixed_e4)}, "
        f"比例 {money.format_e4(m.percent_e4)} %, 取整 {m.rounding} to {money.format_e4(m.unit_e4)}{ending}"
    )
