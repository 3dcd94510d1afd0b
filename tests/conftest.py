"""What every test may use: the database fixtures, a small platform, and how long Hypothesis looks."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from laws.world import World, new_world
from postgres import database_url, fresh_database, postgres, template_database

__all__ = ["database_url", "fresh_database", "postgres", "template_database", "world"]

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("ci", deadline=None, max_examples=60, suppress_health_check=_SLOW_IS_FINE)
settings.register_profile("long", deadline=None, max_examples=3000, suppress_health_check=_SLOW_IS_FINE)
settings.load_profile(os.environ.get("KAMENG_TEST_HYPOTHESIS", "ci"))


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A platform with two lanes, four SKUs and nobody on it yet."""
    async with new_world(database_url) as made:
        yield made
