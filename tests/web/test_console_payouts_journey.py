"""打款 in a browser: a member asks, two persons approve, Alipay or the bank pays; what is refused is told with why."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from test_console_journey import assert_clean, on_database, prove, staff

from browsing import Desk, confirms
from kameng import payments
from kameng.kit import db
from kameng.kit.working import Worker
from tills import Simulator

pytestmark = pytest.mark.browser
OURS, NAME = "支付宝打款", "支付宝证书模式商户"


def open_payer(desk: Desk, simulator: Simulator, *, on: bool) -> None:
    """The house's account at Alipay, that withdrawals are paid from."""

    async def work(database: db.Database) -> None:
        number = next((one.channel_id for one in await payments.list_channels(database) if one.name == OURS), 0)
        number = number or await payments.add_channel(
            database, desk.faces.ring, protocol="alipay", name=OURS, credentials=simulator[1][NAME].credentials,
            actor_id=0,
        )  # fmt: skip
        await payments.switch_channel(database, number, on=on, reason="test", actor_id=0)

    on_database(desk, work)


def worked(desk: Desk) -> None:
    """What the worker does for payouts until nothing is due."""

    async def work(database: db.Database) -> None:
        place = payments.Workplace(database, desk.faces.ring, public_url="http://127.0.0.1:1")
        worker = Worker(database, payments.handlers(place), lanes=[desk.faces.seed.shop.organisation.lane])
        while await worker.work_once():
            pass
        await place.close()

    on_database(desk, work)


def asked(page: Page, amount: str, method: str) -> str:
    """By a member; where his page of it is."""
    page.goto("/merchant/withdrawals/new")
    page.fill("#amount", amount)
    page.click(f"label.choice:has(input[value={method}])")
    page.fill("#name", "张小明")
    page.fill("#account", "13812345678" if method == "alipay" else "6222020012345678")
    if method == "bank":
        page.fill("#bank", "招商银行深圳分行")
    page.click("main form button.first")
    page.wait_for_url(lambda url: url.rpartition("/")[2].isdigit())
    return page.url


def of(page: Page, where: str) -> str:
    """Where the desk posts a step of what the member sees there."""
    return f"form[action^='/console/withdrawals/{where.rpartition('/')[2]}/acts/"


def approve(page: Page, where: str) -> None:
    page.goto("/console/withdrawals")
    page.click(f"{of(page, where)}approve'] button")
    prove(page)
    expect(page.locator(f"{of(page, where)}approve'] button")).to_have_count(0)


def test_a_withdrawal_is_paid_by_alipay_another_by_bank_and_one_is_refused(
    desk: Desk, simulator: Simulator, tmp_path: Path
) -> None:
    open_payer(desk, simulator, on=True)
    member = desk.open("/merchant/withdrawals", kind="merchant")
    by_alipay = asked(member, "6000", "alipay")
    refused, by_bank = asked(member, "80", "bank"), asked(member, "90", "bank")
    first, second = desk.open("/console", sign_in=staff(desk, "finance")), desk.open("/console", kind="platform")
    confirms(second)
    approve(first, by_alipay)
    approve(second, by_alipay)
    second.click(f"{of(second, by_alipay)}alipay'] button")
    expect(second.locator(f"{of(second, by_alipay)}alipay']")).to_have_count(0)
    member.goto(by_alipay)
    expect(member.locator("main .badge")).to_have_text("打款中")
    worked(desk)
    member.reload()
    expect(member.locator("main .badge")).to_have_text("已打款")
    second.goto("/console/withdrawals?view=paid")
    expect(second.locator("article", has_text=f"W{by_alipay.rpartition('/')[2]}")).to_contain_text("¥6,000.00")

    first.goto("/console/withdrawals")
    fold = first.locator("details", has=first.locator(f"{of(first, refused)}refuse']"))
    fold.locator("summary").click()
    fold.locator("[name=note]").fill("户名与实名认证不符")
    fold.locator("button").click()
    expect(first.locator(f"{of(first, refused)}refuse']")).to_have_count(0)
    member.goto(refused)
    expect(member.locator("main")).to_contain_text("户名与实名认证不符")

    approve(first, by_bank)
    second.goto("/console/withdrawals/batches")
    second.click("form[action='/console/withdrawals/batches'] button")
    with second.expect_download() as coming:
        second.locator("form[action$='/csv'] button").first.click()
    coming.value.save_as(tmp_path / "payouts.csv")
    (line,) = list(csv.reader((tmp_path / "payouts.csv").read_text("utf-8-sig").splitlines()))[1:]
    number = f"W{by_bank.rpartition('/')[2]}"
    assert line == ["1", "张小明", "6222020012345678", "招商银行深圳分行", "90.00", "CNY", number]
    (tmp_path / "result.csv").write_text(f"附言,金额,处理结果,流水号\n{number},90.00,成功,CMB-{number}\n", "utf-8")
    second.set_input_files("#file", tmp_path / "result.csv")
    second.click("form[action$='/result'] button")
    expect(second.locator("main tbody tr")).to_contain_text("已支付")
    assert desk.axe(second) == []
    member.goto(by_bank)
    expect(member.locator("main .badge")).to_have_text("已打款")
    open_payer(desk, simulator, on=False)
    assert_clean(desk)
