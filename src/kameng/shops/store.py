"""One thin function a statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from kameng.kit import sql
from kameng.kit.db import Connection
from kameng.shops.errors import BadShop
from kameng.shops.model import Rules, Shop

statements = sql.load("kameng.shops")


async def insert_shop(connection: Connection, new: Shop, *, changed: int, at: datetime) -> bool:
    """False where the organisation has one."""
    try:
        found = await connection.fetchval(
            statements.insert_shop, new.org_id, new.domain, new.name, new.tagline, new.accent, new.notice, new.contact,
            new.state, new.is_house, new.footer, new.icp, changed, at,
        )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise _taken() from None
    return found is not None


async def update_shop(connection: Connection, shop: Shop, *, changed: int) -> None:
    try:
        await connection.execute(
            statements.update_shop, shop.org_id, shop.domain, shop.name, shop.tagline, shop.accent, shop.notice,
            shop.contact, shop.state, shop.footer, shop.icp, shop.logo, shop.sells, shop.domain_wanted,
            shop.domain_proof, shop.domain_answer, changed,
        )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise _taken() from None


async def read_shop(connection: Connection, org_id: int) -> Shop | None:
    """Locked."""
    row = await connection.fetchrow(statements.read_shop, org_id)
    return None if row is None else (await _with_rules(connection, [row]))[0]


async def find_shop(connection: Connection, org_id: int) -> Shop | None:
    """As it stands now, for its owner's pages: what is in memory may be a second old."""
    row = await connection.fetchrow(statements.find_shop, org_id)
    return None if row is None else (await _with_rules(connection, [row]))[0]


async def changed_shops(connection: Connection, since: int) -> list[Shop]:
    """Those that changed since an epoch, whole."""
    return await _with_rules(connection, await connection.fetch(statements.changed_shops, since))


async def all_shops(connection: Connection) -> list[Shop]:
    """By organisation."""
    return sorted(await changed_shops(connection, -1), key=lambda shop: shop.org_id)


async def set_goods(connection: Connection, org_id: int, rules: Rules) -> None:
    await connection.execute(statements.clear_goods, org_id)
    places = list(rules)
    await connection.execute(
        statements.insert_goods, org_id, [scope for scope, _ in places], [which for _, which in places],
        [rules[place] for place in places],
    )  # fmt: skip


async def set_logo(connection: Connection, org_id: int, content: bytes | None) -> None:
    if content is None:
        await connection.execute(statements.remove_logo, org_id)
    else:
        await connection.execute(statements.set_logo, org_id, content)


async def read_logo(connection: Connection, org_id: int) -> bytes | None:
    content: bytes | None = await connection.fetchval(statements.read_logo, org_id)
    return content


async def _with_rules(connection: Connection, rows: Sequence[Any]) -> list[Shop]:
    if not rows:
        return []
    found = [Shop(*row) for row in rows]
    rules: dict[int, dict[tuple[str, str], bool]] = {shop.org_id: {} for shop in found}
    for row in await connection.fetch(statements.goods_of, list(rules)):
        rules[row["org_id"]][row["scope"], row["which"]] = row["shown"]
    return [msgspec.structs.replace(shop, rules=rules[shop.org_id]) for shop in found]


def _taken() -> BadShop:
    return BadShop("domain: another shop has it", field="domain", detail_zh="域名：已被其他店铺使用")


class Review(msgspec.Struct, frozen=True):
    """What somebody says about what he bought."""

    order_id: int
    sku_id: int
    org_id: int
    seller_id: int
    stars: int
    body: str
    author: str
    state: str
    answer: str
    answered_at: datetime | None
    written_at: datetime


async def insert_review(connection: Connection, lane: int, new: Review) -> bool:
    """False where the order has one."""
    facts = (new.order_id, new.sku_id, new.org_id, new.seller_id, new.stars, new.body, new.author, new.state)
    return await connection.fetchval(statements.insert_review, lane, *facts, new.written_at) is not None


async def change_review(
    connection: Connection, lane: int, order_id: int, *, state: str | None, answer: str | None,
    seller_id: int | None, at: datetime,
) -> int | None:  # fmt: skip
    """Who wrote it; None where there is none, or somebody else sold it."""
    org_id: int | None = await connection.fetchval(
        statements.change_review, lane, order_id, state, answer, seller_id, at
    )
    return org_id


async def review_of(connection: Connection, lane: int, order_id: int) -> Review | None:
    row = await connection.fetchrow(statements.read_review, lane, order_id)
    return None if row is None else Review(*row)


async def weigh_reviews(
    connection: Connection, lanes: Sequence[int], sku_ids: Sequence[int], at: datetime, half_life_days: float
) -> tuple[int, float, float]:
    (row,) = await connection.fetch(statements.weigh_reviews, lanes, sku_ids, at, half_life_days)
    return row[0], row[1], row[2]


async def list_reviews(
    connection: Connection, lanes: Sequence[int], sku_ids: Sequence[int], *, before_id: int, limit: int
) -> list[Review]:
    rows = await connection.fetch(statements.list_reviews, lanes, sku_ids, before_id, limit)
    return [Review(*row) for row in rows]


async def list_pending(connection: Connection, lanes: Sequence[int], *, before_id: int, limit: int) -> list[Review]:
    return [Review(*row) for row in await connection.fetch(statements.list_pending, lanes, before_id, limit)]


async def read_guests(connection: Connection, shop_id: int) -> int | None:
    org_id: int | None = await connection.fetchval(statements.read_guests, shop_id)
    return org_id


async def insert_guests(connection: Connection, shop_id: int, org_id: int) -> None:
    await connection.execute(statements.insert_guests, shop_id, org_id)


class Sale(msgspec.Struct, frozen=True):
    """A SKU's sale between two moments. ``buyer_max``: pieces for each buyer."""

    sale_id: int
    sku_id: int
    starts_at: datetime
    ends_at: datetime
    buyer_max: int
    state: str


async def insert_sale(connection: Connection, new: Sale, planned_by: int) -> bool:
    """False where the SKU has one that did not end."""
    facts = (new.sale_id, new.sku_id, new.starts_at, new.ends_at, new.buyer_max, planned_by)
    return await connection.fetchval(statements.insert_sale, *facts) is not None


async def open_sales(connection: Connection) -> list[Sale]:
    return [Sale(*row) for row in await connection.fetch(statements.open_sales)]


async def set_sale_state(connection: Connection, sale_id: int, state: str) -> None:
    await connection.execute(statements.set_sale_state, sale_id, state)
