"""From what a caller sent to a wish: each fault of form with its field, and the same content whatever its shape."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kameng import orders
from kameng.kit.errors import Refusal
from kameng.orders import OrderBody
from laws.world import World

GOOD: dict[str, Any] = {"client_ref": "r1", "sku": "", "quantity": 1}


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"client_ref": ""}, "bad_order", "client_ref"),
        ({"client_ref": "x" * 65}, "bad_order", "client_ref"),
        ({"client_ref": "a b"}, "bad_order", "client_ref"),
        ({"client_ref": "a\nb"}, "bad_order", "client_ref"),
        ({"client_ref": "a\u200bb"}, "bad_order", "client_ref"),
        ({"client_ref": "a\u3000b"}, "bad_order", "client_ref"),
        ({"quantity": 0}, "bad_order", "quantity"),
        ({"quantity": -1}, "bad_order", "quantity"),
        ({"quantity": 10**9}, "bad_order", "quantity"),
        ({"sku": "x"}, "unknown_sku", "sku"),
        ({"sku": "-1"}, "unknown_sku", "sku"),
        ({"sku": "1" * 19}, "unknown_sku", "sku"),
        ({"sku": "²"}, "unknown_sku", "sku"),
        ({"max_price": "1e3"}, "bad_order", "max_price"),
        ({"max_price": "-1"}, "bad_order", "max_price"),
        ({"max_price": "1.00001"}, "bad_order", "max_price"),
        ({"account": {"phone": "13812345678"}}, "bad_account", "account"),
    ],
)
async def test_a_fault_names_its_field(world: World, change: dict[str, Any], code: str, field: str) -> None:
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        body = msgspec.convert(GOOD | {"sku": str(world.card.sku_id)} | change, OrderBody)
        with pytest.raises(Refusal) as refused:
            orders.wish_from(gateway.snapshot, merchant.caller, body)
    assert (refused.value.code, refused.value.field) == (code, field)


async def test_the_same_content_in_another_shape_is_the_same(world: World) -> None:
    merchant, other = await world.merchant(lane=0), await world.merchant(lane=0)
    async with world.gateway() as gateway:
        one = await gateway.wish(merchant.caller, "a", world.phone, phone="13812345678", max_price="99.65")
        two = await gateway.wish(merchant.caller, "a", world.phone, phone=" 138 1234 5678")
        three = await gateway.wish(merchant.caller, "a", world.phone, phone="13812345679")
        four = await gateway.wish(merchant.caller, "a", world.phone, 2)
        theirs = await gateway.wish(other.caller, "a", world.phone)
    assert (one.digest, one.target_hash, one.ref_key) == (two.digest, two.target_hash, two.ref_key)
    assert len({one.digest, three.digest, four.digest}) == 3
    assert one.target_hash == four.target_hash != three.target_hash
    assert one.ref_key != theirs.ref_key
    assert one.account == two.account == b'{"phone":"13812345678"}'
    assert b"138" not in (one.target_hash or b"") + one.digest


async def test_nothing_of_an_account_stands_in_clear(world: World) -> None:
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        await gateway.place(merchant.caller, "a", world.phone)
    tables = ("orders", "order_ref", "event", "job", "transfer", "audit_line", "counter", "lane_counter", "nonce")
    for table in tables:
        for row in await world.rows(f"SELECT t::text AS text FROM {table} t"):
            assert "13812345678" not in row["text"], table
    row = (await world.rows("SELECT order_id, account FROM orders"))[0]
    assert world.ring.open(orders.ACCOUNT, row["order_id"], row["account"]) == b'{"phone":"13812345678"}'
