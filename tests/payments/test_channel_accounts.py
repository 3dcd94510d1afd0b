"""Accounts at providers: sealed, changed, switched, re-sealed; and whose papers run out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kameng import orders, payments
from kameng.kit import clock, crypto, desk
from kameng.kit.crypto import KeyMaterial
from kameng.payments import BadChannel, NoSuchChannel
from laws.world import World
from payments.bank import PROTOCOL
from payments.counter import Counter

SECRET = "a-very-secret-word"
CREDENTIALS = {"base": "http://127.0.0.1:1", "secret": SECRET}


async def add(world: World, **more: Any) -> int:
    asked: dict[str, Any] = {"protocol": PROTOCOL, "name": "one", "credentials": CREDENTIALS} | more
    return await payments.add_channel(world.db, world.ring, actor_id=7, **asked)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"protocol": "smoke"}, "protocol"),
        ({"name": " "}, "name"),
        ({"currency": "JPY"}, "currency"),
        ({"offers": [("wechat", "moon")]}, "offers"),
        ({"offers": []}, "offers"),
        ({"fee_ppm": -1}, "fee_ppm"),
        ({"least_e4": 5, "most_e4": 4}, "most_e4"),
        ({"opens_min": 5}, "opens_min"),
        ({"notify_from": ["everywhere"]}, "notify_from"),
        ({"weight": 10_001}, "weight"),
        ({"credentials": {"base": "x"}}, "secret"),
        ({"credentials": CREDENTIALS | {"more": "x"}}, "more"),
    ],
)
async def test_what_cant_be_names_its_field(world: World, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(BadChannel) as refused:
        await add(world, **asked)
    assert refused.value.field == field
    assert SECRET not in str(refused.value)
    assert await payments.list_channels(world.db) == []


async def test_credentials_go_in_and_never_come_out(world: World) -> None:
    number = await add(world)
    with pytest.raises(BadChannel):
        await add(world)  # the name is taken
    await payments.switch_channel(world.db, number, on=True, reason="open", actor_id=7)
    await payments.change_channel(world.db, number, weight=7, fee_ppm=3800, actor_id=8)
    await payments.seal_channel(world.db, world.ring, number, CREDENTIALS | {"secret": "other-word"}, actor_id=8)
    found = await payments.find_channel(world.db, number)
    assert (found.is_on, found.weight, found.fee_ppm, found.revision) == (True, 7, 3800, 5)
    assert await payments.try_channel(world.db, world.ring, number) is None
    sealed = await world.scalar("SELECT credentials FROM payment_channel")
    lines = await world.rows("SELECT actor_id, act, data FROM audit_line WHERE actor_id > 0 ORDER BY audit_id")
    assert [(line["actor_id"], line["act"]) for line in lines] == [
        (7, "channel.add"), (7, "channel.on"), (8, "channel.change"), (8, "channel.seal"),
    ]  # fmt: skip
    for word in (SECRET, "other-word"):
        assert word not in repr([dict(line) for line in lines]) + repr(found)
        assert word.encode() not in sealed
    with pytest.raises(NoSuchChannel):
        await payments.change_channel(world.db, number + 1, weight=1, actor_id=8)
    with pytest.raises(BadChannel):
        await payments.change_channel(world.db, number, protocol="other", actor_id=8)
    await world.assert_clean()


async def test_resealed_with_the_ring(world: World) -> None:
    await add(world)
    material = KeyMaterial(current=2, keys={1: bytes(32), 2: bytes(range(32))}, hash_key=bytes(32))
    old = crypto.KeyRing(KeyMaterial(current=1, keys={1: bytes(32)}, hash_key=bytes(32)))
    number = (await payments.list_channels(world.db))[0].channel_id
    await payments.seal_channel(world.db, old, number, CREDENTIALS, actor_id=7)
    ring = crypto.KeyRing(material)
    assert await payments.reseal(world.db, ring) == 1
    assert await payments.reseal(world.db, ring) == 0
    assert await payments.try_channel(world.db, ring, number) is None


async def test_papers_that_run_out_lie_on_the_desk_once(world: World) -> None:
    soon = clock.china_day() + timedelta(days=9)
    number = await add(world, certificate_until=soon)
    await payments.watch_papers(world.db)
    assert await desk.lying(world.db) == []  # it is off
    await payments.switch_channel(world.db, number, on=True, reason="open", actor_id=7)
    for _ in range(2):
        await payments.watch_papers(world.db)
    (job,) = await desk.lying(world.db)
    assert (job.kind, job.subject_id, job.payload["until"]) == ("payments.papers", number, soon.isoformat())


async def test_a_refund_is_told_by_notice_too(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 3)
    order = await counter.order(merchant, contact="guest@example.com")
    payment = (await counter.begin(merchant, order.order_id)).payment
    await counter.paid(payment)
    counter.bank.refund_states = ["abnormal"]
    await payments.refund_to_origin(counter.cashier, payment.payment_id, key="rf", reason="asked", actor_id=7)
    await counter.work()
    number = await counter.world.scalar("SELECT refund_no FROM payment_refund")
    assert await counter.desk() == ["orders.return_payment"]
    counter.bank.payments[payment.payment_no].refunds[number]["state"] = "done"  # somebody mended it there
    for _ in range(3):
        assert await counter.hear(counter.bank.refund_notice(number, "done")) == 200
    assert (await counter.payment(payment)).state == "refunded"
    assert await counter.desk() == []
    await counter.check()
    other = await counter.order(merchant, contact="guest@example.com")
    payment = (await counter.begin(merchant, other.order_id)).payment
    await counter.paid(payment)
    counter.bank.refund_states = ["abnormal"]
    await payments.refund_to_origin(counter.cashier, payment.payment_id, key="rf", reason="asked", actor_id=7)
    await counter.work()
    number = await counter.world.scalar("SELECT max(refund_no) FROM payment_refund")
    await orders.book_return(counter.world.db, other.order_id, reference="bank:1", reason="by bank", actor_id=7)
    assert await counter.hear(counter.bank.refund_notice(number, "done")) == 200
    await counter.work()
    assert await counter.desk() == ["payments.stray"]  # it went back twice, and is booked once
    assert (await counter.payment(payment)).refunded_e4 == 0
    await counter.world.assert_clean()
