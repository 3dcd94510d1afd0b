"""Every text of the pages is said in Chinese."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_text_is_said_in_chinese() -> None:
    found = subprocess.run(
        [sys.executable, ROOT / "scripts" / "words.py", "--check"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
