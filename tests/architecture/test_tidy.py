"""The house style, as far as a program can tell. Exceptions are ratchets: they may only shrink."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from house import CONTEXTS, PACKAGE, every_file, files, name_of

FUNCTION_LINES_MAX = 50
FILE_LINES_MAX = 400
FILE_BYTES_MAX = 200_000

LONG_FUNCTIONS: dict[str, int] = {
    "tests/examples/test_send_orders.py::test_the_chain_stores_file_over_a_bad_line_and_once_more": 51,
}
LONG_FILES: dict[str, int] = {
    "tests/openapi/test_openapi_reads.py": 429,
}
LARGE_FILES = {"docs/api/openapi.json", "requirements-dev.lock"}
"""Samples that people really send, and what programs write."""

BANNED_WORDS = ("TO" "DO", "FIX" "ME", "X" "XX")  # in two parts, for this file is read too
CLOCKS = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
MAY_ASK_THE_CLOCK = ("src/kameng/kit/clock.py", "src/kameng/ops/")
MAY_PRINT = ("src/kameng/ops/", "examples/", "tests/kit/worker_process.py")

MODULES = list(files("src", "tests", "examples", suffix=".py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def calls_of(path: Path) -> set[str]:
    """What is called by a plain or dotted name; of a longer one the last two parts."""
    called = (ast.unparse(node.func) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))
    return {".".join(name.split(".")[-2:]) for name in called}


def held(sizes: dict[str, int], *, most: int, exceptions: dict[str, int]) -> list[str]:
    """What is too long, what grew, and what shrank and is still listed with its old size."""
    faults = []
    for name, size in sizes.items():
        allowed = exceptions.get(name, most)
        if size > allowed:
            faults.append(f"{name} has {size} lines, {allowed} are allowed: divide it")
        elif name in exceptions and size < allowed:
            faults.append(f"{name} has {size} lines: lower the ratchet from {allowed}, or take it out")
    return faults + [f"{name} is gone: take it out" for name in exceptions.keys() - sizes.keys()]


def test_functions_are_short() -> None:
    sizes: dict[str, int] = {}
    for path in MODULES:
        for node in functions_of(path):
            name, size = f"{name_of(path)}::{node.name}", (node.end_lineno or 0) - node.lineno + 1
            sizes[name] = max(size, sizes.get(name, 0))
    assert held(sizes, most=FUNCTION_LINES_MAX, exceptions=LONG_FUNCTIONS) == []


def test_files_are_short() -> None:
    sizes = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert held(sizes, most=FILE_LINES_MAX, exceptions=LONG_FILES) == []


def test_every_module_says_what_it_is() -> None:
    assert [name_of(path) for path in MODULES if not ast.get_docstring(tree_of(path))] == []


def test_only_doors_and_examples_print() -> None:
    """Everything else logs, where secrets are masked."""
    assert [n for p in MODULES if "print" in calls_of(p) and not (n := name_of(p)).startswith(MAY_PRINT)] == []


def test_only_the_kit_asks_the_clock() -> None:
    """Everything else asks ``kit.clock``, so that tests can hold it. ``ops`` also measures the real one."""
    modules = files("src", suffix=".py")
    assert [n for p in modules if CLOCKS & calls_of(p) and not (n := name_of(p)).startswith(MAY_ASK_THE_CLOCK)] == []


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_context_has_its_page(context: str) -> None:
    """One page: at most 60 lines. Every file of the context is on it, by its name."""
    page = (PACKAGE / context / "README.md").read_text("utf-8")
    assert len(page.splitlines()) <= 60
    own = [path for path in (PACKAGE / context).iterdir() if path.suffix in (".py", ".sql")]
    assert [path.name for path in own if path.name != "__init__.py" and f"`{path.name}`" not in page] == []


def test_pages_have_one_title() -> None:
    for page in (path for path in every_file() if path.suffix == ".md"):
        prose = re.sub(r"^(```+).*?^\1$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1, name_of(page)


def test_files_are_small() -> None:
    large = {name_of(path) for path in every_file() if path.stat().st_size > FILE_BYTES_MAX}
    assert large == LARGE_FILES


def test_nothing_is_left_for_later() -> None:
    """What is not done is an issue, not a comment."""
    banned = re.compile(rb"\b(%s)\b" % "|".join(BANNED_WORDS).encode())
    text = (path for path in every_file() if path.suffix not in (".xlsx", ".xls", ".png"))
    assert [name_of(path) for path in text if banned.search(path.read_bytes())] == []
