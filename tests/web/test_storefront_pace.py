"""How long goods took of late stands on their pages, from what was measured, in words of the page's language."""

from __future__ import annotations

import pytest

from pages import text_of
from running import Platform


@pytest.mark.parametrize(
    ("median_ms", "zh", "en"),
    [
        (12, "预计 不到 1 秒 到账（最近 100 单的中位数）", "in under a second: the median of the last 100 orders"),
        (3_200, "预计 3 秒 到账（最近 100 单的中位数）", "in 3 seconds: the median of the last 100 orders"),
        (240_000, "预计 4 分钟 到账（最近 100 单的中位数）", "in 4 minutes: the median of the last 100 orders"),
        (7_200_000, "预计 2 小时 到账（最近 100 单的中位数）", "in 2 hours: the median of the last 100 orders"),
    ],
)
async def test_a_product_says_its_median(platform: Platform, median_ms: int, zh: str, en: str) -> None:
    goods = platform.goods
    for sku in (goods.card, goods.phone):
        await platform.db.pool.execute("INSERT INTO sku_pace VALUES ($1, $2, 100, now())", sku.sku_id, median_ms)

    async def text(path: str, query: str = "", language: str = "zh") -> str:
        return text_of(await platform.send("GET", path, query, b"", {"accept-language": language}))

    assert zh in await text(f"/goods/{goods.card.sku_id}")
    assert en in await text(f"/goods/{goods.card.sku_id}", language="en")
    assert zh in await text("/topup", f"sku={goods.phone.sku_id}")
    assert "中位数" not in await text(f"/goods/{goods.few.sku_id}")  # nothing was measured
