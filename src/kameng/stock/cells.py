"""From a cell to a code, a date or an amount: what people and spreadsheets do to them, undone or refused."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta

from kameng.kit import money
from kameng.stock.errors import LineReason
from kameng.stock.files import Cell

CODE_LENGTH_MAX = 200
DIGITS_KEPT = 10**15
"""Spreadsheets keep 15 digits of a number; of a longer one the last are lost."""

_PLAIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,199}")
_INVISIBLE = dict.fromkeys([0x00AD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF])
_LITERAL = re.compile(r'="([^"]*)"')
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SCIENTIFIC = re.compile(r"-?\d(\.\d+)?[eE]\+\d+")
_SIGNED_CODE = re.compile(r"[-+@][0-9A-Za-z+/=_-]{5,}")


def code_of(cell: Cell, *, chars_max: int = CODE_LENGTH_MAX) -> tuple[str, LineReason | None]:
    """A card number or secret as text, cleaned of what only pads it; or why it can't be one."""
    if isinstance(cell, str):
        text = cell.strip()
        return (text, None) if _PLAIN.fullmatch(text) else _code_of_text(text, chars_max)
    if isinstance(cell, bool | date) or not isinstance(cell, int | float):
        return "", "not_a_code"  # Excel takes MAR-27 for a date and TRUE for a truth
    if abs(cell) >= DIGITS_KEPT:
        return "", "digits_lost"
    if not cell >= 0 or cell != int(cell):  # "not >=" also catches NaN
        return "", "not_a_code"
    return str(int(cell)), None


def _code_of_text(cell: str, chars_max: int) -> tuple[str, LineReason | None]:
    text = unpadded(cell)
    if len(text) > chars_max:
        return "", "too_long"
    if "\ufffd" in text:
        return "", "unreadable"
    if _CONTROL.search(text):
        return "", "control_characters"
    if _SCIENTIFIC.fullmatch(text):
        return "", "digits_lost"
    if text[:1] in ("=", "＝") or (text[:1] in ("+", "-", "@") and not _SIGNED_CODE.fullmatch(text)):
        return "", "formula"
    if text[:1] == '"':
        return "", "broken_quote"
    return text, None


def unpadded(cell: str) -> str:
    """Without blanks and invisible characters, and out of ``"…"``, ``="…"`` or after an apostrophe."""
    text = cell.translate(_INVISIBLE).strip()
    for _ in range(2):  # a quoted ="…", a quoted '…
        match = _LITERAL.fullmatch(text)
        if match:
            text = match[1].strip()
        close = _QUOTES.get(text[:1])
        if close is not None and len(text) > 1 and text.endswith(close):
            text = text[1:-1].strip()
        elif text[:1] in ("'", "‘", "`"):
            text = text[1:].strip()
    return text


# Dates. An expiry date is the last day on which the card is good.

DATE = r"(20\d\d)\s?(?:([-/.年])\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})\s?日?|(\d\d)(\d\d))"
_DATE = re.compile(DATE + r"(?:[T ]\s?\d{1,2}[:：]\d\d(?:[:：]\d\d(?:\.\d+)?)?Z?)?")
_EXPIRY_IN_WORDS = re.compile(
    r"(?:有效期|到期|失效|截止|过期|expir\w*|valid\s+(?:until|till|thru|to))\D{0,10}?"
    rf"(?:{DATE}\s?(?:至|到|~|--?|—|–)\s?)?{DATE}",
    re.IGNORECASE,
)
_FOR_EVER = frozenset(
    ("永久", "永久有效", "长期", "长期有效", "无", "无期限", "不限", "-", "--", "—", "never", "none", "n/a")
)
_SERIAL_DAY_ZERO = date(1899, 12, 30)
_SERIALS = range(36526, 73051)  # 2000-01-01 to 2099-12-31


class DateError(ValueError):
    """This is no date."""


def date_of(cell: Cell) -> date | None:
    """The date in a cell; None for 永久 and the like; else DateError."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, str):
        text = unicodedata.normalize("NFKC", unpadded(cell)).strip()
        if text.lower() in _FOR_EVER:
            return None
        match = _DATE.fullmatch(text)
        if match:
            return _date_in(match.groups())
        if not (text.isascii() and text.isdecimal() and len(text) == 5):
            raise DateError
        cell = int(text)
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not 0 <= cell < 10**9:
        raise DateError
    if int(cell) in _SERIALS:
        return _SERIAL_DAY_ZERO + timedelta(days=int(cell))
    match = _DATE.fullmatch(str(int(cell))) if cell == int(cell) else None
    if match is None:
        raise DateError
    return _date_in(match.groups())


def expiry_in_words(text: str) -> date | None:
    """The date in a title or comment like ``有效期2028-12-31``; of ``有效期 A 至 B`` it is B."""
    match = _EXPIRY_IN_WORDS.search(unicodedata.normalize("NFKC", text))
    if match is None:
        return None
    try:
        return _date_in(match.groups()[-6:])
    except DateError:
        return None


def _date_in(groups: tuple[str | None, ...]) -> date:
    year, _, month, day, month_solid, day_solid = groups
    try:
        return date(int(year or 0), int(month or month_solid or 0), int(day or day_solid or 0))
    except ValueError:
        raise DateError from None


# Amounts.


class AmountError(ValueError):
    """This is no amount of at most four decimals, or larger than any that is meant."""


def cost_e4_of(cell: Cell) -> int:
    """An amount in a cell: ``193.00``, ``¥1,193.5``, ``193元``, 193.0; else AmountError."""
    if isinstance(cell, str):
        text = unicodedata.normalize("NFKC", unpadded(cell)).strip()
        text = text.removeprefix("¥").removeprefix("￥").removesuffix("元").strip().replace(",", "")
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        text = f"{cell:.4f}"
        if abs(float(text) - cell) > 1e-9:
            raise AmountError
    else:
        raise AmountError
    try:
        amount_e4 = money.parse_e4(text)
    except ValueError:
        raise AmountError from None
    if amount_e4 > money.AMOUNT_E4_MAX:
        raise AmountError
    return amount_e4
