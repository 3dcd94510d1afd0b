"""The limits a bench is compared with: the echo's answers, and copied rows that leave nothing behind."""

from __future__ import annotations

import asyncio

import asyncpg

from kameng.ops.bench import echo
from kameng.ops.embedded import Embedded


async def test_the_echo_answers_every_signed_request_like_an_order() -> None:
    tally = await asyncio.to_thread(lambda: echo.measure_echo(connections=20, seconds=0.5, warmup_s=0.1))
    assert tally.total.keys() == {"order"}
    assert tally.total["order"].keys() == {201}
    assert tally.total["order"][201] > 500
    assert (tally.unanswered, tally.undecided, tally.stray, tally.cuts) == ([], [], 0, 0)


async def test_the_echo_takes_bodies_of_any_size_and_goes_when_asked() -> None:
    with echo.serving() as target:
        reader, writer = await asyncio.open_connection(target.host, target.port)
        head = f"POST /api/v1/orders HTTP/1.1\r\nhost: {target.authority}\r\ncontent-length: 3000000\r\n\r\n"
        writer.write(head.encode() + bytes(3_000_000))
        answered = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert answered.startswith("HTTP/1.1 201 Created\r\n")
        assert "content-length: 403\r\n" in answered
        assert (await reader.readexactly(403)).endswith(b"}]}")
        writer.close()
    assert await asyncio.to_thread(_refused, target.host, target.port)


def _refused(host: str, port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex((host, port)) != 0


async def test_copied_rows_are_counted_and_nothing_stays(postgres: Embedded) -> None:
    copied = await echo.measure_copy(postgres.url, seconds=0.3, chunk_rows=1000)
    assert copied.rows > 0
    assert copied.rows % 1000 == 0
    assert copied.seconds >= 0.3
    assert copied.rows_per_s == copied.rows / copied.seconds
    db = await asyncpg.connect(postgres.url)
    try:
        assert await db.fetchval("SELECT to_regclass('kameng_bench_copy')") is None
    finally:
        await db.close()
