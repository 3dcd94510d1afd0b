"""Every refusal: what its caller is told, in both languages, and with which status."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import get_args

import pytest
from house import PACKAGE

from kameng.kit.errors import REGISTRY, Outcome, Refusal, Retry

for path in sorted(PACKAGE.glob("*/errors.py")):
    import_module(f"kameng.{path.parent.name}.errors")

OURS = {code: refusal for code, refusal in REGISTRY.items() if refusal.__module__.startswith("kameng.")}
"""Other tests add refusals of their own."""

each_refusal = pytest.mark.parametrize("code", sorted(OURS))


@each_refusal
def test_it_says_what_is_wrong_in_both_languages(code: str) -> None:
    refusal = OURS[code]
    assert refusal.__doc__ is not None
    assert "zh" in refusal.__dict__, "its own words, not those of its branch"
    assert re.fullmatch(r"[A-Z].*\.", refusal.en())
    assert re.fullmatch(r".*[\u4e00-\u9fff].*。", refusal.zh)


@each_refusal
def test_it_tells_programs_what_to_do(code: str) -> None:
    refusal = OURS[code]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
    assert 400 <= refusal.status <= 503
    assert refusal.retry in get_args(Retry)
    assert refusal.outcome in get_args(Outcome)
    # Whose outcome is unknown asks before he repeats.
    assert refusal.outcome != "unknown" or refusal.retry == "query_first"


def every_class(of: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    for below in of.__subclasses__():
        yield below
        yield from every_class(below)


def test_every_leaf_has_its_code_and_lives_with_its_context() -> None:
    ours = {refusal for refusal in every_class() if refusal.__module__.startswith("kameng.")}
    leaves = {refusal for refusal in ours if not ours & set(refusal.__subclasses__())}
    assert leaves == set(OURS.values())
    assert {refusal.__module__.split(".")[-1] for refusal in ours} == {"errors"}
