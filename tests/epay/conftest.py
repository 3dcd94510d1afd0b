"""A platform that is an epay site over HTTP on loopback, the simulated providers behind it, and a shop before it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from channels.providers import Providers, on_their_own
from epay.town import Town, open_town
from running import Platform, platform, seeded

__all__ = ["platform", "seeded"]


@pytest.fixture(scope="module")
async def providers() -> AsyncIterator[Providers]:
    async with on_their_own() as started:
        yield started


@pytest.fixture
async def town(platform: Platform, providers: Providers) -> AsyncIterator[Town]:
    async with open_town(platform, providers) as opened:
        yield opened
