"""``order find``, ``order account``, ``person export`` and ``person erase``: whom orders are for, and who may know it.

A number is never printed as it was typed, and ``-`` reads it from standard input: from there it stands in no history of
a shell and in no list of processes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

import msgspec

from kameng import orders
from kameng.kit import clock, money
from kameng.kit.errors import Fault
from kameng.kit.privacy import SEARCHABLE, DataClass
from kameng.ops import data_subject, seeding
from kameng.ops.commands.options import Commands, actor_of, count, number, on_platform, say, say_why
from kameng.ops.data_subject import Subject
from kameng.ops.opening import Platform

OPTIONS: dict[DataClass, tuple[str, str]] = {
    "phone": ("--phone", "手机号 a phone number"),
    "email": ("--email", "电子邮箱 an e-mail address"),
    "account": ("--account", "QQ、UID 等账号 a QQ number, UID or other account"),
    "identity_number": ("--identity", "身份证号 an identity number"),
}
assert set(OPTIONS) == set(SEARCHABLE) <= set(get_args(DataClass))


def add_to_orders(group: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    one = group.add_parser("find", parents=[common], help="按充值账号查询 whom orders were for, masked")
    _name_somebody(one)
    one.add_argument("--limit", type=count, default=50, metavar="N", help="每个分区最多几笔 of each lane at most (50)")
    one.set_defaults(run=find)
    one = group.add_parser("account", parents=[common], help="查看充值账号，记入审计 an account in clear, written down")
    one.add_argument("order", type=number, metavar="ORDER")
    say_why(one)
    one.set_defaults(run=reveal)


def add_to_people(group: Commands, common: argparse.ArgumentParser) -> None:
    """What a person may ask for by law."""
    one = group.add_parser("export", parents=[common], help="导出个人信息 all that is known of one, as a JSON file")
    _name_somebody(one, or_user=True)
    one.add_argument("--to", type=Path, required=True, metavar="FILE", help="目标文件 a file that is not there yet")
    say_why(one)
    one.set_defaults(run=export)
    one = group.add_parser("erase", parents=[common], help="清除个人信息 remove who it was; orders and money stay")
    _name_somebody(one, or_user=True)
    say_why(one)
    one.set_defaults(run=erase)


def _name_somebody(one: argparse.ArgumentParser, *, or_user: bool = False) -> None:
    ways = one.add_mutually_exclusive_group(required=True)
    for name, (option, said) in OPTIONS.items():
        ways.add_argument(option, dest=name, metavar="TEXT", help=f"{said}; -: 从标准输入读取 from standard input")
    if or_user:
        ways.add_argument("--person", type=number, metavar="PERSON", help="用户编号 a number of `person list`")


def find(arguments: argparse.Namespace) -> int:
    data_class, text = _named(arguments)

    async def work(platform: Platform) -> list[orders.TargetOrder]:
        return await orders.search(platform.db, platform.ring, text, classes=[data_class], limit=arguments.limit)

    found = on_platform(work)
    for one in found:
        account = "" if one.account is None else f", {_shown(one.account)}"
        say(
            f"{one.order_id} {one.org_id} {one.client_ref}: sku {one.sku_id} × {one.quantity},"
            f" {money.format_e4(one.total_e4)}, {one.state}, {one.placed_at:%Y-%m-%dT%H:%M:%SZ}{account}"
        )
    if not found:
        say("没有找到订单。No order was found.")
    return 0


def reveal(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> dict[str, str]:
        return await orders.reveal_account(
            platform.db, platform.ring, arguments.order, reason=arguments.reason,
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    say(_shown(on_platform(work)))
    return 0


def export(arguments: argparse.Namespace) -> int:
    file: Path = arguments.to
    if file.exists() or not file.parent.is_dir():
        raise Fault(f"{file} is there already, or its folder is not.\n{file} 已存在，或其所在目录不存在。")

    async def work(platform: Platform) -> int:
        subject = await _subject(platform, arguments)
        found = await data_subject.export(
            platform.db, platform.ring, subject, reason=arguments.reason, actor_id=await actor_of(platform, arguments)
        )
        seeding.write_private(file, msgspec.json.format(msgspec.json.encode(found)))
        return len(found["orders"])

    say(f"已导出 Exported: {on_platform(work)} 笔订单 orders, {clock.now():%Y-%m-%dT%H:%M:%SZ}: {file}")
    return 0


def erase(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> data_subject.Erased:
        return await data_subject.erase(
            platform.db, platform.ring, await _subject(platform, arguments), reason=arguments.reason,
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    done = on_platform(work)
    say(f"已清除 Erased: {done.orders} 笔订单的账号 accounts of orders, {int(done.person)} 个用户 users")
    return 0


async def _subject(platform: Platform, arguments: argparse.Namespace) -> Subject:
    if arguments.person is not None:
        return await data_subject.subject_of_person(platform.db, arguments.person)
    return await data_subject.subject_of(platform.db, *_named(arguments))


def _named(arguments: argparse.Namespace) -> tuple[DataClass, str]:
    ((data_class, text),) = [(name, said) for name in OPTIONS if (said := getattr(arguments, name)) is not None]
    text = (sys.stdin.readline() if text == "-" else text).strip()
    if not text:
        raise Fault("Nobody is named: the value is empty.\n内容为空，未指明任何人。")
    return data_class, text


def _shown(account: dict[str, str]) -> str:
    return ", ".join(f"{field}={value}" for field, value in account.items())
