"""Guests of an agent's shop: one customer stands for them, below the agent."""

from __future__ import annotations

import asyncio

from kameng import identity, shops
from kameng.shops import Shop
from laws.world import World


async def test_the_first_guest_founds_whom_all_are(world: World) -> None:
    (agent,) = await world.agents(0)
    shop = Shop(agent.org_id, None, "江南分站")
    assert await shops.open_shop(world.db, shop)
    found = await asyncio.gather(*(shops.guests_of(world.db, shop) for _ in range(3)))
    assert len({one.org_id for one in found}) == 1
    (guests, *_) = found
    assert (guests.kind, guests.parent_id, guests.name) == ("customer", agent.org_id, "游客 江南分站")
    async with world.db.connection() as connection:
        assert await identity.find_organisation(connection, guests.org_id) == guests
    assert await world.scalar("SELECT count(*) FROM account WHERE account_id = $1", guests.org_id) == 1
    await world.assert_clean()
