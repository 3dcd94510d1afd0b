"""What the tests of the house walk over: its files, its contexts, its statements."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from kameng.kit import sql

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "kameng"
CONTEXTS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
FOLDERS = ("src", "tests", "examples", "scripts", "docs", "web", "deploy", ".ci")
NOT_OURS = {"__pycache__", "node_modules"}


def files(*folders: str, suffix: str = "") -> Iterator[Path]:
    """Files below folders of the root, without what tools leave there."""
    for path in sorted(chain.from_iterable((ROOT / folder).rglob(f"*{suffix}") for folder in folders)):
        if path.is_file() and not NOT_OURS & set(path.parts) and ".egg-info" not in str(path):
            yield path


def every_file() -> list[Path]:
    top = (path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith("."))
    return sorted({*files(*FOLDERS), *top})


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def statements() -> dict[str, dict[str, str]]:
    """Every statement the program can send: by file, by name."""
    found = (path for path in files("src", suffix=".sql") if "schema" not in path.parts)
    return {name_of(path): sql.parse(path.name, path.read_text("utf-8")).texts for path in found}
