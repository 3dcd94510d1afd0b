"""The load generator in its own process: its tally comes home, and so does why it failed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from scripted import KEYS, SKUS, Request, Serve, answer

from kameng.ops.bench import runner
from kameng.ops.bench.load import Retries, Target
from kameng.ops.bench.runner import LoadFailed, Plan
from kameng.ops.bench.shots import BulkMix, OrderMix


def mix(count: int | None) -> OrderMix:
    return OrderMix(keys=KEYS, skus=SKUS, prefix="t-", references=count)


async def test_a_child_sends_and_brings_its_tally(serve: Serve, tmp_path: Path) -> None:
    def script(request: Request) -> list[bytes]:
        if request.reference.endswith("9"):
            return answer(409, {"code": "sold_out"})
        return answer(201, {"id": "77", "state": "delivered"})

    server = await serve(script)
    plan = Plan(
        target=server.target, mix=mix(500), connections=10, answers_path=str(tmp_path / "answers"),
        retries=Retries(cut_max=None),
    )  # fmt: skip
    tally = await asyncio.to_thread(runner.start(plan).tally)

    assert tally.total == {"order": {201: 450, 409: 50}}
    assert tally.codes == {"sold_out": 50}
    assert tally.cpu_us_per_request > 0
    lines = (tmp_path / "answers").read_text().splitlines()
    assert sorted(lines) == sorted(
        f"409\tt-{number:09d}\t-" if number % 10 == 9 else f"201\tt-{number:09d}\t77" for number in range(500)
    )


async def test_rows_of_bulk_requests_are_counted_in_the_window(serve: Serve) -> None:
    server = await serve(lambda _: answer(200, {"results": [], "accepted": 7, "refused": 3}))
    bulk = BulkMix(keys=KEYS, skus=SKUS, prefix="t-", rows=10, references=20)
    tally = await asyncio.to_thread(runner.start(Plan(target=server.target, mix=bulk, connections=2)).tally)
    assert tally.total == {"bulk": {200: 20}}
    assert tally.extra == tally.total_extra == {"rows_accepted": 140, "rows_refused": 60}
    assert sum(second.extra["rows_accepted"] for second in tally.series) == 140


async def test_a_child_holds_connections_until_it_is_stopped(serve: Serve) -> None:
    server = await serve(lambda _: answer(201))
    child = runner.start(Plan(target=server.target, mix=None, connections=0, idle=30))
    await asyncio.to_thread(child.await_open)
    await asyncio.sleep(0.05)
    assert len(server.open) == 30
    child.stop()
    tally = await asyncio.to_thread(child.tally)
    assert (tally.idle, tally.idle_lost, tally.total) == (30, 0, {})


async def test_a_child_that_fails_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    child = runner.start(Plan(target=Target(port=1), mix=mix(1), connections=2))
    with pytest.raises(LoadFailed, match="it ended with status 1"):
        await asyncio.to_thread(child.tally)
    assert "load generator: The connections could not be opened. 127.0.0.1:1: " in capfd.readouterr().err
