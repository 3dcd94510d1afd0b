"""The kit in a real browser: every component does what it is for, with and without script."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from browsing import Desk

pytestmark = pytest.mark.browser
PAGE_BYTES_MAX = 120_000


# the style guide ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "locale", "scheme", "width"),
    [
        ("light-zh", "zh-CN", "light", 1280), ("dark-zh", "zh-CN", "dark", 1280), ("light-en", "en-GB", "light", 1280),
        ("phone-zh", "zh-CN", "light", 360), ("phone-dark-en", "en-GB", "dark", 360),
    ],
)  # fmt: skip
def test_the_style_guide_is_photographed(
    desk: Desk, tmp_path: Path, name: str, locale: str, scheme: str, width: int
) -> None:
    page = desk.open("/_ui", locale=locale, width=width, color_scheme=scheme)
    page.wait_for_selector("live-chart[data-drawn]")
    page.wait_for_selector(".figure[data-drawn]")
    picture = tmp_path / f"{name}.png"
    page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 50_000
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert desk.axe(page) == []


def test_a_first_page_is_light(desk: Desk) -> None:
    """All that a page loads before anybody does anything, as it comes over the wire."""
    sizes: dict[str, int] = {}
    page = desk.open("/signin")
    page.on("response", lambda answer: sizes.update({answer.url: len(_wire(answer))}))
    page.goto("/", wait_until="networkidle")
    assert any("kameng-shop.css" in url for url in sizes)
    assert sum(sizes.values()) < PAGE_BYTES_MAX, sizes


def _wire(answer: Any) -> bytes:
    return gzip.compress(answer.body(), 6)


def test_paper_has_the_receipt_and_no_furniture(desk: Desk) -> None:
    page = desk.open("/_ui")
    page.emulate_media(media="print")
    expect(page.locator("header.top")).to_be_hidden()
    expect(page.locator(".paper-head")).to_be_visible()
    expect(page.locator(".list-bar").first).to_be_hidden()


# lists -------------------------------------------------------------------------------------------------------


def test_a_chip_swaps_the_list_and_the_address_follows(desk: Desk) -> None:
    page = desk.open("/_ui")
    page.evaluate("window.same = true")
    sample = page.locator("#list-sample")
    sample.locator(".list-bar .chip", has_text="失败").click()
    page.wait_for_url("**/_ui?state=failed")
    expect(sample.locator("tbody tr")).to_have_count(11)
    expect(sample.locator(".tabs [aria-current]")).to_have_text("失败")
    sample.locator(".list-bar summary", has_text="筛选").click()
    sample.locator("input[name=amount_min]").fill("160")
    sample.locator(".menu-panel button", has_text="查看").click()
    page.wait_for_url("**/_ui?state=failed&amount_min=160")
    assert page.evaluate("window.same")
    expect(sample.locator(".list-active .chip")).to_contain_text("160")
    sample.locator(".list-active .chip").click()
    page.wait_for_url("**/_ui?state=failed")
    page.go_back()
    page.wait_for_url("**/_ui?state=failed&amount_min=160")
    expect(page.locator("#list-sample .list-active .chip")).to_contain_text("160")


def test_lists_work_without_script(desk: Desk) -> None:
    page = desk.open("/_ui", java_script_enabled=False)
    sample = page.locator("#list-sample")
    first = sample.locator("tbody tr th").first.inner_text()
    sample.locator("a[rel=next]").click()
    assert sample.locator("tbody tr th").first.inner_text() == "8143" != first
    sample.locator("a[rel=prev]").click()
    assert sample.locator("tbody tr th").first.inner_text() == first
    sample.locator("summary[aria-label='列与每页条数']").click()
    sample.locator("input[name=col][value=phone]").uncheck()
    sample.locator("select[name=size]").select_option("50")
    sample.locator(".menu-panel button", has_text="应用").click()
    assert sample.locator("thead th").all_inner_texts()[1:-1] == ["订单", "商品", "状态", "金额", "时间"]
    assert sample.locator("tbody tr").count() == 50
    page.goto("/_ui")  # remembered
    assert sample.locator("tbody tr").count() == 50
    sample.locator("thead a").click()
    assert sample.locator("tbody tr th").first.inner_text() == "8100"
    assert sample.locator("th[aria-sort=ascending]").count() == 1


def test_nonsense_in_an_address_is_told_and_has_a_way_out(desk: Desk) -> None:
    desk.expected = ("422 (Unprocessable",)
    page = desk.open("/_ui?state=eaten&day_from=soon")
    assert page.locator("#list-sample [role=alert] dt").all_inner_texts() == ["状态", "日期"]
    page.click("#list-sample >> text=显示全部")
    expect(page.locator("#list-sample tbody tr")).to_have_count(20)


def test_a_row_is_looked_at_beside_the_list(desk: Desk) -> None:
    page = desk.open("/_ui")
    link = page.locator("#list-sample a[data-peek]").nth(1)
    link.click()
    drawer = page.locator("row-peek dialog")
    expect(drawer).to_contain_text("8162")
    assert drawer.locator("[data-whole]").get_attribute("href") == f"{desk.faces.base}/_ui?peek=8162#peek"
    assert desk.axe(page) == []
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(link).to_be_focused()


# small ones --------------------------------------------------------------------------------------------------


def test_a_dangerous_act_is_asked_back(desk: Desk) -> None:
    page = desk.open("/_ui")
    page.evaluate("window.same = true")
    page.click("button:has-text('confirm')")
    expect(page.locator("#ask")).to_contain_text("确定停止")
    assert desk.axe(page) == []
    page.click("#ask button[value=no]")
    assert page.evaluate("window.same")
    page.click("button:has-text('confirm')")
    with page.expect_navigation():
        page.click("#ask button[value=yes]")


def test_a_card_is_shown_and_covered_again(desk: Desk) -> None:
    page = desk.open("/_ui")
    reveal = page.locator("key-reveal")
    reveal.locator("button").click()
    expect(reveal).to_contain_text("ABCD-1234-EFGH-5678")
    page.evaluate("document.querySelector('key-reveal').cover()")
    expect(reveal).not_to_contain_text("ABCD")
    expect(reveal.locator("button")).to_be_enabled()


def test_files_are_sent_with_their_progress_and_large_ones_are_not(desk: Desk) -> None:
    page = desk.open("/_ui")
    drop = page.locator("file-drop")
    button = drop.locator("button")
    page.set_input_files("#file", {"name": "many.csv", "mimeType": "text/csv", "buffer": b"x" * 200_001})
    expect(drop.locator("[data-named]")).to_have_text("文件过大。")
    expect(button).to_be_disabled()
    page.set_input_files("#file", {"name": "few.csv", "mimeType": "text/csv", "buffer": b"x" * 1234})
    expect(drop.locator("[data-named]")).to_have_text("few.csv")
    button.click()
    expect(drop.locator("[data-answer]")).to_contain_text("1234")


def test_news_in_a_corner_goes_and_bad_news_stays(desk: Desk) -> None:
    page = desk.open("/_ui")
    page.click("button:text-is('bad toast')")
    bad = page.locator(".toast.bad")
    expect(bad).to_have_attribute("role", "alert")
    bad.click()
    expect(bad).to_have_count(0)
