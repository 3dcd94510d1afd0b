"""``task``: what the staff works by hand, and what suppliers left until its time was up."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from kameng import fulfilment, orders, stock
from kameng.fulfilment import Answer, Place, ShownTask, Task, TaskState, Worker
from kameng.kit import clock
from kameng.kit.errors import Fault
from kameng.ops.commands.options import (
    Commands,
    actor_of,
    content_of,
    number,
    on_platform,
    positive,
    say,
    say_who,
    say_why,
)  # fmt: skip
from kameng.ops.opening import Platform

STATES_ZH = {
    TaskState.open: "待领取", TaskState.taken: "处理中", TaskState.answered: "已完成", TaskState.refused: "已拒绝",
    TaskState.closed: "已关闭",
}  # fmt: skip


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("task", help="人工处理任务 what people work by hand").add_subparsers(
        metavar="ACT", required=True
    )
    one = group.add_parser("list", parents=[common], help="列出，最先到期者在前 those that are due first at the top")
    one.add_argument("--organisation", type=number, metavar="ORG", help="仅此供货商 of one supplier")
    one.add_argument("--all", action="store_true", help="包括供货商未超时的 also what suppliers still have time for")
    one.add_argument("--state", choices=[state.value for state in TaskState], help="状态，默认未完成 in one state")
    one.add_argument("--cursor", type=place, default=fulfilment.START, metavar="TEXT", help="上一页末行 of its end")
    one.add_argument("--limit", type=positive, default=50, metavar="N", help="行数 how many (50)")
    one.set_defaults(run=list_tasks)

    one = _act(group, common, "take", "领取，账号以明文显示并记入审计 take one: its account is shown, and written down")
    say_who(one)
    one.set_defaults(run=take)
    one = _act(group, common, "give-back", "退回 you did nothing for it")
    say_who(one)
    one.set_defaults(run=give_back)
    one = _act(group, common, "answer", "交付：文字、图片、卡密 the goods: the order is delivered")
    one.add_argument("--text", default="", metavar="TEXT", help="文字 what its buyer is to read")
    one.add_argument("--image", type=Path, metavar="FILE", help="图片 PNG, JPEG or WebP, 1 MiB at most")
    one.add_argument("--cards", type=Path, metavar="FILE", help="卡密文件 cards, read as `cards load` does")
    say_who(one)
    one.set_defaults(run=answer)
    one = _act(group, common, "refuse", "拒绝并退款 there will be no goods: the money goes back")
    say_why(one)
    one.set_defaults(run=refuse)
    one = _act(group, common, "extend", "延长时限一次 more time, once")
    one.add_argument("--minutes", type=positive, required=True, metavar="N", help="分钟 how many")
    say_why(one)
    one.set_defaults(run=extend)


def _act(group: Commands, common: argparse.ArgumentParser, name: str, said: str) -> argparse.ArgumentParser:
    one = group.add_parser(name, parents=[common], help=said)
    one.add_argument("task", type=number, metavar="TASK")
    return one


def place(text: str) -> Place:
    """``1763800000000000.123.0``: when it is due in microseconds, its order, its part."""
    try:
        due_us, order_id, part_no = map(int, text.split("."))
        due_at = datetime.fromtimestamp(due_us // 1_000_000, UTC).replace(microsecond=due_us % 1_000_000)
        return Place(due_at, order_id, part_no)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"应为列表末行所示 as the list says at its end, not {text!r}") from None


def list_tasks(arguments: argparse.Namespace) -> int:
    states = sorted(fulfilment.LIVE) if arguments.state is None else [arguments.state]

    async def work(platform: Platform) -> fulfilment.TaskPage:
        return await fulfilment.list_tasks(
            platform.db, platform.ring, Worker(fulfilment.STAFF, 0), states=states, after=arguments.cursor,
            limit=arguments.limit, of_org=arguments.organisation, all_=arguments.all,
        )  # fmt: skip

    page = on_platform(work)
    for shown in page.tasks:
        _say_task(shown)
    if not page.tasks:
        say("没有任务。There are no tasks.")
    if page.next is not None:
        due_us = int(page.next.due_at.timestamp()) * 1_000_000 + page.next.due_at.microsecond
        say(f"下一页 next: --cursor {due_us}.{page.next.order_id}.{page.next.part_no}")
    return 0


def _say_task(shown: ShownTask) -> None:
    task = shown.task
    worker = "平台 staff" if task.worker_org_id == fulfilment.STAFF else f"供货商 supplier {task.worker_org_id}"
    part = f" 第 {task.part_no} 部分 part" if task.part_no else ""
    flags = "，已超时 overdue" if task.due_at <= clock.now() and task.state in fulfilment.LIVE else ""
    flags += "，要求停止 to be stopped" if task.is_stop_asked else ""
    account = "" if not shown.account else ", " + ", ".join(f"{name}={value}" for name, value in shown.account.items())
    say(
        f"{task.task_id} {STATES_ZH[task.state]} {task.state}: 订单 order {task.order_id}{part} ({task.order_state}),"
        f" sku {task.sku_id} × {task.quantity}, {worker}, 截止 due {_time(task.due_at)}{flags}{account}"
    )


def take(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> fulfilment.Taken:
        return await fulfilment.take(
            platform.db, platform.ring, await _worker(platform, arguments), arguments.task,
            terms=fulfilment.terms_of(platform.settings),
        )  # fmt: skip

    taken = on_platform(work)
    assert taken.task.taken_until is not None
    say(f"{taken.task.task_id} 已领取，请于 {_time(taken.task.taken_until)} 前完成 taken until then")
    for name, value in (taken.account or {}).items():
        say(f"  {name}={value}")
    return 0


def give_back(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Task:
        return await fulfilment.give_back(platform.db, await _worker(platform, arguments), arguments.task)

    return _say_state(on_platform(work))


def answer(arguments: argparse.Namespace) -> int:
    """The file of cards is good as a whole, or nothing is answered."""
    image = b"" if arguments.image is None else content_of(arguments.image)
    answered_with = Answer(arguments.text, () if arguments.cards is None else _cards_of(arguments.cards), image)

    async def work(platform: Platform) -> Task:
        return await fulfilment.answer(
            platform.db, platform.ring, await _worker(platform, arguments), arguments.task, answered_with,
            terms=orders.terms_of(platform.settings),
        )  # fmt: skip

    return _say_state(on_platform(work))


def _cards_of(path: Path) -> tuple[stock.CardText, ...]:
    file = stock.read_cards(content_of(path), today=clock.china_day(), filename=path.name)
    if file.refused:
        first = file.refused[0]
        raise Fault(
            f"{path}: line {first.line}: {first.message}; {len(file.refused)} lines can't be read.\n"
            f"{path}：第 {first.line} 行：{first.message_zh}；共 {len(file.refused)} 行无法识别。"
        )
    return tuple(stock.CardText(card.number, card.secret) for card in file.cards)


def refuse(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Task:
        return await fulfilment.refuse(
            platform.db, platform.ring, await _worker(platform, arguments), arguments.task, arguments.reason,
            terms=orders.terms_of(platform.settings),
        )  # fmt: skip

    return _say_state(on_platform(work))


def extend(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> Task:
        return await fulfilment.extend(
            platform.db, platform.ring, await _worker(platform, arguments), arguments.task, arguments.minutes,
            reason=arguments.reason,
        )  # fmt: skip

    task = on_platform(work)
    say(f"{task.task_id} 截止 due {_time(task.due_at)}")
    return 0


async def _worker(platform: Platform, arguments: argparse.Namespace) -> Worker:
    return Worker(fulfilment.STAFF, await actor_of(platform, arguments))


def _say_state(task: Task) -> int:
    say(f"{task.task_id} {STATES_ZH[task.state]} {task.state}: 订单 order {task.order_id} {task.order_state}")
    return 0


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
