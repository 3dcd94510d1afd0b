"""The words of suppliers: files of cards on their way to the shelf, offers, and how well is delivered. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from kameng.kit import clock, ids, money
from kameng.kit.money import AMOUNT_E4_MAX
from kameng.stock import CardFile, CardLine, masked
from kameng.suppliers.errors import BadCardFile, BadOffer

FILE_BYTES_MAX = 10 * 1024 * 1024 - 64 * 1024
"""10 MiB, with the form around it."""
FILE_NAME_CHARS_MAX = 80
OPEN_RUNS_MAX = 5
OPEN_OFFERS_MAX = 50
PREVIEW_ROWS = 8
REASON_CHARS_MAX = 500
NAME_CHARS_MAX = 60


class RunState(StrEnum):
    """Of a file of cards."""

    arriving = "arriving"  # not all of it is there yet
    reading = "reading"
    ready = "ready"  # read, and its supplier may load it or drop it
    loading = "loading"
    done = "done"
    refused = "refused"  # the file as a whole can't be read
    dropped = "dropped"


OPEN = frozenset({RunState.arriving, RunState.reading, RunState.ready, RunState.loading})


class CardRun(msgspec.Struct, frozen=True):
    """A file of cards and how far it is; it holds nothing of what the file says but counts and masks."""

    run_id: int
    org_id: int
    sku_id: int
    file_name: str
    file_bytes: int
    uses: int
    cost_e4: int | None  # of one card, where the file doesn't say
    expires_on: date | None
    state: RunState
    format: str
    encoding: str
    cards: int  # good lines
    broken: int  # lines that are no card
    repeated: int  # of this file, those that stand in it before
    known: int  # of the good lines, those that were loaded before
    preview: list[dict[str, Any]]
    fault: str  # why the file as a whole is refused
    fault_zh: str
    batch_id: int | None
    cursor_line: int
    gone: int  # cards that were gone through
    loaded: int
    created_by: int
    created_at: datetime
    ended_at: datetime | None

    @property
    def lane(self) -> int:
        return ids.lane_of(self.run_id)

    @property
    def today(self) -> date:
        """The day by which its cards have expired or not: however often it is read, the same."""
        return clock.china_day_at(int(self.created_at.timestamp() * 1000))

    @property
    def fresh(self) -> int:
        """Cards that go on the shelf, or went there."""
        return self.loaded if self.state is RunState.done else self.cards - self.known

    @property
    def known_now(self) -> int:
        return self.cards - self.loaded if self.state is RunState.done else self.known


class RunLine(msgspec.Struct, frozen=True):
    """A line that is not loaded, and why, as ``stock.LINE_REASONS`` has it; ``preview`` is masked."""

    line: int
    reason: str
    preview: str
    first: int  # the line that it repeats; 0: none


REPEATED = ("duplicate", "duplicate_number")
KNOWN = ("loaded_before", "number_loaded_before")


def preview_of(cards: Sequence[CardLine]) -> list[dict[str, Any]]:
    """The first cards, so that whoever sent them sees how they were understood; no secret is among it."""
    return [
        {
            "line": card.line, "number": masked(card.number) if card.number else "", "chars": len(card.secret),
            "expires_on": None if card.expires_on is None else card.expires_on.isoformat(), "cost_e4": card.cost_e4,
            "label": card.label,
        }
        for card in cards[:PREVIEW_ROWS]
    ]  # fmt: skip


def counts_of(file: CardFile) -> tuple[int, int]:
    """(broken, repeated) lines of a file that was read."""
    repeated = sum(line.reason in REPEATED for line in file.refused)
    return len(file.refused) - repeated, repeated


def check_file(content: bytes) -> None:
    if not 0 < len(content) <= FILE_BYTES_MAX:
        raise BadCardFile("file: 1 byte to 10 MiB", field="file", detail_zh="文件：不能为空，且不超过 10 MB")


def file_name_of(name: str) -> str:
    """A name that is safe to say again: no folder, nothing unprintable; its ending stays."""
    last = "".join(char for char in name.replace("\\", "/").rpartition("/")[2] if char.isprintable()).strip()
    stem, dot, ending = last.rpartition(".")
    if not dot:
        return last[:FILE_NAME_CHARS_MAX] or "cards.txt"
    return f"{stem[: FILE_NAME_CHARS_MAX - 1 - len(ending[:8])]}.{ending[:8]}"


# offers ------------------------------------------------------------------------------------------------------


class OfferState(StrEnum):
    waiting = "waiting"
    accepted = "accepted"
    refused = "refused"
    withdrawn = "withdrawn"


class NewOffer(msgspec.Struct, frozen=True):
    """What a supplier offers: another cost of a SKU, or goods that are not in the catalogue."""

    cost_e4: int
    reason: str
    sku_id: int | None = None
    brand: str = ""
    product: str = ""
    spec: str = ""


class Offer(msgspec.Struct, frozen=True):
    offer_id: int
    org_id: int
    sku_id: int | None  # of a new product: what it became when it was accepted
    is_new: bool
    brand: str
    product: str
    spec: str
    cost_e4: int
    was_e4: int | None  # what he was paid when he offered
    reason: str
    state: OfferState
    note: str  # of whoever decided
    offered_by: int
    offered_at: datetime
    decided_by: int | None
    decided_at: datetime | None


class Supplied(msgspec.Struct, frozen=True):
    """A SKU that a supplier brings: loads cards for, works by hand, or was asked for."""

    sku_id: int
    batches: int
    loaded: int
    refused: int
    last_at: datetime | None
    cost_e4: int | None  # agreed last, else of his last batch; None: never said
    is_agreed: bool
    is_worked: bool  # by hand


def check_offer(new: NewOffer) -> None:
    """``BadOffer`` with the first field that can't be."""
    if not 0 < new.cost_e4 <= AMOUNT_E4_MAX:
        most = money.format_e4(AMOUNT_E4_MAX)
        raise BadOffer(f"cost: above 0, at most {most}", field="cost", detail_zh=f"进价：应大于 0，不超过 {most}")
    _check_text(new.reason, REASON_CHARS_MAX, "reason", "报价说明")
    if new.sku_id is None:
        for field, label in (("brand", "品牌"), ("product", "商品名称"), ("spec", "规格")):
            _check_text(getattr(new, field), NAME_CHARS_MAX, field, label)


def check_note(note: str) -> None:
    _check_text(note, REASON_CHARS_MAX, "note", "答复说明")


def _check_text(text: str, most: int, field: str, label: str) -> None:
    if not text.strip() or len(text) > most or not text.replace("\n", " ").isprintable():
        raise BadOffer(
            f"{field}: 1 to {most} printable characters", field=field,
            detail_zh=f"{label}：应为 1 至 {most} 个可见字符",
        )  # fmt: skip


# how well is delivered ---------------------------------------------------------------------------------------


class Day(msgspec.Struct, frozen=True):
    """What became of one supplier's goods of one SKU that were ordered on one day of China."""

    org_id: int
    sku_id: int
    day: date
    delivered: int = 0  # cards, or orders by hand
    refunded: int = 0
    replaced: int = 0
    declined: int = 0  # refused by hand
    overdue: int = 0
    owed_e4: int = 0  # by his cost
    uncosted: int = 0  # delivered without a cost that is known
    waits_s: tuple[int, ...] = ()  # from the order to its answer by hand, shortest first


class Quality(msgspec.Struct, frozen=True):
    """Days added up."""

    delivered: int
    refunded: int
    replaced: int
    declined: int
    overdue: int
    owed_e4: int
    uncosted: int
    median_s: int | None
    p90_s: int | None

    @property
    def complaints(self) -> int:
        """What stands in for complaints: paid back, replaced, refused, or late."""
        return self.refunded + self.replaced + self.declined + self.overdue

    @property
    def rate(self) -> float | None:
        """Complaints for each one delivered; None: nothing was."""
        return self.complaints / self.delivered if self.delivered else None


def add_up(days: Sequence[Day]) -> Quality:
    waits = sorted(wait for day in days for wait in day.waits_s)
    names = ("delivered", "refunded", "replaced", "declined", "overdue", "owed_e4", "uncosted")
    sums = {name: sum(getattr(day, name) for day in days) for name in names}
    return Quality(**sums, median_s=nearest_rank(waits, 50), p90_s=nearest_rank(waits, 90))


def nearest_rank(ordered: Sequence[int], percent: int) -> int | None:
    """The smallest value that so many percent do not pass."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None
