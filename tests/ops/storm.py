"""Clients that order all the while, for tests in which something is killed, and what they were told afterwards."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from kameng import catalogue, ledger, stock
from kameng.kit.settings import Settings
from kameng.ops import founding, opening
from kameng.ops.chaos_clients import Client, Goods, Ledger
from kameng.ops.opening import Platform

CARDS = 60_000
MONEY_E4 = 10**13
WITHIN_S = 60.0


def stock_up(chosen: Settings) -> Goods:
    """A platform with merchants in every lane, and cards enough."""

    async def work(platform: Platform) -> Goods:
        await catalogue.import_file(platform.db, catalogue.demo_catalogue())
        async with platform.db.connection() as connection:
            skus = (await catalogue.load(connection, None, 1)).skus.values()
        card = next(sku for sku in skus if sku.kind == "secret")
        phone = next(sku for sku in skus if sku.form == "phone")
        lines = [stock.CardLine(n, f"STORM{n:010d}", f"storm-{n:010d}", None, None) for n in range(1, CARDS + 1)]
        await stock.load_cards(platform.db, platform.ring, lines, sku_id=card.sku_id, file_name="storm.txt")
        members = [await founding.found_member(platform.db, platform.ring, f"merchant {n}") for n in range(4)]
        for member in members:
            org_id = member.organisation.org_id
            await ledger.recharge(platform.db, member.organisation.lane, org_id, MONEY_E4, key=f"storm:{org_id}")
        return Goods([(m.organisation.org_id, m.key) for m in members], str(card.sku_id), str(phone.sku_id))

    return opening.with_platform(chosen, work)


class Storm:
    """What the clients have been told so far."""

    def __init__(self, told: Ledger, clients: Sequence[Client]) -> None:
        self.told = told
        self._clients = clients
        self._working = [asyncio.create_task(one.work()) for one in clients]

    @property
    def count(self) -> int:
        return len(self.told.orders)

    async def go_on(self, more: int) -> None:
        """Wait until so many more orders were acknowledged."""
        until_s, wanted = time.monotonic() + WITHIN_S, self.count + more
        while self.count < wanted:
            for task in self._working:
                assert not task.done(), task.result()
            assert time.monotonic() < until_s, f"no {more} orders within {WITHIN_S} s; {self.told.answers}"
            await asyncio.sleep(0.01)

    async def calm_down(self) -> None:
        """No new orders; each client brings to an end what it began."""
        for one in self._clients:
            one.stop()
        _, late = await asyncio.wait(self._working, timeout=WITHIN_S)
        for task in late:
            task.cancel()
        assert not late, "a client never got its answer"
        for task in self._working:
            task.result()


@asynccontextmanager
async def storm(goods: Goods, port: int, *, clients: int = 16, first: int = 0) -> AsyncIterator[Storm]:
    """Clients at work in the block, numbered from ``first``, which repeat whatever got no answer."""
    told, numbers = Ledger(), range(first, first + clients)
    load = Storm(told, [Client(n, goods, told, port=port, chance=random.Random(n)) for n in numbers])
    try:
        yield load
    except BaseException:
        for task in load._working:
            task.cancel()
        raise
    await load.calm_down()


async def lost(url: str, told: Ledger) -> list[Any]:
    """Acknowledged orders that do not stand as they were acknowledged, and faults that clients saw themselves."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT org_id, client_ref, order_id FROM orders")
    finally:
        await connection.close()
    stands = {(row["org_id"], row["client_ref"]): row["order_id"] for row in rows}
    assert len(stands) == len(rows), "a reference is two orders"
    return [key for key, (order_id, _) in told.orders.items() if stands.get(key) != order_id] + told.faults
