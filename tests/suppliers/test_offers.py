"""Offers: of another cost, or of goods that are new; answered once; what is accepted is his cost and his consent."""

from __future__ import annotations

import pytest

from kameng import suppliers
from kameng.kit import audit
from kameng.suppliers import (
    BadOffer,
    NewOffer,
    NoSuchOffer,
    NotSupplied,
    Offer,
    OfferDecided,
    OfferState,
    TooManyOffers,
)
from laws.world import Merchant, World

STAFF = 77
FRESH = NewOffer(285_000, "首批 2000 张", None, "瑞幸", "瑞幸咖啡电子券", "29")


async def offer(world: World, one: Merchant, new: NewOffer = FRESH) -> Offer:
    return await suppliers.offer(world.db, one.caller.organisation, new, actor_id=5)


async def test_new_goods_become_a_sku_that_he_may_load(world: World) -> None:
    one = await world.merchant(kind="supplier", money_e4=0)
    made = await offer(world, one)
    assert [waits.offer_id for waits in await suppliers.list_waiting_offers(world.db)] == [made.offer_id]
    for sku_id in (None, 999_999):
        with pytest.raises(BadOffer) as refused:
            await suppliers.decide_offer(world.db, made.offer_id, accept=True, sku_id=sku_id, actor_id=STAFF)
        assert refused.value.field == "sku"
    assert await suppliers.supplied(world.db, one.org_id) == []
    taken = await suppliers.decide_offer(world.db, made.offer_id, accept=True, sku_id=world.card.sku_id, actor_id=STAFF)
    assert (taken.state, taken.sku_id, taken.decided_by) == ("accepted", world.card.sku_id, STAFF)
    (mine,) = await suppliers.supplied(world.db, one.org_id)
    assert (mine.sku_id, mine.cost_e4, mine.is_agreed, mine.loaded) == (world.card.sku_id, 285_000, True, 0)
    assert await suppliers.list_waiting_offers(world.db) == []
    lines = await audit.read(world.db, audit.Asked(subject_id=made.offer_id), before_id=1 << 62, limit=9)
    assert [line.act for line in lines] == ["offer.decide", "offer.make"]


async def test_another_cost_takes_the_place_of_the_old_one_once_it_is_accepted(world: World) -> None:
    one = await world.merchant(kind="supplier", money_e4=0)
    first = await offer(world, one)
    await suppliers.decide_offer(world.db, first.offer_id, accept=True, sku_id=world.card.sku_id, actor_id=STAFF)
    second = await offer(world, one, NewOffer(290_000, "货源涨价", world.card.sku_id))
    assert (second.was_e4, await suppliers.agreed_cost(world.db, one.org_id, world.card.sku_id)) == (285_000, 285_000)
    refused = await suppliers.decide_offer(world.db, second.offer_id, accept=False, note="过高", actor_id=STAFF)
    assert (refused.state, refused.note) == ("refused", "过高")
    third = await offer(world, one, NewOffer(287_500, "各让一步", world.card.sku_id))
    await suppliers.decide_offer(world.db, third.offer_id, accept=True, actor_id=STAFF)
    assert await suppliers.agreed_cost(world.db, one.org_id, world.card.sku_id) == 287_500
    shown = await suppliers.list_offers(world.db, one.org_id)
    assert [made.offer_id for made in shown] == [third.offer_id, second.offer_id, first.offer_id]


async def test_an_offer_is_answered_once_and_taken_back_by_its_owner_only(world: World) -> None:
    one, other = [await world.merchant(kind="supplier", money_e4=0) for _ in range(2)]
    made = await offer(world, one)
    with pytest.raises(NoSuchOffer):
        await suppliers.withdraw_offer(world.db, other.org_id, made.offer_id, actor_id=6)
    with pytest.raises(NoSuchOffer):
        await suppliers.find_offer(world.db, made.offer_id, org_id=other.org_id)
    gone = await suppliers.withdraw_offer(world.db, one.org_id, made.offer_id, actor_id=5)
    assert gone.state is OfferState.withdrawn
    with pytest.raises(OfferDecided):
        await suppliers.decide_offer(world.db, made.offer_id, accept=True, sku_id=world.card.sku_id, actor_id=STAFF)
    assert await suppliers.supplied(world.db, one.org_id) == []


@pytest.mark.parametrize(
    ("field", "new"),
    [
        ("cost", NewOffer(0, "有货", None, "瑞幸", "券", "29")), ("reason", NewOffer(1, " ", None, "瑞幸", "券", "29")),
        ("brand", NewOffer(1, "有货", None, "", "券", "29")),
        ("spec", NewOffer(1, "有货", None, "瑞幸", "券", "x" * 61)),
        ("product", NewOffer(1, "有货", None, "瑞幸", "券\x00", "29")),
    ],
)  # fmt: skip
async def test_what_cannot_be_one_is_refused(world: World, field: str, new: NewOffer) -> None:
    one = await world.merchant(kind="supplier", money_e4=0)
    with pytest.raises(BadOffer) as refused:
        await offer(world, one, new)
    assert refused.value.field == field
    assert await suppliers.list_offers(world.db, one.org_id) == []


async def test_he_names_costs_of_his_own_goods_only_and_not_without_end(world: World) -> None:
    one = await world.merchant(kind="supplier", money_e4=0)
    with pytest.raises(NotSupplied):
        await offer(world, one, NewOffer(1, "想供货", world.card.sku_id))
    for _ in range(50):
        await offer(world, one)
    with pytest.raises(TooManyOffers):
        await offer(world, one)
