"""A card that somebody reads out: found by its number's hash, with its order; shelves, batches and what is low."""

from __future__ import annotations

import secrets

from kameng import stock
from kameng.stock import CardLine
from laws.world import World


async def test_by_its_number_or_by_a_secret_without_one(world: World) -> None:
    merchant = await world.merchant()
    number, alone = f"N{secrets.token_hex(6)}", f"S{secrets.token_hex(8)}"
    lines = [CardLine(1, number, "secret-one", None, None), CardLine(2, "", alone, None, None)]
    await stock.load_cards(world.db, world.ring, lines, sku_id=world.card.sku_id, file_name="two.txt")
    found = await stock.find_card(world.db, world.ring, f" {number} ")
    assert [(one.sku_id, one.state, one.order_id) for one in found] == [(world.card.sku_id, "on_shelf", None)]
    (by_secret,) = await stock.find_card(world.db, world.ring, alone)
    assert by_secret.card_id != found[0].card_id
    # A secret that has a number beside it is not looked for: that would tell more than the number does.
    for text in ("secret-one", number[:-1], "", "%"):
        assert await stock.find_card(world.db, world.ring, text) == []
    async with world.gateway() as gateway:
        answers = [await gateway.place(merchant.caller, f"r{n}", world.card) for n in range(2)]
    (sold,) = await stock.find_card(world.db, world.ring, number)
    assert sold.state == "sold"
    assert sold.order_id in {answer.order_id for answer in answers}  # type: ignore[union-attr]


async def test_shelves_batches_and_what_is_low(world: World) -> None:
    assert await stock.low_skus(world.db) == []
    await stock.set_low_stock(world.db, world.card.sku_id, 5)
    assert [(one.sku_id, one.on_hand, one.low_at) for one in await stock.low_skus(world.db)] == [
        (world.card.sku_id, 0, 5)
    ]  # fmt: skip
    await world.load(world.card, 6)
    assert await stock.low_skus(world.db) == []
    assert sum((await stock.shelves_of(world.db, world.card.sku_id)).values()) == 6
    (batch, *_) = await stock.loaded_batches(world.db)
    assert (batch.sku_id, batch.loaded) == (world.card.sku_id, 6)
    assert await stock.loaded_batches(world.db, sku_id=world.phone.sku_id) == []
