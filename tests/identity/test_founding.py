"""Organisations and keys: in their lanes, with their sandboxes; secrets sealed; a directory that keeps up."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from kameng import identity, orders
from kameng.identity import BadOrganisationSettings, Directory, NoSuchOrganisation
from kameng.kit import epochs, ids
from kameng.kit.crypto import Unsealable
from laws.world import World, together


async def test_an_organisation_has_its_lane_its_sandbox_its_wallets_and_keys(world: World) -> None:
    merchants = [await world.merchant(money_e4=0) for _ in range(6)]
    assert sorted(merchant.lane for merchant in merchants) == [0, 0, 0, 1, 1, 1]
    for merchant in merchants:
        member = merchant.member
        assert {ids.lane_of(i) for i in (member.key.key_id, member.sandbox.org_id, member.sandbox_key.key_id)} == {
            merchant.lane
        }
        assert (member.sandbox.currency, member.sandbox.sandbox_of) == ("XTS", member.organisation.org_id)
        assert not member.key.sandbox
        assert member.sandbox_key.sandbox
    await world.assert_clean()


async def test_parallel_foundings_spread_and_collide_in_nothing(world: World) -> None:
    merchants = await together(*(world.merchant() for _ in range(12)))
    assert len({merchant.org_id for merchant in merchants}) == 12
    counts = [sum(m.lane == lane for m in merchants) for lane in (0, 1)]
    assert counts == [6, 6]
    await world.assert_clean()


async def test_there_is_one_sandbox_beside_an_organisation(world: World) -> None:
    merchant = await world.merchant(money_e4=0)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with world.db.transaction() as connection:
            await identity.found_sandbox(connection, merchant.member.organisation)


async def test_a_secret_is_sealed_for_its_row(world: World) -> None:
    merchant = await world.merchant(money_e4=0)
    secret = merchant.member.key.secret
    assert secret.startswith("ks_")
    for row in await world.rows("SELECT key_id, sealed_secret, k::text AS text FROM api_key k"):
        assert secret not in row["text"]
        opens = row["key_id"] == merchant.member.key.key_id
        if opens:
            assert world.ring.open(identity.KEY_SECRET, row["key_id"], row["sealed_secret"]) == secret.encode()
        with pytest.raises(Unsealable):
            world.ring.open(identity.KEY_SECRET, row["key_id"] + 1, row["sealed_secret"])


@pytest.mark.parametrize(
    ("change", "field"),
    [({"level": 100}, "level"), ({"level": -1}, "level"), ({"state": "asleep"}, "state")],
)
async def test_an_organisation_is_not_changed_to_what_it_cant_be(
    world: World, change: dict[str, Any], field: str
) -> None:
    merchant = await world.merchant(money_e4=0, level=3)
    with pytest.raises(BadOrganisationSettings) as refused:
        await identity.set_organisation(world.db, merchant.org_id, **change)
    assert refused.value.field == field
    assert refused.value.detail_zh
    rows = await world.rows("SELECT level, state FROM organisation WHERE org_id = $1", merchant.org_id)
    assert [tuple(row) for row in rows] == [(3, "active")]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"name": " "}, "name"), ({"name": "a\nb"}, "name"), ({"name": "x" * 101}, "name"), ({"kind": "bank"}, "kind"),
     ({"level": 100}, "level")],
)  # fmt: skip
async def test_nothing_is_founded_on_bad_settings(world: World, change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadOrganisationSettings) as refused:
        async with world.db.transaction() as connection:
            await identity.found(connection, **{"name": "shop", **change})
    assert refused.value.field == field
    assert await world.scalar("SELECT count(*) FROM organisation") == 0


async def test_who_changed_an_organisation_is_written_down(world: World) -> None:
    merchant = await world.merchant(money_e4=0)
    await identity.set_organisation(world.db, merchant.org_id, state="suspended", actor_id=7)
    rows = await world.rows("SELECT org_id, actor_id, subject_id, data FROM audit_line WHERE act = 'organisation.set'")
    assert [tuple(row) for row in rows] == [(merchant.org_id, 7, merchant.org_id, {"state": "suspended"})]
    for unknown in (4711, 700 << 12):  # in a lane there is, and in one there is not
        with pytest.raises(NoSuchOrganisation):
            await identity.set_organisation(world.db, unknown, level=1)


async def test_a_directory_follows_what_it_met(world: World) -> None:
    merchant, stranger = await world.merchant(money_e4=0), await world.merchant(money_e4=0)
    directory = Directory(world.db, world.ring)

    async def refresh() -> None:
        async with world.db.connection() as connection:
            await directory.refresh(connection, (await epochs.read(connection))["identity"])

    await refresh()
    key_id = merchant.caller.key.key_id
    assert await directory.key(4711) is None
    assert (await directory.key(key_id)) is directory.keys[key_id]
    await identity.revoke_key(world.db, key_id)
    await identity.revoke_key(world.db, stranger.caller.key.key_id)
    await identity.set_organisation(world.db, merchant.org_id, level=5, state="suspended")
    assert directory.keys[key_id].state == "active"
    await refresh()
    assert directory.keys[key_id].state == "revoked"
    assert (directory.organisations[merchant.org_id].level, directory.organisations[merchant.org_id].state) == (
        5, "suspended",
    )  # fmt: skip
    assert stranger.caller.key.key_id not in directory.keys


async def test_a_key_met_while_it_is_revoked_is_never_kept_as_it_was(world: World) -> None:
    """Whatever comes first: after the refresh to the revocation's epoch the directory knows of it."""
    merchants = [await world.merchant(money_e4=0) for _ in range(12)]
    directory = Directory(world.db, world.ring)
    async with world.db.connection() as connection:
        directory.epoch = (await epochs.read(connection))["identity"]  # nothing in memory yet

    async def follow() -> None:
        for _ in range(60):
            async with world.db.connection() as connection:
                await directory.refresh(connection, (await epochs.read(connection))["identity"])

    await together(
        follow(),
        *(directory.key(merchant.caller.key.key_id) for merchant in merchants),
        *(identity.revoke_key(world.db, merchant.caller.key.key_id) for merchant in merchants),
    )
    await follow()
    assert {directory.keys[merchant.caller.key.key_id].state for merchant in merchants} == {"revoked"}


async def test_a_gateway_with_an_old_ring_puts_nothing_good_aside(world: World) -> None:
    """Cards sealed with a key that came after it started are not its to judge."""
    from kameng.kit.crypto import KeyMaterial, KeyRing

    await world.load(world.card, 5, lane=0)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        material = KeyMaterial(2, {1: b"1" * 32, 2: b"2" * 32}, b"h" * 32)
        fresh = KeyRing(material)
        fresh._ciphers[1], fresh._hash_key = world.ring._ciphers[1], world.ring._hash_key
        from kameng import stock

        assert await stock.reseal(world.db, fresh, 0) == 5
        answer = await gateway.place(merchant.caller, "a", world.card)
        assert isinstance(answer, orders.Refused)
        assert await world.scalar("SELECT count(*) FROM card WHERE state = 'on_shelf'") == 5
    world.ring = fresh
    async with world.gateway() as gateway:
        assert isinstance(await gateway.place(merchant.caller, "a", world.card, 5), orders.ShownOrder)
    await world.assert_clean()


async def test_one_key_that_does_not_open_stops_nobody_else(world: World) -> None:
    """A key re-sealed with a newer ring changes: an older gateway refuses that key and serves all others."""
    from kameng.kit.crypto import KeyMaterial, KeyRing

    merchant, other = await world.merchant(lane=0), await world.merchant(lane=0)
    async with world.gateway() as gateway:
        wishes = [await gateway.wish(m.caller, "a", world.phone) for m in (merchant, other)]
        fresh = KeyRing(KeyMaterial(2, {1: b"1" * 32, 2: b"2" * 32}, b"h" * 32))
        fresh._ciphers[1] = world.ring._ciphers[1]
        sealed = fresh.seal(identity.KEY_SECRET, merchant.caller.key.key_id, b"ks_new")
        await world.execute(
            "UPDATE api_key SET sealed_secret = $2 WHERE key_id = $1", merchant.caller.key.key_id, sealed
        )
        await identity.revoke_key(world.db, merchant.caller.key.key_id)
        answers = [await gateway.queues.place(wish) for wish in wishes]
    assert isinstance(answers[0], orders.Refused)
    assert answers[0].reason is identity.KeyRevoked
    assert isinstance(answers[1], orders.ShownOrder)
