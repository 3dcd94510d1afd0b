"""A small platform whose merchants have webhooks, and a dispatcher at work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from standins import until

from kameng import notices, openapi
from kameng.kit import clock, events, lanes
from kameng.kit.events import NewEvent
from kameng.kit.lanes import Passage
from kameng.notices import NewEndpoint, Policy
from laws.world import Merchant, World

LOOPBACK = Policy.of("on", ["127.0.0.0/8"])


class Desk:
    """What tests do with webhooks."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.db, self.ring = world.db, world.ring

    async def endpoint(self, merchant: Merchant, url: str, **more: Any) -> NewEndpoint:
        return await notices.create_endpoint(
            self.db, self.ring, merchant.org_id, url=url, policy=LOOPBACK, **more
        )

    @asynccontextmanager
    async def dispatching(self, *, lanes: Iterable[int] | None = None, lease_s: float = 15.0) -> AsyncIterator[None]:
        """A dispatcher of its own, as a worker has one."""
        made = notices.Dispatcher(
            self.db, self.ring, notices.Sender(LOOPBACK), openapi.subject_states(),
            lanes=list(self.world.lanes if lanes is None else lanes), lease_s=lease_s,
        )  # fmt: skip
        task = asyncio.create_task(made.run())
        try:
            yield
        finally:
            made.stop()
            await task

    async def happen(
        self, merchant: Merchant, count: int = 1, *, subject_id: int | None = None, sequence: int = 1,
        kind: str = "thing.happened",
    ) -> list[int]:  # fmt: skip
        """Due events, each of a subject of its own unless one is named; their ids."""
        async with self.db.transaction() as connection:
            passage: Passage = await lanes.pass_gate(connection, merchant.lane, id_count=count)
            made = [
                NewEvent(event_id, merchant.org_id, subject_id or event_id, sequence, kind, due=True)
                for event_id in passage.ids
            ]
            await events.emit(connection, merchant.lane, clock.now(), made)
        return passage.ids

    async def attempts(self, merchant: Merchant, endpoint_id: int) -> list[notices.LoggedAttempt]:
        """The log, oldest first."""
        page = await notices.read_log(self.db, merchant.org_id, endpoint_id, limit=10_000)
        return page.attempts[::-1]

    async def logged(self, merchant: Merchant, endpoint_id: int, count: int) -> list[notices.LoggedAttempt]:
        async def enough() -> bool:
            return len(await self.attempts(merchant, endpoint_id)) >= count

        await until(enough)
        return await self.attempts(merchant, endpoint_id)
