"""易支付商户 at the console: whose they are, what came in today, switched off with a reason that their owner reads."""

from __future__ import annotations

from kameng import epay
from kameng.kit import clock, switches
from kameng.ops import founding
from pages import Visitor, signed_in, text_of
from running import Platform

HOME = "/console/epay"


async def staff(platform: Platform, role: str = "finance") -> Visitor:
    return await signed_in(platform, await founding.found_house(platform.db), role)


async def opened(platform: Platform) -> int:
    """The shop's account, with payments of today and of yesterday."""
    shop = platform.seed.shop.organisation
    given = await epay.open_account(platform.db, platform.ring, shop, fee_ppm=6000, actor_id=7)
    await epay.change_account(platform.db, shop, hosts=["shop.example"], actor_id=7)
    pid = given.account.pid
    await platform.db.pool.executemany(
        "INSERT INTO epay_day (lane, pid, day, begun, paid, paid_e4) VALUES ($1, $2, $3::date - $4::int, $5, $6, $7)",
        [(shop.lane, pid, clock.china_day(), 0, 5, 3, 1_234_500), (shop.lane, pid, clock.china_day(), 1, 9, 9, 10_000)],
    )
    return pid


async def test_accounts_stand_with_their_owner_and_what_came_in_today(platform: Platform) -> None:
    mine = await staff(platform)
    empty = text_of(await mine.get(HOME))
    assert ("暂无易支付商户" in empty, "易支付功能已关闭" in empty) == (True, True)
    await switches.flip(platform.db, epay.SWITCH, on=True, reason="open", actor_id=7)
    parts = platform.gateway._parts
    assert parts is not None
    parts.site.switches._read_at_s = float("-inf")
    pid = await opened(platform)
    said = text_of(await mine.get(HOME))
    for part in (str(pid), "星河数卡", "¥123.45", "今日支付成功 3 笔", "今日发起 5 笔", "0.60%", "shop.example"):
        assert part in said, part
    assert "已关闭" not in said
    assert str(pid) not in text_of(await mine.get(f"{HOME}?after={pid}&lang=en"))


async def test_switched_off_with_a_reason_that_its_owner_reads(platform: Platform) -> None:
    pid, mine, auditor = await opened(platform), await staff(platform), await staff(platform, "auditor")
    shop = await signed_in(platform, platform.seed.shop.organisation)
    assert f"{HOME}/{pid}/off" not in (await auditor.get(HOME)).body.decode()
    for act in ("off", "on"):
        assert (await auditor.post(f"{HOME}/{pid}/{act}", {"reason": "no"})).status == 403
        assert (await mine.post(f"{HOME}/{pid + 1}/{act}", {"reason": "no"})).status == 404
        assert (await mine.post(f"{HOME}/99999999999/{act}", {"reason": "no"})).status == 404
    wrong = await mine.post(f"{HOME}/{pid}/off", {"reason": ""})
    assert (wrong.status, f'id="{pid}-reason-said"' in wrong.body.decode()) == (422, True)
    assert (await epay.account_at(platform.db, pid)).may_collect
    assert (await mine.post(f"{HOME}/{pid}/off", {"reason": "投诉未处理"})).status == 303
    said = text_of(await mine.get(HOME))
    assert ("平台停用" in said, "投诉未处理" in said) == (True, True)
    assert "投诉未处理" in text_of(await shop.get("/merchant/epay"))
    assert (await shop.post("/merchant/epay/state", {"state": "on"})).status == 303
    assert not (await epay.account_at(platform.db, pid)).may_collect
    await platform.db.pool.execute("UPDATE web_session SET proved_at = proved_at - interval '11 minutes'")
    answer = await mine.post(f"{HOME}/{pid}/on")
    assert (answer.status, answer.headers["location"].partition("?")[0]) == (303, "/prove")
    await platform.db.pool.execute("UPDATE web_session SET proved_at = proved_at + interval '11 minutes'")
    assert (await mine.post(f"{HOME}/{pid}/on")).status == 303
    assert (await epay.account_at(platform.db, pid)).may_collect
    acts = await platform.db.pool.fetch("SELECT act, data FROM audit_line WHERE act IN ('epay.bar', 'epay.admit')")
    assert [row["act"] for row in acts] == ["epay.bar", "epay.admit"]


async def test_whoever_sees_no_money_sees_no_accounts(platform: Platform) -> None:
    assert (await (await staff(platform, "support")).get(HOME)).status == 403
    assert (await (await signed_in(platform, platform.seed.shop.organisation)).get(HOME)).status == 403
