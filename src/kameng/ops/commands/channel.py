"""``channel``: accounts at payment providers. Credentials come from standard input, as JSON, and are never shown."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec

from kameng import payments
from kameng.kit import money
from kameng.kit.errors import Fault
from kameng.ops import store
from kameng.ops.commands.options import Commands, actor_of, amount, count, on_platform, positive, say, say_who, say_why
from kameng.ops.opening import Platform
from kameng.payments import ChannelAccount


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("channel", help="支付通道 accounts at payment providers").add_subparsers(
        metavar="ACT", required=True
    )
    one = group.add_parser("list", parents=[common], help="列出通道 all of them, without credentials")
    one.set_defaults(run=list_channels)
    said = "添加通道，凭据为标准输入的 JSON a new account, off; its credentials are JSON on stdin"
    one = group.add_parser("add", parents=[common], help=said)
    one.add_argument("protocol", metavar="PROTOCOL", help="协议，如 wechat、alipay")
    one.add_argument("name", metavar="NAME", help="名称 unique among channels")
    one.add_argument("--org", type=positive, metavar="ORG", help="自收款代理 whose own it is; otherwise the platform's")
    one.add_argument("--account", default="", metavar="TEXT", help="商户号，与通知核对 as notices name the account")
    one.add_argument(
        "--fee-ppm", type=count, default=0, metavar="N", help="费率，百万分之几：0.6%% 为 6000 of a million"
    )
    one.add_argument("--fee", type=amount, default=0, metavar="AMOUNT", help="每笔固定手续费 by the piece")
    one.add_argument(
        "--from", dest="networks", nargs="*", default=[], metavar="NETWORK", help="通知来源 where notices come from"
    )
    say_who(one)
    one.set_defaults(run=add_channel)
    for name, on, said in (
        ("on", True, "启用 payments may begin there"),
        ("off", False, "停用 none begins there any more"),
    ):
        one = group.add_parser(name, parents=[common], help=said)
        one.add_argument("channel", type=positive, metavar="CHANNEL", help="通道编号 its number")
        say_why(one)
        one.set_defaults(run=switch, on=on)
    one = group.add_parser("own", parents=[common], help="自收款店铺的收款方式 what an agent's shop takes")
    one.add_argument("org", type=positive, metavar="ORG", help="自收款代理 that collects itself")
    said = "only：仅自有通道 its own; first：自有优先，再用平台通道 its own first, then the platform's"
    one.add_argument("rule", choices=payments.OWN_RULES, help=said)
    say_who(one)
    one.set_defaults(run=set_own_rule)
    one = group.add_parser("seal", parents=[common], help="更换凭据 other credentials, JSON on stdin")
    one.add_argument("channel", type=positive, metavar="CHANNEL", help="通道编号 its number")
    say_who(one)
    one.set_defaults(run=seal)


def _credentials() -> dict[str, str]:
    try:
        return msgspec.json.decode(sys.stdin.buffer.read(), type=dict[str, str])
    except msgspec.DecodeError:
        raise Fault('凭据应为 JSON 对象 Credentials are a JSON object of texts on stdin: {"mchid": "…"}') from None


def list_channels(_: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[ChannelAccount]:
        return await payments.list_channels(platform.db)

    for one in on_platform(work):
        say(_shown(one))
    return 0


def _shown(one: ChannelAccount) -> str:
    state = "启用 on" if one.is_on else "停用 off"
    offers = ",".join(f"{method}/{scene}" for method, scene in one.offers)
    papers = [
        f"{what} {until}"
        for what, until in (("licence", one.licence_until), ("certificate", one.certificate_until))
        if until
    ]
    whose = [f"代理 agent {one.org_id}"] if one.org_id else []
    fee = f"{one.fee_ppm} ppm + {money.format_e4(one.fee_fixed_e4)}"
    return ", ".join(
        [f"{one.channel_id} {one.name}: {state}", *whose, one.protocol, one.account_no or "-", offers, fee, *papers]
    )


def add_channel(arguments: argparse.Namespace) -> int:
    credentials = _credentials()

    async def work(platform: Platform) -> tuple[int, str | None]:
        given: dict[str, Any] = {
            "protocol": arguments.protocol, "name": arguments.name, "credentials": credentials,
            "account_no": arguments.account, "fee_ppm": arguments.fee_ppm, "fee_fixed_e4": arguments.fee,
            "notify_from": arguments.networks, "actor_id": await actor_of(platform, arguments),
        }  # fmt: skip
        if arguments.org is None:
            number = await payments.add_channel(platform.db, platform.ring, **given)
        else:
            async with platform.db.connection() as connection:
                agent = await store.organisation(connection, arguments.org)
            number = await payments.add_own_channel(platform.db, platform.ring, agent, **given)
        return number, await payments.try_channel(platform.db, platform.ring, number)

    number, fault = on_platform(work)
    say(f"通道 Channel {number} {arguments.name}: 停用 off")
    if fault is not None:
        say(f"凭据无法读取，请更换 Its credentials can't be read, seal others: {fault}")
    return 0 if fault is None else 1


def set_own_rule(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        async with platform.db.connection() as connection:
            agent = await store.organisation(connection, arguments.org)
        actor_id = await actor_of(platform, arguments)
        await payments.set_own_rule(platform.db, agent, arguments.rule, actor_id=actor_id)

    on_platform(work)
    say(f"{arguments.org}: {arguments.rule}")
    return 0


def switch(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> None:
        actor_id = await actor_of(platform, arguments)
        await payments.switch_channel(
            platform.db, arguments.channel, on=arguments.on, reason=arguments.reason, actor_id=actor_id
        )

    on_platform(work)
    say(f"通道 Channel {arguments.channel}: {'启用 on' if arguments.on else '停用 off'}")
    return 0


def seal(arguments: argparse.Namespace) -> int:
    credentials = _credentials()

    async def work(platform: Platform) -> str | None:
        actor_id = await actor_of(platform, arguments)
        await payments.seal_channel(platform.db, platform.ring, arguments.channel, credentials, actor_id=actor_id)
        return await payments.try_channel(platform.db, platform.ring, arguments.channel)

    fault = on_platform(work)
    say(
        f"通道 Channel {arguments.channel}: 凭据已更换 sealed"
        if fault is None
        else f"凭据无法读取 can't be read: {fault}"
    )
    return 0 if fault is None else 1
