"""``route``: how payment channels are chosen: the mode, rules in their order, and why a channel is the one."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kameng import payments, routing
from kameng.kit import money
from kameng.kit.errors import Fault
from kameng.kit.money import MINOR_E4
from kameng.ops.commands.options import (
    Commands,
    actor_of,
    amount,
    number,
    on_platform,
    positive,
    say,
    say_who,
    say_why,
)
from kameng.ops.opening import Platform
from kameng.payments import Decision, Standing, StandingRule
from kameng.routing import STATES, Request, Rule, When

MODES = {"smart": "智能", "weights": "按权重", "order": "按顺序"}
ACTS = {"refuse": "排除", "only": "仅限", "pin": "指定", "groups": "优先组", "split": "按比例"}


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("route", help="智能路由 how payment channels are chosen").add_subparsers(
        metavar="ACT", required=True
    )
    one = group.add_parser("show", parents=[common], help="当前方式、通道状态和规则 mode, channels' health, rules")
    one.set_defaults(run=show)
    one = group.add_parser("mode", parents=[common], help="切换方式 smart learns, weights draws, order takes the first")
    one.add_argument("mode", choices=tuple(MODES))
    for name, said in (
        ("fee", "费率权重 what the fee is worth"), ("speed", "到账速度权重 what a minute is worth"),
        ("target", "日目标权重 what being behind the target is worth"),
    ):  # fmt: skip
        one.add_argument(f"--{name}-weight", type=_share, metavar="SHARE", help=said)
    say_why(one)
    one.set_defaults(run=set_mode)
    _add_rules(group.add_parser("rule", help="规则 rules").add_subparsers(metavar="ACT", required=True), common)
    one = group.add_parser("why", parents=[common], help="试算：会选哪个通道，为什么 a dry run: which, and why")
    one.add_argument("--method", required=True, metavar="METHOD", help="支付方式，如 wechat")
    one.add_argument("--scene", default="qr", metavar="SCENE", help="场景 qr, page, wap, jsapi, code")
    one.add_argument("--amount", type=amount, required=True, metavar="AMOUNT", help="金额 like 98.5")
    one.add_argument("--merchant", type=number, default=0, metavar="ORG", help="付款商户编号 who pays")
    for name in ("device", "region", "bank", "bin"):
        one.add_argument(f"--{name}", default="", metavar="TEXT", help=f"规则所用的 {name} for rules")
    one.set_defaults(run=why)
    one = group.add_parser("decision", parents=[common], help="某笔付款为何走该通道 why a payment went where it went")
    one.add_argument("payment", type=_payment, metavar="PAYMENT", help="付款号 its number, with or without K")
    one.set_defaults(run=decision)


def _add_rules(group: Commands, common: argparse.ArgumentParser) -> None:
    one = group.add_parser("list", parents=[common], help="列出规则 those that hold, in order")
    one.set_defaults(run=list_rules)
    one = group.add_parser("add", parents=[common], help="添加规则，排在最后 after all others")
    one.add_argument("name", metavar="NAME", help="名称 its name")
    one.add_argument("act", choices=tuple(ACTS), help="排除、仅限、指定、优先组、按比例 what it does")
    one.add_argument("--channels", type=positive, nargs="*", default=[], metavar="CHANNEL", help="通道编号 of channels")
    one.add_argument("--groups", nargs="*", default=[], metavar="A,B", help="优先组，依次 of channels, the first first")
    one.add_argument("--shares", nargs="*", default=[], metavar="CHANNEL=N", help="每万笔中的份数 of 10,000")
    for name, said in (
        ("methods", "支付方式 ways to pay"), ("scenes", "场景 scenes"), ("devices", "设备 devices"),
        ("regions", "地区 regions"), ("banks", "银行 banks"), ("bins", "卡号开头 cards that begin so"),
    ):  # fmt: skip
        one.add_argument(f"--{name}", nargs="*", default=[], metavar="TEXT", help=said)
    one.add_argument("--merchants", type=number, nargs="*", default=[], metavar="ORG", help="商户编号 who pays")
    one.add_argument("--from-amount", type=amount, default=0, metavar="AMOUNT", help="金额从 at least")
    one.add_argument("--to-amount", type=amount, metavar="AMOUNT", help="金额至，含 at most")
    one.add_argument("--hours", type=_hours, nargs="*", default=[], metavar="HH:MM-HH:MM", help="北京时间时段 in China")
    say_who(one)
    one.set_defaults(run=add_rule)
    one = group.add_parser("move", parents=[common], help="调整次序 up, below zero, or down")
    one.add_argument("rule", type=positive, metavar="RULE")
    one.add_argument("places", type=int, metavar="PLACES", help="-1 上移一位 one up")
    say_who(one)
    one.set_defaults(run=move_rule)
    one = group.add_parser("end", parents=[common], help="停用规则 it holds no more")
    one.add_argument("rule", type=positive, metavar="RULE")
    say_why(one)
    one.set_defaults(run=end_rule)


@asynccontextmanager
async def _place(platform: Platform) -> AsyncIterator[payments.Workplace]:
    """A workplace that knows what the running processes learned."""
    made = payments.Workplace(platform.db, platform.ring, public_url=platform.settings.public_url)
    try:
        await made.router.share(platform.db)
        yield made
    finally:
        await made.close()


def show(_: argparse.Namespace) -> int:
    async def work(platform: Platform) -> tuple[Standing, list[payments.Health]]:
        async with _place(platform) as place:
            return await payments.find_routing(platform.db), await payments.channel_health(place)

    standing, health = on_platform(work)
    say(f"方式 Mode: {MODES[standing.policy.mode]} {standing.policy.mode}")
    for one in health:
        state = STATES[one.state]
        is_on = "启用 on" if one.channel.is_on else "停用 off"
        expected = "-" if one.expected is None else f"{one.expected:.1%}"
        say(f"{one.channel.channel_id} {one.channel.name}: {is_on}, {state.zh} {state.en}, "
            f"预计成功率 expected {expected}, 近一小时 this hour {one.hour.paid}/{one.hour.begun}")  # fmt: skip
    _say_rules(standing.rules)
    return 0


def set_mode(arguments: argparse.Namespace) -> int:
    changes: dict[str, Any] = {"mode": arguments.mode}
    for name in ("fee_weight", "speed_weight", "target_weight"):
        if getattr(arguments, name) is not None:
            changes[name] = getattr(arguments, name)

    async def work(platform: Platform) -> None:
        actor_id = await actor_of(platform, arguments)
        await payments.set_policy(platform.db, changes, reason=arguments.reason, actor_id=actor_id)

    on_platform(work)
    say(f"方式 Mode: {MODES[arguments.mode]} {arguments.mode}")
    return 0


def list_rules(_: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Standing:
        return await payments.find_routing(platform.db)

    _say_rules(on_platform(work).rules)
    return 0


def _say_rules(rules: list[StandingRule]) -> None:
    if not rules:
        say("没有规则 No rules.")
    for one in rules:
        rule = one.rule
        whom = [f"#{channel}" for channel in rule.channels]
        whom += [",".join(f"#{channel}" for channel in group) for group in rule.groups]
        whom += [f"#{channel} {share / 100:g}%" for channel, share in rule.shares]
        say(f"{one.rule_id} {rule.name}: {ACTS[rule.act]} {rule.act} {' > '.join(whom)} {_when(rule.when)}".rstrip())


def _when(when: When) -> str:
    """Its conditions, as they were given."""
    lists = {
        "methods": when.methods, "scenes": when.scenes, "devices": when.devices, "regions": when.regions,
        "merchants": when.merchants, "banks": when.banks, "bins": when.bins,
    }  # fmt: skip
    said = [f"{name}={','.join(map(str, values))}" for name, values in lists.items() if values]
    if when.amount_min_minor or when.amount_max_minor is not None:
        most = "" if when.amount_max_minor is None else money.format_e4(when.amount_max_minor * MINOR_E4)
        said.append(f"amount={money.format_e4(when.amount_min_minor * MINOR_E4)}..{most}")
    said += [f"hours={a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in when.hours]
    return " ".join(said)


def add_rule(arguments: argparse.Namespace) -> int:
    most_e4 = arguments.to_amount
    when = When(
        methods=tuple(arguments.methods), scenes=tuple(arguments.scenes), devices=tuple(arguments.devices),
        regions=tuple(arguments.regions), merchants=tuple(arguments.merchants), banks=tuple(arguments.banks),
        bins=tuple(arguments.bins), hours=tuple(arguments.hours),
        amount_min_minor=-(-arguments.from_amount // MINOR_E4),
        amount_max_minor=None if most_e4 is None else most_e4 // MINOR_E4,
    )  # fmt: skip
    try:
        groups = tuple(tuple(int(one) for one in group.split(",")) for group in arguments.groups)
        shares = tuple((int(channel), int(share)) for channel, _, share in (x.partition("=") for x in arguments.shares))
    except ValueError:
        raise Fault("组和比例应为通道编号 groups are like 1,2 and shares like 1=3000") from None
    rule = Rule(name=arguments.name, act=arguments.act, when=when, channels=tuple(arguments.channels), groups=groups,
                shares=shares)  # fmt: skip

    async def work(platform: Platform) -> int:
        return await payments.add_rule(platform.db, rule, actor_id=await actor_of(platform, arguments))

    say(f"规则 Rule {on_platform(work)} {rule.name}")
    return 0


def move_rule(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Standing:
        actor_id = await actor_of(platform, arguments)
        await payments.move_rule(platform.db, arguments.rule, by=arguments.places, actor_id=actor_id)
        return await payments.find_routing(platform.db)

    _say_rules(on_platform(work).rules)
    return 0


def end_rule(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        actor_id = await actor_of(platform, arguments)
        await payments.end_rule(platform.db, arguments.rule, reason=arguments.reason, actor_id=actor_id)

    on_platform(work)
    say(f"规则 Rule {arguments.rule}: 已停用 ended")
    return 0


def why(arguments: argparse.Namespace) -> int:
    request = Request(
        payment_id=0, method=arguments.method, scene=arguments.scene, amount_minor=arguments.amount // MINOR_E4,
        merchant_id=arguments.merchant, device=arguments.device, region=arguments.region, bank=arguments.bank,
        bin=arguments.bin,
    )  # fmt: skip

    async def work(platform: Platform) -> Decision:
        async with _place(platform) as place:
            return await payments.why(place, request)

    return _say_decision(on_platform(work))


def decision(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Decision:
        return await payments.find_decision(platform.db, arguments.payment)

    found = on_platform(work)
    _say_decision(found)
    if not found.is_replayed:
        say("重算结果不同 Made again it comes out otherwise: another version decided it.")
    return 0


def _say_decision(found: Decision) -> int:
    for language in ("zh", "en"):
        for line in routing.explain(found.logged.choice, language, found.names):
            say(line)
    return 0 if found.logged.choice.channel_id else 1


def _payment(text: str) -> int:
    return number(text.removeprefix("K"))


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"应为小数 a number like 0.5, not {text!r}") from None


def _hours(text: str) -> tuple[int, int]:
    try:
        first, last = (int(hour) * 60 + int(minute) for hour, minute in (part.split(":") for part in text.split("-")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"应为时段 hours like 22:00-02:00, not {text!r}") from None
    return first, last
