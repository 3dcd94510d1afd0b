"""Commands as processes of their own without the second that each would take to import what it needs.

Run as a script it has imported every command once, listens on a socket, and forks for each that is asked for. What
runs then is the whole command, from its arguments to its exit status; what an interpreter does before is not.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

TIMEOUT_S = 120.0
START_S = 60.0
_MESSAGE_BYTES_MAX = 1 << 20


class Forks:
    """The server's other end, one for a test process; it ends with that."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kameng-forks-")
        self._path = str(Path(self._folder.name) / "socket")
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def run(
        self, arguments: Sequence[str], environ: Mapping[str, str], said: bytes | None = None
    ) -> subprocess.CompletedProcess[str]:
        """``kameng`` with these arguments to its end; ``said`` is what it reads from its standard input."""
        with (
            tempfile.TemporaryFile() as read,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking,
        ):
            read.write(said or b"")
            read.seek(0)
            asking.settimeout(TIMEOUT_S)
            asking.connect(self._path)
            message = json.dumps({"arguments": arguments, "environ": dict(environ), "cwd": os.getcwd()}).encode()
            socket.send_fds(asking, [message], [one.fileno() for one in (read, out, err)])
            pid = int(asking.recv(64))
            try:
                status = int(asking.recv(64))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise
            for one in (out, err):
                one.seek(0)
            return subprocess.CompletedProcess(list(arguments), status, out.read().decode(), err.read().decode())

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(START_S)
        self._process.stdout.close()
        self._folder.cleanup()


def _serve(path: str) -> socket.socket:
    """Returns in the process of a command, with what is asked of it to be read; never in the server."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen(16)
        os.write(1, b"ready\n")
        while True:
            ready, _, _ = select.select([listener, 0], [], [])
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if 0 in ready:  # whoever started us is gone
                os._exit(0)
            asked, _ = listener.accept()
            if os.fork() == 0:
                break
            asked.close()
    pid = os.fork()
    if pid == 0:
        return asked
    asked.send(str(pid).encode())
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):  # nobody waits any more
        asked.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def main() -> NoReturn:
    from kameng.ops import cli

    cli.parser()
    assert threading.active_count() == 1, "a fork would lose the others"
    gc.collect()
    gc.freeze()  # else the first collection of every command copies all of it
    asked = _serve(sys.argv[1])
    message, fds, _, _ = socket.recv_fds(asked, _MESSAGE_BYTES_MAX, 3)
    asked.close()
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    order = json.loads(message)
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["cwd"])
    sys.argv = ["kameng", *order["arguments"]]
    try:
        status = cli.main()
    except SystemExit as told:  # of its arguments
        status = told.code if isinstance(told.code, int) else 0
    _end(status)


def _end(status: int) -> NoReturn:
    """What an interpreter does at its end, but for the taking apart of all that it imported."""
    threading._shutdown()  # type: ignore[attr-defined]  # awaits threads that are no daemons
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
