"""What operators get beside the code: alerts and board ask for numbers that exist, and the page names the alerts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kameng.kit import metrics

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "deploy" / "prometheus" / "rules.yml").read_text("utf-8")
BOARD = json.loads((ROOT / "deploy" / "grafana" / "kameng.json").read_text("utf-8"))
PAGE = (ROOT / "docs" / "growing.md").read_text("utf-8")

ALERTS = re.findall(r"^ +- alert: (\w+)$", RULES, re.MULTILINE)
EXPRESSIONS = re.findall(r"^ +expr: (.+)$", RULES, re.MULTILINE)
PANELS = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
OF_PROMETHEUS = {"up"}


def series() -> dict[str, set[str]]:
    """Every series of a process, by the name that it is asked by, with its labels."""
    found: dict[str, set[str]] = {}
    for family in metrics.registry.collect():
        collector = metrics.registry._names_to_collectors[family.name]
        labels = {*getattr(collector, "_labelnames", ()), "job", "instance"}
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        for suffix in suffixes:
            found[family.name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    return found


@pytest.mark.parametrize("expression", [*EXPRESSIONS, *PANELS])
def test_only_numbers_that_are_shown_are_asked_for(expression: str) -> None:
    there = series()
    asked = set(re.findall(r"\b(kameng_\w+|process_\w+)", expression))
    assert asked or expression.startswith("up{"), expression
    assert asked - there.keys() - OF_PROMETHEUS == set()
    for name, body in re.findall(r"\b(\w+)\{([^}]*)\}", expression):
        labels = set(re.findall(r"(\w+)=~?\"", body))
        assert labels <= there.get(name, {"job", "instance"}), expression
    for listed in re.findall(r"\bby \(([\w, ]+)\)", expression):
        labels = {label.strip() for label in listed.split(",")}
        assert all(labels <= there[name] for name in asked), expression


def test_every_alert_is_whole_and_on_the_page() -> None:
    assert len(ALERTS) == len(EXPRESSIONS) == len(set(ALERTS)) >= 10
    assert len(re.findall(r"severity: (?:page|ticket)", RULES)) == len(ALERTS)
    assert set(re.findall(r"^\| `(Kameng\w+)` \|", PAGE, re.MULTILINE)) == set(ALERTS)


def test_every_number_of_ours_is_on_the_board() -> None:
    shown = set(re.findall(r"kameng_\w+?(?=_total|_bucket|\b)", " ".join(PANELS)))
    ours = {family.name for family in metrics.registry.collect() if family.name.startswith("kameng_")}
    assert ours <= shown
