"""From a line of text to its fields. People use whatever is at hand, often two things in one file."""

from __future__ import annotations

import csv
import re

STRONG = ("\t", "----", ",", "，", "|", ";", "；")
"""Separators that nobody types inside a code, the surest first."""
WEAK = ("--", " ")
"""Separators that may stand inside a code or a sentence."""

_DASHES = re.compile(r"-{2,}")
_LONG_DASHES = re.compile(r"-{4,}")
_STRAY_TAB = re.compile(r"(?:^|[,，|;；]|-{2,})[\"'=\s]*\t+|\t+(?=[\"']?(?:[,，|;；]|-{2,}|$))")


def separator_of(line: str, *, weak: bool = True) -> str:
    """The separator of this line; ``""`` if it has one field."""
    for mark in STRONG:
        if mark in line and (mark != "\t" or _tab_separates(line)) and not _inside_a_link(line, mark):
            return mark
    if weak:
        if "--" in line and "://" not in line:
            return "--"
        if len(line.split(None, 2)) > 1:
            return " "
    return ""


def fields_of(line: str, separator: str) -> list[str] | None:
    """The fields, uncleaned, without empty ones at the end; None if a quotation mark is not closed."""
    if separator == "":
        return [line]
    if separator == " ":
        return line.split()
    if separator == "----":
        fields = _LONG_DASHES.split(line)
    elif separator == "--":
        fields = _DASHES.split(line)
    elif '"' in line:
        try:
            fields = next(csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True))
        except csv.Error:
            return None
    else:
        fields = line.split(separator)
    while len(fields) > 1 and not fields[-1].strip():
        fields.pop()
    return fields


def _inside_a_link(line: str, mark: str) -> bool:
    """Commas and semicolons after ``://`` belong to the link."""
    return mark in ",;" and -1 < line.find("://") < line.index(mark)


def _tab_separates(line: str) -> bool:
    """Not if it only pads: people put a tab before a long number so that Excel leaves its digits alone."""
    line = line.strip()
    return "\t" in _STRAY_TAB.sub("", line) if "\t" in line else False
