"""What processes have in common: bytes reach standard output whole."""

from __future__ import annotations

import subprocess
import sys

PIECE = 1 << 22

# An event that comes while a write waits for its reader ends that write early; here a timer's signal does.
CHILD = f"""
import signal
from kameng.ops.processes import standard_output
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
with standard_output() as out:
    out.write(bytes({PIECE}))
signal.setitimer(signal.ITIMER_REAL, 0)
"""


def test_a_large_write_into_a_slow_pipe_is_whole_though_python_is_unbuffered() -> None:
    child = subprocess.Popen([sys.executable, "-u", "-c", CHILD], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout as pipe:
        size = 0
        while piece := pipe.read(1 << 14):
            size += len(piece)
    assert (child.wait(), size) == (0, PIECE)
