"""The platforms of ``running``, and every SDK made once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from running import seeded, served

__all__ = ["seeded", "served"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def sdks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all of them, as ``scripts/make-sdks`` writes it."""
    folder = tmp_path_factory.mktemp("sdk")
    subprocess.run([sys.executable, str(ROOT / "scripts" / "make-sdks"), str(folder)], check=True, timeout=60)
    return folder
