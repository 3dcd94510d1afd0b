"""A lane that has no room: 503 at once, nothing is left of it, and the same reference comes again, signed anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gates import closed, somebody_waits
from kameng import openapi
from kameng.kit import settings
from kameng.openapi.intake import BULK
from running import Answer, Platform


@pytest.fixture
async def small(platform: Platform) -> AsyncIterator[Platform]:
    """A gateway whose lanes take four wishes into a batch, and no more may wait."""
    environment = {
        "KAMENG_DATABASE_URL": platform.url, "KAMENG_DATA_DIR": str(platform.seed.data_dir),
        "KAMENG_BATCH_MAX": "4", "KAMENG_QUEUE_TARGET_MS": "1",
    }  # fmt: skip
    gateway = openapi.Gateway(settings.load(environment))
    parts = await gateway.start()
    yield Platform(platform.seed, platform.url, gateway, parts.db)
    await gateway.stop()


async def test_busy_and_then_placed_under_the_same_reference(small: Platform) -> None:
    phone, account = small.goods.phone, {"phone": "13812345678"}
    before, nonces_before = await small.trace(), await small.count("nonce")

    def ask(ref: str) -> asyncio.Task[Answer]:
        return asyncio.create_task(small.place(ref, phone, account=account), name=ref)

    async with closed(small.url, small.seed.shop.organisation.lane):
        inside = {ask("first")}
        await somebody_waits(small.url)
        inside |= {ask(f"A-{n}") for n in range(5)}
        done, inside = await asyncio.wait(inside, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    (refused,) = done  # the gate was closed: nobody else could be answered
    answer = refused.result()
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "busy", "1")
    assert (answer.json["retry"], answer.json["outcome"]) == ("same_key", "none")
    assert [one.status for one in await asyncio.gather(*inside)] == [201] * 5
    changed = {"orders": 5, "order_ref": 5, "transfer": 5, "event": 5, "job": 5}
    assert await small.trace() == {table: rows + changed.get(table, 0) for table, rows in before.items()}
    assert await small.count("nonce") == nonces_before + 5
    again = await small.place(refused.get_name(), phone, account=account)
    assert (again.status, again.json["replayed"]) == (201, False)


async def test_a_bulk_request_for_which_there_is_no_room(small: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng.orders.waiting.BULK_ROWS_MAX", 2)
    rows = [{"client_ref": f"b-{n}", "sku": str(small.goods.card.sku_id)} for n in range(3)]
    before, nonces_before = await small.trace(), await small.count("nonce")
    answer = await small.post(BULK, {"orders": rows})
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "busy", "1")
    assert (answer.json["retry"], answer.json["outcome"]) == ("same_key", "none")
    assert await small.trace() == before
    assert await small.count("nonce") == nonces_before
    answer = await small.post(BULK, {"orders": rows[1:]})
    assert [row["status"] for row in answer.json["results"]] == [201, 201]
