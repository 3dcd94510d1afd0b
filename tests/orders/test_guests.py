"""Guests find their order by its number and their password, and nobody else does."""

from __future__ import annotations

import asyncio

import pytest
from test_awaiting import CARD_E4, TERMS, pay, standing

from kameng import orders
from kameng.kit import clock, crypto
from kameng.orders import guesting
from kameng.orders.guesting import next_guess_at
from laws.world import World


async def test_a_guest_sees_the_cards_with_the_password(world: World) -> None:
    shop = await world.merchant()
    await world.load(world.card, 1)
    async with world.gateway(terms=TERMS) as gateway:
        order = await standing(gateway, shop, world.card, contact="13800000000")
    found = await orders.find_as_guest(world.db, world.ring, order.order_id, "secret1")
    assert (found.state, found.cards) == ("awaiting_payment", ())
    await pay(world, order.order_id, CARD_E4, "alipay:1")
    found = await orders.find_as_guest(world.db, world.ring, order.order_id, "secret1")
    assert found.state == "delivered"
    assert b'"secret":"secret-' in (found.cards[0].text or b"")
    (line,) = await world.rows("SELECT org_id, subject_id FROM audit_line WHERE act = 'order.reveal_to_guest'")
    assert tuple(line) == (shop.org_id, order.order_id)
    (row,) = await world.rows("SELECT contact, password_hash FROM order_payment")
    assert b"138" not in row["contact"]
    assert world.ring.open(guesting.CONTACT, order.order_id, row["contact"]) == b"13800000000"
    assert row["password_hash"].startswith("scrypt$16384$8$1$")
    await world.assert_clean()


async def test_wrong_guesses_are_counted_and_slow_down(world: World) -> None:
    shop = await world.merchant()
    async with world.gateway(terms=TERMS) as gateway:
        order = await standing(gateway, shop, world.phone, contact="13800000000")
        member = await standing(gateway, shop, world.phone, "member")

    async def guess(password: str, order_id: int = order.order_id) -> str:
        try:
            return (await orders.find_as_guest(world.db, world.ring, order_id, password)).state
        except orders.OrderNotFound as refusal:
            return refusal.code
        except orders.TooManyGuesses as refusal:
            return refusal.code

    now_ms = clock.now_ms()
    with clock.hold(now_ms):
        assert await guess("secret1", member.order_id) == await guess("secret1", 4096) == "order_not_found"
        assert await guess("secret1", 1000 << 12) == "order_not_found"  # of a lane that there is not
        found = await asyncio.gather(*(guess(f"wrong{n}") for n in range(10)))
        assert sorted(found) == ["order_not_found"] * 3 + ["too_many_guesses"] * 7
        assert await guess("secret1") == "too_many_guesses"
    with clock.hold(now_ms + 1000):
        assert await guess("wrong") == "order_not_found"
    with clock.hold(now_ms + 2999):
        assert await guess("secret1") == "too_many_guesses"
    with clock.hold(now_ms + 3000):
        assert await guess("secret1") == "awaiting_payment"
    assert await world.scalar("SELECT failures FROM order_payment WHERE order_id = $1", order.order_id) == 0


def test_the_wait_doubles_up_to_an_hour() -> None:
    now = clock.now()
    waits = [(next_guess_at(failures, now) - now).total_seconds() for failures in (0, 2, 3, 4, 8, 14, 15, 1000)]
    assert waits == [0, 0, 1, 2, 32, 2048, 3600, 3600]


@pytest.mark.parametrize(
    ("contact", "password", "field"),
    [(" ", "secret1", "contact"), ("1" * 101, "secret1", "contact"), ("a\x07", "secret1", "contact"),
     ("138", "12345", "password"), ("138", "1" * 101, "password")],
)  # fmt: skip
def test_what_a_guest_must_leave(contact: str, password: str, field: str) -> None:
    with pytest.raises(orders.BadGuest) as refused:
        orders.guest_from(contact, password)
    assert refused.value.field == field
    assert password not in repr(orders.Guest(b"138", password))


async def test_contacts_are_sealed_anew_after_a_rotation(world: World) -> None:
    shop = await world.merchant()
    async with world.gateway(terms=TERMS) as gateway:
        order = await standing(gateway, shop, world.phone, contact="13800000000")
    material = crypto.KeyMaterial(2, {1: b"\x01" * 32, 2: b"\x02" * 32}, world.ring._hash_key)
    other = crypto.KeyRing(material)
    sealed = crypto.KeyRing(crypto.KeyMaterial(1, material.keys, material.hash_key)).seal(
        guesting.CONTACT, order.order_id, b"13800000000"
    )
    await world.execute("UPDATE order_payment SET contact = $1", sealed)
    await world.execute("UPDATE orders SET account = NULL")
    assert await orders.reseal(world.db, other, shop.lane) == 1
    fresh = await world.scalar("SELECT contact FROM order_payment")
    assert crypto.key_number_of(fresh) == 2
    assert other.open(guesting.CONTACT, order.order_id, fresh) == b"13800000000"
