"""Reading a card file: bytes in; cards, refused lines and notes out. No line is lost, none is taken twice.

Touches no database: that a card was loaded before is found when it is loaded. Messages and previews never
repeat a secret.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec

from kameng.stock import links, splitting
from kameng.stock.cells import (
    CODE_LENGTH_MAX,
    AmountError,
    DateError,
    code_of,
    cost_e4_of,
    date_of,
    expiry_in_words,
    unpadded,
)  # fmt: skip
from kameng.stock.columns import Layout, guess, header_of, labelled, with_number_from_seq
from kameng.stock.errors import LINE_REASONS, LineReason
from kameng.stock.files import Book, Cell, Format, Row, open_book
from kameng.stock.links import LINK_CHARS_MAX
from kameng.stock.model import Goods

PLAIN = Goods()
LABEL_CHARS_MAX = 64
SECRET_CHARS_MIN = 4
"""Shorter secrets stand in a label by chance."""


class CardLine(msgspec.Struct, frozen=True, gc=False):
    """One card. ``number`` is empty where the card is a code only; ``expires_on`` is its last good day."""

    line: int
    number: str
    secret: str
    expires_on: date | None
    cost_e4: int | None
    label: str = ""
    """By what its buyer chooses it; empty: nobody does."""
    pick_fee_e4: int | None = None
    """What choosing it costs; None: as its SKU says."""


class RefusedLine(msgspec.Struct, frozen=True):
    """A line that was not taken, and why; ``preview`` is masked."""

    line: int
    reason: LineReason
    message: str
    message_zh: str
    preview: str
    first: int = 0
    """The line that it repeats."""


class Note(msgspec.Struct, frozen=True):
    """A line that is no card and was not meant as one; long codes in its text are masked."""

    line: int
    kind: Literal["title", "header", "comment", "total"]
    text: str


class CardFile(msgspec.Struct, frozen=True):
    cards: tuple[CardLine, ...]
    refused: tuple[RefusedLine, ...]
    notes: tuple[Note, ...]
    encoding: str
    format: Format


def read_cards(
    data: bytes, *, today: date, filename: str = "", expires_on: date | None = None, cost_e4: int | None = None,
    goods: Goods = PLAIN,
) -> CardFile:  # fmt: skip
    """Every line of a TXT, CSV or Excel file as a card, a refused line or a note; blank lines are nothing.

    ``expires_on`` and ``cost_e4`` are for cards of which the file doesn't say; 永久 in a file is said. ``goods`` says
    whether secrets must be links, and whether cards can be chosen: else columns about that are passed over.

    Raises the refusals of whole files in ``stock/errors.py``.
    """
    book = open_book(data, filename)
    reader = _Reader(book, today, expires_on, cost_e4, goods)
    for line, row in enumerate(book.rows, book.first_line):
        reader.read(line, row)
    return reader.file()


def masked(text: str) -> str:
    """At most four characters and a quarter of a card number."""
    return text[: min(4, len(text) // 4)] + "****"


SAMPLE_ROWS = 200
"""Rows that are looked at before any is read: for a header, and for what the columns hold."""

TITLE_ROWS_MAX = 10
"""Rows of words beyond these are no titles but cards that we can't read."""

_INK = re.compile(r"[^\W_]|\ufffd")
_DIGIT = re.compile(r"\d")
_TOTAL = re.compile(r"\s*(?:合计|总计|共计|小计|总数)")
_REASONS_OF_TOTALS = ("no_secret", "no_number", "not_a_code", "too_many_fields")
_PADDING = " \t\u3000\ufeff\u200b\"'"
_LONG_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{10,}")
_BETWEEN = re.compile(r"[\s,|;#/]+|-{2,}")


class _Reader:
    """What is known so far while the rows of one file go by."""

    def __init__(
        self, book: Book, today: date, expires_on: date | None, cost_e4: int | None, goods: Goods
    ) -> None:
        self.book = book
        self.goods = goods
        self.secret_chars_max = LINK_CHARS_MAX if goods.is_link else CODE_LENGTH_MAX
        self.today = today
        self.cards: list[CardLine] = []
        self.refused: list[RefusedLine] = []
        self.notes: list[Note] = []
        self.known: dict[str, CardLine] = {}
        self.dates: dict[str, date | None] = {}
        self.costs: dict[str | float, int] = {}
        self.named: Layout | None = None
        self.expires_on = _expiry_of_comments(book.rows) or expires_on
        self.cost_e4 = cost_e4
        rows = self._sample()
        self.header_line, self.header = _first_header(rows)
        self.guessed = self._guess([cells for line, cells, _ in rows if line != self.header_line])

    def file(self) -> CardFile:
        parts = (tuple(self.cards), tuple(self.refused), tuple(self.notes))
        return CardFile(*parts, self.book.encoding, self.book.format)

    def read(self, line: int, row: Row) -> None:
        text = _text_of(row)
        if not _INK.search(text):
            return
        cells, separator = self._split(row)
        if cells is None:
            self._refuse(line, "broken_quote", "")
        elif _is_comment(row, cells):
            self._note(line, "comment", _veiled(text))
        elif not _DIGIT.search(text) and (header := header_of(cells, separator)) is not None:
            self.named = self.header if line == self.header_line else header
            self._note(line, "header", text)
        elif self._is_title(line, row):
            self._note(line, "title", text)
        elif (refusal := self._take(line, *self._laid_out(row, cells, separator))) is not None:
            if refusal[0] in _REASONS_OF_TOTALS and _TOTAL.match(text):
                self._note(line, "total", text)
            else:
                self._refuse(line, *refusal)

    # What a row is.

    def _sample(self) -> list[tuple[int, Sequence[Cell], str]]:
        """(line, cells, separator) of the first rows that may hold cards or a header."""
        rows: list[tuple[int, Sequence[Cell], str]] = []
        for line, row in enumerate(self.book.rows, self.book.first_line):
            if len(rows) == SAMPLE_ROWS:
                break
            if _INK.search(_text_of(row)):
                cells, separator = self._split(row)
                if cells is not None and not _is_comment(row, cells):
                    rows.append((line, cells, separator))
        return rows

    def _guess(self, rows: list[Sequence[Cell]]) -> dict[int, Layout]:
        """A layout for each width of row, should there be no header that names the columns."""
        by_width: dict[int, list[Sequence[Cell]]] = {}
        for cells in rows:
            if not _is_wording(cells):
                by_width.setdefault(len(cells), []).append(cells)
        alone = set(by_width) == {1} and self._is_one_column()
        return {width: guess(group, one_is_secret=alone) for width, group in by_width.items()}

    def _is_one_column(self) -> bool:
        """Lines of one field are secrets only if nearly all are; among others they have lost their secret."""
        wide = total = 0
        for row in self.book.rows:
            text = _text_of(row)
            if text.isascii() and _INK.search(text):
                total += 1
                wide += len(self._split(row)[0] or ()) > 1
        return wide * 10 <= total

    def _split(self, row: Row) -> tuple[Sequence[Cell] | None, str]:
        if not isinstance(row, str):
            return row, ""
        separator = self.named.separator if self.named is not None else ""
        if not separator or separator not in row:
            # Under a header of one column, a dash or a blank belongs to the code.
            separator = splitting.separator_of(row, weak=self.named is None or self.named.width > 1)
        return splitting.fields_of(row, separator), separator

    def _laid_out(self, row: Row, cells: Sequence[Cell], separator: str) -> tuple[Sequence[Cell], Layout]:
        if isinstance(row, str) and (":" in row or "：" in row):
            labels = labelled(row)
            if labels is not None:
                return labels
        return cells, self._layout(cells, separator)

    def _layout(self, cells: Sequence[Cell], separator: str) -> Layout:
        named = self.named
        if named is not None and (separator in (named.separator, "") or named.width in (1, len(cells))):
            return named
        return self.guessed.get(len(cells)) or guess([cells])

    def _is_title(self, line: int, row: Row) -> bool:
        """Words above the header or first card: one merged cell, or nothing but Chinese."""
        if self.cards or self.refused or self.named is not None or len(self.notes) >= TITLE_ROWS_MAX:
            return False
        if isinstance(row, str) and labelled(row) is not None:
            return False
        cells: Sequence[Cell] | None = row
        if isinstance(row, str):
            cells = splitting.fields_of(row, splitting.separator_of(row, weak=False))
        if cells is None:
            return False
        return _is_wording(cells) or (line < self.header_line and sum(cell != "" for cell in cells) == 1)

    # What a row holds.

    def _take(self, line: int, cells: Sequence[Cell], at: Layout) -> tuple[LineReason, str, int] | None:
        """Add the card; or why not, with its number and the line that it repeats."""
        count = len(cells)
        beyond = at.named and count > at.width and any(cell != "" for cell in cells[at.width :])
        if beyond or (at.secret < 0 and count > 1):
            return "too_many_fields", "", 0
        number, why_not = code_of(cells[at.number]) if 0 <= at.number < count else ("", None)
        secret, why_not_secret = (
            code_of(cells[at.secret], chars_max=self.secret_chars_max) if 0 <= at.secret < count else ("", None)
        )
        if why_not is None:
            why_not = why_not_secret or _why_not(number, secret, at)
        if why_not is not None:
            return why_not, number, 0
        try:
            expires_on = self._expiry(cells[at.expiry] if 0 <= at.expiry < count else "")
            cost_e4 = self._cost(cells[at.cost] if 0 <= at.cost < count else "")
        except DateError:
            return "bad_date", number, 0
        except AmountError:
            return "bad_cost", number, 0
        if expires_on is not None and expires_on < self.today:
            return "expired", number, 0
        card = CardLine(line, number, secret, expires_on, cost_e4)
        if self.goods.is_link and (fault := links.fault_of(secret)):
            return fault, number, 0
        if self.goods.pickable:
            label = cells[at.label] if 0 <= at.label < count else ""
            shown = _displayed(card, label, cells[at.fee] if 0 <= at.fee < count else "")
            if not isinstance(shown, CardLine):
                return shown, number, 0
            card = shown
        first = self.known.setdefault(number or f"\n{secret}", card)  # no number begins with a line end
        if first is not card:
            return "duplicate" if first.secret == secret else "duplicate_number", number, first.line
        self.cards.append(card)
        return None

    def _expiry(self, cell: Cell) -> date | None:
        if not isinstance(cell, str):
            return date_of(cell)
        if not cell or cell.isspace():
            return self.expires_on
        if cell not in self.dates:
            self.dates[cell] = date_of(cell)
        return self.dates[cell]

    def _cost(self, cell: Cell) -> int | None:
        if not isinstance(cell, str | float):
            return cost_e4_of(cell)
        if isinstance(cell, str) and (not cell or cell.isspace()):
            return self.cost_e4
        if cell not in self.costs:
            self.costs[cell] = cost_e4_of(cell)
        return self.costs[cell]

    def _note(self, line: int, kind: Literal["title", "header", "comment", "total"], text: str) -> None:
        self.expires_on = expiry_in_words(text[:1000]) or self.expires_on
        self.notes.append(Note(line, kind, _LONG_CODE.sub(_mask, text.strip(_PADDING)[:200])))

    def _refuse(self, line: int, reason: LineReason, number: str, first: int = 0) -> None:
        en, zh = LINE_REASONS[reason]
        if first:
            en, zh = en.format(first=first), zh.format(first=first)
        self.refused.append(RefusedLine(line, reason, en, zh, masked(number), first))


def _why_not(number: str, secret: str, at: Layout) -> LineReason | None:
    if not secret:
        return "no_secret"
    if not number and at.number >= 0:
        return "no_number"
    # Where a header names the column, a secret may be a phrase (口令); elsewhere words are no code.
    if not number.isascii() or not (secret.isascii() or at.named):
        return "not_a_code"
    return None


def _displayed(card: CardLine, label: Cell, fee: Cell) -> CardLine | LineReason:
    """The card by what it is chosen, which is its number if nothing else is said, and for how much more."""
    text, why_not = code_of(label)
    text = text or card.number
    if why_not is not None or len(text) > LABEL_CHARS_MAX or not text.isprintable() or gives_away(text, card.secret):
        return "bad_label"
    try:
        fee_e4 = None if isinstance(fee, str) and not fee.strip() else cost_e4_of(fee)
    except AmountError:
        return "bad_fee"
    return msgspec.structs.replace(card, label=text, pick_fee_e4=fee_e4 if text else None)


def gives_away(label: str, secret: str) -> bool:
    """Whether a label gives its card's secret away."""
    return secret == label or (len(secret) >= SECRET_CHARS_MIN and secret in label)


def _text_of(row: Row) -> str:
    """The row's words; a cell that is no text counts as a digit."""
    if isinstance(row, str):
        return row
    return " ".join(cell if isinstance(cell, str) else "0" for cell in row)


def _is_comment(row: Row, cells: Sequence[Cell] | None) -> bool:
    """``# …`` and ``// …``; but a ``#`` that is the first of several column titles is a header's."""
    if not isinstance(row, str):
        filled = [cell for cell in row if cell != ""]
        return len(filled) == 1 and isinstance(filled[0], str) and _begins_a_comment(filled[0])
    if row[:1].isalnum() or not _begins_a_comment(row):
        return False
    return not (cells and len(cells) > 1 and cells[0] == "#" and header_of(cells, "") is not None)


def _begins_a_comment(text: str) -> bool:
    return text.lstrip(_PADDING).startswith(("#", "//"))


def _is_wording(cells: Sequence[Cell]) -> bool:
    """Nothing but words in Chinese: no card looks like that."""
    return all(isinstance(cell, str) and (not cell or not unpadded(cell).isascii()) for cell in cells)


def _first_header(rows: list[tuple[int, Sequence[Cell], str]]) -> tuple[int, Layout | None]:
    """(line, layout) of the first header in the sample; (0, None) if there is none."""
    for i, (line, cells, separator) in enumerate(rows):
        if not any(isinstance(cell, str) and _DIGIT.search(cell) for cell in cells):
            header = header_of(cells, separator)
            if header is not None:
                below = [cells for _, cells, below_separator in rows[i + 1 :] if below_separator == separator]
                return line, with_number_from_seq(header, below)
    return 0, None


def _expiry_of_comments(rows: Sequence[Row]) -> date | None:
    """The expiry date that the file's comments name, wherever they stand, if they name one only."""
    comments = (row for row in rows if isinstance(row, str) and row[:1] in ("#", "/"))
    dates = {expiry_in_words(comment[:1000]) for comment in comments} - {None}
    return dates.pop() if len(dates) == 1 else None


def _veiled(comment: str) -> str:
    """A comment as it is, unless it is a card that somebody has commented out."""
    words = [word for word in _BETWEEN.split(comment) if word]
    return "# ****" if all(word.isascii() and _looks_secret(word) for word in words) else comment


def _looks_secret(word: str) -> bool:
    return _DIGIT.search(word) is not None or (word.isupper() and len(word) >= 6)


def _mask(match: re.Match[str]) -> str:
    return masked(match[0])
