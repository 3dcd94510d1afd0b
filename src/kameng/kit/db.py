"""The database: one asyncpg pool, plain statements, explicit transactions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

if TYPE_CHECKING:
    Connection = asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]
else:
    Connection = object

LOST = (
    asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, OSError, TimeoutError,
    asyncpg.TooManyConnectionsError,  # every place is taken: as good as not there
    asyncpg.InternalClientError,  # what the driver says of a connection that is just being torn down
)  # fmt: skip
"""What is raised when the database does not answer."""

UNANSWERED = (*LOST, asyncpg.QueryCanceledError)
"""And what the server says of a statement that waited too long, for a gate that somebody lost still holds."""


DUPLICATE = asyncpg.UniqueViolationError
"""What is raised when a row stands already that may stand once."""


class CommitUnknown(ConnectionError):
    """The connection was lost at its COMMIT: what was written may stand. One of ``LOST``, and the only one of which
    that is true: whatever is lost earlier was never committed."""


CONNECT_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 30.0
STATEMENT_TIMEOUT_MS = 25_000
"""Below the client's time-out: the server gives up first, so a lost statement never holds a gate."""


class Database:
    """A pool. ``transaction()`` lends a connection inside one transaction; ``connection()`` without."""

    def __init__(self, pool: asyncpg.Pool[Any], url: str) -> None:
        self.pool = pool
        self.url = url

    @asynccontextmanager
    async def transaction(self, *, durable: bool = True) -> AsyncIterator[Connection]:
        """``durable=False`` skips the wait for the disk: only for what need not survive by itself.

        ``CommitUnknown`` if the COMMIT may have been sent and no answer came.
        """
        commit_sent = False
        try:
            async with self.pool.acquire() as connection, connection.transaction():
                if not durable:
                    await connection.execute("SET LOCAL synchronous_commit = off")
                yield connection
                commit_sent = True  # the driver sends it next
        except LOST as error:
            if commit_sent:
                raise CommitUnknown("the connection was lost at its COMMIT: what was written may stand") from error
            raise

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with self.pool.acquire() as connection:
            yield connection

    @asynccontextmanager
    async def survey(self) -> AsyncIterator[Connection]:
        """``connection()`` for reports over many days, where nothing may be written: each statement is planned for what
        it asks. One plan for all would be made for a wallet of average business: for one without any it read every
        transfer of the days instead, 110 ms for a month beside a million orders."""
        async with self.pool.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            yield connection

    async def close(self) -> None:
        await self.pool.close()


async def open_database(url: str, *, size: int = 8, name: str = "kameng") -> Database:
    """Connect. Generic plans: every hot statement takes arrays, and planning them anew costs more than it finds."""
    pool = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=COMMAND_TIMEOUT_S,
        init=_prepare_connection,
        reset=_keep_as_it_is,
        server_settings={
            "application_name": name,
            "plan_cache_mode": "force_generic_plan",
            "jit": "off",
            "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": "30000",
        },
    )
    return Database(pool, url)


async def _keep_as_it_is(_: object) -> None:
    """Nobody leaves anything behind on a connection, so the driver's clean-up round trip is saved."""


async def _prepare_connection(connection: asyncpg.Connection[Any]) -> None:
    await connection.set_type_codec(
        "jsonb",
        encoder=lambda value: b"\x01" + msgspec.json.encode(value),
        decoder=lambda data: msgspec.json.decode(data[1:]),
        schema="pg_catalog",
        format="binary",
    )
