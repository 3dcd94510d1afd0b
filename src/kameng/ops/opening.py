"""Opening a platform for a command: its database, running already or started for the while, and its key ring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import asyncpg
import msgspec
import uvloop

from kameng.kit import crypto, db, migrations
from kameng.kit.db import Database
from kameng.kit.errors import Fault
from kameng.kit.settings import Settings
from kameng.ops import archiving, embedded, founding, processes
from kameng.ops.embedded import Embedded

T = TypeVar("T")


class Platform(msgspec.Struct, frozen=True):
    """An open platform: what every command's work gets."""

    settings: Settings
    db: Database
    ring: crypto.KeyRing


class Place:
    """Where the database is: the operator's server, or the embedded one, which can be started again."""

    def __init__(self, chosen: Settings) -> None:
        self._chosen = chosen
        self._server: Embedded | None = None if chosen.database_url else _start(chosen)
        self.url = self._server.url if self._server else chosen.database_url

    @property
    def app_url(self) -> str:
        """For what serves: the application's own role. On the operator's server he says which that is."""
        if self._server is None:
            return self.url
        return self._server.url_for(embedded.ROLE, role=migrations.APP_ROLE)

    @property
    def is_ours(self) -> bool:
        """Whether it is the embedded server."""
        return self._server is not None

    def is_alive(self) -> bool:
        return self._server is None or processes.is_alive(self._server.pid)

    def restart(self) -> None:
        """After it died."""
        assert self._server is not None
        self._server.stop()
        self._server = _start(self._chosen)
        self.url = self._server.url

    def stop(self) -> None:
        if self._server:
            self._server.stop()


def _start(chosen: Settings) -> Embedded:
    waits_for = {"synchronous_standby_names": embedded.STANDBY} if chosen.synchronous_standby == "on" else {}
    return embedded.start(extra_settings=archiving.server_settings(chosen) | waits_for)


@contextmanager
def database(chosen: Settings) -> Iterator[Place]:
    """The database, while the block runs; one that somebody else started stays."""
    place = Place(chosen)
    try:
        yield place
    finally:
        place.stop()


def with_platform(chosen: Settings, work: Callable[[Platform], Awaitable[T]]) -> T:
    """Do some work on a platform that was set up; ``Fault`` names what is missing."""
    ring = key_ring(chosen)  # first, so that nothing is made in a folder that was never set up
    with database(chosen) as place:
        return uvloop.run(_work(chosen, place.url, ring, work))


async def _work(
    chosen: Settings, url: str, ring: crypto.KeyRing, work: Callable[[Platform], Awaitable[T]]
) -> T:
    await refuse_pending(url)
    opened = await db.open_database(url, name="kameng-command")
    try:
        return await work(Platform(chosen, opened, ring))
    finally:
        await opened.close()


def key_ring(chosen: Settings) -> crypto.KeyRing:
    return crypto.KeyRing(crypto.KeyFile(chosen.key_ring_file).load())


async def pending(url: str) -> list[migrations.Migration]:
    """The migrations that wait; ``Fault`` if nobody is there."""
    try:
        return await migrations.pending(url)
    except OSError as error:
        raise _silent(error) from None


async def refuse_pending(url: str) -> None:
    """New code on an old schema would fail in the middle of an order."""
    if waiting := [migration for migration in await pending(url) if migration.phase == "before"]:
        raise Fault(
            f"The database is {len(waiting)} migrations behind this version: run `kameng migrate --before`, and"
            " `kameng migrate` once no process of the old version is left.\n"
            f"数据库落后 {len(waiting)} 个迁移：请先运行 `kameng migrate --before`，旧版本进程全部停止后再运行"
            " `kameng migrate`。"
        )


async def ensure_role(place: Place) -> None:
    """A folder of an older version may have been restored: its server does not know the application's role yet."""
    if place.is_ours:
        connection = await asyncpg.connect(place.url)
        try:
            is_known = await migrations.has_role(connection)
        finally:
            await connection.close()
        if not is_known:
            await migrations.migrate(place.url, phases=(), make_role=True)


def _silent(error: OSError) -> Fault:
    return Fault(
        f"The database does not answer ({error.strerror or error}): is it running, and is KAMENG_DATABASE_URL"
        " right?\n数据库没有响应：请检查它是否在运行，以及 KAMENG_DATABASE_URL 是否正确。"
    )


async def set_up(chosen: Settings, place: Place) -> list[str]:
    """Key ring, tables, lanes and house accounts; what is there stays. Returns the migrations that ran."""
    crypto.KeyFile(chosen.key_ring_file).create()
    try:
        applied = await migrations.migrate(place.url, make_role=place.is_ours)
    except OSError as error:
        raise _silent(error) from None
    opened = await db.open_database(place.url, name="kameng-command")
    try:
        await founding.open_platform(opened, lane_count=chosen.lanes)
        await founding.found_house(opened)
    finally:
        await opened.close()
    return applied
