"""Pricing's statements, one thin function each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from kameng.kit import sql
from kameng.kit.db import Connection
from kameng.pricing.model import PriceBook, Rule

statements = sql.load("kameng.pricing")


async def load(connection: Connection, known: PriceBook | None, epoch: int) -> PriceBook:
    """The price book at ``epoch``; read whole, since prices change rarely and together."""
    if known is not None and known.epoch >= epoch:
        return known
    levels = await connection.fetch(statements.level_prices)
    named = await connection.fetch(statements.named_prices)
    tiers = await connection.fetch(statements.quantity_tiers)
    return PriceBook(
        epoch,
        {(row["sku_id"], row["level"]): row["price_e4"] for row in levels},
        {(row["sku_id"], row["org_id"]): row["price_e4"] for row in named},
        {
            sku_id: tuple((row["quantity_from"], row["off_per_mille"]) for row in rows)
            for sku_id, rows in groupby(tiers, key=lambda row: int(row["sku_id"]))
        },
    )


async def set_level_prices(
    connection: Connection, prices: Sequence[tuple[int, int, int]], *, at: datetime, actor_id: int, changed: int
) -> None:
    """(sku, level, price) each."""
    columns = [list(column) for column in zip(*prices, strict=True)]
    await connection.execute(statements.set_level_prices, *columns, at, actor_id, changed)


async def set_named_price(
    connection: Connection, sku_id: int, org_id: int, price_e4: int, *, at: datetime, actor_id: int, changed: int
) -> None:
    await connection.execute(statements.set_named_price, sku_id, org_id, price_e4, at, actor_id, changed)


async def set_tier(
    connection: Connection, sku_id: int, quantity_from: int, off_per_mille: int,
    *, at: datetime, actor_id: int, changed: int,
) -> None:  # fmt: skip
    await connection.execute(statements.set_tier, sku_id, quantity_from, off_per_mille, at, actor_id, changed)


async def remove(connection: Connection, rule: Rule, sku_id: int, which: int, *, at: datetime, actor_id: int) -> bool:
    """Whether there was one: of that level, for that organisation, from that quantity on."""
    statement = {
        "level": statements.remove_level_price, "named": statements.remove_named_price, "tier": statements.remove_tier,
    }[rule]  # fmt: skip
    return await connection.fetchval(statement, sku_id, which, at, actor_id) is not None


async def prices_of(connection: Connection, sku_id: int) -> list[tuple[str, int]]:
    """(rule, price or thousandths off) each: ``("level:2", 975000)``."""
    rows = await connection.fetch(statements.prices_of_sku, sku_id)
    return [(row["what"], row["value"]) for row in rows]
