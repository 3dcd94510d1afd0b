"""An upgrade while orders run: old code, the first half of a migration, new code beside the old, the second half.

The new version is a copy of the package with one migration more and a statement that needs it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest
from command import Service, data_folder, kameng, kameng_anew
from storm import lost, stock_up, storm

import kameng as package
from kameng.kit import settings
from kameng.ops import embedded, processes
from kameng.ops.chaos_clients import Goods

MIGRATION = """ALTER TABLE lane ADD COLUMN upgraded bigint NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN upgraded text;

-- after release
ALTER TABLE lane ADD CONSTRAINT lane_upgraded CHECK (upgraded <= serial);
ALTER TABLE orders DROP COLUMN upgraded;
"""
GATE = "serial = serial + 1\n"
NEW_GATE = "serial = serial + 1, upgraded = upgraded + 1\n"


class Site(msgspec.Struct, frozen=True):
    """A platform of the old version, its database running, and the folder of the new version."""

    data: Path
    goods: Goods
    url: str
    new: dict[str, str]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with data_folder() as data, data_folder() as code, pytest.MonkeyPatch.context() as patch:
        shutil.copytree(Path(package.__file__).parent, code / "kameng", ignore=shutil.ignore_patterns("__pycache__"))
        (code / "kameng" / "schema" / "9999_upgrade.sql").write_text(MIGRATION)
        statements = code / "kameng" / "kit" / "kit.sql"
        text = statements.read_text("utf-8")
        assert text.count(GATE) == 1
        statements.write_text(text.replace(GATE, NEW_GATE), "utf-8")
        assert kameng(data, "init").returncode == 0
        patch.setenv("KAMENG_DATA_DIR", str(data))
        with embedded.start(data / "pg18") as server:
            goods = stock_up(settings.load())
            yield Site(data, goods, server.url, {"PYTHONPATH": str(code), "KAMENG_DATABASE_URL": server.url})


def migrate(site: Site, *more: str) -> str:
    """By the new version."""
    done = kameng_anew(site.data, "migrate", *more, **site.new)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def value(site: Site, query: str) -> object:
    connection = await asyncpg.connect(site.url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def refused(answers: dict[str, int]) -> dict[str, int]:
    return {status: count for status, count in answers.items() if not status.startswith("2")}


async def test_no_order_is_refused_during_an_upgrade(site: Site) -> None:
    old_port, new_port = processes.free_port(), processes.free_port()
    serve = ("serve", "--plain-http", "--port")
    early = await asyncio.to_thread(kameng_anew, site.data, *serve, str(new_port), **site.new)
    assert (early.returncode, "kameng migrate --before" in early.stderr) == (2, True)
    with Service(site.data, *serve, str(old_port), KAMENG_DATABASE_URL=site.url) as old:
        await asyncio.to_thread(old.await_said, "Kameng is running")
        async with storm(site.goods, old_port, clients=8, first=0) as before:
            await before.go_on(200)
            assert "9999_upgrade.sql (before)" in await asyncio.to_thread(migrate, site, "--before")
            await before.go_on(200)  # old code on the new schema
            assert await value(site, "SELECT sum(upgraded) FROM lane") == 0
            with Service(site.data, *serve, str(new_port), **site.new) as new:
                await asyncio.to_thread(new.await_said, "Kameng is running")
                async with storm(site.goods, new_port, clients=8, first=8) as after:
                    await asyncio.gather(before.go_on(200), after.go_on(200))  # side by side
                    await before.calm_down()
                    assert await asyncio.to_thread(old.stop) == 0
                    assert "9999_upgrade.sql (after)" in await asyncio.to_thread(migrate, site)
                    await after.go_on(200)
                assert await value(site, "SELECT sum(upgraded) > 0 FROM lane") is True  # the new statement ran
                for load in (before, after):
                    assert refused(load.told.answers) == {}
                    assert await lost(site.url, load.told) == []
                audited = await asyncio.to_thread(kameng_anew, site.data, "audit", **site.new)
                assert audited.returncode == 0, audited.stdout + audited.stderr
