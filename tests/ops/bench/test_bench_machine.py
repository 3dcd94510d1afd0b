"""What a bench ran on: the machine, its disk, and whose processor time and memory was whose."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kameng.ops.bench import machine
from kameng.ops.bench.machine import Sampler

SAY = "print('done', flush=True); sys.stdin.readline()\n"
BURN = "import os,sys\nwhile sum(os.times()[:2]) < 0.3: pass\n"
TOLD = "import os,sys\nsys.stdin.readline()\na = os.times()\nwhile sum(os.times()[:2]) < sum(a[:2]) + 0.3: pass\n"
CHILD = f"import subprocess,sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])\n" + SAY
HOLD = f"import sys\nbig = b'x' * (64 << 20)\n{SAY}del big\n{SAY}"


class Child:
    """Says done where its code says so, and goes on when told."""

    def __init__(self, code: str) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.pid = self._popen.pid

    def await_done(self) -> None:
        assert self._popen.stdout is not None
        assert self._popen.stdout.readline() == b"done\n"

    def go_on(self) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.write(b"\n")
        self._popen.stdin.flush()

    def kill(self) -> None:
        self._popen.kill()
        self._popen.communicate()


@pytest.fixture
def start() -> Iterator[Callable[[str], Child]]:
    children: list[Child] = []

    def start_one(code: str) -> Child:
        children.append(Child(code))
        return children[-1]

    yield start_one
    for child in children:
        child.kill()


Start = Callable[[str], Child]


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_describes_the_machine(tmp_path: Path) -> None:
    described = machine.describe(postgresql="18.1", data_dir=tmp_path)
    assert described.cores == len(os.sched_getaffinity(0))
    assert described.kernel == platform.release()
    assert described.python == platform.python_version()
    assert described.postgresql == "18.1"
    assert described.memory_mb > 100
    assert described.fsync_p50_ms is not None
    assert described.fsync_p99_ms is not None
    assert 0 < described.fsync_p50_ms <= described.fsync_p99_ms
    assert list(tmp_path.iterdir()) == []
    assert machine.describe().fsync_p50_ms is None


def test_fsync_is_timed_once_a_write_and_the_times_are_sorted(tmp_path: Path) -> None:
    took_ms = machine.fsync_latencies_ms(tmp_path, 50)
    assert len(took_ms) == 50
    assert took_ms == sorted(took_ms)


def test_cpu_time_of_a_child_that_died_counts_for_its_parent(start: Start) -> None:
    with Sampler({"worker": [os.getpid()]}, every_s=60) as sampler:
        start(CHILD).await_done()
    usage = sampler.usage()["worker"]
    assert usage.cpu_s >= 0.29
    assert usage.cores == pytest.approx(usage.cpu_s / (sampler._ended - sampler._started), abs=0.01)


def test_a_process_belongs_to_the_nearest_root(start: Start) -> None:
    with Sampler({"gateway": [os.getpid()]}, every_s=60) as sampler:
        child = start(BURN + SAY)
        sampler.add("postgres", child.pid)
        child.await_done()
    usage = sampler.usage()
    assert usage.keys() == {"gateway", "postgres"}
    assert 0.29 <= usage["postgres"].cpu_s < 0.4
    assert usage["gateway"].cpu_s < 0.2


def test_what_was_used_before_the_mark_does_not_count(start: Start) -> None:
    child = start(BURN + SAY)
    child.await_done()
    with Sampler({"load": [child.pid]}, every_s=60) as sampler:
        pass
    assert sampler.usage()["load"].cpu_s < 0.03


def test_the_peak_of_memory_is_kept(start: Start) -> None:
    child = start(HOLD)
    with Sampler({"load": [child.pid], "self": [os.getpid()]}, every_s=0.02) as sampler:
        child.await_done()
        eventually(lambda: sampler._memory_peak_kb.get("load", 0) >= 64 << 10)
        child.go_on()
        child.await_done()
    usage = sampler.usage()
    assert 64 <= usage["load"].memory_peak_mb < 110
    assert usage["self"].memory_peak_mb > 5
    assert 64 <= sampler.memory_peak_mb <= usage["load"].memory_peak_mb + usage["self"].memory_peak_mb + 0.2


def test_a_root_that_is_gone_keeps_its_count(start: Start) -> None:
    child = start(TOLD + SAY)
    with Sampler({"gateway": [child.pid]}, every_s=0.02) as sampler:
        child.go_on()  # not before it is looked at: on a busy machine it might have used some by then
        child.await_done()
        eventually(lambda: sampler.usage()["gateway"].cpu_s >= 0.29)
        child.kill()
    assert 0.29 <= sampler.usage()["gateway"].cpu_s < 0.4
