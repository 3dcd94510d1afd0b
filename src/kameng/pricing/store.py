"""Pricing's statements, one thin function each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec

from kameng.kit import sql
from kameng.kit.db import Connection
from kameng.pricing.changes import Logged, SkuPrices
from kameng.pricing.markups import PLATFORM, AgentPrices, Bound, Markup, Template
from kameng.pricing.model import PriceBook, Rule
from kameng.pricing.reselling import Buyer, Market, Sold

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
        {(row["sku_id"], row["org_id"]): row["price_e4"] for row in named if row["seller_id"] == PLATFORM},
        {
            sku_id: tuple((row["quantity_from"], row["off_per_mille"]) for row in rows)
            for sku_id, rows in groupby(tiers, key=lambda row: int(row["sku_id"]))
        },
        await _agent_prices(connection, named),
    )


async def _agent_prices(connection: Connection, named: Sequence[Any]) -> AgentPrices:
    bounds = await connection.fetch(statements.agent_bounds)
    return AgentPrices(
        {
            (row["sku_id"], row["org_id"]): (row["seller_id"], row["price_e4"])
            for row in named
            if row["seller_id"] != PLATFORM
        },
        await _templates(connection),
        {(row["owner_id"], row["sku_id"]): Bound(row["floor_e4"], row["ceiling_e4"]) for row in bounds},
    )


async def _templates(connection: Connection) -> dict[int, dict[tuple[str, str, int], Markup]]:
    templates: dict[int, dict[tuple[str, str, int], Markup]] = {}
    for template in [_template(row) for row in await connection.fetch(statements.markups)]:
        place = (template.scope, template.which, template.level)
        templates.setdefault(template.agent_id, {})[place] = template.markup
    return templates


def _template(row: Any) -> Template:
    agent_id, scope, which, level, *markup = row
    return Template(agent_id, scope, which, level, Markup(*markup))


async def set_markup(connection: Connection, template: Template, *, at: datetime, actor_id: int, changed: int) -> None:
    m = template.markup
    await connection.execute(
        statements.set_markup, template.agent_id, template.scope, template.which, template.level, m.fixed_e4,
        m.percent_e4, m.unit_e4, m.rounding, m.ending_e4, at, actor_id, changed, msgspec.to_builtins(m),
    )  # fmt: skip


async def remove_markup(
    connection: Connection, agent_id: int, scope: str, which: str, level: int, *, at: datetime, actor_id: int
) -> bool:
    """Whether there was one."""
    done = await connection.fetchval(statements.remove_markup, agent_id, scope, which, level, at, actor_id)
    return done is not None


async def templates_of(connection: Connection, agent_id: int) -> list[Template]:
    """An agent's templates; those that hold for the fewest goods first."""
    return [_template(row) for row in await connection.fetch(statements.markups_of_agent, agent_id)]


async def set_bound(
    connection: Connection, owner_id: int, sku_id: int, bound: Bound, *, at: datetime, actor_id: int, changed: int
) -> None:
    await connection.execute(
        statements.set_agent_bound, owner_id, sku_id, bound.floor_e4, bound.ceiling_e4, at, actor_id, changed
    )


async def remove_bound(connection: Connection, owner_id: int, sku_id: int, *, at: datetime, actor_id: int) -> bool:
    """Whether there was one."""
    return await connection.fetchval(statements.remove_agent_bound, owner_id, sku_id, at, actor_id) is not None


async def set_level_prices(
    connection: Connection, prices: Sequence[tuple[int, int, int]], *, at: datetime, actor_id: int, changed: int
) -> None:
    """(sku, level, price) each."""
    columns = [list(column) for column in zip(*prices, strict=True)]
    await connection.execute(statements.set_level_prices, *columns, at, actor_id, changed)


async def set_named_price(
    connection: Connection, sku_id: int, org_id: int, price_e4: int,
    *, seller_id: int, at: datetime, actor_id: int, changed: int,
) -> None:  # fmt: skip
    await connection.execute(statements.set_named_price, sku_id, org_id, price_e4, at, actor_id, changed, seller_id)


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


async def changes_before(
    connection: Connection, org_id: int, level: int, before_id: int, limit: int
) -> list[Logged]:
    rows = await connection.fetch(
        statements.changes_before, f"named:{org_id}", f"level:{level}", before_id, limit
    )
    return [Logged(*row) for row in rows]


async def changes_of_skus(
    connection: Connection, org_id: int, level: int, sku_ids: Sequence[int], from_id: int
) -> list[Logged]:
    """From the newest back to ``from_id``."""
    rows = await connection.fetch(
        statements.changes_of_skus, f"named:{org_id}", f"level:{level}", sku_ids, from_id
    )
    return [Logged(*row) for row in rows]


async def sku_prices(
    connection: Connection, sku_ids: Sequence[int], *, org_id: int, level: int
) -> dict[int, SkuPrices]:
    rows = await connection.fetch(statements.sku_prices, sku_ids, org_id, level)
    return {row["sku_id"]: SkuPrices(*list(row)[1:]) for row in rows}


async def newest_change(connection: Connection) -> int:
    """The log's last row. Whoever publishes holds an epoch until his commit: with both in hand, nobody is at it."""
    await connection.execute(statements.hold_publishers)
    return int(await connection.fetchval(statements.newest_change))


async def told_up_to(connection: Connection, lane: int) -> int | None:
    told: int | None = await connection.fetchval(statements.told_up_to, lane)
    return told


async def set_told(connection: Connection, lane: int, change_id: int) -> None:
    await connection.execute(statements.set_told, lane, change_id)


async def changes_since(connection: Connection, change_id: int) -> list[Logged]:
    """Newest first."""
    return [Logged(*row) for row in await connection.fetch(statements.changes_since, change_id)]


async def listeners(connection: Connection, lane: int) -> list[tuple[int, int]]:
    """(organisation, level) of those that want events."""
    return [(row["org_id"], row["level"]) for row in await connection.fetch(statements.listeners, lane)]


async def every_price(
    connection: Connection, sku_ids: Sequence[int]
) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], int], dict[int, tuple[int, int | None, int | None]]]:
    """Of these SKUs: level prices, named prices, and (list price, floor, ceiling)."""
    levels = await connection.fetch(statements.level_prices_of, sku_ids)
    named = await connection.fetch(statements.named_prices_of, sku_ids)
    skus = await connection.fetch(statements.own_prices_of, sku_ids)
    return (
        {(row["sku_id"], row["level"]): row["price_e4"] for row in levels},
        {(row["sku_id"], row["org_id"]): row["price_e4"] for row in named},
        {row["sku_id"]: (row["list_price_e4"], row["floor_e4"], row["ceiling_e4"]) for row in skus},
    )


async def changes_below(connection: Connection, buyer: Buyer, limit: int) -> list[Logged]:
    """Newest first, and no deeper."""
    agents = [str(agent_id) for agent_id in buyer.agents]
    return [Logged(*row) for row in await connection.fetch(statements.changes_below, buyer.concerns, agents, limit)]


async def changes_between(connection: Connection, after_id: int) -> list[Logged]:
    return [Logged(*row) for row in await connection.fetch(statements.changes_between, after_id)]


async def has_listeners_below(connection: Connection, lane: int) -> bool:
    return bool(await connection.fetchval(statements.has_listeners_below, lane))


async def listeners_below(
    connection: Connection, lane: int, *, after_org: int, limit: int
) -> list[tuple[int, int, int]]:
    """(organisation, level, whom it buys from)."""
    return [tuple(row) for row in await connection.fetch(statements.listeners_below, lane, after_org, limit)]


async def market(connection: Connection, changes: Sequence[Logged]) -> Market:
    """Prices as they are now, of the SKUs that these changes may be about."""
    is_wide = any(change.sku_id == 0 for change in changes)
    wanted = None if is_wide else list({change.sku_id for change in changes})
    skus = {row["sku_id"]: Sold(*row) for row in await connection.fetch(statements.sold_skus, wanted)}
    levels = await connection.fetch(statements.level_prices_of, list(skus))
    named = await connection.fetch(statements.named_with_sellers, list(skus))
    bounds = await connection.fetch(statements.bounds_of_skus, list(skus))
    return Market(
        skus,
        {(row["sku_id"], row["level"]): row["price_e4"] for row in levels},
        {(row["sku_id"], row["org_id"]): (row["seller_id"], row["price_e4"]) for row in named},
        await _templates(connection),
        {(row["owner_id"], row["sku_id"]): Bound(row["floor_e4"], row["ceiling_e4"]) for row in bounds},
    )


class Named(msgspec.Struct, frozen=True):
    """密价: what one buyer pays for a SKU."""

    sku_id: int
    org_id: int
    price_e4: int


async def bounds_of(connection: Connection, owner_id: int) -> list[tuple[int, Bound]]:
    """By SKU."""
    rows = await connection.fetch(statements.bounds_of_owner, owner_id)
    return [(row["sku_id"], Bound(row["floor_e4"], row["ceiling_e4"])) for row in rows]


async def named_by(connection: Connection, seller_id: int) -> list[Named]:
    return [Named(*row) for row in await connection.fetch(statements.named_by, seller_id)]


async def named_for(
    connection: Connection, seller_id: int, org_id: int, *, after_id: int, limit: int
) -> list[Named]:
    """What one seller agreed with one buyer, by SKU, from the one after ``after_id`` on."""
    rows = await connection.fetch(statements.named_for, seller_id, org_id, after_id, limit)
    return [Named(*row) for row in rows]
