"""What staff reads in the books: an order's postings, by the ids its events were dealt near; wallets, the house."""

from __future__ import annotations

from kameng import ledger
from kameng.kit import events, ids
from kameng.orders import By
from kameng.orders.model import Command
from laws.lives import ask, ordered
from laws.world import MONEY_E4, World

PHONE_E4 = 996_500


async def test_all_of_an_orders_postings_and_no_others(world: World) -> None:
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        order, other = [await ordered(gateway, merchant, world.phone) for _ in range(2)]
    await ask(world, order.order_id, Command.deliver)
    await ask(world, order.order_id, Command.refund, by=By.staff, amount_e4=12_300)
    await ask(world, other.order_id, Command.deliver)
    lane = ids.lane_of(order.order_id)
    async with world.db.connection() as connection:
        story = await events.timeline(connection, lane, order.order_id)
        near = [order.order_id, *(event.event_id for event in story)]
        found = await ledger.postings_near(connection, lane, order.order_id, near)
    assert [(one.code, one.amount_e4) for one in found] == [
        ("sale", PHONE_E4), ("delivery", PHONE_E4), ("refund", 12_300)
    ]  # fmt: skip
    every = "SELECT count(*) FROM transfer WHERE subject_id = $1"
    assert await world.scalar(every, order.order_id) == 3


async def test_wallets_page_by_page_and_the_house_together(world: World) -> None:
    made = sorted([(await world.merchant(lane=lane)).org_id for lane in (0, 1, 0)])
    first = await ledger.wallets(world.db, limit=2)
    rest = await ledger.wallets(world.db, after_id=first[-1].account_id, limit=2)
    assert [one.account_id for one in [*first, *rest]] == made
    assert {one.available_e4 for one in first} == {MONEY_E4}
    sums = {(one.currency, one.code): one.posted_e4 for one in await ledger.house_sums(world.db)}
    assert sums["CNY", "clearing"] == -3 * MONEY_E4
    assert sums["CNY", "suspense"] == 0


async def test_books_that_do_not_sum_to_nought_are_named(world: World) -> None:
    merchant = await world.merchant(lane=1)
    assert await ledger.unbalanced(world.db) == []
    await world.execute("UPDATE account SET posted_e4 = posted_e4 + 1 WHERE account_id = $1", merchant.org_id)
    assert await ledger.unbalanced(world.db) == [(1, "CNY")]
