"""The key ring rotates: everything sealed is sealed anew, and opens with the new ring."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kameng import identity, orders, stock
from kameng.kit import crypto
from laws.world import World, placed


async def key_numbers(world: World) -> dict[str, set[int]]:
    """Which keys of the ring the rows of each table are sealed with."""
    found = {}
    for table, column in (("card", "sealed"), ("orders", "account"), ("api_key", "sealed_secret")):
        rows = await world.rows(f"SELECT {column} AS sealed FROM {table} WHERE {column} IS NOT NULL")
        assert rows, table
        found[table] = {crypto.key_number_of(row["sealed"]) for row in rows}
    return found


async def test_rotation_seals_cards_accounts_and_secrets_anew(world: World, tmp_path: Path) -> None:
    file = crypto.KeyFile(tmp_path / "ring" / "keyring.json")
    world.ring = crypto.KeyRing(file.create())
    merchant = await world.merchant(lane=0)
    await world.load(world.card, 3, lane=0)
    async with world.gateway() as gateway:
        first = placed([await gateway.place(merchant.caller, "r-1", world.card)])[0]
        await gateway.place(merchant.caller, "r-2", world.phone)
    assert await key_numbers(world) == {"card": {1}, "orders": {1}, "api_key": {1}}

    world.ring = crypto.KeyRing(file.rotate())
    secrets = await world.scalar("SELECT count(*) FROM api_key WHERE lane = 0")
    assert await stock.reseal(world.db, world.ring, 0) == 3
    assert await orders.reseal(world.db, world.ring, 0) == 1
    for lane in world.lanes:
        resealed = await identity.reseal(world.db, world.ring, lane)
        assert lane or resealed == secrets
    assert await key_numbers(world) == {"card": {2}, "orders": {2}, "api_key": {2}}
    assert await stock.reseal(world.db, world.ring, 0) == 0

    async with world.gateway() as gateway:
        again = placed([await gateway.place(merchant.caller, "r-1", world.card)])[0]
    assert again.cards == first.cards
    assert again.replayed
    await world.assert_clean()


async def test_a_ring_without_the_old_key_changes_nothing(world: World) -> None:
    await world.load(world.card, 2, lane=0)
    stranger = crypto.KeyRing(crypto.KeyMaterial(2, {2: os.urandom(32)}, os.urandom(32)))
    with pytest.raises(crypto.Unsealable):
        await stock.reseal(world.db, stranger, 0)
    assert {crypto.key_number_of(row["sealed"]) for row in await world.rows("SELECT sealed FROM card")} == {1}
