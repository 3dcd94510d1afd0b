"""A worker that is killed while it delivers: the next one goes on, nothing is lost, repeats carry their id."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from desk import Desk
from standins import StandIn, until

from kameng.kit import crypto
from kameng.ops.children import Child
from laws.world import World


@contextmanager
def worker(world: World, folder: Path) -> Iterator[Child]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("KAMENG_")}
    environ = bare | {
        "KAMENG_DATABASE_URL": world.url, "KAMENG_DATA_DIR": str(folder), "KAMENG_JOB_LEASE_S": "1",
        "KAMENG_WEBHOOK_HTTP": "on", "KAMENG_WEBHOOK_NETWORKS": "127.0.0.0/8",
    }  # fmt: skip
    child = Child("kameng.ops.background", ("worker",), listening_fd=None, environ=environ)
    try:
        yield child
    finally:
        child.kill()
        while not child.is_over():
            pass


async def test_what_a_killed_worker_had_in_its_hands_is_delivered_by_the_next(
    desk: Desk, world: World, receiver: StandIn, tmp_path: Path
) -> None:
    file = crypto.KeyFile(tmp_path / "keyring.json")
    file.create()
    desk.ring = crypto.KeyRing(file.load())
    merchants = [await world.merchant(lane=lane) for lane in world.lanes]
    for merchant in merchants:
        await desk.endpoint(merchant, receiver.url)
    ids: list[int] = []

    async def some_came(count: int) -> bool:
        return len(await receiver.seen()) >= count

    with worker(world, tmp_path) as first:
        for _ in range(5):
            ids += [number for merchant in merchants for number in await desk.happen(merchant, 200)]
            await asyncio.sleep(0.05)
        await until(lambda: some_came(50))
        first.kill()
    at_death = len(await receiver.seen())
    assert at_death < len(ids)
    with worker(world, tmp_path):
        wanted = {f"msg_{number}" for number in ids}

        async def all_came() -> bool:
            return {x["id"] for x in await receiver.seen()} == wanted

        await until(all_came, timeout_s=40)
    times = Counter(x["id"] for x in await receiver.seen())
    assert max(times.values()) <= 2
    assert sum(times.values()) - len(times) <= at_death  # only what had come and was not written down
