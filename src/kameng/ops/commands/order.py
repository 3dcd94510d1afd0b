"""``order``: what the staff does with one order, each act with its key, its reason and an audit line."""

from __future__ import annotations

import argparse
import os
import secrets
from pathlib import Path
from typing import NamedTuple

from kameng import fulfilment, orders
from kameng.kit import events, ids, jobs, money
from kameng.kit.errors import Fault
from kameng.ops.commands import privacy
from kameng.ops.commands.options import (
    Commands,
    actor_of,
    amount,
    count,
    number,
    on_platform,
    positive,
    say,
    say_person,
    say_why,
)  # fmt: skip
from kameng.ops.opening import Platform
from kameng.orders import Acted, By, Command, Instruction

ACTS: dict[str, tuple[Command, str]] = {
    "deliver": (Command.deliver, "置为成功 the goods are there"),
    "fail": (Command.fail, "置为失败并退款 there will be no goods: the money goes back"),
    "doubt": (Command.doubt, "转人工核实 nobody knows what became of it"),
    "resubmit": (Command.fulfil, "补单 send it again, after it was held or verified"),
    "cancel": (Command.cancel, "退单 cancel it, or ask for that what is on its way"),
    "hold": (Command.hold, "冻结待审 hold it before anybody begins"),
    "redeliver": (Command.redeliver, "重新通知 tell its buyer once more that the goods are there"),
    "settle": (Command.settle, "确认收货 its buyer has it: the money leaves escrow"),
}
"""Acts that need nothing but the order."""
OF_PARTS = {Command.deliver: Command.deliver_part, Command.fail: Command.fail_part}
"""Acts that may be on one part of a bundle, and what they are then."""


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("order", help="订单 one order").add_subparsers(metavar="ACT", required=True)
    privacy.add_to_orders(group, common)
    one = group.add_parser("show", parents=[common], help="查看订单与经过 an order and what happened to it")
    one.add_argument("order", type=number, metavar="ORDER")
    one.set_defaults(run=show)
    said = "查看人工交付内容，记入审计 what came by hand, written down"
    one = group.add_parser("reveal", parents=[common], help=said)
    one.add_argument("order", type=number, metavar="ORDER")
    one.add_argument("--image", type=Path, metavar="FILE", help="图片写入文件 its image, to a new file")
    one.add_argument("--part", type=count, default=0, metavar="N", help="组合中的第几部分 of which part of a bundle")
    one.add_argument("--reason", required=True, metavar="TEXT", help="原因，记入审计 why, for the audit lines")
    say_person(one)
    one.set_defaults(run=reveal)
    for name, (command, said) in ACTS.items():
        one = _act(group, common, name, said)
        one.set_defaults(run=act, command=command, amount=None, cards=[])
        if command in OF_PARTS:
            one.add_argument("--part", type=positive, metavar="N", help="仅组合商品第 N 项 only this part of a bundle")
    one = _act(group, common, "refund", "退款：全部或部分 give money back, all of it or a part")
    one.add_argument("--amount", type=amount, metavar="AMOUNT", help="金额，不填为全部未退 how much; all that is left")
    one.add_argument("--part", type=positive, metavar="N", help="组合商品第 N 项的价值 what this part is worth")
    one.set_defaults(run=act, command=Command.refund, cards=[])
    one = _act(group, common, "replace", "补发：以新卡替换部分卡密 other cards for some of it")
    one.add_argument("--cards", type=number, nargs="+", required=True, metavar="CARD", help="卡密编号 ids of its cards")
    one.set_defaults(run=act, command=Command.swap, amount=None)
    one = _act(group, common, "decide", "审核：放行或拒绝 let a held order go on, or refuse it")
    one.add_argument("verdict", choices=["release", "refuse"], metavar="release|refuse")
    one.set_defaults(run=decide, amount=None, cards=[])
    said = "确认通道付款 a channel's payment came, once for its number"
    one = _act(group, common, "confirm-payment", said, keyed=False)
    one.add_argument("--amount", type=amount, required=True, metavar="AMOUNT", help="实收金额 what was paid")
    one.add_argument("--channel", required=True, metavar="NAME", help="支付通道 like alipay")
    one.add_argument("--number", required=True, metavar="TEXT", help="通道流水号 the channel's own number of it")
    one.set_defaults(run=confirm_payment, cards=[])
    one = _act(group, common, "returned", "登记已退款给顾客 a guest's money went back", keyed=False)
    one.add_argument("--reference", required=True, metavar="TEXT", help="退款流水号 the bank's number of it")
    one.set_defaults(run=returned)


def _act(
    group: Commands, common: argparse.ArgumentParser, name: str, said: str, *, keyed: bool = True
) -> argparse.ArgumentParser:
    one = group.add_parser(name, parents=[common], help=said)
    one.add_argument("order", type=number, metavar="ORDER")
    if keyed:
        one.add_argument("--key", default="", metavar="TEXT", help="操作编号，同号只生效一次 one effect for each")
    say_why(one)
    return one


class _Story(NamedTuple):
    order: orders.Standing
    parts: tuple[orders.OrderPart, ...]
    events: list[events.Event]
    tasks: list[fulfilment.Task]
    answers: list[fulfilment.AnswerRow]
    jobs: list[tuple[str, str]]


async def _story_of(platform: Platform, order_id: int) -> _Story:
    lane = ids.lane_of(order_id)
    async with platform.db.connection() as connection:
        found = await orders.read_standing(connection, lane, [order_id])
        if order_id not in found:
            raise orders.OrderNotFound
        return _Story(
            found[order_id],
            (await orders.read_parts(connection, lane, [order_id])).get(order_id, ()),
            await events.timeline(connection, lane, order_id),
            await fulfilment.tasks_of(connection, lane, [order_id]),
            await fulfilment.answers_of(connection, lane, [order_id]),
            await jobs.of_subject(connection, lane, order_id),
        )


def show(arguments: argparse.Namespace) -> int:
    """Its state, its money, its story and what it waits for; nothing that is sealed."""
    order, parts, story, tasks, answers, waits_for = on_platform(lambda platform: _story_of(platform, arguments.order))
    cards = " ".join(str(card_id) for card_id in order.card_ids) or "-"
    say(
        f"{order.order_id}: {order.state}，商户 org {order.org_id}，商品 SKU {order.sku_id} × {order.quantity}",
        f"  金额 total {money.format_e4(order.total_e4)}，已退 refunded {money.format_e4(order.refunded_e4)}"
        f" {order.currency}，卡密 cards {cards}",
    )
    for part in parts:
        of_it = " ".join(str(card_id) for card_id in part.card_ids) or "-"
        say(
            f"  第 {part.part_no} 项 part {part.part_no}: {part.state}，商品 SKU {part.sku_id} × {part.quantity}"
            f" ({part.kind})，价值 worth {money.format_e4(part.worth_e4)}，卡密 cards {of_it}"
        )
    for event in story:
        reason, at = (event.data or {}).get("reason", ""), event.at.isoformat(timespec="seconds")
        say(f"  {event.sequence} {at} {event.kind} {event.actor_id} {reason}".rstrip())
    for kind, state in waits_for:
        say(f"  等待 waits for {kind} ({state})")
    for task in tasks:
        due = f"{task.due_at:%Y-%m-%dT%H:%M:%SZ}"
        say(f"  人工任务 task {task.task_id} part {task.part_no}: {task.state}, 截止 due {due}")
    for row in answers:
        image = f", 图片 image {row.media_type} {row.image_bytes} B" if row.media_type else ""
        say(f"  人工交付 answer part {row.part_no}{image}: kameng order reveal {order.order_id}")
    return 0


def reveal(arguments: argparse.Namespace) -> int:
    """What came by hand, in clear; an image into a file that only its owner reads."""
    file: Path | None = arguments.image
    if file is not None and file.exists():
        raise Fault(f"{file} is there already.\n{file} 已存在。")

    async def work(platform: Platform) -> tuple[list[fulfilment.Goods], bytes]:
        return await fulfilment.reveal_to_staff(
            platform.db, platform.ring, arguments.order, reason=arguments.reason,
            actor_id=await actor_of(platform, arguments), image_of=None if file is None else arguments.part,
        )  # fmt: skip

    goods, image = on_platform(work)
    for one in goods:
        say(f"{one.part_no}: {one.text}".rstrip())
        for card in one.cards:
            say(f"  {card.number} {card.secret}".rstrip())
    if not goods:
        say("没有人工交付内容。Nothing came by hand.")
    if file is not None:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(image)
        say(f"图片 image: {file}")
    return 0


def act(arguments: argparse.Namespace) -> int:
    command = arguments.command
    if getattr(arguments, "part", None) is not None:
        command = OF_PARTS.get(command, command)
    return _run(arguments, command, arguments.key or secrets.token_hex(8))


def decide(arguments: argparse.Namespace) -> int:
    command = Command.fulfil if arguments.verdict == "release" else Command.refuse
    return _run(arguments, command, arguments.key or secrets.token_hex(8))


def confirm_payment(arguments: argparse.Namespace) -> int:
    return _run(arguments, Command.pay, f"{arguments.channel}:{arguments.number}")


def returned(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> orders.Returned:
        return await orders.book_return(
            platform.db, arguments.order, reference=arguments.reference, reason=arguments.reason,
            actor_id=await actor_of(platform, arguments),
        )  # fmt: skip

    done = on_platform(work)
    again = "（此前已登记 booked before）" if done.replayed else ""
    say(f"{done.order_id}: 已退 returned {money.format_e4(done.amount_e4)} {done.currency}{again}")
    return 0


def _run(arguments: argparse.Namespace, command: Command, key: str) -> int:
    async def work(platform: Platform) -> Acted:
        instruction = Instruction(
            order_id=arguments.order, command=command, key=key, by=By.staff,
            actor_id=await actor_of(platform, arguments), reason=arguments.reason, amount_e4=arguments.amount,
            card_ids=tuple(arguments.cards), part_no=getattr(arguments, "part", None),
        )  # fmt: skip
        terms = orders.terms_of(platform.settings)
        return await orders.act_on(platform.db, platform.ring, instruction, terms=terms)

    done = on_platform(work)
    again = "（此前已执行 it was done before）" if done.replayed else ""
    say(f"{done.order_id}: {done.state}，已退 refunded {money.format_e4(done.refunded_e4)}{again}")
    return 0
