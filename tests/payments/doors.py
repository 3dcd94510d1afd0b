"""What tests of payments through the doors share: a channel at a bank on loopback, orders that await payment."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kameng import identity, orders, payments
from kameng.kit import lanes
from kameng.kit.working import Limits, Worker
from kameng.openapi.app import Parts
from kameng.orders import OrderBody, ShownOrder
from payments.bank import PROTOCOL, Bank, open_bank
from running import Platform


def parts_of(platform: Platform) -> Parts:
    parts = platform.gateway._parts
    assert parts is not None
    return parts


@pytest.fixture
async def bank(platform: Platform) -> AsyncIterator[Bank]:
    async with open_bank() as opened:
        number = await payments.add_channel(
            platform.db, platform.ring, protocol=PROTOCOL, name="loopback", account_no="M-1", actor_id=7,
            credentials={"base": opened.base, "secret": opened.secret},
        )  # fmt: skip
        await payments.switch_channel(platform.db, number, on=True, reason="open", actor_id=7)
        yield opened


async def awaited(platform: Platform, ref: str = "o-1") -> ShownOrder:
    snapshot = parts_of(platform).snapshot
    key = await snapshot.directory.key(platform.key.key_id)
    assert key is not None
    caller = identity.Caller(key, platform.seed.shop.organisation, "127.0.0.1")
    wish = orders.wish_from(snapshot, caller, OrderBody(ref, str(platform.goods.card.sku_id), 1, {}, None))
    answer = await orders.await_payment(snapshot, wish)
    assert isinstance(answer, ShownOrder)
    return answer


async def work(platform: Platform) -> None:
    """The worker's turns until nothing is due."""
    cashier = parts_of(platform).cashier
    handlers = [*orders.handlers(platform.ring, cashier.terms), *payments.handlers(cashier)]
    async with platform.db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    worker = Worker(platform.db, handlers, lanes=numbers, limits=Limits())
    while await worker.work_once():
        pass
