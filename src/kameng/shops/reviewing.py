"""Reviews: what somebody who bought it says about it, once for each order, after it was delivered.

A review with stars alone is shown at once, and so is one with plain words; what looks like an address, a number to
call or an advertisement waits for the staff. The score of a product is long-term: a mean that starts from what an
unknown product is worth and gives old reviews less weight (``score``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from kameng.kit import audit, clock, ids, lanes
from kameng.kit.db import Connection, Database
from kameng.shops import store
from kameng.shops.errors import BadReview, NoSuchReview
from kameng.shops.store import Review

BODY_CHARS_MAX = 500
ANSWER_CHARS_MAX = 500
PRIOR_STARS = 4.0
PRIOR_WEIGHT = 8.0
"""What is known of a product before anybody reviewed it: as if eight had given it four stars."""
HALF_LIFE_DAYS = 180.0
NEWEST = (1 << 63) - 1
_LOOKS_AWAY = re.compile(
    r"https?:|www\.|\w\.(?:com|cn|net|top|xyz|cc)\b|\d{7,}|加微|微信|\bqq\b|扣扣|telegram|代理加", re.IGNORECASE
)

Verdict = Literal["shown", "hidden"]


class Bought(msgspec.Struct, frozen=True):
    """An order that may be reviewed, as its buyer's own page found it."""

    order_id: int
    org_id: int
    sku_id: int
    seller_id: int  # 0: the platform
    is_delivered: bool


class Score(msgspec.Struct, frozen=True):
    """``mean`` in stars, to one place; ``count``: how many reviews stand behind it."""

    mean: float
    count: int


def score(count: int, weight: float, weighted_stars: float) -> Score:
    """The Bayesian mean: (C·m + Σ wᵢ·starsᵢ) / (C + Σ wᵢ), with m = 4 stars, C = 8, and wᵢ = ½^(age / 180 days).

    Few reviews move it little, old ones count half after 180 days. The mean is the one of IMDb's weighted rating
    (https://help.imdb.com/article/imdb/track-movies-tv/ratings-faq); the decay is the usual exponential forgetting.
    """
    mean = (PRIOR_WEIGHT * PRIOR_STARS + weighted_stars) / (PRIOR_WEIGHT + weight)
    return Score(round(mean, 1), count)


async def write_review(db: Database, bought: Bought, *, stars: int, body: str, name: str, actor_id: int) -> Review:
    """The buyer's review; ``BadReview`` before it was delivered, and for a second one."""
    text = body.strip().replace("\r\n", "\n")
    if not bought.is_delivered:
        raise BadReview("only what was delivered", field="stars", detail_zh="订单交付后才能评价")
    if not 1 <= stars <= 5:
        raise BadReview("1 to 5 stars", field="stars", detail_zh="请选择 1 至 5 星")
    if len(text) > BODY_CHARS_MAX or not text.replace("\n", " ").isprintable():
        raise BadReview(
            f"at most {BODY_CHARS_MAX} printable characters", field="body",
            detail_zh=f"最多 {BODY_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    state = "pending" if _LOOKS_AWAY.search(text) else "shown"
    lane, at = ids.lane_of(bought.order_id), clock.now()
    review = Review(
        bought.order_id, bought.sku_id, bought.org_id, bought.seller_id, stars, text, veiled(name), state, "", None, at
    )
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        if not await store.insert_review(connection, lane, review):
            raise BadReview("it was reviewed before", field="stars", detail_zh="该订单已评价过")
        line = audit.Line(passage.ids[0], bought.org_id, actor_id, "review.write", bought.order_id, {"stars": stars})
        await audit.note(connection, lane, at, [line])
    return review


async def judge_review(db: Database, order_id: int, verdict: Verdict, *, actor_id: int) -> None:
    """The staff shows a review or hides it."""
    await _change(db, order_id, "review.judge", actor_id, state=verdict)


async def answer_review(db: Database, order_id: int, seller_id: int, text: str, *, actor_id: int) -> None:
    """The shop's owner answers under it; ``NoSuchReview`` if somebody else sold it. An empty text takes it back."""
    if len(text) > ANSWER_CHARS_MAX or not text.replace("\n", " ").isprintable():
        raise BadReview(
            f"at most {ANSWER_CHARS_MAX} printable characters", field="answer",
            detail_zh=f"最多 {ANSWER_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    await _change(db, order_id, "review.answer", actor_id, answer=text.strip(), seller_id=seller_id)


async def _change(
    db: Database, order_id: int, act: str, actor_id: int, *, state: str | None = None, answer: str | None = None,
    seller_id: int | None = None,
) -> None:  # fmt: skip
    lane, at = ids.lane_of(order_id), clock.now()
    async with db.connection() as connection:
        if lane not in await lanes.lane_numbers(connection):
            raise NoSuchReview
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        org_id = await store.change_review(
            connection, lane, order_id, state=state, answer=answer, seller_id=seller_id, at=at
        )
        if org_id is None:
            raise NoSuchReview
        said = {"state": state} if state is not None else {}
        await audit.note(connection, lane, at, [audit.Line(passage.ids[0], org_id, actor_id, act, order_id, said)])


def veiled(name: str) -> str:
    """How others see who wrote it: the first character, never a number or an address."""
    first = name.strip()[:1]
    return f"{first if first.isalpha() else '*'}**"


async def score_of(connection: Connection, sku_ids: Sequence[int], at: datetime | None = None) -> Score:
    """Of all SKUs of a product together, over all lanes."""
    numbers = await lanes.lane_numbers(connection)
    return score(*await store.weigh_reviews(connection, numbers, sku_ids, at or clock.now(), HALF_LIFE_DAYS))


async def reviews_of(connection: Connection, sku_ids: Sequence[int], *, before_id: int, limit: int) -> list[Review]:
    """Those that are shown, newest orders first, below an order's id."""
    numbers = await lanes.lane_numbers(connection)
    return await store.list_reviews(connection, numbers, sku_ids, before_id=before_id, limit=limit)


async def pending_reviews(connection: Connection, *, before_id: int, limit: int) -> list[Review]:
    """What waits for the staff."""
    numbers = await lanes.lane_numbers(connection)
    return await store.list_pending(connection, numbers, before_id=before_id, limit=limit)
