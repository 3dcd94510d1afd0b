"""Reading a card file in a process of its own: orders go on meanwhile, and a file that hurts ends that process only.

The process gets the file on its standard input, may use so much memory and time and no more, touches no database
and holds no keys. What it found comes back in parts, so that nothing here works long on one of them. Who is
cancelled takes it along.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from typing import BinaryIO

import msgspec

from kameng.kit.errors import REGISTRY, Fault, Refusal
from kameng.stock.errors import FileTooLarge
from kameng.stock.files import BYTES_MAX, Format, is_workbook
from kameng.stock.model import Goods
from kameng.stock.reading import PLAIN, CardFile, CardLine, Note, RefusedLine, read_cards

HERE_BYTES_MAX = 64 * 1024
"""A text up to this size is read here: some 10 ms, and a process takes 300 ms to begin."""
MEMORY_BYTES_MAX = 3 * 1024**3
CPU_S_MAX = 120
"""A million lines took 7 s as text and 14 s as a workbook, and less than 700 MiB; 30 million cells take 1 GiB."""
PART_LINES = 1000
_PIECE_BYTES = 1 << 20
_NO_MEMORY = 75
_COMMAND = "from kameng.stock import apart; apart.main()"
_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
"""What Python needs to begin. Where the database is, and how to get in, is not among it."""


class _Head(msgspec.Struct, frozen=True):
    """What goes before the file."""

    filename: str
    today: date
    expires_on: date | None
    cost_e4: int | None
    goods: Goods = PLAIN


class _Part(msgspec.Struct, frozen=True, tag="part"):
    cards: tuple[CardLine, ...] = ()
    refused: tuple[RefusedLine, ...] = ()
    notes: tuple[Note, ...] = ()


class _End(msgspec.Struct, frozen=True, tag="end"):
    encoding: str
    format: Format


class _Refused(msgspec.Struct, frozen=True, tag="refused"):
    """A refusal of the whole file."""

    code: str
    detail: str
    detail_zh: str
    field: str


class _Broken(msgspec.Struct, frozen=True, tag="broken"):
    """A defect: what it was and where; not its words, which may hold a card."""

    where: str


_Message = _Part | _End | _Refused | _Broken
_decoder: msgspec.msgpack.Decoder[_Message] = msgspec.msgpack.Decoder(_Message)


async def read_apart(
    data: bytes, *, today: date, filename: str = "", expires_on: date | None = None, cost_e4: int | None = None,
    goods: Goods = PLAIN,
) -> CardFile:
    """``read_cards``, in a process of its own where the file is large or a workbook."""
    if len(data) > BYTES_MAX:
        raise FileTooLarge(field="file")
    if len(data) <= HERE_BYTES_MAX and not is_workbook(data):
        return read_cards(
            data, today=today, filename=filename, expires_on=expires_on, cost_e4=cost_e4, goods=goods
        )
    cards: list[CardLine] = []
    refused: list[RefusedLine] = []
    notes: list[Note] = []
    async with _process() as process:
        await _send(process, msgspec.msgpack.encode(_Head(filename, today, expires_on, cost_e4, goods)), data)
        while (message := await _next(process)) is not None:
            match message:
                case _Part():
                    cards += message.cards
                    refused += message.refused
                    notes += message.notes
                case _End():
                    return CardFile(tuple(cards), tuple(refused), tuple(notes), message.encoding, message.format)
                case _Refused():
                    raise REGISTRY[message.code](message.detail, field=message.field, detail_zh=message.detail_zh)
                case _Broken():
                    raise Fault(f"Reading a card file failed: {message.where}.")
        code = await process.wait()
    if code == _NO_MEMORY or code < 0:
        en = "it takes too much memory or time to read; delete what stands beside the cards, or split it"
        zh = "读取该文件所需的内存或时间过多，请删除卡密以外的内容或拆分文件。"
        raise FileTooLarge(en, field="file", detail_zh=zh)
    raise Fault(f"The process that reads card files ended with {code}.")


@asynccontextmanager
async def _process() -> AsyncIterator[asyncio.subprocess.Process]:
    """Gone when the block is left, however that comes about."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _COMMAND, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # a parser's last words may hold a card
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        assert process.stdout is not None
        await process.stdout.read()  # the pipe closes once it is empty
        await process.wait()


async def _send(process: asyncio.subprocess.Process, head: bytes, data: bytes) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):  # it has ended; why, its exit code says
        process.stdin.write(len(head).to_bytes(4, "big") + head)
        for at in range(0, len(data), _PIECE_BYTES):
            process.stdin.write(data[at : at + _PIECE_BYTES])
            await process.stdin.drain()
    process.stdin.close()


async def _next(process: asyncio.subprocess.Process) -> _Message | None:
    """None when the process ended before its last word."""
    assert process.stdout is not None
    try:
        length = int.from_bytes(await process.stdout.readexactly(4), "big")
        return _decoder.decode(await process.stdout.readexactly(length))
    except asyncio.IncompleteReadError:
        return None


# in the reading process ------------------------------------------------------------------------------------


def main() -> None:
    """Read the file on standard input, write what is in it to standard output."""
    for limit, value in ((resource.RLIMIT_AS, MEMORY_BYTES_MAX), (resource.RLIMIT_CPU, CPU_S_MAX)):
        with suppress(ValueError, OSError):  # a lower limit was set from outside
            resource.setrlimit(limit, (value, value))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    try:
        for message in _read(source):
            content = msgspec.msgpack.encode(message)
            sink.write(len(content).to_bytes(4, "big") + content)
        sink.flush()
    except MemoryError:
        os._exit(_NO_MEMORY)
    except BrokenPipeError:
        os._exit(0)  # nobody wants to know any more


def _read(source: BinaryIO) -> Iterator[_Message]:
    head = msgspec.msgpack.decode(source.read(int.from_bytes(source.read(4), "big")), type=_Head)
    try:
        file = read_cards(
            source.read(), today=head.today, filename=head.filename, expires_on=head.expires_on, cost_e4=head.cost_e4,
            goods=head.goods,
        )  # fmt: skip
    except Refusal as refusal:
        yield _Refused(refusal.code, refusal.detail, refusal.detail_zh, refusal.field)
        return
    except MemoryError:
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        yield _Broken(f"{type(error).__name__} in {os.path.basename(place.filename)}, line {place.lineno}")
        return
    for at in range(0, max(map(len, (file.cards, file.refused, file.notes))), PART_LINES):
        some = slice(at, at + PART_LINES)
        yield _Part(file.cards[some], file.refused[some], file.notes[some])
    yield _End(file.encoding, file.format)
