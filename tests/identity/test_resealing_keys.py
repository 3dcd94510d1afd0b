"""Sealing the secrets of keys anew, on a real PostgreSQL."""

from __future__ import annotations

import os

import pytest

from kameng import identity
from kameng.kit import crypto, resealing
from laws.world import World


def turned(ring: crypto.KeyRing) -> crypto.KeyRing:
    """The ring with a second key that seals from now on."""
    fresh = crypto.KeyRing(crypto.KeyMaterial(2, {1: b"1" * 32, 2: os.urandom(32)}, b"h" * 32))
    fresh._ciphers[1] = ring._ciphers[1]
    return fresh


async def key_numbers(world: World, lane: int) -> set[int]:
    rows = await world.rows("SELECT sealed_secret FROM api_key WHERE lane = $1 AND sealed_secret IS NOT NULL", lane)
    return {crypto.key_number_of(row["sealed_secret"]) for row in rows}


@pytest.mark.parametrize("chunk_rows", [1, 3, 500])
async def test_every_secret_of_a_lane_is_sealed_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, chunk_rows: int
) -> None:
    monkeypatch.setattr(resealing, "CHUNK_ROWS", chunk_rows)
    merchant = await world.merchant(money_e4=0, lane=0)
    await world.merchant(money_e4=0, lane=1)
    for _ in range(3):
        await world.key(merchant)
    strong = await world.key(merchant, public_key=b"p" * 32)
    secrets = await world.scalar("SELECT count(*) FROM api_key WHERE lane = 0 AND sealed_secret IS NOT NULL")
    ring = turned(world.ring)
    assert await identity.reseal(world.db, ring, 0) == secrets
    assert await identity.reseal(world.db, ring, 0) == 0
    assert (await key_numbers(world, 0), await key_numbers(world, 1)) == ({2}, {1})
    world.ring = ring
    assert (await world.caller(merchant.member.key, merchant.caller.organisation)).key == merchant.caller.key
    found = await identity.Directory(world.db, ring).key(strong.key.key_id)
    assert found == strong.key


async def test_a_ring_without_the_old_key_changes_nothing(world: World) -> None:
    await world.merchant(money_e4=0, lane=0)
    stranger = crypto.KeyRing(crypto.KeyMaterial(2, {2: os.urandom(32)}, os.urandom(32)))
    with pytest.raises(crypto.Unsealable):
        await identity.reseal(world.db, stranger, 0)
    assert await key_numbers(world, 0) == {1}
