"""``notice subscribe``, ``list``, ``remove`` and ``log``: who is told of what, and what was told."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from kameng import notices
from kameng.ops import store, telling
from kameng.ops.commands.options import Commands, actor_of, number, on_platform, positive, say, say_who
from kameng.ops.opening import Platform


def add(group: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    one = _of(group, common, "subscribe", "订阅：向某人推送某主题 have somebody told of a topic")
    topics = list(notices.TOPICS)
    one.add_argument("topic", choices=topics, metavar="TOPIC", help=f"主题 {', '.join(topics)}")
    one.add_argument("channel", metavar="CHANNEL", help="渠道 mail, sms, wecom, dingtalk, feishu")
    one.add_argument("target", metavar="TARGET", help="邮箱、手机号或机器人地址，- 为标准输入 whom; -: from stdin")
    one.add_argument("--secret", default="", metavar="TEXT",
                     help="机器人加签密钥，- 为标准输入 the robot's signing secret; -: from stdin")  # fmt: skip
    one.add_argument("--language", choices=notices.LANGUAGES, default="zh", help="语言 of the messages (zh)")
    say_who(one)
    one.set_defaults(run=subscribe)
    one = _of(group, common, "list", "列出订阅 who is told of what")
    one.set_defaults(run=list_subscriptions)
    one = _of(group, common, "remove", "取消订阅 tell them no more")
    one.add_argument("subscription", type=number, metavar="SUBSCRIPTION")
    say_who(one)
    one.set_defaults(run=remove)
    one = _of(group, common, "log", "已发消息 what was told, newest first")
    one.add_argument("--limit", type=positive, default=50, metavar="N", help="行数 how many lines")
    one.set_defaults(run=show_log)


def _of(group: Any, common: argparse.ArgumentParser, name: str, said: str) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = group.add_parser(name, parents=[common], help=said)
    one.add_argument("organisation", type=whose, metavar="ORG|staff", help="商户编号，或 staff 为平台员工 whose")
    return one


def whose(text: str) -> int:
    """An organisation's id, or ``staff``."""
    return notices.STAFF if text == "staff" else number(text)


def subscribe(arguments: argparse.Namespace) -> int:
    # From stdin they stand in no history of a shell and in no list of processes.
    target, secret = [
        sys.stdin.readline().strip() if text == "-" else text for text in (arguments.target, arguments.secret)
    ]

    async def work(platform: Platform) -> int:
        if arguments.organisation != notices.STAFF:
            async with platform.db.connection() as connection:
                await store.organisation(connection, arguments.organisation)
        return await notices.subscribe(
            platform.db, platform.ring, arguments.organisation, topic=arguments.topic, channel=arguments.channel,
            address=notices.Address(target, secret), policy=telling.policy_of(platform.settings),
            language=arguments.language, actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    say(f"已订阅 Subscribed {on_platform(work)}: {arguments.topic}")
    return 0


def list_subscriptions(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[notices.Subscription]:
        return await notices.subscriptions(platform.db, arguments.organisation)

    for one in on_platform(work):
        say(f"{one.subscription_id} {one.topic}: {one.channel} {one.shown}, {one.language}")
    return 0


def remove(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> str:
        return await notices.unsubscribe(
            platform.db, arguments.organisation, arguments.subscription, actor_id=await actor_of(platform, arguments)
        )

    say(f"已取消 Removed {arguments.subscription}: {on_platform(work)}")
    return 0


def show_log(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[notices.Told]:
        return await notices.told(platform.db, arguments.organisation, limit=arguments.limit)

    for one in on_platform(work):
        sent = "待发 waiting" if one.sent_at is None else f"已发 sent {one.sent_at:%Y-%m-%dT%H:%M:%SZ}"
        say(f"{one.message_id} {one.created_at:%Y-%m-%dT%H:%M:%SZ} {one.template}: {one.channel} {one.shown}, {sent}")
    return 0
