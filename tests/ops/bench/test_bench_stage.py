"""A workload from end to end, small: a stage is set, loaded, read and audited, and its report says what came."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_orders_are_placed_on_a_stage_of_its_own_and_its_audit_is_clean(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [
        sys.executable, "-m", "kameng", "bench", "orders", "--seconds", "0.5", "--connections", "4",
        "--merchants", "8", "--cards", "20000", "--json", str(report),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    made = json.loads(report.read_text())
    assert made["accepted"] > 0
    assert made["codes"].keys() <= {"sold_out"}
    assert any(note.startswith("audit: clean") for note in made["notes"])
