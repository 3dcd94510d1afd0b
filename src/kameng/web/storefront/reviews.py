"""Reviews: written by who bought it, read by everybody, answered by the shop's owner."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import access, orders, shops
from kameng.kit import ids
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront import buying, telling
from kameng.web.storefront.offering import sku_at
from kameng.web.storefront.product import siblings_of
from kameng.web.viewing import Viewer, viewer_of
from kameng.web.wording import N_

PAGE_REVIEWS = 20
REVIEW = (Field("stars", forms.whole(1, 5)), Field("body", forms.text(500, lines=True), required=False, empty=""))
ANSWER = (Field("answer", forms.text(500, lines=True), required=False, empty=""),)


@post("/orders/{order_id:str}/review", opt={"face": "member"}, status_code=200)
async def write(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    viewer, door = buying.buyer(request, act="buy"), door_of(request)
    form = await forms.read(request, viewer.words, REVIEW)
    found = await orders.find(door.snapshot, viewer.caller, [buying.order_id_of(order_id)])
    if not found:
        raise orders.OrderNotFound
    (order,) = found
    if form:
        bought = shops.Bought(
            order.order_id, viewer.me.org_id, order.sku_id, viewer.me.parent_id or 0,
            order.state in telling.ENDED_WELL,
        )  # fmt: skip
        assert viewer.session is not None
        try:
            await shops.write_review(
                door.db, bought, stars=form["stars"], body=form["body"], name=viewer.session.name,
                actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"/orders/{order.order_id}", said=N_("Thank you for your review."))
    happened = await orders.timeline(door.snapshot, viewer.caller, order.order_id)
    async with door.db.connection() as connection:
        review = await shops.review_of(connection, ids.lane_of(order.order_id), order.order_id)
    return page(
        request, "storefront/order.html", status=422, form=form, review=review, may_reveal=viewer.may("reveal"),
        may_buy=viewer.may("buy"), **telling.values(request, order, happened),
    )  # fmt: skip


@get("/goods/{sku_id:str}/reviews", opt={"face": "shop"})
async def read(request: AnyRequest, sku_id: FromPath[str]) -> Response[Any]:
    door, sku = door_of(request), sku_at(request, sku_id)
    sku_ids = [one.sku_id for one in siblings_of(list(door.snapshot.catalogue.skus.values()), sku)]
    try:
        before_id = ids.parse(request.query_params.get("before", ""))
    except ValueError:
        before_id = shops.NEWEST
    async with door.db.connection() as connection:
        score = await shops.score_of(connection, sku_ids)
        found = await shops.reviews_of(connection, sku_ids, before_id=before_id, limit=PAGE_REVIEWS + 1)
    return page(
        request, "storefront/reviews.html", sku=sku, score=score, reviews=found[:PAGE_REVIEWS],
        next_id=found[PAGE_REVIEWS - 1].order_id if len(found) > PAGE_REVIEWS else None,
        seller_id=_seller(viewer_of(request)),
    )  # fmt: skip


@post("/goods/{sku_id:str}/reviews/{order_id:str}", opt={"face": "member"}, status_code=200)
async def answer(request: AnyRequest, sku_id: FromPath[str], order_id: FromPath[str]) -> Response[Any]:
    """Who sold it answers, below the review."""
    viewer = viewer_of(request)
    seller_id = _seller(viewer)
    if seller_id is None:
        raise access.Forbidden
    form = await forms.read(request, viewer.words, ANSWER)
    if not form:
        raise shops.BadReview(form.errors.get("answer", ""), field="answer", detail_zh=form.errors.get("answer", ""))
    await shops.answer_review(
        door_of(request).db, buying.order_id_of(order_id), seller_id, form["answer"], actor_id=viewer.person_id
    )
    return way_on(request, f"/goods/{sku_at(request, sku_id).sku_id}/reviews", said=N_("Saved."))


def _seller(viewer: Viewer) -> int | None:
    """As whom he may answer: 0 for the platform, an agent by its number; None: not at all."""
    if viewer.organisation is None or not viewer.may("shop"):
        return None
    return {"platform": 0, "agent": viewer.organisation.org_id}.get(viewer.organisation.kind)
