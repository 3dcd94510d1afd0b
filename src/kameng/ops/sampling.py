"""What the audit opens: a sample of everything sealed, and whether what came out stands anywhere in clear.

Every card, account and API secret of the sample is looked for in all that is written about its own order, key or
load, and in a sample of everything that is written about others: texts by the hundred thousand, values by the
thousand, in one pass. What is found is told by its place, never by what it says. ``client_ref`` is not searched: it
is the merchant's own.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from typing import Any

import msgspec

from kameng import catalogue, fulfilment, identity, orders, stock
from kameng.kit import crypto, sql
from kameng.kit.db import Connection

statements = sql.parse("sampling.sql", resources.files("kameng.ops").joinpath("sampling.sql").read_text("utf-8"))

TEXTS_PER_SAMPLE = 50
"""So many texts of each kind are searched for each card that a lane's sample may have."""
CHARS_MIN = 8
DIGITS_MIN = 10
"""Shorter values, and shorter plain numbers, are found by chance in prices, dates and ids."""
_PREFIX = re.compile(r"(?:^|\D)(?:0086|86)?$")


class Looked(msgspec.Struct, frozen=True):
    """How many were looked at, what was wrong with which, and out of what they were taken."""

    checked: int
    wrong: tuple[str, ...]
    note: str
    took_ms: int


class Sample(msgspec.Struct, frozen=True):
    """Rows as they stand, sealed, and how many there are in all."""

    counts: Any
    cards: Sequence[Any]
    keys: Sequence[Any]
    placed: Sequence[Any]
    answers: Sequence[Any]


class Opened(msgspec.Struct):
    """The sample, opened: clear values by what they are, and what did not open or was not what it should be."""

    values: list[tuple[str, str]] = []
    prints: dict[int, bytes] = {}
    marks: list[tuple[int, bytes, int]] = []
    wrong: list[str] = []


async def look(
    connection: Connection, ring: crypto.KeyRing, *, per_lane: int, timeout_s: float
) -> tuple[Looked, Looked]:
    """Whether a sample opens and is what it should be, and whether it stands nowhere in clear."""
    started_s = time.monotonic()
    sample = await _draw(connection, per_lane, timeout_s)
    counts = sample.counts
    opened = _open(ring, sample)
    opened.wrong += await _wrong_prints(connection, opened.prints, timeout_s)
    opened.wrong += await _lost_marks(connection, opened.marks, timeout_s)
    first = Looked(
        len(sample.cards) + len(sample.keys) + len(sample.placed) + len(sample.answers), tuple(opened.wrong),
        f"{len(sample.cards):,} / {counts['cards']:,} cards 卡密, {len(sample.keys):,} / {counts['keys']:,}"
        f" API secrets 密钥, {len(sample.placed):,} / {counts['orders']:,} orders 订单,"
        f" {len(sample.answers):,} / {counts['answers']:,} answers 人工交付",
        _ms_since(started_s),
    )  # fmt: skip
    started_s = time.monotonic()
    texts = await _texts(connection, sample, per_lane * TEXTS_PER_SAMPLE, timeout_s)
    needles = Needles(opened.values)
    found = tuple(sorted({f"{what} in {place}" for place, text in texts.items() for what in needles.found_in(text)}))
    note = f"{needles.count:,} values 个值 / {len(texts):,} texts 段文本"
    return first, Looked(len(texts), found, note, _ms_since(started_s))


def _ms_since(started_s: float) -> int:
    return int((time.monotonic() - started_s) * 1000)


async def _draw(connection: Connection, per_lane: int, timeout_s: float) -> Sample:
    counts = await connection.fetchrow(statements.count_rows, timeout=timeout_s)
    assert counts is not None
    lanes = max(1, len(await connection.fetch("SELECT lane FROM lane")))

    async def some(statement: str, count: int) -> list[Any]:
        percent = _percent(1.5 * per_lane * lanes, count)  # chance draws unevenly, and lanes are not even
        found: list[Any] = await connection.fetch(statement, percent, per_lane, timeout=timeout_s)
        return found

    return Sample(
        counts,
        await some(statements.sample_cards, counts["cards"]),
        await some(statements.sample_keys, counts["keys"]),
        await some(statements.sample_orders, counts["orders"]),
        await some(statements.sample_answers, counts["answers"]),
    )


def _percent(wanted: float, count: int) -> float:
    return min(100.0, 100.0 * wanted / max(count, 1))


# opening ---------------------------------------------------------------------------------------------------


def _open(ring: crypto.KeyRing, sample: Sample) -> Opened:
    opened = Opened([], {}, [], [])
    for row in sample.cards:
        name = f"card {row['card_id']}"
        text = opened_or_none(ring, stock.CARD, row["card_id"], row["sealed"])
        if text is None:
            opened.wrong.append(name)
            continue
        known_id = row["card_id"] if row["original_id"] is None else row["original_id"]
        opened.prints[known_id] = ring.fingerprint(stock.CARD, stock.known_as(text))
        card = msgspec.json.decode(text, type=stock.CardText)
        opened.values += [(name, card.secret), (name, card.number)]
        if row["label"] is not None and stock.gives_away(row["label"], card.secret):
            opened.wrong.append(f"label of {name}")
    for row in sample.keys:
        name = f"key {row['key_id']}"
        secret = opened_or_none(ring, identity.KEY_SECRET, row["key_id"], row["sealed_secret"])
        if secret is None or not secret.startswith(b"ks_"):
            opened.wrong.append(name)
        else:
            opened.values.append((name, secret.decode()))
    for row in sample.placed:
        name = f"account of order {row['order_id']}"
        if row["account"] is not None:
            text = opened_or_none(ring, orders.ACCOUNT, row["order_id"], row["account"])
            if text is None:
                opened.wrong.append(name)
                continue
            account = msgspec.json.decode(text, type=dict[str, str])
            opened.values += [(name, value) for value in _private(account)]
            opened.marks += [(row["lane"], mark, row["order_id"]) for mark in catalogue.marks_of(ring, account)]
            # Or nothing would ever wipe it.
            if catalogue.has_password(account) != row["has_password"]:
                opened.wrong.append(name)
    for row in sample.answers:
        _open_answer(ring, row, opened)
    return opened


def _open_answer(ring: crypto.KeyRing, row: Any, opened: Opened) -> None:
    """What came by hand: its words, its cards, and whether its image opens."""
    name = f"answer to order {row['order_id']}"
    try:
        words = fulfilment.open_words(ring, row["order_id"], row["part_no"], row["sealed"])
        if row["image"] is not None:
            fulfilment.open_image(ring, row["order_id"], row["part_no"], row["image"])
    except crypto.Unsealable:
        opened.wrong.append(name)
        return
    opened.values += [(name, text) for card in words.cards for text in (card.secret, card.number)]
    opened.values.append((name, words.text))


def opened_or_none(ring: crypto.KeyRing, what: bytes, row_id: int, sealed: bytes) -> bytes | None:
    try:
        return ring.open(what, row_id, sealed)
    except crypto.Unsealable:
        return None


def _private(account: dict[str, str]) -> Iterator[str]:
    """What tells who somebody is; a province or a game's server does not."""
    for field, value in account.items():
        if catalogue.data_class_of(field) != "public":
            yield value


async def _wrong_prints(connection: Connection, prints: dict[int, bytes], timeout_s: float) -> list[str]:
    """Cards that are not what was fingerprinted."""
    rows = await connection.fetch(statements.fingerprints_of, list(prints.values()), timeout=timeout_s)
    claimed = {row["fingerprint"]: row["card_id"] for row in rows}
    return [f"card {card_id}" for card_id, print_ in prints.items() if claimed.get(print_) != card_id]


async def _lost_marks(
    connection: Connection, marks: Sequence[tuple[int, bytes, int]], timeout_s: float
) -> list[str]:
    """Orders that are not found by what they hold."""
    columns = [list(column) for column in zip(*marks, strict=True)] or [[], [], []]
    rows = await connection.fetch(statements.lost_marks, *columns, timeout=timeout_s)
    return [f"account of order {row['order_id']}" for row in rows]


# searching -------------------------------------------------------------------------------------------------


async def _texts(connection: Connection, sample: Sample, texts_max: int, timeout_s: float) -> dict[str, str]:
    """Place and text: everything about the sampled, and as much about others."""
    rows = [*sample.cards, *sample.keys, *sample.placed, *sample.answers]
    columns = ("order_id", "card_id", "batch_id", "key_id", "org_id")
    subjects = {row[name] for row in rows for name in columns if row.get(name) is not None}
    lanes = {row["lane"] for row in rows}
    about = await connection.fetch(statements.texts_about, list(subjects), list(lanes), timeout=timeout_s)
    kinds = ("events", "audit_lines", "jobs", "orders")
    # Below the most that are taken: a table that is cut off would never show its end, where the newest rows are.
    percents = [_percent(0.9 * texts_max, sample.counts[kind]) for kind in kinds]
    others = await connection.fetch(statements.texts_anywhere, *percents, texts_max, timeout=timeout_s)
    return {row["place"]: row["text"] for row in (*about, *others)}


class Needles:
    """Values that must stand nowhere, all looked for at once: by how they begin, then whole."""

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        self._by_head: dict[str, list[tuple[str, str]]] = {}
        self.count = 0
        for what, value in values:
            if len(value) < (DIGITS_MIN if value.isdigit() else CHARS_MIN):
                continue
            self.count += 1
            for form in {value, msgspec.json.encode(value).decode()[1:-1]}:  # as JSON has it, too
                self._by_head.setdefault(form[:CHARS_MIN], []).append((what, form))

    def found_in(self, text: str) -> Iterator[str]:
        """What they are of those that stand in it."""
        for start in range(len(text) - CHARS_MIN + 1):
            for what, value in self._by_head.get(text[start : start + CHARS_MIN], ()):
                if text.startswith(value, start) and _stands_alone(text, start, value):
                    yield what


def _stands_alone(text: str, start: int, value: str) -> bool:
    """A number inside a longer one is chance, unless what stands before it is China's country code."""
    if not value.isdigit():
        return True
    end = start + len(value)
    return not text[end : end + 1].isdigit() and _PREFIX.search(text[max(start - 5, 0) : start]) is not None
