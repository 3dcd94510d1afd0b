"""Outcomes that a sandbox order chooses; the same digits in earnest, and the references they leave free."""

from __future__ import annotations

import asyncio

import pytest

from running import Platform

REFUSED = {
    "0001": (409, "sold_out", "sku"),
    "0002": (409, "insufficient_balance", None),
    "0007": (409, "price_changed", "max_price"),
    "0010": (409, "not_on_sale", "sku"),
    "0011": (403, "risk_refused", None),
    "0012": (429, "velocity_exceeded", None),
    "0013": (409, "below_cost", "sku"),
}
each_refusal = pytest.mark.parametrize("digits", REFUSED)


@each_refusal
async def test_the_digits_behind_a_reference_choose_the_refusal(common: Platform, digits: str) -> None:
    key, before = common.seed.shop.sandbox_key, await common.trace()
    answer = await common.place(f"ref#{digits}", common.goods.card, key=key)
    assert (answer.status, answer.code, answer.json.get("field")) == REFUSED[digits]
    assert answer.json["outcome"] == "none"
    assert await common.trace() == before
    bulk = {"orders": [{"client_ref": f"bulk#{digits}", "sku": str(common.goods.card.sku_id)}]}
    row = (await common.post("/api/v1/orders/bulk", bulk, key=key)).json["results"][0]
    assert (row["status"], row["problem"]["code"]) == REFUSED[digits][:2]
    assert await common.trace() == before
    # The reference is free, and a repeat of what stands is the order, whatever its digits.
    ends_so = await common.place(f"ref{digits}", common.goods.card, key=key)
    assert (ends_so.status, ends_so.json["state"]) == (201, "delivered")


@each_refusal
async def test_the_digits_of_a_number_choose_it_too(common: Platform, digits: str) -> None:
    key = common.seed.shop.sandbox_key
    phone = {"account": {"phone": f"138 0000 {digits}"}}
    answer = await common.place(f"phone-{digits}", common.goods.phone, key=key, **phone)
    assert (answer.status, answer.code, answer.json.get("field")) == REFUSED[digits]
    # A reference's digits mean nothing where there is a number.
    other = await common.place(f"p#{digits}", common.goods.phone, key=key, account={"phone": "13800138000"})
    assert (other.status, other.json["state"]) == (201, "fulfilling")


@each_refusal
async def test_in_earnest_they_mean_nothing(common: Platform, digits: str) -> None:
    card = await common.place(f"live#{digits}", common.goods.deep)
    assert (card.status, card.json["state"]) == (201, "delivered")
    phone = {"account": {"phone": f"1380000{digits}"}}
    placed = await common.place(f"live-phone-{digits}", common.goods.phone, **phone)
    assert (placed.status, placed.json["state"]) == (201, "fulfilling")


async def test_a_busy_platform_is_busy_once(common: Platform) -> None:
    key, before = common.seed.shop.sandbox_key, await common.trace()
    answer = await common.place("b#0008", common.goods.card, key=key)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "busy", "1")
    assert await common.trace() == before
    again = await common.place("b#0008", common.goods.card, key=key)
    assert (again.status, again.json["replayed"]) == (201, False)
    assert (await common.place("b2#0008", common.goods.card, key=key)).code == "busy"


async def test_an_order_without_an_answer_stands(common: Platform) -> None:
    key = common.seed.shop.sandbox_key
    answer = await common.place("u#0009", common.goods.card, key=key)
    assert (answer.status, answer.code, answer.json["outcome"]) == (503, "outcome_unknown", "unknown")
    (found,) = (await common.get("/api/v1/orders", "client_ref=u%230009", key=key)).json["orders"]
    assert (found["client_ref"], found["state"]) == ("u#0009", "delivered")
    again = await common.place("u#0009", common.goods.card, key=key)
    assert (again.status, again.json["id"], again.json["replayed"]) == (200, found["id"], True)


async def test_a_slow_answer_lets_others_pass(common: Platform) -> None:
    key = common.seed.shop.sandbox_key
    slow = asyncio.create_task(common.place("s#0006", common.goods.card, key=key))
    await asyncio.sleep(0)
    others = [await common.place(f"fast-{n}", common.goods.card, key=key) for n in range(3)]
    assert [answer.status for answer in others] == [201] * 3
    assert not slow.done()
    assert (await slow).json["state"] == "delivered"
