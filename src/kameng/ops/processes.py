"""What every process of Kameng does first: signals as they should be, as many open files as it may, and an end
that does not outlive the one that started it. And what the supervisor and its gateways agree on."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

SUPERVISED = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD})
"""What a supervisor waits for; it blocks them, and its children begin with them blocked."""

BACKLOG = 4096
"""Who waits in the listening socket that they share."""
DEAF_S = 0.2
"""How long a gateway that must end still ends handshakes."""

OPEN_FILES_MAX = 1 << 20
_PR_SET_PDEATHSIG = 1


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def standard_output() -> BinaryIO:
    """Where bytes go to whole. With PYTHONUNBUFFERED ``sys.stdout.buffer`` is raw, and what a raw ``write`` did not
    take is lost without a word: a large one into a pipe stops half-way when the kernel has other news for us."""
    return open(sys.stdout.fileno(), "wb", closefd=False)


def begin(parent_pid: int, *, orphaned_by: signal.Signals = signal.SIGTERM) -> None:
    """A child's first act: it can be told to stop, and is told so by the kernel should its parent die.

    The kernel's word comes when the thread that started this process ends: only main threads start processes.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(orphaned_by))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SUPERVISED)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal is its parent's business
    if os.getppid() != parent_pid:
        sys.exit(f"process {parent_pid}, which started this one, is gone")


def raise_open_files() -> None:
    """A client takes one each: take all that this user may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES_MAX if hard == resource.RLIM_INFINITY else hard
    if soft not in (resource.RLIM_INFINITY, wanted):
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def is_alive(pid: int) -> bool:
    """Running, and not a child that is dead and was not asked after yet."""
    return bool(state_of(pid)) and state_of(pid)[0] != "Z"


def born(pid: int) -> str:
    """When a process was started, in the kernel's ticks; "" if there is none. Numbers are used again."""
    state = state_of(pid)
    return state[19] if state else ""


def state_of(pid: int) -> list[str]:
    """``/proc/PID/stat`` from the state on: the name before it may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []
