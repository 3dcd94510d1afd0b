"""What the merchants' lists have in common: days, numbers and cursors from an address; what goods are called."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from kameng import stock
from kameng.catalogue import Sku
from kameng.kit import clock, ids
from kameng.orders import ID_MAX, Snapshot
from kameng.web.errors import NoSuchPage
from kameng.web.parts import Door

PAGE = 50


def start_of_day(day: date) -> int:
    """The first id of a day of China."""
    return ids.first_at(clock.china_start_ms(day))


def days_ago(days: int) -> date:
    return clock.china_day() - timedelta(days=days)


def before_of(query: Mapping[str, str]) -> int:
    """The cursor: below which id a page begins."""
    try:
        return ids.parse(query.get("before", ""))
    except ValueError:
        return ID_MAX


def id_of(text: str) -> int:
    """The number in an address; ``NoSuchPage`` if it is none."""
    try:
        return ids.parse(text)
    except ValueError:
        raise NoSuchPage from None


def sku_of(snapshot: Snapshot, text: str) -> Sku:
    sku = snapshot.catalogue.skus.get(id_of(text))
    if sku is None:
        raise NoSuchPage
    return sku


def goods_name(snapshot: Snapshot, sku_id: int) -> str:
    """``京东E卡 100``; the code where the goods are not known here."""
    sku = snapshot.catalogue.skus.get(sku_id)
    return str(sku_id) if sku is None else f"{sku.product} {sku.spec}".strip()


def moment_of(any_id: int) -> datetime:
    """When an id was dealt."""
    return datetime.fromtimestamp(ids.ms_of(any_id) / 1000, clock.CHINA)


async def bands_of(door: Door, skus: list[Sku]) -> dict[int, str]:
    """How much of each lies on the shelves, in bands; what needs no shelf is plenty."""
    if not any(sku.from_stock or sku.parts for sku in skus):
        return {sku.sku_id: "plenty" for sku in skus}
    async with door.db.connection() as connection:
        on_hand = await stock.on_hand_everywhere(connection)
    return {sku.sku_id: stock.band(_count(sku, on_hand)) for sku in skus}


def _count(sku: Sku, on_hand: Mapping[int, int]) -> int:
    if sku.from_stock:
        return on_hand.get(sku.sku_id, 0)
    needs = [(part.sku_id, part.quantity) for part in sku.parts if part.from_stock]
    return min((on_hand.get(sku_id, 0) // count for sku_id, count in needs), default=1 << 31)
