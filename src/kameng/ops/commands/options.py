"""What commands share: reading their arguments, the settings, opening the platform, saying what came of it."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kameng import identity
from kameng.catalogue import Sku, UnknownSku
from kameng.kit import clock, ids, money, settings
from kameng.kit.errors import Fault
from kameng.ops import opening, seeding
from kameng.ops.opening import Platform

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Commands = object
T = TypeVar("T")


def on_platform(work: Callable[[Platform], Awaitable[T]]) -> T:
    """Do some work on the platform of this data folder."""
    return opening.with_platform(settings.load(), work)


def amount(text: str) -> int:
    """``98.5`` as 1/10,000."""
    try:
        return money.parse_e4(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"应为最多四位小数的金额 an amount like 98.5, not {text!r}") from None


def number(text: str) -> int:
    """An id."""
    try:
        return ids.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"应为编号 an id, digits only, not {text!r}") from None


def key(text: str) -> int:
    """``ak_123`` or its number alone."""
    try:
        return identity.parse_key_id(text)[0] if text.startswith("ak_") else ids.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"应为密钥编号 a key like ak_123, not {text!r}") from None


def count(text: str) -> int:
    """Not below zero; thousands may be grouped: 10_000."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"应为非负整数 a whole number from 0 on, not {text!r}")
    return value


def positive(text: str) -> int:
    """A number from 1 on."""
    value = count(text)
    if not value:
        raise argparse.ArgumentTypeError("应为正整数 a whole number from 1 on")
    return value


def moment(text: str) -> datetime:
    """A moment in China's time, or with an offset of its own."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("应为形如 2026-12-12T20:00 的时间 a time like 2026-12-12T20:00") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=clock.CHINA)


def say_why(one: argparse.ArgumentParser, *, required: bool = True) -> None:
    """What an act on people or limits is written down with."""
    one.add_argument("--reason", required=required, metavar="TEXT", help="原因，记入审计 why, for the audit lines")
    say_who(one)


def say_who(one: argparse.ArgumentParser) -> None:
    one.add_argument("--by", type=number, metavar="PERSON", help="操作人编号，记入审计 who, a number of `person list`")


def say_person(one: argparse.ArgumentParser) -> None:
    """What an act with money is not done without."""
    one.add_argument(
        "--by", type=number, required=True, metavar="PERSON", help="操作人编号 who does it, a number of `person list`"
    )


async def actor_of(platform: Platform, arguments: argparse.Namespace) -> int:
    """Who it was, as the audit line says; 0 if nobody was named. Whoever may run commands is believed."""
    return 0 if arguments.by is None else (await identity.find_person(platform.db, arguments.by)).person_id


def content_of(path: Path) -> bytes:
    """A file that was named."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Fault(
            f"{path} can't be read ({error.strerror}).\n无法读取 {path}（{error.strerror}）。"
        ) from None


async def sku_of(platform: Platform, sku_id: int) -> Sku:
    """The SKU of that code."""
    for sku in await seeding.read_skus(platform.db):
        if sku.sku_id == sku_id:
            return sku
    raise UnknownSku(str(sku_id), field="sku")


def say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)
