"""``standby``: a copy of the database that follows it, and takes over."""

from __future__ import annotations

import argparse
from pathlib import Path

from kameng.kit import settings
from kameng.ops import standby
from kameng.ops.commands.options import Commands, say
from kameng.ops.commands.risk import CHINA


def add(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Name them to the parser."""
    group = commands.add_parser("standby", help="备用库 a copy of the database that follows it").add_subparsers(
        metavar="ACT", required=True
    )
    one = group.add_parser("make", parents=[common], help="创建备用库 make one while orders run")
    one.add_argument("folder", type=Path, metavar="DIR", help="新的数据目录 a new data folder, on another disk")
    one.set_defaults(run=make)
    one = group.add_parser("run", help="持续跟随主库 let it follow, until stopped")
    one.add_argument("folder", type=Path, metavar="DIR", help="备用库目录 its data folder")
    one.set_defaults(run=run, data=None)
    one = group.add_parser("promote", help="提升为主库 make it the one that writes")
    one.add_argument("folder", type=Path, metavar="DIR", help="备用库目录 its data folder")
    one.add_argument(
        "--even-if-primary-answers", action="store_true", help="主库仍响应也提升 though the primary answers from here"
    )
    one.set_defaults(run=promote, data=None)


def make(arguments: argparse.Namespace) -> int:
    """A copy of the running database, ready to follow it."""
    chosen = settings.load()
    folder = arguments.folder.absolute()
    standby.make(chosen, folder)
    say(
        f"备用库已创建 The standby is made: {folder}",
        f"现在让它跟随 Now let it follow: kameng standby run {folder}",
        "密钥环不会复制，请手工放入 The key ring is never copied; put it there:"
        f" {chosen.key_ring_file} → {folder / 'keyring.json'}",
    )
    return 0


def run(arguments: argparse.Namespace) -> int:
    """In the foreground, for a service manager."""
    folder = arguments.folder.absolute()
    standby.run(folder, announce=lambda: say(f"备用库运行中 The standby follows: {folder}"))
    say("已停止。Stopped.")
    return 0


def promote(arguments: argparse.Namespace) -> int:
    """From now on it writes."""
    folder = arguments.folder.absolute()
    done = standby.promote(folder, even_if_primary_answers=arguments.even_if_primary_answers)
    newest = f"{done.newest_at.astimezone(CHINA):%Y-%m-%d %H:%M:%S.%f} +08:00" if done.newest_at else "-"
    say(
        f"已提升为主库，用时 {done.took_s:.1f} 秒 It is the primary now; promoted in {done.took_s:.1f} s",
        f"其中最新的提交 The newest commit in it: {newest}",
        f"启动服务 Serve it: kameng serve --data {folder}",
        f"然后审计 Then audit it: kameng audit --data {folder}",
        "旧主库不得再启动服务 The old primary must never serve again: move its folder away, make a new standby.",
    )
    return 0
