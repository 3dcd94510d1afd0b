"""What a bench ran on, and which process used how much of it.

Reads /proc: Linux only. Looking costs CPU too (the kernel walks page tables to tell shared memory apart), so
memory is looked at less often where that takes long.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_MEMORY_SHARE_MAX = 0.02
"""Of one core, for looking at memory."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    cores: int
    cpu: str
    memory_mb: int
    kernel: str
    python: str
    postgresql: str | None
    fsync_p50_ms: float | None
    fsync_p99_ms: float | None


def describe(*, postgresql: str | None = None, data_dir: Path | None = None) -> Machine:
    """``data_dir`` is where PostgreSQL writes: the disk that is timed."""
    fsync_ms = None if data_dir is None else fsync_latencies_ms(data_dir)
    model = re.search(r"^model name\s*: (.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        cpu=model[1].strip() if model else platform.machine(),
        memory_mb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        kernel=platform.release(),
        python=platform.python_version(),
        postgresql=postgresql,
        fsync_p50_ms=None if fsync_ms is None else fsync_ms[len(fsync_ms) // 2],
        fsync_p99_ms=None if fsync_ms is None else fsync_ms[len(fsync_ms) * 99 // 100],
    )


def fsync_latencies_ms(folder: Path, count: int = 200) -> list[float]:
    """Sorted times of ``count`` 8-kB writes, each made durable: what a commit waits for, as in a WAL segment
    into space that is already allocated."""
    page = os.urandom(8192)
    path = folder / f".bench-fsync-{os.getpid()}"
    took_ms = []
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(file, bytes(len(page) * count))
        os.fsync(file)
        for number in range(count):
            start = time.perf_counter()
            os.pwrite(file, page, number * len(page))
            os.fdatasync(file)
            took_ms.append(round((time.perf_counter() - start) * 1000, 3))
    finally:
        os.close(file)
        path.unlink()
    return sorted(took_ms)


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What one role used. ``cores`` is CPU time over elapsed time; memory counts shared pages once (PSS)."""

    cpu_s: float
    cores: float
    memory_peak_mb: float


class Sampler:
    """Watches process trees by role while a bench runs: ``with Sampler({"gateway": [pid]}) as sampler: …``.

    A process belongs to the nearest root above it, so a PostgreSQL that the gateway started is a role of its
    own. CPU time of children that have died is in their parent's books; a root that dies keeps its last
    count.
    """

    def __init__(self, roots: Mapping[str, Iterable[int]], *, every_s: float = 0.5) -> None:
        self._role_of = {pid: role for role, pids in roots.items() for pid in pids}
        self._every_s = every_s
        self._cpu_s: dict[int, float] = {}  # by root
        self._cpu_first_s: dict[int, float] = {}
        self._memory_peak_kb: dict[str, int] = {}
        self._memory_all_peak_kb = 0
        self._memory_due = 0.0
        self._started = self._ended = time.perf_counter()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="bench-sampler", daemon=True)

    def add(self, role: str, pid: int) -> None:
        """Another root, as after a restart; what it used so far counts."""
        with self._lock:
            self._role_of[pid] = role

    def mark(self) -> None:
        """CPU time counts from here: the measured window begins."""
        self._look()
        with self._lock:
            self._started = time.perf_counter()
            self._cpu_first_s = dict(self._cpu_s)

    def stop(self) -> None:
        if not self._over.is_set():
            self._over.set()
            self._thread.join()
            self._memory_due = 0.0
            self._look()
            self._ended = time.perf_counter()

    def usage(self) -> dict[str, Usage]:
        """By role, after `stop`."""
        elapsed_s = max(self._ended - self._started, 1e-9)
        used_s = dict.fromkeys(self._role_of.values(), 0.0)
        for root, cpu_s in self._cpu_s.items():
            used_s[self._role_of[root]] += cpu_s - self._cpu_first_s.get(root, 0.0)
        return {
            role: Usage(
                cpu_s=round(cpu_s, 2),
                cores=round(cpu_s / elapsed_s, 3),
                memory_peak_mb=round(self._memory_peak_kb.get(role, 0) / 1024, 1),
            )
            for role, cpu_s in used_s.items()
        }

    @property
    def memory_peak_mb(self) -> float:
        """Of all roles at one moment: less than the sum of their peaks."""
        return round(self._memory_all_peak_kb / 1024, 1)

    def __enter__(self) -> Self:
        self.mark()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _watch(self) -> None:
        while not self._over.wait(self._every_s):
            self._look()

    def _look(self) -> None:
        with self._lock:
            processes = _processes()
            trees = _trees(processes, self._role_of)
            for root, pids in trees.items():
                cpu_s = sum(processes[pid].cpu_s for pid in pids)
                self._cpu_s[root] = max(self._cpu_s.get(root, 0.0), cpu_s)
            if (now := time.perf_counter()) >= self._memory_due:
                used_s = time.thread_time()
                self._look_at_memory(trees)
                cost_s = time.thread_time() - used_s
                self._memory_due = now + max(self._every_s / 2, cost_s / _MEMORY_SHARE_MAX)

    def _look_at_memory(self, trees: dict[int, list[int]]) -> None:
        by_role: dict[str, int] = {}
        for root, pids in trees.items():
            role = self._role_of[root]
            by_role[role] = by_role.get(role, 0) + sum(map(_memory_kb, pids))
        for role, kb in by_role.items():
            self._memory_peak_kb[role] = max(self._memory_peak_kb.get(role, 0), kb)
        self._memory_all_peak_kb = max(self._memory_all_peak_kb, sum(by_role.values()))


class _Process(msgspec.Struct, frozen=True):
    parent: int
    cpu_s: float
    """Its own and that of the children it has waited for."""


def _processes() -> dict[int, _Process]:
    found = {}
    for name in os.listdir("/proc"):
        if name.isdecimal() and (stat := _read(f"/proc/{name}/stat")):
            fields = stat.rpartition(")")[2].split()  # a process may be called "a) b"
            found[int(name)] = _Process(int(fields[1]), sum(map(int, fields[11:15])) * _TICK_S)
    return found


def _trees(processes: dict[int, _Process], roots: Mapping[int, str]) -> dict[int, list[int]]:
    """The living processes under each root, itself included."""
    trees: dict[int, list[int]] = {root: [] for root in roots}
    for pid in processes:
        above = pid
        while above in processes and above not in roots:
            above = processes[above].parent
        if above in processes:
            trees[above].append(pid)
    return trees


def _memory_kb(pid: int) -> int:
    """PSS; the resident size where another user's process does not show more; 0 if it is gone."""
    if match := re.search(r"^Pss:\s+(\d+)", _read(f"/proc/{pid}/smaps_rollup"), re.MULTILINE):
        return int(match[1])
    match = re.search(r"^VmRSS:\s+(\d+)", _read(f"/proc/{pid}/status"), re.MULTILINE)
    return int(match[1]) if match else 0


def _read(path: str) -> str:
    with contextlib.suppress(OSError):
        return Path(path).read_text("utf-8", errors="replace")
    return ""
