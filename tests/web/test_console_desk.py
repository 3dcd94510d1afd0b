"""The operators' desk by keyboard; what they announce, price and switch shows where it should."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browsing import Desk, confirms, place

pytestmark = pytest.mark.browser


def test_lists_by_keyboard(desk: Desk) -> None:
    page = desk.open("/console/goods", kind="platform")
    page.wait_for_selector("html[data-keys]")
    rows = page.locator("tr[data-row]")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows.nth(1)).to_have_attribute("data-current", "")
    page.keyboard.press("k")
    expect(rows.nth(0)).to_have_attribute("data-current", "")
    target = rows.nth(0).get_attribute("data-row")
    # A field takes what is typed into it.
    page.focus("#q")
    page.keyboard.type("je")
    assert page.input_value("#q") == "je"
    page.locator("h1").click()
    page.keyboard.press("e")
    page.wait_for_url(f"**{target}")


def test_an_order_is_looked_at_beside_the_list(desk: Desk) -> None:
    order_id = place(desk, "peeked-at")[0]
    page = desk.open("/console/orders", kind="platform")
    page.wait_for_selector("html[data-keys]")
    page.keyboard.press("j")
    page.keyboard.press("p")
    drawer = page.locator("dialog.drawer[open]")
    expect(drawer.locator(".number")).to_have_text(order_id)
    expect(drawer.locator(".timeline li").first).to_be_visible()
    assert page.url.endswith("/console/orders")
    assert desk.axe(page) == []
    drawer.locator("[data-whole]").click()
    page.wait_for_url(f"**/console/orders/{order_id}")


def test_what_is_announced_stands_above_the_pages_it_is_for(desk: Desk) -> None:
    page = desk.open("/console/announcements", kind="platform")
    page.select_option("#face", "platform")
    page.fill("#zh", "今晚 23:00 维护")
    page.fill("#en", "Maintenance tonight")
    page.click("aside button")
    band = page.locator(".band.news")
    page.wait_for_timeout(5500)  # pages keep what is announced in memory for five seconds
    page.goto("/console")
    expect(band).to_have_text("今晚 23:00 维护")
    page.goto("/")
    expect(band).to_have_count(0)
    page.goto("/console/announcements")
    page.click("article button")
    expect(page.locator("article").first).to_contain_text("已撤下")


def test_prices_are_looked_at_put_in_place_and_taken_back(desk: Desk) -> None:
    page = desk.open("/console/prices", kind="platform")
    confirms(page)
    sku = desk.faces.seed.goods.few
    page.fill("#q", str(sku.sku_id))
    page.click("label.choice:has(input[value=fixed])")
    page.fill("#value", "1.5")
    page.click("form[method=get] button")
    row = page.locator("#preview tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("+¥1.50")
    page.fill("#reason", "旺季")
    page.click("#preview button")
    expect(page.locator("main tbody tr").first).to_contain_text("旺季")
    page.goto(f"/console/goods/{sku.sku_id}")
    assert float(page.input_value("#list_price_e4")) == (sku.list_price_e4 + 15_000) / 10_000
    page.goto("/console/prices")
    page.click("main tbody tr:first-child button")
    expect(page.locator("main tbody tr").first).to_contain_text("已撤销")
    page.goto(f"/console/goods/{sku.sku_id}")
    assert float(page.input_value("#list_price_e4")) == sku.list_price_e4 / 10_000


def test_a_form_is_looked_at_and_made(desk: Desk) -> None:
    page = desk.open("/console/forms", kind="platform")
    page.fill("#title", "船员充值")
    page.fill("#name", "crew")
    page.select_option("[name=known-0]", "phone")
    page.fill("[name=key-1]", "crew")
    page.fill("[name=label-1]", "船员编号")
    page.select_option("[name=class-1]", "account")
    page.select_option("[name=shape-1]", "pattern")
    page.fill("[name=pattern-1]", "(a+)+")
    desk.expected = ("422 (Unprocessable",)
    page.click("button[value=look]")
    expect(page.locator("main [role=alert]")).to_be_visible()
    assert page.input_value("[name=label-1]") == "船员编号"
    page.fill("[name=pattern-1]", "[A-Z]{2}[0-9]{6}")
    page.click("button[value=look]")
    expect(page.locator("#preview .field")).to_have_count(2)
    expect(page.locator("#preview")).to_contain_text("船员编号")
    page.click("button[value=make]")
    expect(page.locator("aside")).to_contain_text("form_crew")
    assert desk.axe(page) == []
