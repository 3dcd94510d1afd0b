"""易支付 at the pages: an agent opens an account, its shop sends a customer to our page; old keys end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect
from test_console_journey import on_database

from browsing import Desk, confirms
from kameng import epay
from kameng.channels import epay_serving as serving
from kameng.channels.epay.signing import md5_sign
from kameng.kit import db, switches

pytestmark = pytest.mark.browser


@pytest.fixture
def open_desk(desk: Desk) -> Iterator[Desk]:
    """A house that has its epay service open while the test runs."""
    _flip(desk, on=True)
    yield desk
    _flip(desk, on=False)


def _flip(desk: Desk, *, on: bool) -> None:
    async def work(database: db.Database) -> None:
        await switches.flip(database, epay.SWITCH, on=on, reason="test", actor_id=0)

    on_database(desk, work)


def from_the_shop(desk: Desk, page: Page, pid: str, key: str) -> None:
    """As a browser that comes from the agent's other shop."""
    wish = {
        "pid": pid, "type": "wxpay", "out_trade_no": "S-20261123-1", "notify_url": "https://shop.example/notify",
        "return_url": "https://shop.example/back", "name": "年度会员", "money": "88.00",
    }  # fmt: skip
    fields = wish | {"sign": md5_sign(wish, key), "sign_type": "MD5"}
    page.goto(f"/epay/submit.php?{urlencode(fields)}")


def test_from_no_account_to_a_customer_of_the_shop(open_desk: Desk) -> None:
    desk = open_desk
    page = desk.open("/merchant/epay", kind="agent")
    expect(page.locator("main")).to_contain_text("尚未开通易支付")
    assert desk.axe(page) == []
    page.click("text=立即开通")
    expect(page.locator("h1").last).to_have_text("易支付密钥")
    _, pid, key = page.locator("[data-copied]").all_text_contents()
    assert desk.axe(page) == []
    page.click("text=我已复制")
    page.fill("#hosts", "shop.example")
    page.click("main form button:has-text('保存')")
    expect(page.locator("#hosts")).to_have_value("shop.example")

    visitor = desk.open("/", width=390, height=800)
    from_the_shop(desk, visitor, pid, key)
    assert re.search(r"/cashier/\d+/[0-9a-f]{32}$", visitor.url)
    expect(visitor.locator("main")).to_contain_text("年度会员")
    expect(visitor.locator("main")).to_contain_text("¥88.00")
    assert desk.axe(visitor) == []

    page.reload()
    assert desk.axe(page) == []
    page.click("text=S-20261123-1")
    expect(page.locator("main")).to_contain_text("待付款")
    assert desk.axe(page) == []
    page.goto("/merchant/epay")
    confirms(page)
    page.click("text=更换密钥")
    expect(page.locator("h1").last).to_have_text("易支付密钥")
    desk.expected = ("400", serving.refused(serving.Refusal(-3, "")).decode())
    from_the_shop(desk, visitor, pid, key)
    expect(visitor.locator("body")).to_contain_text("签名校验失败")
