"""Bundles as orders see them: what each part is worth, what is taken for them all, how they are shown. Pure.

What is paid for a bundle is shared among its parts by the shares of its revision, so that it works at any price: a
level's, a named one, an agent's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import msgspec

from kameng.catalogue import SHARES_E4, Sku
from kameng.kit import money
from kameng.orders.model import OrderPart, PartState, Short, ShownCard, ShownPart
from kameng.stock import Shelf, ShelfCard

# Members of an enum are looked up by Python code before 3.12.
_DELIVERED, _WAITING = PartState.delivered, PartState.waiting


class Packed(msgspec.Struct, frozen=True, gc=False):
    """The parts of a new order, and the cards that were taken for them, in their order."""

    parts: tuple[OrderPart, ...]
    cards: list[ShelfCard]


def worths_of(sku: Sku, total_e4: int) -> list[int]:
    """What of a total each part of a bundle stands for. Each border between two parts is rounded down, so the last one
    that is no gift gets what rounding left, and all together are the total."""
    borders = [total_e4 * border // SHARES_E4 for border in accumulate((p.share_e4 for p in sku.parts), initial=0)]
    return [after - before for before, after in pairwise(borders)]


def pieces_of(sku: Sku, quantity: int) -> dict[int, int]:
    """How many cards of which SKU so many of it take from the shelf: of its parts if it has any."""
    if not sku.parts:
        return {sku.sku_id: quantity} if sku.from_stock else {}
    pieces: dict[int, int] = {}
    for part in sku.parts:
        if part.from_stock:
            pieces[part.sku_id] = pieces.get(part.sku_id, 0) + part.quantity * quantity
    return pieces


def pack(sku: Sku, quantity: int, total_e4: int, *, shelf: Shelf | None) -> Packed | Short:
    """All parts of so many bundles, those from stock delivered; ``Short`` of the first that is lacking, and nothing
    taken. Without a shelf nothing is taken: they are played."""
    short = None if shelf is None else short_of(pieces_of(sku, quantity), shelf)
    if short is not None:
        return short
    parts, cards = [], []
    for number, (part, worth_e4) in enumerate(zip(sku.parts, worths_of(sku, total_e4), strict=True), 1):
        taken: list[ShelfCard] = []
        if part.from_stock and shelf is not None:
            found = shelf.take(part.sku_id, part.quantity * quantity)
            assert found is not None  # it was there just now
            taken = found
        cards += taken
        parts.append(
            OrderPart(
                number, part.sku_id, part.revision, part.kind, part.quantity * quantity, worth_e4,
                _DELIVERED if part.from_stock else _WAITING, tuple([card.card_id for card in taken]),
            )
        )  # fmt: skip
    return Packed(tuple(parts), cards)


def waiting_parts(sku: Sku, quantity: int, total_e4: int) -> tuple[OrderPart, ...]:
    """All parts of so many bundles, nothing taken for any of them yet."""
    packed = pack(sku, quantity, total_e4, shelf=None)
    assert isinstance(packed, Packed)  # nothing was asked of a shelf
    return as_waiting(packed.parts)


def as_waiting(parts: Sequence[OrderPart]) -> tuple[OrderPart, ...]:
    return tuple(msgspec.structs.replace(part, state=_WAITING) for part in parts)


def cards_of(parts: Sequence[OrderPart]) -> tuple[int, ...]:
    """All cards of an order, part by part."""
    return tuple(card_id for part in parts for card_id in part.card_ids)


def with_other_cards(parts: Sequence[OrderPart], instead: Mapping[int, int]) -> tuple[OrderPart, ...]:
    """The parts when some of their cards were replaced."""
    return tuple(
        msgspec.structs.replace(part, card_ids=tuple(instead.get(card_id, card_id) for card_id in part.card_ids))
        for part in parts
    )


def show_parts(parts: Sequence[OrderPart], cards: Sequence[ShownCard]) -> tuple[ShownPart, ...]:
    """Each with those of the order's cards that are its own."""
    by_id = {card.card_id: card for card in cards}
    return tuple(
        ShownPart(
            part.part_no, part.sku_id, part.quantity, part.worth_e4, part.state.value,
            tuple(by_id[card_id] for card_id in part.card_ids if card_id in by_id),
        )
        for part in parts
    )  # fmt: skip


def play_parts(
    parts: Sequence[OrderPart], play: Callable[[int], tuple[ShownCard, ...]]
) -> tuple[tuple[ShownPart, ...], tuple[ShownCard, ...]]:
    """The same in a sandbox: ``play`` makes so many cards, of which each delivered part from stock has its own."""
    counts = [part.quantity if part.from_stock and part.state is _DELIVERED else 0 for part in parts]
    cards = play(sum(counts))
    ends = list(accumulate(counts, initial=0))
    shown = tuple(
        ShownPart(part.part_no, part.sku_id, part.quantity, part.worth_e4, part.state.value, cards[start:end])
        for part, (start, end) in zip(parts, pairwise(ends), strict=True)
    )
    return shown, cards


def told_parts(parts: Sequence[OrderPart]) -> list[dict[str, Any]]:
    """The parts as an event tells them: nothing of their goods."""
    return [
        {
            "part_no": part.part_no, "sku": str(part.sku_id), "quantity": part.quantity, "state": part.state.value,
            "worth": money.format_e4(part.worth_e4),
        }
        for part in parts
    ]  # fmt: skip


def short_of(needs: Mapping[int, int], shelf: Shelf) -> Short | None:
    """The first of these that the shelf lacks."""
    return next((Short(sku_id, need) for sku_id, need in needs.items() if not shelf.has(sku_id, need)), None)
