"""The worker's process hangs, leases and all: browsing, ordering and looking up orders go on."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from urllib.parse import urlsplit

import asyncpg
from command import Service, kameng

from kameng.ops.embedded import Embedded
from running import Seed, Served, seeded

__all__ = ["seeded"]


async def test_a_worker_that_hangs_holds_up_nobody(postgres: Embedded, seeded: tuple[str, Seed]) -> None:
    template, seed = seeded
    name = f"hangs_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(postgres.url)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    await connection.close()
    url = postgres.url_for(name)
    with Service(seed.data_dir, "serve", "--port", "0", "--plain-http", KAMENG_DATABASE_URL=url) as service:
        await asyncio.to_thread(service.await_said, "Kameng is running")
        client = Served(seed, url, urlsplit(service.told.url).port or 0)
        worker = service.told.children["worker+scheduler"]
        os.kill(worker, signal.SIGSTOP)
        try:
            goods = await client.get("/api/v1/catalogue")
            card = await client.place("card", seed.goods.card)
            topup = await client.place("topup", seed.goods.phone, account={"phone": "13800138000"})
            again = await client.place("card", seed.goods.card)
            found = [await client.get(f"/api/v1/orders/{answer.json['id']}") for answer in (card, topup)]
            health = await client.get("/healthz", signed=False)
        finally:
            os.kill(worker, signal.SIGCONT)
        assert [answer.status for answer in (goods, card, topup, again, health)] == [200, 201, 201, 200, 200]
        assert [answer.json["state"] for answer in found] == ["delivered", "fulfilling"]
        assert await asyncio.to_thread(service.stop) == 0
    audited = await asyncio.to_thread(kameng, seed.data_dir, "audit", KAMENG_DATABASE_URL=url)
    assert audited.returncode == 0, audited.stdout + audited.stderr
