"""The simulated providers, one process for all tests of channels; and a till for each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from providers import Providers, Till, listening, on_their_own


@pytest.fixture(scope="session")
async def providers() -> AsyncIterator[Providers]:
    async with on_their_own() as started:
        yield started


@pytest.fixture
async def till() -> AsyncIterator[Till]:
    async with listening() as opened:
        yield opened
