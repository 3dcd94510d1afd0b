"""Many numbers as people paste them: one a line, with spaces, dashes, full-width digits, names beside them. Pure.

A number is taken where it is beyond doubt. What might be two things put together is not put together: the line says
what is wrong with it, and nothing is ordered for it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import msgspec

from kameng import catalogue
from kameng.catalogue import Form

LINES_MAX = 2000
LINE_CHARS_MAX = 300
_INVISIBLE = dict.fromkeys([0x00AD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF])
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−－", "-"))
_PHONE = re.compile(r"(?<![\d])(?:\+?(?:00)?86[ -]*)?(1[3-9]\d[ -]?\d{4}[ -]?\d{4})(?![\d])")
_DIGITS = re.compile(r"\d(?:[ -]?\d){6,}")
_COLUMNS = re.compile(r"[\t,;|、]+")
_FOURS = re.compile(r"\d{4}(?:[ -]\d{4})+(?:[ -]\d{1,4})?")


class Row(msgspec.Struct, frozen=True):
    """What a line comes to: an account that can be ordered for, or what is wrong with it."""

    line: int
    text: str  # as it was pasted, shortened
    account: dict[str, str] = {}
    fault: str = ""
    fault_zh: str = ""
    repeats: int = 0
    """The line that has the same account already; 0: none."""
    nth: int = 1
    """Which of those with this account it is."""

    @property
    def is_good(self) -> bool:
        return not self.fault


def read(text: str, form: Form) -> list[Row]:
    """Every line that is not empty; at most ``LINES_MAX``, of which the caller makes sure."""
    rows: list[Row] = []
    seen: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for line, raw in enumerate(text.splitlines(), 1):
        for row in _rows(line, raw, form):
            if not row.is_good:
                rows.append(row)
                continue
            before = seen.setdefault(tuple(sorted(row.account.items())), [])
            before.append(line)
            rows.append(msgspec.structs.replace(row, repeats=before[0] if len(before) > 1 else 0, nth=len(before)))
    return rows


def line_count(text: str) -> int:
    return sum(bool(line.strip()) for line in text.splitlines())


def plain(raw: str) -> str:
    """Half-width, visible, with one kind of dash."""
    return unicodedata.normalize("NFKC", raw.translate(_INVISIBLE)).translate(_DASHES).strip()


def _rows(line: int, raw: str, form: Form) -> Iterator[Row]:
    text = plain(raw[:LINE_CHARS_MAX])
    if not text:
        return
    shown = text[:60]
    if [field.name for field in form.fields] == ["phone"]:
        yield from _phones(line, shown, text)
    elif len(form.fields) == 1:
        yield _single(line, shown, text, form)
    else:
        yield _columns(line, shown, text, form)


def _phones(line: int, shown: str, text: str) -> Iterator[Row]:
    """All numbers of the line, if nothing beside them looks like half a number."""
    found = _PHONE.findall(text)
    rest = _PHONE.sub(" ", text)
    broken = _DIGITS.search(rest)
    if broken is not None:
        digits = re.sub(r"\D", "", broken[0])
        yield Row(
            line, shown, fault=f"{len(digits)} digits where a phone number has 11.",
            fault_zh=f"手机号应为 11 位，这里有 {len(digits)} 位。",
        )  # fmt: skip
    elif not found:
        yield Row(line, shown, fault="There is no phone number here.", fault_zh="没有找到手机号。")
    for number in found if broken is None else ():
        yield Row(line, shown, {"phone": re.sub(r"\D", "", number)})


def _single(line: int, shown: str, text: str, form: Form) -> Row:
    """The first column; groups of four digits are one number, anything else with a gap is what stands before it."""
    name = form.fields[0].name
    first = next((part.strip() for part in _COLUMNS.split(text) if part.strip()), text)
    value = first if _FOURS.fullmatch(first) else first.split()[0]
    return _checked(line, shown, {name: value}, form)


def _columns(line: int, shown: str, text: str, form: Form) -> Row:
    """Columns in the form's order, with tabs, commas or spaces between them."""
    parts = [part.strip() for part in _COLUMNS.split(text)] if _COLUMNS.search(text) else text.split()
    names = [field.name for field in form.fields]
    if len(parts) < sum(field.required for field in form.fields):
        en, zh = ", ".join(field.label_en for field in form.fields), "、".join(field.label for field in form.fields)
        return Row(line, shown, fault=f"A line needs: {en}.", fault_zh=f"每行需要：{zh}。")
    return _checked(line, shown, {name: part for name, part in zip(names, parts, strict=False) if part}, form)


def _checked(line: int, shown: str, account: dict[str, str], form: Form) -> Row:
    clean, faults = catalogue.check_account(form, account)
    if faults:
        return Row(
            line,
            shown,
            fault=" ".join(one.message for one in faults),
            fault_zh="".join(one.message_zh for one in faults),
        )
    return Row(line, shown, clean)
