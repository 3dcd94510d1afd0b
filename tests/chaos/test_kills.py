"""Under load, processes are killed: what was acknowledged stands once, and nothing else does.

The long one: ``kameng chaos --kills 200``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys


def test_nothing_acknowledged_is_lost_when_processes_are_killed() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KAMENG_")}
    done = subprocess.run(
        [sys.executable, "-m", "kameng.ops.chaos", "--kills", "7", "--seed", "20261122"],
        capture_output=True, text=True, timeout=240, check=False, env=environ,
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert said[-1] == "nothing lost, nothing doubled"
    assert sum(" killed " in line for line in said) == 7
    killed = {line.split()[2].rstrip(";") for line in said if " killed " in line}
    jobs = re.search(r"^jobs: ([\d,]+) inside, ([\d,]+) outside, ", done.stdout, re.MULTILINE)
    assert jobs is not None
    assert all(int(count.replace(",", "")) > 0 for count in jobs.groups())
    assert killed == {"gateway", "postgres", "worker+scheduler", "supervisor"}
