"""``init``, ``migrate``, ``settings``, ``doctor`` and ``audit``: the platform's foundations."""

from __future__ import annotations

import argparse

import asyncpg
import msgspec
import uvloop

from kameng import fulfilment, notices, payments
from kameng.kit import db, migrations, settings
from kameng.kit.crypto import KeyRing
from kameng.kit.errors import Fault
from kameng.kit.settings import Settings
from kameng.ops import background, doctor, opening, telling, tls
from kameng.ops.commands.options import Commands, on_platform, say
from kameng.ops.opening import Platform


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    one = commands.add_parser("init", parents=[common], help="初始化平台 set up: keys, database, lanes; repeatable")
    one.set_defaults(run=init)

    one = commands.add_parser("migrate", parents=[common], help="升级数据库结构 bring the database up to this version")
    one.add_argument("--before", action="store_true", help="仅升级前部分 what must run before new code starts")
    one.add_argument("--after", action="store_true", help="仅升级后部分 what must wait for the old code to end")
    one.set_defaults(run=migrate)

    one = commands.add_parser("settings", parents=[common], help="显示生效的设置 show the settings in force")
    one.set_defaults(run=show_settings)

    one = commands.add_parser("doctor", parents=[common], help="检查运行环境 check database and host")
    one.set_defaults(run=examine)

    one = commands.add_parser("audit", parents=[common], help="核对账目与库存 check every law of the books")
    one.add_argument("--json", action="store_true", help="以 JSON 输出 as JSON: laws, counts, milliseconds, samples")
    one.set_defaults(run=audit)


def init(_: argparse.Namespace) -> int:
    """Everything a platform needs; what is there stays."""
    chosen = settings.load()
    with opening.database(chosen) as place:
        applied = uvloop.run(opening.set_up(chosen, place))
    say(
        f"已就绪。Ready: {chosen.data_dir}"
        + (f"（迁移 {len(applied)} 项 migrations applied）" if applied else ""),
        f"密钥环请备份，丢失即无法解密 Back up the key ring, nothing opens without it: {chosen.key_ring_file}",
    )
    return 0


def migrate(arguments: argparse.Namespace) -> int:
    """Only the tables."""
    chosen = settings.load()
    opening.key_ring(chosen)
    phases: tuple[migrations.Phase, ...] = ("before", "after")
    if arguments.before != arguments.after:
        phases = ("before",) if arguments.before else ("after",)
    with opening.database(chosen) as place:
        applied = uvloop.run(_migrate(place, phases))
    say(*(applied or ["没有需要执行的迁移。Nothing to do."]))
    return 0


async def _migrate(place: opening.Place, phases: tuple[migrations.Phase, ...]) -> list[str]:
    try:
        return await migrations.migrate(place.url, phases=phases, make_role=place.is_ours)
    except asyncpg.LockNotAvailableError:
        raise Fault(
            "A table was busy for too long, and orders must not wait: nothing was changed, run it again.\n"
            "有表正忙，为不阻塞订单已放弃，未做更改：请稍后重试。"
        ) from None


def show_settings(_: argparse.Namespace) -> int:
    """Each with where it can be set; what may hold a password is not shown."""
    chosen = settings.load()
    for setting in settings.describe():
        value = getattr(chosen, setting.name)
        shown = "***" if setting.hidden and value else value
        say(f"{setting.name} = {shown!s}", f"    {setting.doc} {setting.environment}")
    return 0


def examine(_: argparse.Namespace) -> int:
    """What has to be true before money runs here."""
    chosen = settings.load()
    ring = opening.key_ring(chosen)
    tls.certificate_files(chosen)
    with opening.database(chosen) as place:
        findings, pending = uvloop.run(_examine(place.url, chosen, ring))
    for finding in findings:
        say(f"{'✓' if finding.ok else '✗'} {finding.name}: {finding.zh} {finding.what}")
        if not finding.ok:
            say(f"    → {finding.remedy}")
    if pending:
        say(f"✗ migrations: 有 {pending} 项迁移未执行。{pending} migrations wait.", "    → kameng migrate")
    return 1 if pending or any(finding.is_fatal for finding in findings) else 0


async def _examine(url: str, chosen: Settings, ring: KeyRing) -> tuple[list[doctor.Finding], int]:
    pending = await opening.pending(url)
    connection = await asyncpg.connect(url)
    try:
        wants_archive, wants_standby = chosen.wal_archive == "on", chosen.synchronous_standby == "on"
        findings = await doctor.check(connection, wants_archive=wants_archive, wants_standby=wants_standby)
        if not pending:
            served = await _served(url, chosen, ring)
            findings.append(doctor.waiting(await fulfilment.waiting(connection), served))
        return findings, len(pending)
    finally:
        await connection.close()


async def _served(url: str, chosen: Settings, ring: KeyRing) -> set[str]:
    """The kinds of jobs there is somebody for."""
    database = await db.open_database(url, size=1)
    try:
        cashier = payments.Workplace(database, ring, public_url=chosen.public_url)
        sender = notices.Sender(notices.Policy())  # nothing is sent
        return {handler.kind for handler in background.handlers_of(chosen, database, ring, cashier, sender)}
    finally:
        await database.close()


def audit(arguments: argparse.Namespace) -> int:
    """Every law of the books, each with its count and its time."""
    from kameng.ops import auditing

    async def work(platform: Platform) -> bool:
        report = await auditing.run(platform.db, platform.ring)
        if arguments.json:
            say(msgspec.json.format(msgspec.json.encode(report)).decode())
        else:
            auditing.print_report(report)
        await telling.tell_audit(platform.db, report)  # shown before: what is broken may be what telling needs
        return report.clean

    return 0 if on_platform(work) else 1
