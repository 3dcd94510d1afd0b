"""``backup make``, ``backup list``, ``backup prune`` and ``restore``: the embedded database, kept and brought back."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

import uvloop

from kameng.kit import crypto, db, settings
from kameng.kit.errors import Fault
from kameng.ops import auditing, backup, opening, restoring, store
from kameng.ops.backup import Note
from kameng.ops.commands.options import Commands, count, say
from kameng.ops.commands.risk import CHINA, moment

SEALED_TRIED = 20

RING_APART = "密钥环不在备份中，请另行备份，丢失即无法解密 The key ring is NOT in the backup; keep it apart: "


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("backup", help="备份 backups of the embedded database").add_subparsers(
        metavar="ACT", required=True
    )
    one = group.add_parser("make", parents=[common], help="在线备份 take one while orders run")
    one.add_argument("--to", type=Path, metavar="FOLDER", help="存放目录 where to (KAMENG_BACKUP_DIR)")
    one.set_defaults(run=make)
    one = group.add_parser("list", parents=[common], help="列出备份 show those there are")
    one.set_defaults(run=show)
    one = group.add_parser("prune", parents=[common], help="清理旧备份 remove old ones, and WAL that none needs")
    one.add_argument("--keep", type=count, required=True, metavar="N", help="保留份数 how many of the newest stay")
    one.set_defaults(run=prune)

    one = commands.add_parser("restore", parents=[common], help="恢复到新的数据目录 bring a backup back, elsewhere")
    one.add_argument("source", type=Path, metavar="FROM", help="备份目录或名称 the folder of a backup, or its name")
    one.add_argument("--at", type=moment, metavar="TIME", help="恢复到的时刻 to which second; without: all there is")
    one.add_argument("--keyring", type=Path, metavar="FILE", help="密钥环文件 the key ring (KAMENG_KEY_RING_FILE)")
    one.add_argument("--wal", type=Path, metavar="FOLDER", help="WAL 归档目录 the WAL archive, where it was moved")
    one.set_defaults(run=restore)


def make(arguments: argparse.Namespace) -> int:
    """A backup of the running database."""
    chosen = settings.load()
    note = backup.make(chosen, to=arguments.to and arguments.to.absolute())
    say(f"已备份并校验 Backed up and checked: {note.place}（{_size(note.size_bytes)}）")
    if note.has_archive:
        say(f"可恢复到 {_time(note.ended_at)} 之后的任意一秒 It can be restored to any second after.")
    else:
        say(
            f"只能恢复到 {_time(note.ended_at)} It can be restored to that moment only;"
            " KAMENG_WAL_ARCHIVE=on, and a restart, for any second 开启后重启即可恢复到任意一秒"
        )
    say(RING_APART + str(chosen.key_ring_file))
    return 0


def show(_: argparse.Namespace) -> int:
    """The backups that were made from here, the newest first."""
    chosen = settings.load()
    backup.refuse_own_server(chosen)
    notes = backup.known(chosen.backup_dir)
    for note in notes:
        say(_line(note))
    if not notes:
        say(f"没有备份。No backups in {chosen.backup_dir}.")
    files, size_bytes = backup.archive_size(chosen.backup_dir)
    say(f"WAL 归档 archive: {files} 个文件 files, {_size(size_bytes)}")
    return 0


def prune(arguments: argparse.Namespace) -> int:
    """All but the newest, and the WAL that only they needed."""
    if arguments.keep < 1:
        raise Fault("--keep: at least 1, for without a backup the archive is worth nothing.\n--keep：至少保留 1 份。")
    kept, gone = backup.prune(settings.load(), keep=arguments.keep)
    for note in gone:
        say(f"已删除 removed: {note.name}")
    say(f"保留 kept: {len(kept)}，删除 removed: {len(gone)}")
    return 0


def restore(arguments: argparse.Namespace) -> int:
    """Into a new data folder; then the key ring is tried and the audit runs on the copy."""
    if not arguments.data:
        raise Fault("Name a new data folder with --data.\n请用 --data 指定一个新的数据目录。")
    chosen = settings.load()
    backup.refuse_own_server(chosen)
    file = arguments.keyring.absolute() if arguments.keyring else chosen.key_ring_file
    if not arguments.keyring and file == chosen.data_dir / "keyring.json":
        raise Fault(
            "The key ring is not in the backup, and without it no card opens: name its file with --keyring.\n"
            "密钥环不在备份中，没有它任何卡密都无法解密：请用 --keyring 指定密钥环文件。"
        )
    ring = crypto.KeyRing(crypto.KeyFile(file).load())
    named = arguments.source if arguments.source.is_dir() else chosen.backup_dir / arguments.source
    server = restoring.restore(
        chosen, named.absolute(), at=arguments.at, wal=arguments.wal and arguments.wal.absolute()
    )
    with server:
        say(f"已恢复 Restored: {chosen.data_dir}" + (f"，{_time(arguments.at)}" if arguments.at else ""))
        report = uvloop.run(_look(server.url, ring, file))
    auditing.print_report(report)
    say(
        f"密钥环请放入新目录 Put the key ring into the new folder: {file} → {chosen.data_dir / 'keyring.json'}",
        "启动后请立即做新的备份 Once it serves, take a new backup at once.",
    )
    return 0 if report.clean else 1


async def _look(url: str, ring: crypto.KeyRing, file: Path) -> auditing.Report:
    await opening.refuse_pending(url)
    opened = await db.open_database(url, name="kameng-restore")
    try:
        async with opened.connection() as connection:
            sealed = await store.sealed_cards(connection, SEALED_TRIED)
        try:
            for card_id, value in sealed:
                ring.open(b"card", card_id, value)
        except crypto.Unsealable:
            raise Fault(
                f"The database is restored, but the key ring {file} does not open its cards: find the right one, and"
                " run `kameng audit` there.\n"
                f"数据库已恢复，但密钥环 {file} 无法解密其中的卡密：请找到正确的密钥环，再运行 `kameng audit`。"
            ) from None
        say(f"密钥环可用，已试解 {len(sealed)} 张卡密 The key ring fits: {len(sealed)} sample cards opened")
        return await auditing.run(opened, ring)
    finally:
        await opened.close()


def _line(note: Note) -> str:
    reach = "任意一秒 any second after" if note.has_archive else "仅此刻 this moment only"
    where = note.place if note.is_there else f"{note.place}（不在 not there）"
    return f"{note.name}  {_time(note.ended_at)}  {_size(note.size_bytes)}  {reach}  {where}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S} +08:00"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):,.0f} MB"
