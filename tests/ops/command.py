"""For the tests of the command: a data folder of their own, ``kameng`` in it, and long-running ones as objects."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import asyncpg
import psutil  # type: ignore[import-untyped]
from forking import Forks

from kameng import catalogue
from kameng.ops import running
from kameng.ops.embedded import Embedded
from kameng.ops.running import Running

START_S, STOP_S = 60.0, 30.0
DEMO_CATALOGUE = Path(catalogue.__file__).parent / "demo" / "catalogue.csv"


@contextmanager
def data_folder() -> Iterator[Path]:
    """Not tmp_path: as root the server's user must get there, and pytest's folders are closed."""
    made = Path(tempfile.mkdtemp(prefix="kameng-test-", dir="/tmp"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made)


def environment(data: Path, **more: str) -> dict[str, str]:
    """Nothing of the caller's own settings."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("KAMENG_")}
    return bare | {"KAMENG_DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"} | more


@cache
def _forks() -> Forks:
    made = Forks()
    atexit.register(made.end)
    return made


def kameng(data: Path, *arguments: str, said: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; ``said`` is what it reads from its standard input."""
    return _forks().run(arguments, environment(data, **more), said.encode())


def fetch(server: Embedded, query: str, *values: object) -> list[tuple[object, ...]]:
    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(server.url)
        try:
            return [tuple(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()

    return asyncio.run(run())


class Service:
    """A ``kameng run`` or ``kameng serve`` at work; in a session of its own, like under a service manager."""

    def __init__(self, data: Path, *arguments: str, **more: str) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kameng", *arguments], env=environment(data, **more), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.append(line)

    @property
    def said(self) -> str:
        return "".join(self._lines)

    def await_said(self, text: str, *, timeout_s: float = START_S) -> str:
        until(lambda: text in self.said or self.process.poll() is not None, timeout_s, lambda: self.said)
        assert text in self.said, self.said
        return self.said

    @property
    def told(self) -> Running:
        """What it wrote down about itself."""
        (found,) = [one for one in running.all_of(self.data) if one.pid == self.process.pid]
        return found

    def family(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return found

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop; its status when it has, and nobody of it is left."""
        family = self.family()
        self.process.send_signal(how)
        status = self.process.wait(STOP_S)
        self._reader.join(5)
        _, left = psutil.wait_procs(family, timeout=2)
        assert not left, left
        return status

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            family = self.family()
            self.process.kill()
            for one in family:
                if one.is_running():
                    one.kill()
            self.process.wait()
            self._reader.join(5)
            psutil.wait_procs(family, timeout=5)


def until(is_true: object, timeout_s: float = 30.0, why: object = "") -> None:
    """Wait for it."""
    assert callable(is_true)
    deadline_s = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline_s, why() if callable(why) else why
        time.sleep(0.05)
