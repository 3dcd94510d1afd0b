"""Choosing (自选): what is known of the cards that wishes name is looked up before they join a batch, and cards on
display in another lane are brought to theirs.

Nothing is refused here: a wish that stands already gets its answer, whatever became of its card; the batch decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kameng import stock
from kameng.orders.model import Pick, Wish
from kameng.orders.snapshot import Snapshot


async def look_up(snapshot: Snapshot, wishes: Sequence[Wish]) -> list[Wish]:
    """The wishes with what choosing costs; costs nothing where nobody chooses."""
    card_ids = [wish.pick.card_id for wish in wishes if wish.pick is not None]
    if not card_ids:
        return list(wishes)
    found = await stock.find_displayed(snapshot.db, card_ids)
    return [wish if wish.pick is None else await _looked_up(snapshot, wish, wish.pick, found) for wish in wishes]


async def _looked_up(snapshot: Snapshot, wish: Wish, pick: Pick, found: Mapping[int, stock.Found]) -> Wish:
    card, lane = found.get(pick.card_id), wish.organisation.lane
    if card is None or card.sku_id != wish.sku_id:
        return wish
    sku = snapshot.catalogue.skus.get(wish.sku_id)
    if card.is_free and card.lane != lane and not wish.organisation.sandbox and sku is not None and sku.pickable:
        await stock.bring_displayed(snapshot.db, card, lane)
    return msgspec.structs.replace(wish, pick=Pick(card.card_id, card.pick_fee_e4, is_known=True))
