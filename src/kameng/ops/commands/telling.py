"""``webhook`` and ``notice``: where organisations are told what happens, and whether people can be reached."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from kameng import notices
from kameng.notices import Endpoint
from kameng.ops import telling
from kameng.ops.commands import subscriptions
from kameng.ops.commands.options import Commands, actor_of, number, on_platform, say, say_who
from kameng.ops.opening import Platform

CHANNELS = ("mail", "sms", "wecom", "dingtalk", "feishu")


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("webhook", help="事件推送 webhooks").add_subparsers(metavar="ACT", required=True)
    one = _of_organisation(group, common, "list", "列出 an organisation's webhooks")
    one.set_defaults(run=list_webhooks)
    one = _of_organisation(group, common, "create", "新建，密钥仅显示一次 a new one; its secret is shown once")
    one.add_argument("url", metavar="URL")
    one.add_argument("--kind", action="append", default=[], metavar="KIND", help="事件 order.delivered, order.*; all")
    one.add_argument("--name", default="", metavar="TEXT", help="名称 for people")
    say_who(one)
    one.set_defaults(run=create)
    one = _of_webhook(group, common, "change", "修改 change one")
    one.add_argument("--url", metavar="URL")
    one.add_argument("--kind", action="append", metavar="KIND", help="事件 which events it gets")
    one.add_argument("--name", metavar="TEXT", help="名称 for people")
    one.add_argument("--state", choices=["active", "disabled"], help="状态 active also ends a pause")
    say_who(one)
    one.set_defaults(run=change)
    for name, said, run in (
        ("rotate", "轮换密钥 a new secret; the old one signs beside it for a day", rotate),
        ("remove", "删除 send it nothing more", remove),
    ):
        one = _of_webhook(group, common, name, said)
        say_who(one)
        one.set_defaults(run=run)
    one = _of_webhook(group, common, "test", "发送测试 send it a test message and tell what came of it")
    one.set_defaults(run=test)
    one = _of_webhook(group, common, "log", "推送日志 what was tried, newest first")
    one.add_argument("--limit", type=int, default=50, metavar="N", help="行数 about so many lines")
    one.set_defaults(run=show_log)
    one = _of_webhook(group, common, "replay", "重发 send events again, under their ids")
    one.add_argument("--event", type=number, metavar="EVENT", help="单个事件 this one")
    one.add_argument("--day", type=_day, metavar="DATE", help="某一天（UTC） all of a day, like 2026-11-22")
    say_who(one)
    one.set_defaults(run=replay)

    group = commands.add_parser("notice", help="消息渠道 messages to people").add_subparsers(
        metavar="ACT", required=True
    )
    one = _of_organisation(group, common, "test", "发送测试消息 send somebody a test message")
    one.add_argument("channel", choices=CHANNELS, metavar="CHANNEL", help=f"渠道 one of {', '.join(CHANNELS)}")
    one.add_argument("to", metavar="TO", help="邮箱、手机号或机器人地址 a mailbox, a phone, a robot's address")
    one.add_argument("--secret", default="", metavar="TEXT", help="机器人加签密钥 the robot's signing secret")
    one.set_defaults(run=tell)
    subscriptions.add(group, common)


def _of_organisation(group: Any, common: argparse.ArgumentParser, name: str, said: str) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = group.add_parser(name, parents=[common], help=said)
    one.add_argument("organisation", type=number, metavar="ORG")
    return one


def _of_webhook(group: Any, common: argparse.ArgumentParser, name: str, said: str) -> argparse.ArgumentParser:
    one = _of_organisation(group, common, name, said)
    one.add_argument("webhook", type=number, metavar="WEBHOOK")
    return one


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"应为日期 a day like 2026-11-22, not {text!r}") from None


def list_webhooks(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[Endpoint]:
        return await notices.list_endpoints(platform.db, arguments.organisation)

    for endpoint in on_platform(work):
        say(_shown(endpoint))
    return 0


def create(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> notices.NewEndpoint:
        return await notices.create_endpoint(
            platform.db, platform.ring, arguments.organisation, url=arguments.url, kinds=arguments.kind,
            name=arguments.name, policy=telling.policy_of(platform.settings),
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    _show_once(on_platform(work))
    return 0


def change(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Endpoint:
        return await notices.change_endpoint(
            platform.db, arguments.organisation, arguments.webhook, policy=telling.policy_of(platform.settings),
            url=arguments.url, kinds=arguments.kind, name=arguments.name, state=arguments.state,
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    say(_shown(on_platform(work)))
    return 0


def rotate(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> notices.NewEndpoint:
        return await notices.rotate_secret(
            platform.db, platform.ring, arguments.organisation, arguments.webhook,
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    _show_once(on_platform(work))
    return 0


def remove(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        await notices.remove_endpoint(
            platform.db, arguments.organisation, arguments.webhook, actor_id=await actor_of(platform, arguments)
        )

    on_platform(work)
    say(f"已删除 Removed {arguments.webhook}")
    return 0


def test(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> notices.Outcome:
        async with notices.Sender(telling.policy_of(platform.settings)) as sender:
            return await notices.try_endpoint(
                platform.db, platform.ring, sender, arguments.organisation, arguments.webhook
            )

    outcome = on_platform(work)
    said = "送达 delivered" if outcome.delivered else f"未送达 not delivered: {outcome.fault}"
    say(f"{said} (HTTP {outcome.status}, {outcome.took_ms} ms)")
    return 0 if outcome.delivered else 1


def show_log(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> notices.LogPage:
        return await notices.read_log(
            platform.db, arguments.organisation, arguments.webhook, limit=arguments.limit
        )

    for line in on_platform(work).attempts:
        fault = f", {line.fault}" if line.fault else ""
        say(f"{line.at:%Y-%m-%dT%H:%M:%SZ} {line.event_id} #{line.attempt}: {line.status}, {line.took_ms} ms{fault}")
    return 0


def replay(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        await notices.replay(
            platform.db, arguments.organisation, arguments.webhook, event_id=arguments.event, since=arguments.day,
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    on_platform(work)
    say("将重新推送。They will be sent again.")
    return 0


def tell(arguments: argparse.Namespace) -> int:
    """Written down with its job; the worker sends it."""

    async def work(platform: Platform) -> int:
        return await notices.tell_now(
            platform.db, platform.ring, arguments.organisation, channel=arguments.channel,
            address=notices.Address(arguments.to, arguments.secret), template="test", facts={"sender": "kameng"},
        )  # fmt: skip

    say(f"消息已排队，由 worker 发送 Message {on_platform(work)} waits for the worker (kameng serve)")
    return 0


def _show_once(made: notices.NewEndpoint) -> None:
    say(_shown(made.endpoint), f"  密钥（仅显示一次）secret, shown once: {made.secret}")


def _shown(endpoint: Endpoint) -> str:
    kinds = " ".join(endpoint.kinds) or "*"
    trouble = f", failing since {endpoint.failing_since:%Y-%m-%d %H:%M} UTC" if endpoint.failing_since else ""
    reason = f" ({endpoint.reason})" if endpoint.reason else ""
    name = f" {endpoint.name}" if endpoint.name else ""
    return f"{endpoint.endpoint_id}{name} {endpoint.url}: {endpoint.state}{reason}, {kinds}{trouble}"
