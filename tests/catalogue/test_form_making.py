"""Order forms made at the desk: checked like those of the house, known to every process, written once."""

from __future__ import annotations

import time

import pytest

from kameng import catalogue
from kameng.catalogue import BadOrderForm, NewField, UnknownForm, forms
from kameng.catalogue.formmaking import check_pattern
from laws.world import World

CODE = NewField("crew", "船员编号", "Crew code", "account", "pattern", "[A-Z]{2}[0-9]{6}", min_length=8, max_length=8)
PIN = NewField("pin", "口令", "PIN", "password", "digits", min_length=4, max_length=6)
SHIP = NewField("ship", "船只", "Ship", "public", "options", options=("甲", "乙"), max_length=1)


@pytest.fixture(autouse=True)
def _as_before() -> object:
    """What a test made known to this process is forgotten."""
    fields, groups = dict(forms.FIELDS), dict(forms.GROUPS)
    yield None
    forms.FIELDS.clear()
    forms.FIELDS.update(fields)
    forms.GROUPS.clear()
    forms.GROUPS.update(groups)
    forms.form_named.cache_clear()


def forget() -> None:
    """As another process that never read them."""
    for name in [name for name in forms.FIELDS if name.startswith("x_")]:
        del forms.FIELDS[name]
    for name in [name for name in forms.GROUPS if name.startswith("form_")]:
        del forms.GROUPS[name]
    forms.form_named.cache_clear()


async def test_made_it_is_checked_like_any_other(world: World) -> None:
    made = await catalogue.make_form(world.db, "crew", "船员充值", [NewField("phone", is_new=False), CODE], actor_id=1)
    assert [field.name for field in made.fields] == ["phone", "x_account_crew"]
    form = catalogue.form_named("form_crew")
    clean, faults = catalogue.check_account(form, {"phone": "138 1234 5678", "x_account_crew": " AB123456 "})
    assert (clean, faults) == ({"phone": "13812345678", "x_account_crew": "AB123456"}, [])
    _, faults = catalogue.check_account(form, {"phone": "13812345678", "x_account_crew": "ab123456"})
    assert [fault.code for fault in faults] == ["bad_format"]
    assert (await catalogue.desk_forms(world.db))[0].title == "船员充值"


async def test_a_process_that_never_saw_it_knows_it_when_it_reads_the_goods(world: World) -> None:
    await catalogue.make_form(world.db, "crew", "船员充值", [CODE], actor_id=1)
    await catalogue.set_sku(world.db, world.phone.sku_id, {"form": "form_crew+qq"})
    forget()
    with pytest.raises(UnknownForm):
        catalogue.form_named("form_crew")
    async with world.db.connection() as connection:
        await catalogue.load(connection, None, 1 << 40)
    assert [field.name for field in catalogue.form_named("form_crew+qq").fields] == ["x_account_crew", "qq"]


async def test_what_is_private_is_known_by_the_name_alone(world: World) -> None:
    await catalogue.make_form(world.db, "pins", "口令", [PIN, SHIP], actor_id=1)
    forget()
    assert catalogue.data_class_of("x_password_pin") == "password"
    assert catalogue.has_password({"x_password_pin": "1234"})
    assert catalogue.masked({"x_public_ship": "甲", "x_password_pin": "1234"}) == {
        "x_public_ship": "甲", "x_password_pin": "******"
    }  # fmt: skip
    assert catalogue.data_class_of("x_nonsense_pin") == "other"


async def test_a_name_stands_once(world: World) -> None:
    await catalogue.make_form(world.db, "crew", "船员充值", [CODE], actor_id=1)
    for name, field in (("crew", PIN), ("other", CODE)):
        with pytest.raises(BadOrderForm):
            await catalogue.make_form(world.db, name, "又一个", [field], actor_id=1)
    assert len(await catalogue.desk_forms(world.db)) == 1
    assert await world.scalar("SELECT count(*) FROM order_field") == 1


@pytest.mark.parametrize(
    "wish",
    [
        NewField("Crew", "船员"), NewField("crew", ""), NewField("crew", "船员", data_class="other"),
        NewField("crew", "船员", min_length=9, max_length=8), NewField("crew", "船员", shape="options"),
        NewField("crew", "船员", shape="pattern", pattern="(a+)+"), NewField("crew", "船员", shape="heap"),
    ],
)  # fmt: skip
def test_fields_that_can_not_be(wish: NewField) -> None:
    with pytest.raises(BadOrderForm):
        catalogue.field_from(wish)


@pytest.mark.parametrize("pattern", ["(a|b)+", "a**", "[a-z]+[a-z]+[a-z]+[a-z]+", "a||b", "(?=x)", "[z-a]", ""])
def test_patterns_that_are_refused(pattern: str) -> None:
    with pytest.raises(BadOrderForm):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["[A-Z]{2}[0-9]{6}", r"\d{4,8}", "AB[0-9]+|CD[0-9]+", "[a-z]+[0-9]*[a-z]?"])
def test_no_text_makes_a_pattern_slow(pattern: str) -> None:
    check_pattern(pattern)
    began = time.process_time()
    forms.matcher(pattern)("a" * 199 + "!")
    assert time.process_time() - began < 1
