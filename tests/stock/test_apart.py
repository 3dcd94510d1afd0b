"""Files read in a process of their own: the same cards, the same refusals, and nothing that is left behind."""

from __future__ import annotations

import asyncio
import io
import struct
import zipfile
from datetime import date
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from kameng import stock
from kameng.kit.errors import Fault
from kameng.stock import apart, files, packages
from kameng.stock.apart import read_apart
from kameng.stock.errors import ColumnsUnclear, FileNotReadable, FileTooLarge
from kameng.stock.reading import read_cards
from laws.world import World

SAMPLES = Path(__file__).parent / "samples"
TODAY = date(2026, 11, 22)
LARGE = b"".join(b"%019d,%020d\n" % (n, n * 7919) for n in range(3000))


def in_the_process(monkeypatch: pytest.MonkeyPatch, before: str) -> None:
    """What the reading process does first."""
    monkeypatch.setattr(apart, "_COMMAND", f"{before}\n{apart._COMMAND}")


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if apart._COMMAND in " ".join(child.cmdline())]


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> object:
    yield
    assert children() == []


@pytest.mark.parametrize("name", [path.name for path in sorted(SAMPLES.iterdir())])
async def test_the_samples_are_read_as_they_are_here(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "HERE_BYTES_MAX", -1)
    data = (SAMPLES / name).read_bytes()
    assert await read_apart(data, today=TODAY, filename=name) == read_cards(data, today=TODAY, filename=name)


async def test_a_large_file_leaves_the_loop_alone_and_a_small_one_needs_no_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(LARGE) > apart.HERE_BYTES_MAX
    here = read_cards(LARGE, today=TODAY)
    assert len(here.cards) == 3000

    def not_here(*_: object, **__: object) -> None:
        raise AssertionError("this was to be read in a process")

    monkeypatch.setattr(apart, "read_cards", not_here)
    assert await read_apart(LARGE, today=TODAY) == here
    with pytest.raises(AssertionError, match="in a process"):
        await read_apart(LARGE[:4000], today=TODAY)


async def test_a_large_file_is_loaded(world: World) -> None:
    report = await stock.load_file(world.db, world.ring, LARGE, sku_id=world.card.sku_id, file_name="large.csv")
    assert (report.loaded, report.refused) == (3000, ())
    await world.assert_clean()


async def test_refusals_come_back_as_they_are(world: World) -> None:
    header = "卡号,账号,密码\n".encode()
    with pytest.raises(ColumnsUnclear) as refusal:
        await stock.load_file(world.db, world.ring, header + LARGE, sku_id=world.card.sku_id, file_name="x.csv")
    assert refusal.value.detail == "these columns say the same: 卡号, 账号"
    assert (refusal.value.field, refusal.value.detail_zh) == ("file", "表头中以下各列含义相同：卡号, 账号")
    with pytest.raises(FileTooLarge):
        await read_apart(b"a" * (files.BYTES_MAX + 1), today=TODAY)
    with pytest.raises(FileNotReadable):
        await read_apart(b"PK\x03\x04 not a zip", today=TODAY)
    assert await world.scalar("SELECT count(*) FROM card_batch") == 0


# Files that hurt.


@pytest.mark.parametrize(
    "end",
    [
        "import os; os.abort()",  # as the parser does when it gets no memory
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",  # as the kernel does
        "import resource, sys; sys.stdin.buffer.read(9)\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass",
    ],
)
async def test_a_file_that_ends_the_process_is_refused(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    in_the_process(monkeypatch, end)
    with pytest.raises(FileTooLarge) as refusal:
        await read_apart(LARGE, today=TODAY)
    assert refusal.value.detail.startswith("it takes too much memory or time to read")
    assert refusal.value.detail_zh.startswith("读取该文件所需的内存或时间过多")


async def test_a_file_that_takes_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    little = "int(open('/proc/self/statm').read().split()[0]) * 4096 + (100 << 20)"
    in_the_process(monkeypatch, f"from kameng.stock import apart\napart.MEMORY_BYTES_MAX = {little}")
    with pytest.raises(FileTooLarge, match="too much memory"):
        await read_apart("号".encode() * (20 << 20), today=TODAY)


async def test_a_defect_is_told_by_its_place_and_not_in_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "from kameng.stock import apart\ndef read(*_, **__): raise KeyError('a secret')\napart.read_cards = read"
    in_the_process(monkeypatch, broken)
    with pytest.raises(Fault) as fault:
        await read_apart(LARGE, today=TODAY)
    assert str(fault.value) == "Reading a card file failed: KeyError in <string>, line 2."
    in_the_process(monkeypatch, "import sys; sys.exit(3)")
    with pytest.raises(Fault, match="ended with 3"):
        await read_apart(LARGE, today=TODAY)


async def test_who_is_cancelled_takes_the_process_along(monkeypatch: pytest.MonkeyPatch) -> None:
    in_the_process(monkeypatch, "import time; time.sleep(600)")
    reading = asyncio.create_task(read_apart(LARGE, today=TODAY))
    while not children():  # noqa: ASYNC110 - it is the kernel that tells
        await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert children() == []


async def test_who_is_cancelled_while_cards_come_back_takes_it_along(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = asyncio.Event()
    next_ = apart._next

    async def slow(process: asyncio.subprocess.Process) -> object:
        message = await next_(process)
        seen.set()
        await asyncio.sleep(600)
        return message

    monkeypatch.setattr(apart, "_next", slow)
    reading = asyncio.create_task(read_apart(LARGE * 4, today=TODAY))
    await seen.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_the_process_knows_nothing_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAMENG_DATABASE_URL", "postgresql://not-for-it")
    in_the_process(monkeypatch, "import os, sys; sys.exit(9 if 'KAMENG_DATABASE_URL' in os.environ else 8)")
    with pytest.raises(Fault, match="ended with 8"):
        await read_apart(LARGE, today=TODAY)


# Packages that say less than they hold.


def package(*members: tuple[str, bytes]) -> bytearray:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members:
            made.writestr(name, content)
    return bytearray(target.getvalue())


def with_size(data: bytearray, name: bytes, size: int) -> bytes:
    """The package, with another size of a member in its directory."""
    entry = data.index(b"PK\x01\x02")
    while data[entry + 46 : entry + 46 + len(name)] != name:
        entry = data.index(b"PK\x01\x02", entry + 4)
    struct.pack_into("<I", data, entry + 24, size)
    return bytes(data)


@pytest.mark.parametrize("name", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml", "docProps/thumbnail.jpeg"])
def test_a_package_is_measured_and_not_believed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "UNPACKED_BYTES_MAX", 1 << 20)
    data = package(("xl/workbook.xml", b"<workbook/>"), (name, bytes(2 << 20)))
    with pytest.raises(FileTooLarge):
        read_cards(with_size(data, name.encode(), 1000), today=TODAY)


def test_all_members_of_a_package_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "UNPACKED_BYTES_MAX", 1 << 20)
    data = package(("xl/workbook.xml", b"<workbook/>"), *((f"xl/{n}", bytes(300_000)) for n in range(4)))
    for n in range(4):
        data = bytearray(with_size(data, b"xl/%d" % n, 1000))
    with pytest.raises(FileTooLarge):
        read_cards(bytes(data), today=TODAY)


def test_memory_that_ends_is_no_damaged_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> int:
        raise MemoryError

    monkeypatch.setattr(packages, "_check_member", no_memory)
    with pytest.raises(MemoryError):
        packages.check_xlsx(bytes(package(("xl/workbook.xml", b"<workbook/>"))))

