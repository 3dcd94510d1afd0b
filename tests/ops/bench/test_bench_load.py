"""The load generator: every answer counted once, repeats under the same reference, cuts, silence, deadlines."""

from __future__ import annotations

import asyncio
import json
from array import array
from collections import Counter

import pytest
from scripted import SILENCE, Request, Script, Serve, answer, orders, references

from kameng.ops.bench import load
from kameng.ops.bench.load import Retries, Target
from kameng.ops.bench.shots import Shot

CREATED = answer(201, b'{"id":"1"}')
SOLD_OUT = answer(409, {"type": "about:blank", "code": "sold_out", "retry": "never"})
BUSY = answer(503, {"code": "busy"}, "retry-after: 1")
PATIENT = Retries(busy_wait_max_s=0.01, cut_max=None, cut_wait_s=0.001)


def number_of(request: Request) -> int:
    return int(request.reference.removeprefix("t-"))


def sequence(*first: list[bytes] | None, then: list[bytes] = CREATED) -> Script:
    """Each reference is answered by the script, attempt by attempt."""
    attempts: Counter[str] = Counter()

    def script(request: Request) -> list[bytes] | None:
        attempt = attempts[request.reference]
        attempts[request.reference] += 1
        return first[attempt] if attempt < len(first) else then

    return script


def floats(raw: bytes) -> array[float]:
    values = array("f")
    values.frombytes(raw)
    return values


async def test_every_answer_is_counted_once_by_status_and_code(serve: Serve) -> None:
    turned_away: set[str] = set()

    def script(request: Request) -> list[bytes]:
        number = number_of(request)
        if number % 10 == 0:
            return SOLD_OUT
        if number % 10 == 1 and request.reference not in turned_away:
            turned_away.add(request.reference)
            return BUSY
        return CREATED

    server = await serve(script)
    tally = await load.run(server.target, orders(server.target, 1000), connections=20, retries=PATIENT)

    assert tally.total == {"order": {201: 900, 409: 100, 503: 100}}
    assert tally.codes == {"sold_out": 100, "busy": 100}
    assert (tally.accepted, tally.refused, tally.busy, tally.faults, tally.cuts) == (900, 100, 100, 0, 0)
    assert (tally.unanswered, tally.undecided, tally.stray, tally.reconnects) == ([], [], 0, 0)
    latencies = [floats(raw) for raw in (tally.accepted_s, tally.refused_s, tally.busy_s, tally.settled_s)]
    assert [len(values) for values in latencies] == [900, 100, 100, 100]
    assert all(0 < value < 5 for values in latencies for value in values)
    assert min(latencies[3]) >= 0.01  # a 503 was heeded before the next attempt
    drawn = [(second.accepted, second.refused, second.busy) for second in tally.series]
    assert [sum(column) for column in zip(*drawn, strict=True)] == [900, 100, 100]
    assert tally.seconds >= tally.series[-1].at_s - 0.001
    assert len({request.connection for request in server.requests}) == 20


async def test_a_503_comes_again_with_the_same_body_and_a_fresh_nonce(serve: Serve) -> None:
    server = await serve(sequence(BUSY, BUSY))
    tally = await load.run(server.target, orders(server.target, 50), connections=5, retries=PATIENT)

    assert tally.total == {"order": {201: 50, 503: 100}}
    assert len({request.nonce for request in server.requests}) == 150
    assert len({request.body for request in server.requests}) == 50


async def test_retry_after_is_heeded_up_to_the_cap_in_seconds_or_milliseconds(serve: Serve) -> None:
    slow = answer(503, b"", "Retry-After: 7")
    quick = answer(503, b"", "Retry-After: 7", "Retry-After-Ms: 40")
    for script, low, high in ((sequence(slow), 0.2, 7), (sequence(quick), 0.04, 0.2)):
        server = await serve(script)
        tally = await load.run(
            server.target, orders(server.target, 1), connections=1, retries=Retries(busy_wait_max_s=0.2)
        )
        assert low <= floats(tally.settled_s)[0] < high
        assert tally.codes == {"no code": 1}


async def test_what_stays_busy_is_listed_as_undecided(serve: Serve) -> None:
    server = await serve(sequence(then=BUSY))
    retries = Retries(busy_max=2, busy_wait_max_s=0.001)
    tally = await load.run(server.target, orders(server.target, 30), connections=3, retries=retries)
    assert tally.total == {"order": {503: 90}}
    assert sorted(tally.undecided) == references(30)
    assert tally.unanswered == []


async def test_other_codes_can_mean_busy(serve: Serve) -> None:
    running = answer(409, {"code": "in_progress"})
    server = await serve(sequence(running))
    retries = Retries(busy_codes=("in_progress",), busy_wait_max_s=0.001)
    tally = await load.run(server.target, orders(server.target, 30), connections=3, retries=retries)
    assert tally.total == {"order": {201: 30, 409: 30}}
    assert (tally.accepted, tally.refused, tally.busy) == (30, 0, 30)


async def test_a_cut_is_repeated_under_the_same_reference(serve: Serve) -> None:
    cut: set[str] = set()

    def script(request: Request) -> list[bytes] | None:
        if number_of(request) % 7 == 0 and request.reference not in cut:
            cut.add(request.reference)
            return None
        return CREATED

    server = await serve(script)
    tally = await load.run(server.target, orders(server.target, 700), connections=10, retries=PATIENT)

    assert tally.total == {"order": {201: 700}}
    assert (tally.cuts, tally.reconnects, tally.unanswered) == (100, 100, [])
    assert Counter(request.reference for request in server.requests) == {
        f"t-{number:09d}": 2 if number % 7 == 0 else 1 for number in range(700)
    }
    assert len({request.nonce for request in server.requests}) == 800
    assert len(floats(tally.settled_s)) == 100


async def test_a_cut_that_is_not_repeated_is_listed(serve: Serve) -> None:
    server = await serve(lambda request: None if number_of(request) % 7 == 0 else CREATED)
    tally = await load.run(server.target, orders(server.target, 70), connections=4)

    assert tally.total == {"order": {201: 60}}
    assert sorted(tally.unanswered) == sorted(f"t-{number:09d}" for number in range(0, 70, 7))
    assert len(server.requests) == 70


async def test_a_fault_is_no_answer(serve: Serve) -> None:
    broken = answer(500, {"code": "fault"})
    server = await serve(sequence(broken, broken, broken, broken))
    tally = await load.run(
        server.target, orders(server.target, 10), connections=2, retries=Retries(cut_max=2, cut_wait_s=0.001)
    )
    assert tally.total == {"order": {500: 30}}
    assert (tally.faults, tally.cuts, tally.codes) == (30, 0, {"fault": 30})
    assert sorted(tally.unanswered) == references(10)

    server = await serve(sequence(broken))
    tally = await load.run(server.target, orders(server.target, 10), connections=2, retries=PATIENT)
    assert tally.total == {"order": {201: 10, 500: 10}}
    assert tally.unanswered == []


async def test_a_busy_answer_after_a_cut_does_not_make_it_harmless(serve: Serve) -> None:
    server = await serve(sequence(None, then=BUSY))
    retries = Retries(cut_max=None, busy_max=2, busy_wait_max_s=0.001, cut_wait_s=0.001)
    tally = await load.run(server.target, orders(server.target, 5), connections=1, retries=retries)
    assert (sorted(tally.unanswered), tally.undecided) == (references(5), [])


@pytest.mark.parametrize("pieces", ["bytes", "head and body", "long"])
async def test_answers_may_come_in_pieces(serve: Serve, pieces: str) -> None:
    body = json.dumps({"id": "1", "pad": "x" * (2_000_000 if pieces == "long" else 20)}).encode()
    whole = answer(200, body)[0]
    cuts = {
        "bytes": [whole[at : at + 1] for at in range(len(whole))],
        "head and body": whole.partition(b"\r\n\r\n"),
        "long": [whole],
    }
    server = await serve(lambda _: list(cuts[pieces]))
    seen = []

    def on_answer(shot: Shot, status: int, answered: bytes) -> None:
        seen.append((status, answered))

    tally = await load.run(server.target, orders(server.target, 6), connections=2, on_answer=on_answer)
    assert tally.total == {"order": {200: 6}}
    assert seen == [(200, body)] * 6


@pytest.mark.parametrize("spelling", ["content-length: 2", "Content-Length: 2", "CONTENT-LENGTH:2"])
async def test_header_names_may_be_spelled_in_any_way(serve: Serve, spelling: str) -> None:
    server = await serve(lambda _: [f"HTTP/1.1 201 Created\r\n{spelling}\r\n\r\n{{}}".encode()])
    tally = await load.run(server.target, orders(server.target, 4), connections=2)
    assert tally.total == {"order": {201: 4}}


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n",
        b"SSH-2.0-nonsense\r\ncontent-length: 0\r\n\r\n",
    ],
)
async def test_what_is_no_answer_cuts_the_connection(serve: Serve, raw: bytes) -> None:
    server = await serve(lambda _: [raw])
    tally = await load.run(server.target, orders(server.target, 3), connections=1)
    assert (tally.total, tally.stray, tally.cuts) == ({}, 3, 3)
    assert sorted(tally.unanswered) == references(3)


async def test_connection_close_is_obeyed_and_loses_nothing(serve: Serve) -> None:
    def script(request: Request) -> list[bytes]:
        close = ["Connection: close"] if number_of(request) % 2 else []
        return answer(201, b"{}", *close)

    server = await serve(script)
    tally = await load.run(server.target, orders(server.target, 100), connections=4)
    assert tally.total == {"order": {201: 100}}
    assert (tally.cuts, tally.unanswered, len(server.requests)) == (0, [], 100)
    assert len(server.peers) == 4 + tally.reconnects
    assert 46 <= tally.reconnects <= 50  # a line whose last answer said close stays closed


async def test_a_server_that_goes_and_comes_back_loses_nothing(serve: Serve) -> None:
    async def script(request: Request) -> list[bytes]:
        await asyncio.sleep(0.002)
        return CREATED

    server = await serve(script)
    running = asyncio.create_task(
        load.run(server.target, orders(server.target, 2000), connections=20, retries=PATIENT)
    )
    await asyncio.sleep(0.05)
    await server.stop()
    await asyncio.sleep(0.1)
    await server.start()
    tally = await running

    assert tally.total == {"order": {201: 2000}}
    assert (tally.cuts, tally.reconnects, tally.unanswered) == (20, 20, [])
    assert Counter(request.reference for request in server.requests).keys() == set(references(2000))
    assert 2000 <= len(server.requests) <= 2020  # what was cut had reached it or not


async def test_silence_ends_in_a_cut(serve: Serve) -> None:
    server = await serve(lambda request: SILENCE if number_of(request) == 3 else CREATED)
    tally = await load.run(
        server.target, orders(server.target, 6), connections=2, retries=Retries(answer_max_s=0.2)
    )
    assert tally.total == {"order": {201: 5}}
    assert (tally.unanswered, tally.cuts) == (["t-000000003"], 1)


async def test_the_deadline_waits_for_what_is_in_flight(serve: Serve) -> None:
    async def script(request: Request) -> list[bytes]:
        await asyncio.sleep(0.05)
        return CREATED

    server = await serve(script)
    source = orders(server.target, None)
    tally = await load.run(server.target, source, connections=8, seconds=0.33, warmup_s=0.1)

    assert tally.total == {"order": {201: len(server.requests)}}
    assert len(floats(tally.accepted_s)) == tally.accepted + 8
    assert 0 < tally.accepted <= 56  # 8 lines, 50 ms an answer
    assert 0.33 <= tally.seconds < 2
    assert (tally.unanswered, tally.undecided) == ([], [])


async def test_the_deadline_cuts_what_stays_silent(serve: Serve) -> None:
    server = await serve(lambda _: SILENCE)
    source = orders(server.target, None)
    tally = await load.run(server.target, source, connections=3, seconds=0.05, drain_s=0.1)
    assert (tally.total, sorted(tally.unanswered)) == ({}, references(3))


async def test_the_deadline_ends_pauses(serve: Serve) -> None:
    server = await serve(sequence(then=BUSY))
    source, retries = orders(server.target, None), Retries(busy_wait_max_s=60)
    tally = await load.run(server.target, source, connections=3, seconds=0.05, retries=retries)
    assert (tally.total, sorted(tally.undecided)) == ({"order": {503: 3}}, references(3))


async def test_a_stop_ends_a_run_that_would_not_end(serve: Serve) -> None:
    server = await serve(lambda _: CREATED)
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, stop.set)
    tally = await load.run(server.target, orders(server.target, None), connections=2, think_s=0.01, stop=stop)
    assert tally.total == {"order": {201: len(server.requests)}}
    assert 2 <= len(server.requests) <= 100  # thinking 10 ms on average


async def test_idle_connections_are_held_and_come_back(serve: Serve) -> None:
    server = await serve(lambda _: CREATED)
    stop, opened = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(
        load.run(server.target, lambda: None, connections=0, idle=50, stop=stop, on_open=opened.set)
    )
    await opened.wait()
    await asyncio.sleep(0.02)
    assert len(server.open) == 50
    for writer in list(server.open)[:3]:
        writer.transport.abort()
    await asyncio.sleep(0.1)
    assert len(server.open) == 50
    stop.set()
    tally = await running
    assert (tally.idle, tally.idle_lost, tally.reconnects, server.requests) == (50, 3, 3, [])


async def test_idle_connections_do_not_hinder_the_others(serve: Serve) -> None:
    server = await serve(lambda _: CREATED)
    tally = await load.run(server.target, orders(server.target, 100), connections=5, idle=40)
    assert tally.total == {"order": {201: 100}}
    assert len(server.peers) == 45


async def test_the_caller_may_name_the_next_shot(serve: Serve) -> None:
    server = await serve(lambda _: CREATED)

    def again(shot: Shot, status: int, body: bytes) -> Shot | None:
        if shot.tag:
            return None
        return Shot(shot.signer, shot.route, shot.body, shot.reference, tag=1)

    tally = await load.run(server.target, orders(server.target, 10), connections=3, on_answer=again)
    assert tally.total == {"order": {201: 10}, "repeat": {201: 10}}
    assert set(Counter(request.reference for request in server.requests).values()) == {2}


async def test_many_connections_come_from_several_addresses(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "PER_ADDRESS_MAX", 10)
    server = await serve(lambda _: CREATED)
    tally = await load.run(server.target, orders(server.target, 50), connections=20, idle=5)
    assert tally.total == {"order": {201: 50}}
    assert Counter(server.peers) == {"127.0.0.1": 10, "127.0.0.2": 10, "127.0.0.3": 5}


async def test_too_few_files_and_nobody_there_are_said_clearly() -> None:
    with pytest.raises(load.TooFewFiles, match=r"1073741888 open files are needed and \d+ are allowed"):
        await load.run(Target(port=1), lambda: None, connections=1 << 30)
    with pytest.raises(load.NobodyListens, match=r"127\.0\.0\.1:1: "):
        await load.run(Target(port=1), lambda: None, connections=3)
