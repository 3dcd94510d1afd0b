from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kameng.ops.bench import machine
from kameng.ops.bench.machine import Sampler

BURN = "import os,time\nwhile sum(os.times()[:2]) < {seconds}: pass\n"
CHILD = "import subprocess,sys\nsubprocess.run([sys.executable, '-c', {code!r}])\n"
WAIT = "print('done', flush=True); sys.stdin.read()\n"


@contextmanager
def process(code: str) -> Iterator[int]:
    """Runs until it says done; stays until the block ends."""
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys\n" + code + WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin, child.stdout:
        yield child.pid
        assert child.stdout.readline() == b"done\n"
        time.sleep(0.1)
    child.wait()


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


def test_cpu_time_of_a_child_that_died_counts_for_its_parent() -> None:
    grandchild = CHILD.format(code=BURN.format(seconds=0.3))
    with Sampler({"worker": [os.getpid()]}, every_s=60) as sampler, process(grandchild):
        pass
    usage = sampler.usage()["worker"]
    assert usage.cpu_s >= 0.3
    assert usage.cores == pytest.approx(usage.cpu_s / (sampler._ended - sampler._started), abs=0.01)


def test_a_process_belongs_to_the_nearest_root() -> None:
    burn = BURN.format(seconds=0.3)
    with Sampler({"gateway": [os.getpid()]}, every_s=0.05) as sampler, process(burn) as pid:
        sampler.add("postgres", pid)
    usage = sampler.usage()
    assert usage.keys() == {"gateway", "postgres"}
    assert 0.25 <= usage["postgres"].cpu_s < 0.6


def test_what_was_used_before_the_mark_does_not_count() -> None:
    with process(BURN.format(seconds=0.3)) as pid, Sampler({"load": [pid]}, every_s=60) as sampler:
        time.sleep(0.6)
        sampler.mark()
        time.sleep(0.1)
    assert sampler.usage()["load"].cpu_s < 0.3


def test_the_peak_of_memory_is_seen_while_it_lasts() -> None:
    hold = "import time\nbig = b'x' * (64 << 20)\ntime.sleep(0.6)\ndel big\n"
    with Sampler({"load": [], "self": [os.getpid()]}, every_s=0.05) as sampler, process(hold) as pid:
        sampler.add("load", pid)
    usage = sampler.usage()
    assert 64 <= usage["load"].memory_peak_mb < 110
    assert usage["self"].memory_peak_mb > 5
    assert sampler.memory_peak_mb <= usage["load"].memory_peak_mb + usage["self"].memory_peak_mb + 0.2


def test_a_root_that_is_gone_keeps_its_count() -> None:
    with process(BURN.format(seconds=0.2)) as pid:
        sampler = Sampler({"gateway": [pid]}, every_s=0.02)
        with sampler:
            time.sleep(0.5)
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            time.sleep(0.1)
        assert 0.1 < sampler.usage()["gateway"].cpu_s < 0.4
        return
