"""A supervisor's children: started, heard when they serve, told to leave, ended."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from kameng.kit import logs

log = logs.get_logger(__name__)

STOP_TIMEOUT_S = 25.0
"""Longer than a child gives what it has begun; then it is killed."""
RESTART_MIN_S = 0.5
RESTART_MAX_S = 30.0
STEADY_S = 60.0
"""Who ran so long before it ended starts again at once."""


class Child:
    """One process. It has a session of its own: Ctrl-C reaches the supervisor alone."""

    def __init__(
        self, module: str, arguments: Sequence[str], *, listening_fd: int | None, environ: Mapping[str, str]
    ) -> None:
        self._heard, telling = os.pipe()
        fds = [telling] if listening_fd is None else [listening_fd, telling]
        command = [sys.executable, "-m", module, str(os.getpid()), *map(str, fds), *arguments]
        try:
            self._process = subprocess.Popen(
                command, env=dict(environ), pass_fds=fds, stdin=subprocess.DEVNULL, start_new_session=True
            )
        finally:
            os.close(telling)
        self.pid = self._process.pid
        self._has_visitors = listening_fd is not None
        self.since_s = time.monotonic()
        self.end_by_s: float | None = None
        self._is_ready = False

    def is_ready(self) -> bool:
        """Whether it told that it serves."""
        if not self._is_ready and select.select([self._heard], [], [], 0)[0]:
            self._is_ready = os.read(self._heard, 1) != b""
        return self._is_ready

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def status(self) -> int | None:
        return self._process.returncode

    def drain(self) -> None:
        """Ask a gateway to send the proxy away, and to serve on."""
        if self._has_visitors:
            self._process.send_signal(signal.SIGURG)

    def leave(self) -> None:
        """Ask a gateway to take no new visitors; others just to end."""
        if self._has_visitors:
            self._process.send_signal(signal.SIGUSR1)
        else:
            self.end()

    def end(self) -> None:
        """Ask it to end. ``is_over`` must be asked until it says yes."""
        if self.end_by_s is None:
            self._process.send_signal(signal.SIGTERM)
            self.end_by_s = time.monotonic() + STOP_TIMEOUT_S

    def is_over(self) -> bool:
        """Whether it has ended; killed when its time is up."""
        if not self.has_ended():
            if self.end_by_s is None or time.monotonic() < self.end_by_s:
                return False
            log.warning("a child did not end in time and is killed", pid=self.pid)
            self.kill()
        with suppress(OSError):
            os.close(self._heard)
        return True

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class Restarts:
    """When a child that keeps ending may start again: after half a second, one, two, four … up to thirty."""

    def __init__(self) -> None:
        self._failures = 0
        self.at_s = 0.0

    def ended(self, child: Child) -> float:
        """Note an end; returns the pause before the next start."""
        now_s = time.monotonic()
        if now_s - child.since_s >= STEADY_S:
            self._failures = 0
        pause_s = min(RESTART_MIN_S * 2.0 ** min(self._failures, 20), RESTART_MAX_S)
        self._failures += 1
        self.at_s = now_s + pause_s
        return pause_s
