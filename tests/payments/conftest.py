"""A small platform that takes payments: a bank on loopback, a channel there, a cashier, a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from laws.world import World
from payments.counter import Counter, open_counter


@pytest.fixture
async def counter(world: World) -> AsyncIterator[Counter]:
    async with open_counter(world) as opened:
        yield opened
