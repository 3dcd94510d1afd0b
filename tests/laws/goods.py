"""Goods made up for tests."""

from __future__ import annotations

from typing import Any

import msgspec

from kameng.catalogue import Sku

PLAIN = Sku(
    sku_id=1, revision=1, scene="游戏", brand="网易", product="一卡通", spec="100", kind="secret",
    face_value_e4=1_000_000, face_currency="CNY", cost_e4=950_000, list_price_e4=985_000, floor_e4=None,
    ceiling_e4=None, below_cost_allowed=False, form="", region="全国", note="", quantity_min=1, quantity_max=100,
    quantity_step=1, refundable=False, reversible=False, state="on_sale",
)  # fmt: skip


def make_sku(**changes: Any) -> Sku:
    """A card worth 100 yuan that costs 95 and sells at 98.50, but for ``changes``."""
    return msgspec.structs.replace(PLAIN, **changes)
