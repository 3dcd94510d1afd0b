"""Reviews: of what was bought and delivered, once; their score; who may answer."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from kameng import orders, shops
from kameng.kit import clock
from kameng.orders import OrderBody, ShownOrder
from kameng.shops import Bought, Score
from kameng.shops.reviewing import score, veiled
from laws.world import Merchant, World


async def bought(world: World, merchant: Merchant, ref: str) -> Bought:
    async with world.gateway() as gateway:
        body = OrderBody(ref, str(world.card.sku_id))
        answer = await gateway.queues.place(orders.wish_from(gateway.snapshot, merchant.caller, body))
    assert isinstance(answer, ShownOrder)
    return Bought(answer.order_id, merchant.org_id, answer.sku_id, 0, answer.state == "delivered")


async def write(world: World, one: Bought, stars: int, body: str = "") -> shops.Review:
    return await shops.write_review(world.db, one, stars=stars, body=body, name="周女士", actor_id=5)


async def test_an_order_has_one_review_by_its_buyer(world: World) -> None:
    merchant = await world.merchant()
    await world.load(world.card, 2)
    first = await bought(world, merchant, "a")
    review = await write(world, first, 5, "很快")
    assert (review.state, review.author) == ("shown", "周**")
    with pytest.raises(shops.BadReview, match="before"):
        await write(world, first, 1, "again")
    with pytest.raises(shops.BadReview, match="delivered"):
        await write(world, msgspec.structs.replace(first, is_delivered=False), 5)
    with pytest.raises(shops.BadReview, match="stars"):
        await write(world, first, 6)
    async with world.db.connection() as connection:
        assert await shops.review_of(connection, merchant.lane, first.order_id) == review
        found = await shops.reviews_of(connection, [world.card.sku_id], before_id=shops.NEWEST, limit=10)
        assert found == [review]
        assert await shops.reviews_of(connection, [world.card.sku_id], before_id=first.order_id, limit=10) == []
        assert await shops.reviews_of(connection, [world.phone.sku_id], before_id=shops.NEWEST, limit=10) == []
    (line,) = await world.rows("SELECT actor_id, subject_id FROM audit_line WHERE act = 'review.write'")
    assert tuple(line) == (5, first.order_id)
    await world.assert_clean()


@pytest.mark.parametrize("body", ["加微信 abcdefg", "www.example.com", "打 13812345678", "https://x.cn"])
async def test_what_looks_like_an_advertisement_waits_for_the_staff(world: World, body: str) -> None:
    merchant = await world.merchant()
    await world.load(world.card, 1)
    one = await bought(world, merchant, "a")
    assert (await write(world, one, 5, body)).state == "pending"
    async with world.db.connection() as connection:
        assert await shops.reviews_of(connection, [world.card.sku_id], before_id=shops.NEWEST, limit=10) == []
        (pending,) = await shops.pending_reviews(connection, before_id=shops.NEWEST, limit=10)
        assert pending.order_id == one.order_id
        assert await shops.score_of(connection, [world.card.sku_id]) == Score(4.0, 0)
    await shops.judge_review(world.db, one.order_id, "shown", actor_id=9)
    async with world.db.connection() as connection:
        assert await shops.pending_reviews(connection, before_id=shops.NEWEST, limit=10) == []
        assert (await shops.score_of(connection, [world.card.sku_id])).count == 1


async def test_who_sold_it_answers_and_nobody_else(world: World) -> None:
    merchant = await world.merchant()
    await world.load(world.card, 1)
    one = await bought(world, merchant, "a")
    await write(world, one, 2, "慢")
    with pytest.raises(shops.NoSuchReview):
        await shops.answer_review(world.db, one.order_id, 12345, "不是我卖的", actor_id=1)
    with pytest.raises(shops.NoSuchReview):
        await shops.answer_review(world.db, 1000 << 12, 0, "没有这条", actor_id=1)
    await shops.answer_review(world.db, one.order_id, 0, " 抱歉，已改进 ", actor_id=1)
    async with world.db.connection() as connection:
        found = await shops.review_of(connection, merchant.lane, one.order_id)
    assert found is not None
    assert (found.answer, found.stars) == ("抱歉，已改进", 2)
    assert found.answered_at is not None


async def test_the_score_gives_old_reviews_less_weight(world: World) -> None:
    merchant = await world.merchant()
    await world.load(world.card, 2)
    for ref, stars in (("a", 5), ("b", 1)):
        await write(world, await bought(world, merchant, ref), stars)
    now = clock.now()
    async with world.db.connection() as connection:
        fresh = await shops.score_of(connection, [world.card.sku_id, world.phone.sku_id], now)
        later = await shops.score_of(connection, [world.card.sku_id], now + timedelta(days=3600))
    assert fresh == Score(3.8, 2)  # (8 * 4 + 5 + 1) / 10
    assert later == Score(4.0, 2)


def test_the_score_is_the_bayesian_mean() -> None:
    assert score(0, 0.0, 0.0) == Score(4.0, 0)
    assert score(1, 1.0, 5.0) == Score(4.1, 1)
    assert score(1000, 1000.0, 5000.0) == Score(5.0, 1000)


def test_a_name_is_not_told() -> None:
    assert [veiled(name) for name in ("周女士", "alice@example.com", "13812345678")] == ["周**", "a**", "***"]
    assert veiled("") == "***"


