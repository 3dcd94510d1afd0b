"""Views that people keep."""

from __future__ import annotations

import pytest

from kameng import lists
from kameng.lists import BadView, NoSuchView, SavedView, TooManyViews
from running import Platform

ME, OTHER, FIRM = 11, 12, 21


async def views(platform: Platform, person_id: int = ME, org_id: int = FIRM, path: str = "/list") -> list[SavedView]:
    async with platform.db.connection() as connection:
        return await lists.list_views(connection, person_id, org_id, path)


async def test_a_view_is_his_of_that_list_for_that_organisation(platform: Platform) -> None:
    kept = await lists.save_view(platform.db, ME, FIRM, path="/list", name=" 失败的 ", query="state=failed")
    assert (kept.name, kept.query) == ("失败的", "state=failed")
    assert await views(platform) == [kept]
    assert await views(platform, person_id=OTHER) == []
    assert await views(platform, org_id=22) == []
    assert await views(platform, path="/other") == []
    for person_id, org_id in ((OTHER, FIRM), (ME, 22)):
        with pytest.raises(NoSuchView):
            await lists.remove_view(platform.db, person_id, org_id, kept.view_id)
    assert await views(platform) == [kept]
    assert await lists.remove_view(platform.db, ME, FIRM, kept.view_id) == "/list"
    assert await views(platform) == []


@pytest.mark.parametrize(("name", "query"), [("", ""), ("x" * 41, ""), ("a\nb", ""), ("x", "q" * 2001)])
async def test_what_can_be_no_view_is_refused(platform: Platform, name: str, query: str) -> None:
    with pytest.raises(BadView):
        await lists.save_view(platform.db, ME, FIRM, path="/list", name=name, query=query)
    assert await platform.count("saved_view") == 0


async def test_there_are_twelve_at_most(platform: Platform) -> None:
    for number in range(12):
        await lists.save_view(platform.db, ME, FIRM, path="/list", name=str(number), query="")
    with pytest.raises(TooManyViews):
        await lists.save_view(platform.db, ME, FIRM, path="/list", name="13", query="")
    assert {view.name for view in await views(platform)} == {str(number) for number in range(12)}


async def test_a_shared_view_is_everybodys_of_the_organisation_and_goes_by_whoever_may(platform: Platform) -> None:
    shared = await lists.save_view(
        platform.db, ME, FIRM, path="/list", name="大家的", query="state=paid", is_shared=True
    )

    async def seen(person_id: int, org_id: int = FIRM, path: str = "/list") -> list[tuple[str, bool, bool]]:
        async with platform.db.connection() as connection:
            found = await lists.list_views(connection, person_id, org_id, path)
        return [(one.name, one.is_shared, one.is_own) for one in found]

    other = ME + 1
    assert await seen(ME) == [("大家的", True, True)]
    assert await seen(other) == [("大家的", True, False)]
    assert (await seen(other, FIRM + 1), await seen(other, path="/elsewhere")) == ([], [])
    for number in range(12):  # those of others leave him all of his own
        await lists.save_view(platform.db, other, FIRM, path="/list", name=str(number), query="")
    with pytest.raises(lists.NoSuchView):
        await lists.remove_view(platform.db, other, FIRM, shared.view_id)
    own = await lists.save_view(platform.db, ME, FIRM, path="/list", name="我的", query="")
    with pytest.raises(lists.NoSuchView):
        await lists.remove_view(platform.db, other, FIRM, own.view_id, any_shared=True)
    with pytest.raises(lists.NoSuchView):
        await lists.remove_view(platform.db, other, FIRM + 1, shared.view_id, any_shared=True)
    assert await lists.remove_view(platform.db, other, FIRM, shared.view_id, any_shared=True) == "/list"
    assert await seen(ME) == [("我的", False, True)]
