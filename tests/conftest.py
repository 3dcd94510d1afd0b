"""What every test may use: the database fixtures, a small platform, its turn, and how long Hypothesis looks."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import argon2
import pytest
from hypothesis import HealthCheck, settings

import turns
from kameng.access import passwords
from kameng.ops.embedded import Embedded
from laws.world import World, new_world
from postgres import FreshDatabase, database_url, execute, fresh_database, postgres, template_database

__all__ = ["database_url", "fresh_database", "postgres", "template_database", "world"]

_HERE = Path(__file__).parent
_LONG = ("chaos", "ops", "web", "sdk", "laws", "journeys")
"""Folders of files that take long."""

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("ci", deadline=None, max_examples=60, suppress_health_check=_SLOW_IS_FINE)
settings.register_profile("long", deadline=None, max_examples=3000, suppress_health_check=_SLOW_IS_FINE)
settings.load_profile(os.environ.get("KAMENG_TEST_HYPOTHESIS", "ci"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes take file after file: first what is alone, while nobody has begun anything long; short
    files last, so that all end at about the same time."""
    if hasattr(config, "workerinput"):
        alone = {item.path for item in items if item.get_closest_marker("alone")}
        items.sort(key=lambda item: (item.path not in alone, item.path.relative_to(_HERE).parts[0] not in _LONG))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with turns.turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """A password's hash takes a quarter of a second by design; a command's own process hashes in earnest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))
        yield


@pytest.fixture(scope="session")
async def founded(postgres: Embedded, template_database: str) -> str:
    """The name of a database to copy: a platform with two lanes, four SKUs and nobody on it yet."""
    name = "founded"
    await execute(postgres.url, f"CREATE DATABASE {name} TEMPLATE {template_database} STRATEGY file_copy")
    async with new_world(postgres.url_for(name)):
        return name


@pytest.fixture
async def world(fresh_database: FreshDatabase, founded: str) -> AsyncIterator[World]:
    """A platform with two lanes, four SKUs and nobody on it yet."""
    async with new_world(await fresh_database(founded), is_founded=True) as made:
        yield made
