"""Journeys run on a small platform of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from laws.world import World, new_world


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with new_world(database_url) as made:
        yield made
