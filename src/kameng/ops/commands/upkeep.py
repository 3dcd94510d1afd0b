"""``seed``, ``bench``, ``keyring`` and ``jobs``: what an operator does now and then."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from kameng import stock
from kameng.kit import crypto, ids, jobs, lanes, settings
from kameng.kit.jobs import DeskJob
from kameng.kit.lanes import pass_gate
from kameng.kit.settings import Settings
from kameng.ops import history, opening, running, seeding
from kameng.ops.commands.options import Commands, count, number, on_platform, say
from kameng.ops.opening import Platform

RELOAD_TIMEOUT_S = 120.0


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    one = commands.add_parser("seed", parents=[common], help="生成演示数据 made-up merchants, cards and history")
    one.add_argument("--merchants", type=count, default=10_000, metavar="N", help="商户总数 how many in all (10000)")
    one.add_argument("--cards", type=count, default=20_000, metavar="N", help="在架卡密 on the shelves in all (20000)")
    one.add_argument("--orders", type=count, default=0, metavar="N", help="历史订单 how many orders of the past (0)")
    one.set_defaults(run=seed)

    one = commands.add_parser("bench", help="性能测试 measure a running gateway", add_help=False)
    one.set_defaults(run=lambda _: bench([]), data=None)

    said = "杀进程演练 a drill: kill processes under load, lose nothing"
    one = commands.add_parser("chaos", help=said, add_help=False)
    one.set_defaults(run=lambda _: chaos([]), data=None)

    group = commands.add_parser("keyring", help="密钥环 the key ring").add_subparsers(metavar="ACT", required=True)
    one = group.add_parser("rotate", parents=[common], help="轮换加密密钥 seal with a new key from now on")
    one.set_defaults(run=rotate)

    group = commands.add_parser("jobs", help="人工处理台 jobs that wait for a person").add_subparsers(
        metavar="ACT", required=True
    )
    one = group.add_parser("desk", parents=[common], help="列出 what waits for a person")
    one.set_defaults(run=desk)
    one = group.add_parser("retry", parents=[common], help="重试 try again, with fresh attempts")
    one.add_argument("jobs", type=number, nargs="+", metavar="JOB")
    one.add_argument("--even-unknown", action="store_true", help="已确认未发生 you made sure that it did not happen")
    one.set_defaults(run=retry)
    one = group.add_parser("discard", parents=[common], help="丢弃 you settled it otherwise")
    one.add_argument("jobs", type=number, nargs="+", metavar="JOB")
    one.set_defaults(run=discard)


# seed ------------------------------------------------------------------------------------------------------


def seed(arguments: argparse.Namespace) -> int:
    """The sample catalogue, then merchants, cards and history."""

    async def work(platform: Platform) -> None:
        db, ring, file = platform.db, platform.ring, platform.settings.data_dir / "seed-keys.json"
        report = await seeding.seed_catalogue(db)
        say(f"商品 SKUs: {report.created + report.changed + report.unchanged}")
        with Progress("商户 merchants", arguments.merchants) as progress:
            keys = await seeding.seed_merchants(db, ring, arguments.merchants, file, tell=progress)
        say(f"商户 merchants: {len(keys)}，密钥 keys: {file}")
        async with db.connection() as connection:
            on_hand = sum((await stock.on_hand_everywhere(connection)).values())
        with Progress("卡密 cards", max(arguments.cards - on_hand, 0)) as progress:
            done = await seeding.seed_cards(db, ring, arguments.cards - on_hand, tell=progress)
        say(f"卡密 cards: {on_hand + done}")
        if arguments.orders:
            material = crypto.KeyFile(platform.settings.key_ring_file).load()
            with Progress("历史订单 orders of the past", arguments.orders) as progress:
                done = await history.seed_orders(db, ring, arguments.orders, keys=material, tell=progress)
            say(f"历史订单 orders of the past: {done}，{progress.rate():,.0f}/s")

    on_platform(work)
    return 0


class Progress:
    """One line that moves where somebody looks on, and a line now and then where not."""

    QUIET_S = 10.0

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._done = what, total, 0
        self._began_s = self._told_s = time.monotonic()
        self._is_seen = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_seen and self._done:
            print(file=sys.stderr)

    def __call__(self, more: int) -> None:
        self._done += more
        now_s = time.monotonic()
        if now_s - self._told_s < (0.2 if self._is_seen else self.QUIET_S):
            return
        self._told_s = now_s
        line = f"{self._what} {self._done:,} / {self._total:,} · {self.rate():,.0f}/s"
        print(f"\r{line} " if self._is_seen else line, end="" if self._is_seen else "\n", file=sys.stderr, flush=True)

    def rate(self) -> float:
        return self._done / max(time.monotonic() - self._began_s, 0.001)


def bench(arguments: Sequence[str]) -> int:
    """``kameng bench WORKLOAD …``; its own options, its own help."""
    from kameng.ops.bench import workloads

    return int(workloads.main(list(arguments)) or 0)


def chaos(arguments: Sequence[str]) -> int:
    """``kameng chaos``, likewise."""
    from kameng.ops.chaos import main

    return main(arguments)


# the key ring ----------------------------------------------------------------------------------------------


def rotate(_: argparse.Namespace) -> int:
    """A new key in the file, at once known to every process here; what lies sealed follows within the hour."""
    chosen = settings.load()
    opening.key_ring(chosen)
    material = crypto.KeyFile(chosen.key_ring_file).rotate()
    say(f"新密钥编号 The key is now number {material.current}: {chosen.key_ring_file}")
    if _reload_all(chosen):
        say("正在运行的进程已重新加载；旧数据将在一小时内重新加密。The running processes know it; what lies here"
            " is sealed anew within the hour.")  # fmt: skip
    say("请备份密钥环。Back up the key ring; take it to your other machines and send SIGHUP there.")
    return 0


def _reload_all(chosen: Settings) -> bool:
    """Have every supervisor of this data folder reload, and wait until all did."""
    before = {one.pid: one.generation for one in running.all_of(chosen.data_dir)}
    for pid in before:
        os.kill(pid, signal.SIGHUP)
    until_s = time.monotonic() + RELOAD_TIMEOUT_S
    while waiting := [one for one in running.all_of(chosen.data_dir) if before.get(one.pid) == one.generation]:
        if time.monotonic() > until_s:
            say(f"进程未完成重新加载，请查看其日志 These did not reload, see their log: {[x.pid for x in waiting]}")
            return False
        time.sleep(0.2)
    return bool(before)


# jobs ------------------------------------------------------------------------------------------------------


def desk(_: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[DeskJob]:
        found: list[DeskJob] = []
        async with platform.db.connection() as connection:
            for lane in await lanes.lane_numbers(connection):
                found += await jobs.desk(connection, lane, limit=1000)
        return found

    found = on_platform(work)
    for job in found:
        fields = {"job": job.job_id, "kind": job.kind, "subject": job.subject_id, "state": job.state,
                  "attempts": job.attempts, "since": f"{job.since:%Y-%m-%dT%H:%M:%SZ}", "error": job.error}  # fmt: skip
        say(msgspec.json.encode(fields).decode())
    if not found:
        say("没有等待人工处理的任务。Nothing waits for a person.")
    return 0


def retry(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[int]:
        return await _at_the_gates(
            platform, arguments.jobs,
            lambda connection, lane, some: jobs.retry(connection, lane, some, even_unknown=arguments.even_unknown),
        )  # fmt: skip

    return _tell_jobs(arguments.jobs, on_platform(work))


def discard(arguments: argparse.Namespace) -> int:
    async def work(platform: Platform) -> list[int]:
        return await _at_the_gates(platform, arguments.jobs, jobs.discard)

    return _tell_jobs(arguments.jobs, on_platform(work))


async def _at_the_gates(
    platform: Platform, job_ids: Sequence[int], act: Callable[..., Awaitable[list[int]]]
) -> list[int]:
    done: list[int] = []
    for lane in sorted({ids.lane_of(job_id) for job_id in job_ids}):
        async with platform.db.transaction() as connection:
            await pass_gate(connection, lane)
            done += await act(connection, lane, [job_id for job_id in job_ids if ids.lane_of(job_id) == lane])
    return done


def _tell_jobs(asked: Sequence[int], done: Sequence[int]) -> int:
    for job_id in asked:
        say(f"{job_id}: {'完成 done' if job_id in done else '不在人工处理台 not on the desk, or unknown'}")
    return 0 if set(asked) <= set(done) else 1
