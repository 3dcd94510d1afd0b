"""Webhooks on their way: what arrives, in which order, and what a receiver that is dead, slow or gone changes."""

from __future__ import annotations

import asyncio

from desk import LOOPBACK, Desk
from standins import StandIn, stand_in, until

from kameng import notices
from kameng.kit import jobs
from kameng.orders import ShownOrder
from laws.world import World


async def test_an_order_is_told_as_it_stands_and_signed(desk: Desk, world: World) -> None:
    merchant = await world.merchant()
    await world.load(world.card, 3)
    async with stand_in("receiver") as post:
        made = await desk.endpoint(merchant, f"{post.url}/orders")
        async with stand_in("receiver", "--secret", made.secret, port=0) as strict:
            await notices.change_endpoint(
                desk.db, merchant.org_id, made.endpoint.endpoint_id, policy=LOOPBACK, url=f"{strict.url}/orders"
            )
            async with world.gateway() as gateway, desk.dispatching():
                answer = await gateway.place(merchant.caller, "A-1", world.card, quantity=2)
                assert isinstance(answer, ShownOrder)
                (attempt,) = await desk.logged(merchant, made.endpoint.endpoint_id, 1)
            (seen,) = await strict.seen()
    assert (attempt.event_id, attempt.status, attempt.attempt, attempt.fault) == (answer.order_id, 204, 1, "")
    assert (seen["id"], seen["status"], seen["signatures"]) == (f"msg_{answer.order_id}", 204, 1)
    data = seen["body"]["data"]
    assert seen["body"]["type"] == "order.delivered"
    assert (data["id"], data["client_ref"], data["state"], data["sequence"]) == (
        str(answer.order_id), "A-1", "delivered", 1,
    )  # fmt: skip
    assert (data["event_id"], data["event_sequence"], data["total"]) == (str(answer.order_id), 1, "197.0000")
    assert "secret-" not in str(seen)
    assert "WY0" not in str(seen)
    await world.assert_clean()


async def test_the_first_order_after_an_endpoint_was_made_is_told(desk: Desk, world: World, receiver: StandIn) -> None:
    """A gateway that knows the organisation from before learns of it in that order's own batch."""
    merchant = await world.merchant()
    await world.load(world.card, 3)
    async with world.gateway() as gateway:
        await gateway.place(merchant.caller, "A-1", world.card)
        await desk.endpoint(merchant, receiver.url)
        await gateway.place(merchant.caller, "A-2", world.card)
    assert await world.rows("SELECT due FROM event ORDER BY event_id") == [(False,), (True,)]


async def test_events_of_a_subject_arrive_in_order_and_each_once(
    desk: Desk, world: World, receiver: StandIn
) -> None:
    merchant = await world.merchant()
    made = await desk.endpoint(merchant, receiver.url)
    async with desk.dispatching():
        ids = [(await desk.happen(merchant, subject_id=77, sequence=number))[0] for number in range(1, 21)]
        ids += await desk.happen(merchant, 300)

        async def last_came() -> bool:
            seen = {message["id"] for message in await receiver.seen()}
            return {f"msg_{ids[19]}", f"msg_{ids[-1]}"} <= seen and len(seen) >= 301

        await until(last_came)
    seen = await receiver.seen()
    sequences = [x["body"]["data"]["event_sequence"] for x in seen if x["body"]["data"]["subject"] == "77"]
    assert sequences == sorted(set(sequences))
    assert sequences[-1] == 20
    assert len({x["id"] for x in seen}) == len(seen)
    (endpoint,) = await notices.list_endpoints(desk.db, merchant.org_id)
    assert (endpoint.endpoint_id, endpoint.cursor_id) == (made.endpoint.endpoint_id, ids[-1])
    assert await world.scalar("SELECT count(*) FROM webhook_late") == 0
    rows = await world.scalar("SELECT count(*) FROM webhook_log")
    assert rows < len(seen) / 5


async def test_a_dead_receiver_delays_nobody(desk: Desk, world: World, receiver: StandIn) -> None:
    """One endpoint never answers, one refuses connections, one fails: all others get all that is theirs meanwhile."""
    dead = [await world.merchant(lane=0) for _ in range(3)]
    well = await world.merchant(lane=0)
    async with stand_in("receiver") as silent, stand_in("receiver") as failing:
        await silent.mode("silent")
        await failing.mode("error")
        for merchant, url in zip(dead, (silent.url, "http://127.0.0.1:9/", failing.url), strict=True):
            await desk.endpoint(merchant, url)
            await desk.happen(merchant, 500)
        await desk.endpoint(well, receiver.url)
        mine = await desk.happen(well, 500)
        async with desk.dispatching(lanes=[0]):

            async def all_came() -> bool:
                return {f"msg_{number}" for number in mine} == {x["id"] for x in await receiver.seen()}

            await until(all_came)

            async def paused() -> bool:
                return await world.scalar("SELECT count(*) FROM webhook_endpoint WHERE paused_until > now()") == 2

            await until(paused)
        calls = len(await failing.seen())
    assert 10 <= calls <= 42  # what flew when it was paused, and a probe now and then; not 500
    assert await world.scalar("SELECT count(*) FROM webhook_late") <= 84


async def test_what_failed_comes_again_under_its_id_when_the_receiver_is_back(desk: Desk, world: World) -> None:
    merchant = await world.merchant()
    async with stand_in("receiver") as post:
        made = await desk.endpoint(merchant, post.url)
        await post.mode("error")
        async with desk.dispatching():
            ids = await desk.happen(merchant, 40)
            await desk.logged(merchant, made.endpoint.endpoint_id, 10)
            await post.mode("ok")
            await notices.change_endpoint(
                desk.db, merchant.org_id, made.endpoint.endpoint_id, policy=LOOPBACK, state="active"
            )

            async def all_came() -> bool:
                good = {x["id"] for x in await post.seen() if x["status"] == 204}
                return good == {f"msg_{number}" for number in ids}

            await until(all_came)

            async def nothing_late() -> bool:
                return await world.scalar("SELECT count(*) FROM webhook_late") == 0

            await until(nothing_late)


async def test_410_disables_and_its_owner_finds_it_on_the_desk(desk: Desk, world: World, receiver: StandIn) -> None:
    merchant = await world.merchant()
    made = await desk.endpoint(merchant, receiver.url)
    await receiver.mode("gone")
    async with desk.dispatching():
        await desk.happen(merchant, 1)

        async def disabled() -> bool:
            (endpoint,) = await notices.list_endpoints(desk.db, merchant.org_id)
            return endpoint.state == "disabled"

        await until(disabled)
        await desk.happen(merchant, 5)
        await asyncio.sleep(0.8)
    (endpoint,) = await notices.list_endpoints(desk.db, merchant.org_id)
    assert (endpoint.reason, len(await receiver.seen())) == ("gone", 1)
    assert not await world.scalar("SELECT wants_events FROM organisation WHERE org_id = $1", merchant.org_id)
    async with desk.db.connection() as connection:
        (job,) = await jobs.desk(connection, merchant.lane)
    assert (job.kind, job.payload) == ("webhook.activate", {"webhook": str(made.endpoint.endpoint_id)})


async def test_redirects_are_not_followed(desk: Desk, world: World, receiver: StandIn) -> None:
    merchant = await world.merchant()
    made = await desk.endpoint(merchant, receiver.url)
    await receiver.mode("redirect")
    async with desk.dispatching():
        await desk.happen(merchant)
        (attempt,) = await desk.logged(merchant, made.endpoint.endpoint_id, 1)
    assert (attempt.status, attempt.fault) == (302, "redirects are not followed")
    assert [x["path"] for x in await receiver.seen()] == ["/"]


async def test_two_dispatchers_share_lanes_and_send_nothing_twice(desk: Desk, world: World, receiver: StandIn) -> None:
    merchants = [await world.merchant(lane=lane) for lane in world.lanes]
    for merchant in merchants:
        await desk.endpoint(merchant, receiver.url)
    async with desk.dispatching(), desk.dispatching():
        ids = [number for merchant in merchants for number in await desk.happen(merchant, 200)]

        async def all_came() -> bool:
            return len(await receiver.seen()) >= len(ids)

        await until(all_came)
    assert sorted(x["id"] for x in await receiver.seen()) == sorted(f"msg_{number}" for number in ids)
    assert await world.scalar("SELECT count(*) FROM webhook_lane") == 0


async def test_a_replay_sends_again_under_the_same_ids(desk: Desk, world: World, receiver: StandIn) -> None:
    merchant = await world.merchant()
    made = await desk.endpoint(merchant, receiver.url)
    endpoint_id = made.endpoint.endpoint_id
    async with desk.dispatching():
        ids = await desk.happen(merchant, 5)
        first = await desk.logged(merchant, endpoint_id, 5)
        await notices.replay(desk.db, merchant.org_id, endpoint_id, event_id=ids[2])
        await desk.logged(merchant, endpoint_id, 6)
        await notices.replay(desk.db, merchant.org_id, endpoint_id, since=made.endpoint.created_at)
        await desk.logged(merchant, endpoint_id, 11)

        async def through() -> bool:
            return await world.scalar("SELECT count(*) FROM webhook_replay") == 0

        await until(through)
    seen = [x["id"] for x in await receiver.seen()]
    assert sorted(seen[:5]) == sorted(f"msg_{x.event_id}" for x in first)
    assert seen[5] == f"msg_{ids[2]}"
    assert sorted(seen[6:]) == sorted(seen[:5])


async def test_a_rotated_secret_signs_beside_the_new_one(desk: Desk, world: World) -> None:
    merchant = await world.merchant()
    made = await desk.endpoint(merchant, "http://127.0.0.1:9/")
    endpoint_id = made.endpoint.endpoint_id
    fresh = await notices.rotate_secret(desk.db, desk.ring, merchant.org_id, endpoint_id)
    newest = await notices.rotate_secret(desk.db, desk.ring, merchant.org_id, endpoint_id)
    seen = []
    for secret in (newest.secret, fresh.secret, made.secret):
        async with stand_in("receiver", "--secret", secret) as post:
            await notices.change_endpoint(desk.db, merchant.org_id, endpoint_id, policy=LOOPBACK, url=post.url)
            async with desk.dispatching():
                await desk.happen(merchant)

                async def came(post: StandIn = post) -> bool:
                    return bool(await post.seen())

                await until(came)
            seen += [(x["status"], x["signatures"]) for x in await post.seen()]
    assert seen == [(204, 2), (204, 2), (401, 2)]


async def test_kinds_are_chosen(desk: Desk, world: World, receiver: StandIn) -> None:
    merchant = await world.merchant()
    made = await desk.endpoint(merchant, receiver.url, kinds=["price.*"])
    async with desk.dispatching():
        await desk.happen(merchant, 3)
        wanted = await desk.happen(merchant, 1, kind="price.changed")
        await desk.logged(merchant, made.endpoint.endpoint_id, 1)
    assert [x["id"] for x in await receiver.seen()] == [f"msg_{wanted[0]}"]
