"""My account: what one is called, and who is told of what."""

from __future__ import annotations

from kameng import identity, notices
from kameng.ops import founding
from pages import signed_in, text_of
from running import Platform

ROBOT = "https://oapi.dingtalk.com/robot/send?access_token=secret"
TOLD = {"topic": "withdrawal_decided", "channel": "dingtalk", "target": ROBOT, "language": "zh"}


async def test_somebody_changes_his_name(platform: Platform) -> None:
    mine = await signed_in(platform, platform.seed.shop.organisation)
    assert (await mine.post("/me/name", {"name": "王大明"})).status == 303
    assert "王大明" in text_of(await mine.get("/me"))
    wrong = await mine.post("/me/name", {"name": "x" * 101})
    assert (wrong.status, 'id="name-error"' in wrong.body.decode()) == (422, True)
    assert await platform.db.pool.fetchval("SELECT count(*) FROM audit_line WHERE act = 'person.rename'") == 1


async def test_an_organisation_says_who_is_told(platform: Platform) -> None:
    me = platform.seed.shop.organisation
    mine, clerk = await signed_in(platform, me), await signed_in(platform, me, "clerk")
    theirs = await signed_in(platform, platform.seed.other.organisation)
    assert (await clerk.post("/me/notices", TOLD)).status == 403
    assert "提现审核结果" not in text_of(await clerk.get("/me"))
    assert (await mine.post("/me/notices", TOLD)).status == 303
    (one,) = await notices.subscriptions(platform.db, me.org_id)
    assert (one.topic, one.channel, one.language) == ("withdrawal_decided", "dingtalk", "zh")
    shown = await mine.get("/me")
    assert f"钉钉机器人 · {one.shown}" in text_of(shown)
    assert "access_token=secret" not in shown.body.decode()
    remove = f"/me/notices/{one.subscription_id}/remove"
    assert [(await theirs.post(remove)).status, (await clerk.post(remove)).status] == [404, 403]
    assert len(await notices.subscriptions(platform.db, me.org_id)) == 1
    assert (await mine.post(remove)).status == 303
    assert await notices.subscriptions(platform.db, me.org_id) == []


async def test_what_cannot_be_told_stands_at_its_field(platform: Platform) -> None:
    mine = await signed_in(platform, platform.seed.shop.organisation)
    for changed, field in (({"topic": "audit_broken"}, "topic"), ({"channel": "mail"}, "channel"),
                           ({"target": "ops@"}, "target"), ({"language": "fr"}, "language")):  # fmt: skip
        answer = await mine.post("/me/notices", {**TOLD, **changed, "secret": "hidden-secret"})
        assert (answer.status, f'id="{field}-error"' in answer.body.decode()) == (422, True), field
        assert "hidden-secret" not in answer.body.decode()
    assert await platform.count("notice_subscription") == 0


async def test_staff_of_the_platform_is_told_elsewhere(platform: Platform) -> None:
    house = await founding.found_house(platform.db)
    mine = await signed_in(platform, house)
    assert (await mine.get("/me")).status == 200
    assert (await mine.post("/me/notices", TOLD)).status == 403
    assert await notices.subscriptions(platform.db, house.org_id) == []


async def test_whoever_works_for_nobody_has_a_name_too(platform: Platform) -> None:
    mine = await signed_in(platform, platform.seed.shop.organisation, "support")
    person = await identity.find_by_sign_in(platform.db, "support-0@test.kameng")
    assert person is not None
    await identity.leave(platform.db, platform.seed.shop.organisation.org_id, person.person_id)
    assert (await mine.get("/me")).status == 200
    assert (await mine.post("/me/name", {"name": "独行"})).status == 303
    assert (await identity.find_person(platform.db, person.person_id)).name == "独行"
