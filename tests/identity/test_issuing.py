"""Issuing, rotating and revoking keys: secrets shown once, kinds and ends kept, every act written down."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from kameng import identity
from kameng.identity import (
    ApiKey,
    BadKeySettings,
    Caller,
    Directory,
    IssuedKey,
    KeyNotWorking,
    NoSuchOrganisation,
    Scope,
)  # fmt: skip
from kameng.kit import clock, ids, lanes
from laws.world import Merchant, World

HOUR = timedelta(hours=1)
SOMEBODY_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
OLD_PUBLIC, NEW_PUBLIC = b"\xab" * 32, b"\xcd" * 32


async def key_of(world: World, key_id: int) -> ApiKey:
    key = await Directory(world.db, world.ring).key(key_id)
    assert key is not None
    return key


async def key_count(world: World) -> int:
    count: int = await world.scalar("SELECT count(*) FROM api_key")
    return count


async def strong_key(world: World, merchant: Merchant) -> Caller:
    return await world.key(merchant, public_key=OLD_PUBLIC, scopes=[Scope.orders_read], rate_per_second=7)


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"scopes": ["orders:place", "everything"]}, "scopes"), ({"allowed_ips": ["10.0.0.1/8"]}, "allowed_ips"),
     ({"allowed_ips": ["here"]}, "allowed_ips"), ({"rate_per_second": 0}, "rate_per_second"),
     ({"rate_per_second": 1_000_001}, "rate_per_second"), ({"daily_limit_e4": -1}, "daily_limit"),
     ({"daily_limit_e4": 10**15 + 1}, "daily_limit"), ({"public_key": b""}, "public_key"),
     ({"public_key": b"x" * 33}, "public_key")],
)  # fmt: skip
async def test_bad_settings_of_a_key_are_refused(world: World, settings: dict[str, Any], field: str) -> None:
    merchant = await world.merchant(money_e4=0)
    with pytest.raises(BadKeySettings) as refused:
        await world.key(merchant, **settings)
    assert refused.value.field == field
    assert refused.value.detail
    assert refused.value.detail_zh
    assert await key_count(world) == 2


async def test_a_secret_is_not_shown_by_chance(world: World) -> None:
    merchant = await world.merchant(money_e4=0)
    issued, key = merchant.member.key, merchant.caller.key
    assert issued.secret not in repr(issued) + str(issued)
    assert issued.secret not in repr(key) + repr(merchant.caller)
    assert repr(issued) == f"IssuedKey(key_id={key.key_id}, org_id={merchant.org_id}, sandbox=False)"


async def test_a_rotated_key_has_the_rights_of_the_old_one(world: World) -> None:
    merchant = await world.merchant(money_e4=0)
    old = await world.key(
        merchant, scopes=[Scope.orders_read], allowed_ips=["10.0.0.0/8"], rate_per_second=7, daily_limit_e4=900
    )
    now = clock.now_ms()
    with clock.hold(now):
        issued = await identity.rotate_key(world.db, world.ring, old.key.key_id, overlap=HOUR)
    new = await world.caller(issued, merchant.caller.organisation)
    for name in ("scopes", "allowed_ips", "rate_per_second", "daily_limit_e4", "org_id", "state"):
        assert getattr(new.key, name) == getattr(old.key, name)
    assert new.key.secret == issued.secret.encode() != old.key.secret
    again = await key_of(world, old.key.key_id)
    assert (again.works_at(now + 3_599_999), again.works_at(now + 3_600_000)) == (True, False)


async def test_a_strong_key_is_rotated_to_the_public_key_its_owner_brings(world: World) -> None:
    merchant = await world.merchant(money_e4=0)
    old = await strong_key(world, merchant)
    issued = await identity.rotate_key(world.db, world.ring, old.key.key_id, public_key=NEW_PUBLIC)
    assert issued.secret == ""
    new = await key_of(world, issued.key_id)
    assert (new.public_key, new.secret) == (NEW_PUBLIC, None)
    assert (new.scopes, new.rate_per_second) == (frozenset({Scope.orders_read}), 7)


@pytest.mark.parametrize("brought", [None, OLD_PUBLIC, b"short"])
async def test_a_strong_key_is_not_rotated_without_a_new_public_key(world: World, brought: bytes | None) -> None:
    merchant = await world.merchant(money_e4=0)
    old = await strong_key(world, merchant)
    with pytest.raises(BadKeySettings) as refused:
        await identity.rotate_key(world.db, world.ring, old.key.key_id, public_key=brought)
    assert refused.value.field == "public_key"
    assert "Ed25519" in refused.value.detail + refused.value.detail_zh or brought == OLD_PUBLIC
    assert await key_count(world) == 3
    assert await key_of(world, old.key.key_id) == old.key


async def test_a_key_with_a_secret_stays_one(world: World) -> None:
    merchant = await world.merchant(money_e4=0)
    with pytest.raises(BadKeySettings) as refused:
        await identity.rotate_key(world.db, world.ring, merchant.caller.key.key_id, public_key=NEW_PUBLIC)
    assert refused.value.field == "public_key"
    assert await key_count(world) == 2


async def test_a_revoked_key_is_not_rotated(world: World) -> None:
    merchant = await world.merchant(money_e4=0)
    strong = await strong_key(world, merchant)
    for key, brought in ((merchant.caller.key, None), (strong.key, NEW_PUBLIC)):
        await identity.revoke_key(world.db, key.key_id)
        with pytest.raises(KeyNotWorking) as refused:
            await identity.rotate_key(world.db, world.ring, key.key_id, public_key=brought)
        assert (refused.value.code, refused.value.status) == ("key_not_working", 409)
        assert str(key.key_id) in refused.value.detail
        assert str(key.key_id) in refused.value.detail_zh
        rows = await world.rows("SELECT state, expires_at FROM api_key WHERE key_id = $1", key.key_id)
        assert [tuple(row) for row in rows] == [("revoked", None)]
    assert await key_count(world) == 3


async def test_a_key_is_not_rotated_from_its_end_on_and_its_end_is_never_put_off(world: World) -> None:
    merchant = await world.merchant(money_e4=0)
    key_id, now = merchant.caller.key.key_id, clock.now_ms()
    with clock.hold(now):
        await identity.rotate_key(world.db, world.ring, key_id, overlap=HOUR)
        await identity.rotate_key(world.db, world.ring, key_id)
    assert (await key_of(world, key_id)).expires_at_ms == now + 3_600_000
    with clock.hold(now + 3_600_000), pytest.raises(KeyNotWorking):
        await identity.rotate_key(world.db, world.ring, key_id)
    assert await key_count(world) == 4


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=366), timedelta.max])
async def test_an_overlap_has_its_bounds(world: World, overlap: timedelta) -> None:
    merchant = await world.merchant(money_e4=0)
    with pytest.raises(BadKeySettings) as refused:
        await identity.rotate_key(world.db, world.ring, merchant.caller.key.key_id, overlap=overlap)
    assert refused.value.field == "overlap"
    assert await key_count(world) == 2


@pytest.mark.parametrize("revoked", [True, False])
async def test_a_key_revoked_while_its_rotation_waits_is_not_rotated(world: World, revoked: bool) -> None:
    """Rotation waits for the gate that somebody holds; what it decides by is read after that."""
    merchant = await world.merchant(money_e4=0)
    key_id = merchant.caller.key.key_id
    async with world.db.transaction() as connection:
        await lanes.pass_gate(connection, ids.lane_of(key_id))
        rotation = asyncio.create_task(identity.rotate_key(world.db, world.ring, key_id))
        while not await world.scalar(SOMEBODY_WAITS):  # noqa: ASYNC110 - what is waited for happens in the database
            await asyncio.sleep(0.01)
        if revoked:
            await connection.execute("UPDATE api_key SET state = 'revoked' WHERE key_id = $1", key_id)
    if revoked:
        with pytest.raises(KeyNotWorking):
            await rotation
    else:
        assert isinstance(await rotation, IssuedKey)
    assert await key_count(world) == (2 if revoked else 3)


@pytest.mark.parametrize("key_id", [4711, 700 << 12])
async def test_a_key_that_is_not_there_is_neither_rotated_nor_revoked(world: World, key_id: int) -> None:
    """In a lane there is, and in one there is not."""
    before = await world.scalar("SELECT count(*) FROM audit_line")
    for act in (identity.rotate_key(world.db, world.ring, key_id), identity.revoke_key(world.db, key_id)):
        with pytest.raises(NoSuchOrganisation):
            await act
    assert await world.scalar("SELECT count(*) FROM audit_line") == before


async def test_every_act_on_a_key_is_written_down_for_its_organisation(world: World) -> None:
    merchant = await world.merchant(money_e4=0)
    key_id = merchant.caller.key.key_id
    issued = await identity.rotate_key(world.db, world.ring, key_id, actor_id=7)
    await identity.revoke_key(world.db, key_id, actor_id=8)
    rows = await world.rows(
        "SELECT act, org_id, actor_id, subject_id, data FROM audit_line WHERE actor_id <> 0 ORDER BY actor_id, act"
    )
    assert [tuple(row) for row in rows] == [
        ("api_key.issue", merchant.org_id, 7, issued.key_id, None),
        ("api_key.rotate", merchant.org_id, 7, key_id, {"to": str(issued.key_id)}),
        ("api_key.revoke", merchant.org_id, 8, key_id, None),
    ]
