"""``kameng``, the operator's command: reads what is asked, runs it, says in one clear line what went wrong.

Exit codes: 0 done; 1 refused (or: not clean, not delivered); 2 it can't work like this, and the line says what to
mend; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

import asyncpg

from kameng.kit import logs
from kameng.kit.errors import Fault, Refusal

REFUSED, UNUSABLE, INTERRUPTED = 1, 2, 130

COMMANDS = {
    "serve": ("run", "serve", "try"),
    "platform": ("init", "migrate", "settings", "doctor", "audit"),
    "people": ("organisation", "org", "person", "key"),
    "shop": ("shop",),
    "wallets": ("wallet", "credit"),
    "desk": ("withdrawal", "statement", "month", "stock", "audit-log"),
    "goods": ("catalogue", "sku", "price"),
    "bills": ("bill",),
    "bonus": ("bonus",),
    "cards": ("cards",),
    "order": ("order",),
    "task": ("task",),
    "risk": ("risk",),
    "channel": ("channel",),
    "route": ("route",),
    "epay": ("epay",),
    "storefront": ("sale", "review"),
    "telling": ("webhook", "notice"),
    "backup": ("backup", "restore"),
    "standby": ("standby",),
    "archive": ("archive",),
    "upkeep": ("seed", "bench", "chaos", "keyring", "jobs"),
}
"""Each module of ``commands`` and what it has. Only the one that is asked for is imported: all of them take longer
than most commands."""


def parser(command: str = "") -> argparse.ArgumentParser:
    """All commands, or those beside this one in its module. Their help is one line, Chinese and English."""
    top = argparse.ArgumentParser(
        prog="kameng", description="卡盟：数字商品平台。Kameng, the platform for digital goods.",
        epilog="设置见 docs/settings.md，运维见 docs/operations.md。Settings and operations: docs/.",
    )  # fmt: skip
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", metavar="FOLDER", help="数据目录 the data folder (KAMENG_DATA_DIR)")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    asked = [module for module, own in COMMANDS.items() if command in own]
    for module in asked or COMMANDS:
        import_module(f"kameng.ops.commands.{module}").add(commands, common)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments else ""
    if command in ("bench", "chaos"):  # have options of their own, also ones that look like ours
        from kameng.ops.commands import upkeep

        run = upkeep.bench if command == "bench" else upkeep.chaos
        return _guarded(lambda: run(arguments[1:]))
    chosen = parser(command).parse_args(arguments)
    if chosen.data:
        os.environ["KAMENG_DATA_DIR"] = os.path.abspath(chosen.data)
    return _guarded(lambda: int(chosen.run(chosen)))


def _guarded(run: Callable[[], int]) -> int:
    logs.configure(level=os.environ.get("KAMENG_LOG_LEVEL", "info") if _is_level() else "info")
    try:
        return run()
    except Refusal as refusal:
        detail = refusal.detail_zh or refusal.detail
        _say(f"{refusal.zh}{detail and f'（{detail}）'}")
        _say(f"{refusal.en()}{refusal.detail and f' ({refusal.detail})'}")
        return REFUSED
    except Fault as fault:
        _say(str(fault))
        return UNUSABLE
    except BrokenPipeError:  # nobody reads on: | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        _say(f"失败 It failed: {logs.error_text(error)}")
        return UNUSABLE
    except KeyboardInterrupt:
        _say("已中断。Interrupted.")
        return INTERRUPTED


def _is_level() -> bool:
    return os.environ.get("KAMENG_LOG_LEVEL", "info") in ("debug", "info", "warning", "error")


def _say(text: str) -> None:
    print(f"kameng: {text}", file=sys.stderr)
