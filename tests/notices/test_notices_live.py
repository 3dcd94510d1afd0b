"""Live events: told in order to whoever watches, and to nobody else."""

from __future__ import annotations

import asyncio

import pytest
from desk import Desk

from kameng.notices import Hub, LetGo
from laws.world import World


async def test_watchers_get_their_own_events_in_order(desk: Desk, world: World) -> None:
    mine, other = await world.merchant(lane=0), await world.merchant(lane=0)
    hub = Hub(world.db, poll_s=0.02)
    await desk.happen(mine, 2)
    async with hub.watch(mine.org_id) as first, hub.watch(mine.org_id) as second:
        ids = await desk.happen(mine, 2)
        await desk.happen(other, 3)
        ids += await desk.happen(mine, 1)
        for watch in (first, second):
            async with asyncio.timeout(10):
                assert [(await anext(watch)).event_id for _ in range(3)] == ids
        assert await first.next(0.1) is None
        hub.stop()
        with pytest.raises(LetGo):
            await first.next(1)
        assert [event async for event in second] == []


async def test_whoever_falls_behind_is_let_go(desk: Desk, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng.notices.live.BACKLOG_MAX", 3)
    merchant = await world.merchant()
    hub = Hub(world.db, poll_s=0.02)
    async with hub.watch(merchant.org_id) as slow:
        await desk.happen(merchant, 10)
        await asyncio.sleep(0.2)
        with pytest.raises(LetGo):
            await slow.next(1)
    hub.stop()
