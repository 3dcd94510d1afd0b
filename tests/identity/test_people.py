"""People and their memberships, on a real PostgreSQL."""

from __future__ import annotations

import pytest

from kameng import identity
from kameng.identity import BadPersonSettings, Membership, NoSuchPerson, SignInTaken
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
            ("person.enrol", None),
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


async def test_a_number_typed_in_full_width_is_the_same_sign_in(database_url: str) -> None:
    async with new_world(database_url) as world:
        await identity.enrol(world.db, sign_in="１３８００１３８０００", name="王小明")
        assert await world.scalar("SELECT sign_in FROM person") == "13800138000"
        with pytest.raises(SignInTaken):
            await identity.enrol(world.db, sign_in="13800138000", name="王大明")


@pytest.mark.parametrize(
    ("sign_in", "name", "field"),
    [("  ", "王小明", "sign_in"), ("a\0b@example.com", "王小明", "sign_in"), ("a" * 255, "王小明", "sign_in"),
     ("a@example.com", " ", "name"), ("a@example.com", "x" * 101, "name")],
)  # fmt: skip
async def test_who_has_no_name_is_not_enrolled(database_url: str, sign_in: str, name: str, field: str) -> None:
    async with new_world(database_url) as world:
        with pytest.raises(BadPersonSettings) as refused:
            await identity.enrol(world.db, sign_in=sign_in, name=name)
        assert refused.value.field == field
        assert refused.value.detail_zh
        assert await world.scalar("SELECT count(*) FROM person") == 0


async def test_a_role_that_is_none_is_refused(database_url: str) -> None:
    async with new_world(database_url) as world:
        merchant = await world.merchant()
        person_id = await identity.enrol(world.db, sign_in="wang@example.com", name="王小明")
        with pytest.raises(BadPersonSettings) as refused:
            await identity.join(world.db, merchant.caller.organisation, person_id, "king")
        assert refused.value.field == "role"
        assert await world.scalar("SELECT count(*) FROM membership") == 0


async def test_everybody_is_found_page_by_page_with_his_roles(database_url: str) -> None:
    async with new_world(database_url) as world:
        merchant = await world.merchant()
        numbers = [await identity.enrol(world.db, sign_in=f"p{n}@example.com", name=f"p{n}") for n in range(3)]
        first, second, third = sorted(numbers)
        await identity.join(world.db, merchant.caller.organisation, second, "owner")
        page = await identity.people(world.db, limit=2)
        assert [(person.person_id, belongs) for person, belongs in page] == [
            (first, []), (second, [Membership(merchant.org_id, second, "owner")])
        ]  # fmt: skip
        ((last, belongs),) = await identity.people(world.db, after_id=second, limit=2)
        assert (last, belongs) == (await identity.find_person(world.db, third), [])
        name = f"p{numbers.index(third)}"
        assert (last.name, last.sign_in, last.state) == (name, f"{name}@example.com", "active")
        with pytest.raises(NoSuchPerson):
            await identity.find_person(world.db, 5)


async def test_who_enrolled_a_person_is_written_down_without_the_sign_in(database_url: str) -> None:
    async with new_world(database_url) as world:
        person_id = await identity.enrol(world.db, sign_in="13800138000", name="王小明", actor_id=7)
        rows = await world.rows(
            "SELECT lane, org_id, actor_id, subject_id, data FROM audit_line WHERE act = 'person.enrol'"
        )
        assert [tuple(row) for row in rows] == [(0, 0, 7, person_id, None)]


async def test_somebody_is_called_otherwise_and_no_line_says_how(database_url: str) -> None:
    async with new_world(database_url) as world:
        person_id = await identity.enrol(world.db, sign_in="wang@example.com", name="王小明")
        await identity.rename_person(world.db, person_id, "王大明", actor_id=person_id)
        found = await identity.find_person(world.db, person_id)
        assert (found.name, found.sign_in) == ("王大明", "wang@example.com")
        for wrong in ("", " ", "x" * 101, "a\nb"):
            with pytest.raises(BadPersonSettings):
                await identity.rename_person(world.db, person_id, wrong)
        await identity.erase_person(world.db, person_id, reason="asked")
        with pytest.raises(NoSuchPerson):
            await identity.rename_person(world.db, person_id, "王小明")
        lines = await world.rows("SELECT act, data FROM audit_line WHERE act = 'person.rename'")
        assert [tuple(row) for row in lines] == [("person.rename", None)]
