"""Fixtures of notices: a platform with a desk for webhooks, and a receiver on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from desk import Desk
from standins import StandIn, stand_in

from laws.world import World


@pytest.fixture
async def desk(world: World) -> Desk:
    return Desk(world)


@pytest.fixture
async def receiver() -> AsyncIterator[StandIn]:
    async with stand_in("receiver") as made:
        yield made
