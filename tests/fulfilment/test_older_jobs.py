"""Jobs of an older version, all named alike: each is renamed after what must act, or goes if nobody needs it."""

from __future__ import annotations

from kameng.kit import migrations
from kameng.orders import By, Command
from laws.handwork import by_hand, task_of, work
from laws.lives import ask, ordered, waits_for
from laws.world import World, placed


async def test_what_waited_for_everybody_waits_for_somebody(world: World) -> None:
    merchant, (plain, _) = await world.merchant(lane=0), await by_hand(world)
    buyer = {"by": By.buyer, "org_id": merchant.org_id}
    async with world.gateway() as gateway:
        manual, called_back = [await ordered(gateway, merchant, plain) for _ in range(2)]
        phone, gone = [await ordered(gateway, merchant, world.phone) for _ in range(2)]
        (played,) = placed([await gateway.place(merchant.sandbox, "a", world.phone)])
    await ask(world, called_back.order_id, Command.cancel, "buyer", **buyer)
    await ask(world, gone.order_id, Command.fail)
    await world.execute(
        "UPDATE job SET kind = CASE WHEN kind LIKE '%_withdraw' THEN 'fulfilment.withdraw' ELSE 'fulfilment.fulfil' END"
    )
    await world.execute(
        "INSERT INTO job (lane, job_id, kind, subject_id, due_at) VALUES (0, 7, 'fulfilment.fulfil', $1, now())",
        gone.order_id,
    )
    (after,) = [one for one in migrations.available() if (one.number, one.phase) == (21, "after")]
    await world.execute(after.text)
    found = [await waits_for(world, order.order_id) for order in (manual, called_back, phone, gone, played)]
    assert found == [
        [("fulfilment.manual", "waiting")], [("fulfilment.manual_withdraw", "waiting")],
        [("fulfilment.topup", "waiting")], [], [("fulfilment.rehearse", "waiting")],
    ]  # fmt: skip
    await work(world)
    assert (await task_of(world, manual.order_id)).state == "open"
    await world.assert_clean()
