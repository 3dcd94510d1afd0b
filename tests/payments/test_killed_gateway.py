"""A gateway is killed between its acknowledgement of a notice and the effect: the next one has it, once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from kameng import payments
from kameng.channels import Method, Scene
from kameng.kit import lanes
from kameng.ops import auditing
from payments.bank import Bank
from payments.doors import awaited, bank, parts_of
from running import Platform, Served, gateway_child, platform, seeded

__all__ = ["bank", "platform", "seeded"]


async def paid(platform: Platform, bank: Bank, ref: str) -> tuple[int, str]:
    """An order and the number of its payment, which nobody told of yet."""
    order = await awaited(platform, ref)
    begun = await payments.begin_order(
        parts_of(platform).cashier, platform.seed.shop.organisation, order.order_id, method=Method.wechat,
        scene=Scene.qr, payer=payments.Payer(),
    )  # fmt: skip
    bank.pay(begun.payment.payment_no)
    return order.order_id, begun.payment.payment_no


async def state(platform: Platform, order_id: int) -> str:
    return str(await platform.db.pool.fetchval("SELECT state FROM orders WHERE order_id = $1", order_id))


async def becomes(platform: Platform, query: str, wanted: Any, *arguments: Any) -> None:
    for _ in range(3000):
        if await platform.db.pool.fetchval(query, *arguments) == wanted:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(await platform.db.pool.fetchval(query, *arguments))


async def test_what_it_acknowledged_is_done_once_by_the_next(platform: Platform, bank: Bank) -> None:
    stuck_order, stuck = await paid(platform, bank, "stuck")
    order_id, number = await paid(platform, bank, "waits")
    await parts_of(platform).cashier.router.stop()  # nobody of this process goes through the gates below
    environment = {"KAMENG_DATA_DIR": str(platform.seed.data_dir), "PYTHONPATH": os.pathsep.join(sys.path)}

    async def told(port: int, which: str) -> tuple[int, bytes]:
        notice = bank.notice(which)
        client = Served(platform.seed, platform.url, port)
        answer = await client.send(notice.method, "/pay/notices/1", "", notice.body, dict(notice.headers))
        return answer.status, answer.body

    with gateway_child(platform.url, environment, module="payments.gateway") as (killed, port):
        # Somebody holds the gate: nothing can have its effect there. One notice stands before it, and one waits.
        async with platform.db.transaction() as connection:
            await lanes.pass_gate(connection, platform.seed.shop.organisation.lane)
            lost = asyncio.create_task(told(port, stuck))
            await becomes(
                platform, "SELECT count(*) > 0 FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                " WHERE NOT l.granted AND a.datname = current_database()", True,
            )  # fmt: skip
            assert await told(port, number) == (200, b"success")
            assert await state(platform, order_id) == "awaiting_payment"
            os.kill(killed.pid, signal.SIGKILL)
            assert (await asyncio.gather(lost, return_exceptions=True))[0].__class__ is not tuple
            assert await platform.count("payment_inbox") == 1
    assert await platform.count("payment_notice") == 0
    with gateway_child(platform.url, environment, module="payments.gateway") as (_, port):
        await becomes(platform, "SELECT state FROM orders WHERE order_id = $1", "delivered", order_id)
        assert await platform.count("payment_inbox") == 0
        assert await state(platform, stuck_order) == "awaiting_payment"
        for which in (number, stuck):  # as providers tell what they had no answer to, and what they had one to
            assert await told(port, which) == (200, b"success")
    rows = await platform.db.pool.fetch("SELECT event_id, effect FROM payment_notice ORDER BY at")
    assert [tuple(row) for row in rows] == [(f"event-{number}", "booked"), (f"event-{stuck}", "booked")]
    assert await state(platform, stuck_order) == "delivered"
    assert (await auditing.run(platform.db, platform.ring)).broken == ()
