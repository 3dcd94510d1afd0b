"""docs/security.md against the code: what it calls evidence is there, and no requirement stands twice."""

from __future__ import annotations

import re

from house import ROOT, files

PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
STATUSES = {"met", "partly", "open", "not yet"}


def rows() -> list[list[str]]:
    """The lines of the table of requirements: number, what it asks for, status, evidence."""
    lines = PAGE.partition("\n## ASVS")[2].splitlines()
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| \d", line))
    return list(cells)


def test_every_line_is_whole() -> None:
    assert len(rows()) > 100
    for row in rows():
        number, asked, status, evidence = row
        assert re.fullmatch(r"\d+(\.\d+\.\d+)?((, | to )\d+(\.\d+\.\d+)?)*", number), row
        assert status in STATUSES, row
        assert all((asked, evidence)), row


def test_no_requirement_stands_twice() -> None:
    numbers = [number for row in rows() for number in re.split(", | to ", row[0])]
    assert sorted(numbers) == sorted(set(numbers))


def test_the_tests_that_are_evidence_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    there = {
        name
        for path in files("tests", suffix=".py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert len(named) > 50
    assert sorted(named - there) == []
