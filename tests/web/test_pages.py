"""The pages in a real browser: in two languages, light and dark, on a phone; and nothing asked of another host."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from kameng import identity
from kameng.openapi.pages import VENDORED
from running import Served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not VENDORED.is_dir() and "KAMENG_TEST_REQUIRE_CHROMIUM" not in os.environ,
        reason="the pages' files are not here: scripts/web",
    ),
]
PAGES = ["/developers", "/docs", "/docs/errors"]
Open = Callable[..., Page]


@pytest.fixture
def visit(served: Served, browser: Browser) -> Iterator[Open]:
    """Opens a page; at the end nothing was asked of another host, and nothing went wrong on any page."""
    outside: list[str] = []
    wrong: list[str] = []
    contexts = []

    def complain(text: str) -> None:
        if "401 (Unauthorized)" not in text:  # what a wrong key is answered with
            wrong.append(text)

    def open_page(path: str, *, locale: str = "zh-CN", width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 800}, locale=locale, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda r: None if r.url.startswith((served.base, "data:")) else outside.append(r.url))
        page.on("requestfailed", lambda r: wrong.append(r.url))
        page.on("console", lambda m: complain(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(served.base + path)
        if path.partition("?")[0] == "/docs" and options.get("java_script_enabled", True):
            page.wait_for_selector(".opblock >> nth=14")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert outside == []
    assert wrong == []


@pytest.mark.parametrize("path", PAGES)
def test_chinese_first_and_english_by_a_link(visit: Open, path: str) -> None:
    page = visit(path)
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator(".brand")).to_have_text("卡盟")
    page.click(".switch")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator(".brand")).to_have_text("Kameng")
    # The choice goes along from page to page.
    page.click("nav >> text=Error codes")
    expect(page.locator("h1")).to_have_text("Error codes")
    page.click(".switch")
    expect(page.locator("h1")).to_have_text("错误码")


@pytest.mark.parametrize("path", PAGES)
def test_an_english_browser_reads_english(visit: Open, path: str) -> None:
    expect(visit(path, locale="en-GB").locator("html")).to_have_attribute("lang", "en")


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_never_scrolls_sideways(visit: Open, path: str) -> None:
    for language in ("zh", "en"):
        page = visit(f"{path}?lang={language}", width=320, is_mobile=True, has_touch=True)
        for width in (320, 390, 768):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("path", PAGES)
def test_dark_is_dark(visit: Open, path: str) -> None:
    colours = []
    page = visit(path)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        ground, ink = page.evaluate(
            "[getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.body).color]"
        )
        colours.append((_brightness(ground), _brightness(ink)))
    (light_ground, light_ink), (dark_ground, dark_ink) = colours
    assert light_ground > 200 > 80 > light_ink
    assert dark_ground < 80 < 200 < dark_ink


def _brightness(colour: str) -> float:
    numbers = colour.partition("(")[2].rstrip(")").split(",")[:3]
    return sum(map(float, numbers)) / 3


def test_the_reference_lists_every_endpoint(visit: Open) -> None:
    page = visit("/docs")
    document = json.loads((Path(__file__).parents[2] / "docs/api/openapi.json").read_text())
    expect(page.locator(".opblock")).to_have_count(sum(map(len, document["paths"].values())))
    expect(page.locator("#operations-orders-placeOrder")).to_contain_text("下单")


def test_a_problems_link_leads_to_its_row(visit: Open) -> None:
    page = visit("/docs/errors#sold_out")
    expect(page.locator("tr:target code").first).to_have_text("sold_out")
    expect(page.locator("tr:target")).to_contain_text("库存不足")


def test_the_console_signs_what_is_tried_out(visit: Open, served: Served) -> None:
    key = served.seed.shop.sandbox_key
    page = visit("/docs")
    page.fill("input[name=key]", identity.format_key_id(key.key_id, sandbox=True))
    page.fill("input[name=secret]", key.secret)
    page.click("#signing button")
    expect(page.locator("#signing output")).to_contain_text("这是沙箱密钥")

    page.click("#operations-orders-placeOrder .opblock-summary-control")
    page.click(".try-out__btn")
    sku = served.seed.goods.card.sku_id
    page.fill("textarea.body-param__text", f'{{"client_ref": "tried-out", "sku": "{sku}"}}')
    page.click("button.execute")
    answer = page.locator(".live-responses-table .response").first
    expect(answer.locator(".response-col_status").first).to_contain_text("201")
    expect(answer).to_contain_text('"currency": "XTS"')

    # A query with characters that have to be escaped is signed as it is sent.
    page.click("#operations-goods-listCatalogue .opblock-summary-control")
    listed = page.locator("#operations-goods-listCatalogue")
    listed.locator(".try-out__btn").click()
    listed.locator("input[placeholder=q]").fill("网易 100%&?")
    listed.locator("button.execute").click()
    expect(listed.locator(".live-responses-table .response-col_status").nth(1)).to_contain_text("200")


def test_a_wrong_key_is_told_in_words(visit: Open) -> None:
    page = visit("/docs")
    page.fill("input[name=key]", "ak_test_1")
    page.fill("input[name=secret]", "ks_wrong")
    page.click("#signing button")
    expect(page.locator("#signing output")).to_contain_text("密钥不存在，或签名与请求不符")


def test_without_script_the_start_page_is_whole(visit: Open) -> None:
    page = visit("/developers", java_script_enabled=False)
    expect(page.locator("#sample")).to_contain_text("KAMENG-HMAC-SHA256")
    expect(page.locator(".tiles dd").first).to_have_text("176")
