"""A person's data, exported whole and erased for good: from users, from orders, and from nobody else's."""

from __future__ import annotations

import pytest

from kameng import identity, orders
from kameng.identity import NoSuchPerson
from kameng.ops import data_subject, sampling
from kameng.orders import BadReason, OrdersRunning, ShownOrder
from laws.world import World
from topups import GAME, NAMED, deliver, games, texts, top_up

PHONE = GAME["phone"]
WHY = "letter of 3 March"


async def lived(world: World) -> tuple[int, list[ShownOrder], ShownOrder]:
    """A user who signs in with her phone, her orders at two merchants, and somebody else's."""
    person_id = await identity.enrol(world.db, sign_in=PHONE, name="王芳芳")
    game, named = await games(world)
    merchants = [await world.merchant(lane=lane) for lane in (0, 1)]
    await identity.join(world.db, merchants[0].caller.organisation, person_id, "clerk")
    async with world.gateway() as gateway:
        hers = [await top_up(gateway, one.caller, "g", game, GAME) for one in merchants]
        other = await top_up(gateway, merchants[0].caller, "n", named, NAMED)
    return person_id, hers, other


async def test_everything_that_is_known_is_exported(world: World) -> None:
    person_id, hers, _ = await lived(world)
    subject = await data_subject.subject_of(world.db, "phone", PHONE)
    assert subject == await data_subject.subject_of_person(world.db, person_id)
    found = await data_subject.export(world.db, world.ring, subject, reason=WHY, actor_id=7)
    assert found["of"] == "138****8000"
    (role,) = found["person"].pop("memberships")
    assert found["person"] == {"id": str(person_id), "sign_in": PHONE, "name": "王芳芳", "state": "active"}
    assert role["role"] == "clerk"
    assert [(one["id"], one["client_ref"], one["total"], one["account"]) for one in found["orders"]] == [
        (str(order.order_id), "g", "9.0000", {**GAME, "game_password": "******"}) for order in hers
    ]
    assert [line["act"] for line in found["audit_lines"]] == ["person.enrol", "membership.set"]
    row = await world.rows("SELECT lane, actor_id, subject_id, data FROM audit_line WHERE act = 'person.export'")
    assert [tuple(one) for one in row] == [(0, 7, person_id, {"orders": 2, "reason": WHY})]
    await world.assert_clean()


async def test_who_is_no_user_is_found_by_what_his_orders_were_for(world: World) -> None:
    _, _, other = await lived(world)
    subject = await data_subject.subject_of(world.db, "identity_number", "440308 19900101 123x")
    found = await data_subject.export(world.db, world.ring, subject, reason=WHY)
    assert found["person"] is None
    assert [(one["id"], one["account"]) for one in found["orders"]] == [(str(other.order_id), NAMED)]
    nobody = await data_subject.subject_of(world.db, "email", "nobody@example.com")
    found = await data_subject.export(world.db, world.ring, nobody, reason=WHY)
    assert (found["of"], found["person"], found["orders"]) == ("n***@example.com", None, [])
    with pytest.raises(NoSuchPerson):
        await data_subject.subject_of_person(world.db, 5)


async def test_a_person_is_erased_once_her_orders_are_final(world: World) -> None:
    person_id, hers, other = await lived(world)
    await deliver(world, hers[0])
    subject = await data_subject.subject_of(world.db, "phone", " +86 138-0013-8000")
    before = await texts(world)
    with pytest.raises(OrdersRunning):
        await data_subject.erase(world.db, world.ring, subject, reason=WHY)
    with pytest.raises(BadReason):
        await data_subject.erase(world.db, world.ring, subject, reason=f"she of {PHONE}")
    assert await texts(world) == before
    await deliver(world, hers[1])
    assert await data_subject.erase(world.db, world.ring, subject, reason=WHY) == data_subject.Erased(2, True)
    for again in (subject, await data_subject.subject_of_person(world.db, person_id),
                  await data_subject.subject_of(world.db, "phone", PHONE)):  # fmt: skip
        assert await data_subject.erase(world.db, world.ring, again, reason=WHY) == data_subject.Erased(0, False)
    erased = await identity.find_person(world.db, person_id)
    assert (erased.sign_in, erased.name, erased.state) == (f"erased-{person_id}", "", "closed")
    assert await world.scalar("SELECT count(*) FROM audit_line WHERE act = 'person.erase'") == 1
    assert await orders.search(world.db, world.ring, PHONE) == []
    assert [one.order_id for one in await orders.search(world.db, world.ring, NAMED["identity_number"])] == [
        other.order_id
    ]
    sealed = await world.rows("SELECT order_id, account FROM orders WHERE account IS NOT NULL")
    opened = {row[0]: orders.open_account(world.ring, row[0], row[1]) for row in sealed}
    assert opened == {other.order_id: NAMED}
    needles = sampling.Needles([*GAME.items(), ("name", "王芳芳")])
    found = {what for text in (await texts(world)).values() for what in needles.found_in(text) if "王芳芳" not in text}
    assert found == set()
    assert not [place for place, text in (await texts(world)).items() if "王芳芳" in text]
    await world.assert_clean()  # money, orders and lines stand
