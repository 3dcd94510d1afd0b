"""People and their memberships, on a real PostgreSQL."""

from __future__ import annotations

import pytest

from kameng import identity
from kameng.identity import Membership, NoSuchPerson, SignInTaken
from laws.world import new_world


async def test_a_person_belongs_to_several_organisations_with_a_role_in_each(database_url: str) -> None:
    async with new_world(database_url) as world:
        first, second = await world.merchant(), await world.merchant()
        person_id = await identity.enrol(world.db, sign_in=" Wang@Example.com ", name="王小明")
        await identity.join(world.db, first.caller.organisation, person_id, "clerk")
        await identity.join(world.db, second.caller.organisation, person_id, "finance")
        await identity.join(world.db, first.caller.organisation, person_id, "owner")

        assert await identity.memberships(world.db, person_id) == sorted(
            [Membership(first.org_id, person_id, "owner"), Membership(second.org_id, person_id, "finance")],
            key=lambda membership: membership.org_id,
        )
        acts = await world.rows("SELECT act, data FROM audit_line WHERE subject_id = $1 ORDER BY at", person_id)
        assert [(row["act"], row["data"]) for row in acts] == [
            ("membership.set", {"role": "clerk"}),
            ("membership.set", {"role": "finance"}),
            ("membership.set", {"role": "owner"}),
        ]


async def test_a_sign_in_belongs_to_one_person_whatever_its_case(database_url: str) -> None:
    async with new_world(database_url) as world:
        await identity.enrol(world.db, sign_in="wang@example.com", name="王小明")
        with pytest.raises(SignInTaken) as refusal:
            await identity.enrol(world.db, sign_in="WANG@example.com", name="王大明")
        assert refusal.value.field == "sign_in"
        assert await world.scalar("SELECT count(*) FROM person") == 1


async def test_nobody_joins_who_does_not_exist(database_url: str) -> None:
    async with new_world(database_url) as world:
        merchant = await world.merchant()
        with pytest.raises(NoSuchPerson):
            await identity.join(world.db, merchant.caller.organisation, 12345, "owner")
        assert await world.scalar("SELECT count(*) FROM membership") == 0
