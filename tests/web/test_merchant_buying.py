"""Buying in a browser: one thing by one press, many numbers as people paste them, a cart; each order once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from browsing import Desk, off_the_bar
from kameng.catalogue import form_named
from kameng.web.merchant import pasting

PHONE = form_named("phone")


def accounts(text: str, form: str = "phone") -> list[str]:
    """What a paste comes to: accounts, and the Chinese words of what is wrong."""
    rows = pasting.read(text, form_named(form))
    return [row.fault_zh or " ".join(row.account.values()) for row in rows]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("13800138000", ["13800138000"]),
        (" 138 0013 8000 ", ["13800138000"]),
        ("138-0013-8000", ["13800138000"]),
        ("+86-13910765273", ["13910765273"]),
        ("0086 139 1076 5273", ["13910765273"]),
        ("１３８００１３８０００", ["13800138000"]),
        ("092店\t李磊\t18623716579\t移动话费", ["18623716579"]),
        ("1、13800138000", ["13800138000"]),
        ("13800138000 张三 50", ["13800138000"]),
        ("13800138000，13900139000", ["13800138000", "13900139000"]),
        ("\u202d13800138000\u202c", ["13800138000"]),
        ("1380013800", ["手机号应为 11 位，这里有 10 位。"]),
        ("1380013800 5", ["手机号应为 11 位，这里有 11 位。"]),
        ("138001380001", ["手机号应为 11 位，这里有 12 位。"]),
        ("23800138000", ["手机号应为 11 位，这里有 11 位。"]),
        ("合计", ["没有找到手机号。"]),
        ("", []),
    ],
)
def test_a_phone_number_is_taken_where_it_is_beyond_doubt(line: str, found: list[str]) -> None:
    assert accounts(line) == found


@pytest.mark.parametrize(
    ("form", "line", "found"),
    [
        ("qq", "12345 6", ["12345"]),
        ("qq", "１２３４５６", ["123456"]),
        ("fuel_card", "1000 1133 0000 0012", ["1000113300000012"]),
        ("fuel_card", "1000 1133", ["加油卡号有8位，应为16–19位。"]),
        ("electricity_account+province", "12345678\t广东省", ["12345678 广东"]),
        ("electricity_account+province", "12345678，火星", ["省份格式不正确，请核对。"]),
        ("electricity_account+province", "12345678", ["每行需要：用电户号、省份。"]),
    ],
)
def test_other_forms_take_columns(form: str, line: str, found: list[str]) -> None:
    assert accounts(line, form) == found


def test_a_number_that_comes_again_says_where_it_was() -> None:
    rows = pasting.read("13800138000\n\n138 0013 8000\n13800138000", PHONE)
    assert [(row.line, row.repeats, row.nth) for row in rows] == [(1, 0, 1), (3, 1, 2), (4, 1, 3)]


def order_count(page: Page) -> int:
    """By the list of today."""
    page.goto("/merchant/orders?size=100")
    return page.locator("main tbody tr").count()


@pytest.mark.browser
def test_one_press_is_one_order(desk: Desk) -> None:
    """Sent a second time, by the button or by the browser, it is the same order."""
    desk.expected = ("422 (Unprocessable", "403 (Forbidden)")
    page = desk.open("/merchant/orders", kind="agent")
    before = order_count(page)
    sku = desk.faces.seed.goods.card
    page.goto(f"/merchant/buy?q={sku.sku_id}")
    page.click(".pick")
    assert desk.axe(page) == []
    page.fill("#quantity", "3")
    expect(page.locator("#price .price.big")).to_have_text(f"¥{3 * sku.list_price_e4 / 10_000:,.2f}")
    token = page.input_value("input[name=token]")
    page.get_by_role("button", name="立即下单").click()
    page.wait_for_url(re.compile(r"/merchant/orders/\d+"))
    order = page.url
    expect(page.locator("main .facts")).to_contain_text(token)
    page.go_back()
    page.evaluate("token => document.querySelector('input[name=token]').value = token", token)
    page.fill("#quantity", "3")
    page.get_by_role("button", name="立即下单").click()
    page.wait_for_url(re.compile(r"/merchant/orders/\d+"))
    assert page.url == order
    assert order_count(page) == before + 1
    # Other content under the same token is no other order.
    page.goto(f"/merchant/buy/{sku.sku_id}")
    page.evaluate("token => document.querySelector('input[name=token]').value = token", token)
    page.get_by_role("button", name="立即下单").click()
    expect(page.locator("[role=alert]").first).to_be_visible()
    assert order_count(page) == before + 1
    assert desk.open("/merchant/buy", kind="supplier").locator("main code").inner_text() == "forbidden"


@pytest.mark.browser
def test_a_form_shows_all_that_is_wrong_at_once(desk: Desk) -> None:
    desk.expected = ("422 (Unprocessable",)
    page = desk.open(f"/merchant/buy/{desk.faces.seed.goods.phone.sku_id}", kind="agent")
    page.fill("[id='account.phone']", "1380013800")
    page.fill("#quantity", "0")
    page.get_by_role("button", name="立即下单").click()
    expect(page.locator(".field .error")).to_have_count(2)
    assert page.input_value("[id='account.phone']") == "1380013800"
    assert desk.axe(page) == []


@pytest.mark.browser
@pytest.mark.parametrize("script", [True, False])
def test_many_numbers_are_looked_at_then_ordered_once(desk: Desk, script: bool) -> None:
    first = 13_700_000_000 + 100 * script
    lines = [f"{first + n}" for n in range(4)] + [f"\u202d{first + 4}\u202c"] + [f"张三 {first}", "1370000", "备注"]
    sku = desk.faces.seed.goods.phone.sku_id
    page = desk.open(f"/merchant/many/{sku}", kind="agent", java_script_enabled=script)

    def look() -> list[str]:
        page.goto(f"/merchant/many/{sku}")
        page.fill("#lines", "\n".join(lines))
        page.get_by_role("button", name="先核对").click()
        return page.locator(".metric .value").all_inner_texts()

    def order() -> list[str]:
        page.get_by_role("button", name="确认下单").click()
        page.wait_for_selector("a[download]")
        return page.locator(".metric .value").all_inner_texts()

    found = look()
    assert (found[0], *found[2:]) == ("5", "2", "1", "0")
    assert order()[:2] == ["5", "2"]
    ids = page.locator("main tbody a").all_inner_texts()
    assert len(set(ids)) == 5
    # The same list once more, from another page: every number is known, and nothing is doubled.
    found = look()
    assert (found[0], *found[2:]) == ("0", "2", "1", "5")
    order()
    assert page.locator("main tbody a").all_inner_texts() == ids
    # Unless it is asked for.
    look()
    page.check("#again")
    order()
    again = page.locator("main tbody a").all_inner_texts()
    assert len(again) == 5
    assert set(again).isdisjoint(ids)


@pytest.mark.browser
def test_a_cart_is_ordered_once_and_keeps_what_was_refused(desk: Desk) -> None:
    page = desk.open("/merchant/cart", kind="agent")
    before = order_count(page)
    goods = desk.faces.seed.goods
    for sku, quantity in ((goods.card, 2), (goods.few, 1), (goods.bare, 1)):
        page.goto(f"/merchant/buy/{sku.sku_id}")
        page.fill("#quantity", str(quantity))
        page.get_by_role("button", name="加入购物车").click()
        page.wait_for_url("**/merchant/cart")
    expect(page.locator("main tbody tr")).to_have_count(3)
    assert desk.axe(page) == []
    page.get_by_role("button", name="全部下单").click()
    expect(page.locator("main section").first.locator("tbody tr")).to_have_count(2)
    page.goto("/merchant/cart")
    (left,) = page.locator("main tbody tr").all_inner_texts()
    assert goods.bare.product in left
    assert order_count(page) == before + 2


PAGES = (
    "/merchant", "/merchant/buy", "/merchant/prices", "/merchant/many", "/merchant/cart", "/merchant/orders",
    "/merchant/wallet", "/merchant/recharge", "/merchant/withdrawals", "/merchant/withdrawals/new",
    "/merchant/statements?by=product", "/merchant/keys", "/merchant/keys/new", "/merchant/playground",
    "/merchant/webhooks", "/merchant/webhooks/new",
)  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize(("locale", "scheme", "width"), [("zh-CN", "light", 1280), ("en-GB", "dark", 360)])
def test_no_page_has_a_serious_fault_or_scrolls_sideways(desk: Desk, locale: str, scheme: str, width: int) -> None:
    page = desk.open("/merchant", kind="merchant", locale=locale, width=width, color_scheme=scheme)
    desk.walk(page, off_the_bar("merchant", PAGES))
