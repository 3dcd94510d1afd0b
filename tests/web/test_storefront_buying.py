"""Buying at the pages: a member's journey from the search to his cards, a guest's, and what is refused to both."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from threading import Thread
from typing import Any

import asyncpg
import pytest
from playwright.sync_api import Page, Route, expect

from browsing import Desk, confirms
from kameng import shops
from kameng.kit import clock, db
from kameng.ops import auditing

pytestmark = pytest.mark.browser
PHONE_SHOWN = "138 1234 5678"


def rows(desk: Desk, query: str, *values: object) -> list[asyncpg.Record]:
    async def ask() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(desk.faces.url)
        try:
            found: list[asyncpg.Record] = await connection.fetch(query, *values)
            return found
        finally:
            await connection.close()

    return _apart(ask())


def _apart(work: Coroutine[Any, Any, list[asyncpg.Record]]) -> list[asyncpg.Record]:
    """Beside the browser's own loop."""
    found: list[list[asyncpg.Record]] = []
    thread = Thread(target=lambda: found.append(asyncio.run(work)))
    thread.start()
    thread.join()
    return found[0]


def assert_clean(desk: Desk) -> None:
    found: list[object] = []

    async def audit() -> list[asyncpg.Record]:
        opened = await db.open_database(desk.faces.url)
        try:
            report = await auditing.run(opened, desk.faces.ring, sample_per_lane=50)
            found.extend((finding.law, finding.examples) for finding in report.broken)
        finally:
            await opened.close()
        return []

    _apart(audit())
    assert found == []


def to_checkout(page: Page, sku_id: int) -> None:
    page.goto(f"/goods/{sku_id}")
    page.click(".buy-bar button")
    page.wait_for_url("**/checkout?**")


def test_a_member_finds_buys_sees_and_reviews(desk: Desk) -> None:
    card = desk.faces.seed.goods.card
    page = desk.open("/", kind="customer")
    page.goto("/")
    page.fill("#q", "wyykt")
    page.press("#q", "Enter")
    page.wait_for_url("**/search?q=wyykt**")
    expect(page.locator(".goods-name").first).to_contain_text("网易一卡通")
    to_checkout(page, card.sku_id)
    assert desk.axe(page) == []
    page.click(".buy-bar button")
    page.wait_for_url("**/orders/*")
    order_id = int(page.url.rpartition("/")[2])
    expect(page.locator("live-order .badge").first).to_have_text("已发货")
    assert "S-" not in page.content()  # hidden until he wants to see them
    page.click("#goods button.first")
    expect(page.locator("#goods .secret").last).to_contain_text(f"S-{card.sku_id}-")
    assert desk.axe(page) == []
    with page.expect_download() as downloaded:
        page.click("text=下载")
    assert downloaded.value.suggested_filename == f"{order_id}.txt"
    assert f"S-{card.sku_id}-" in downloaded.value.path().read_text("utf-8-sig")
    lines = rows(desk, "SELECT actor_id FROM audit_line WHERE act = 'order.reveal' AND subject_id = $1", order_id)
    assert len(lines) == 2
    assert 0 not in {line["actor_id"] for line in lines}
    page.fill("#body", "发货很快")
    page.click("#review button")
    expect(page.locator("#review .review")).to_contain_text("发货很快")
    page.goto(f"/goods/{card.sku_id}/reviews")
    expect(page.locator(".review").first).to_contain_text("发货很快")
    page.goto(f"/cards?q={card.product}")
    page.click("text=标记已使用 >> nth=0")
    page.goto("/cards?used=yes")
    expect(page.locator("article .badge").first).to_have_text("已使用")
    page.goto("/wallet")
    expect(page.locator("main tbody tr").first).to_contain_text("订单")
    assert_clean(desk)


def test_a_form_that_is_sent_twice_is_one_order(desk: Desk) -> None:
    page = desk.open("/", kind="customer")
    to_checkout(page, desk.faces.seed.goods.card.sku_id)
    once = page.input_value("[name=once]")
    answers = page.evaluate(
        """async () => {
          const form = document.querySelector("order-form form");
          const body = new URLSearchParams(new FormData(form));
          body.set("act", "pay");
          const sent = [1, 2, 3].map(() => fetch("/checkout", {method: "POST", body}));
          return (await Promise.all(sent)).map((answer) => answer.url);
        }"""
    )
    assert len(set(answers)) == 1
    found = rows(desk, "SELECT count(*) FROM orders WHERE client_ref = $1", f"web-{once}")
    assert found[0]["count"] == 1


def test_a_price_that_has_risen_is_not_paid_unseen(desk: Desk) -> None:
    desk.expected = ("409 (Conflict)",)
    page = desk.open("/", kind="customer")
    to_checkout(page, desk.faces.seed.goods.card.sku_id)
    page.evaluate("document.querySelector('[name=price]').value = '1.0000'")
    page.click(".buy-bar button")
    expect(page.locator("[role=alert]")).to_contain_text("价格刚刚发生变动")
    page.click(".buy-bar button")
    page.wait_for_url("**/orders/*")


def test_nobody_sees_anothers_order(desk: Desk) -> None:
    desk.expected = ("404 (Not Found)",)
    page = desk.open("/", kind="customer")
    to_checkout(page, desk.faces.seed.goods.card.sku_id)
    page.click(".buy-bar button")
    page.wait_for_url("**/orders/*")
    path = page.url.removeprefix(desk.faces.base)
    other = desk.open(path, kind="merchant")
    assert other.locator("main code").inner_text() == "order_not_found"
    anybody = desk.open(path)
    assert "/signin" in anybody.url
    for act in ("reveal", "download", "refund"):
        status = other.evaluate(
            """async (path) => {
              const headers = {"x-kameng-token": document.body.dataset.token};
              return (await fetch(path, {method: "POST", headers})).status;
            }""",
            f"{path}/{act}",
        )
        assert status == 404


def test_who_does_not_buy_has_no_orders(desk: Desk) -> None:
    desk.expected = ("403 (Forbidden)",)
    for path in ("/orders", "/cards", "/wallet"):
        page = desk.open(path, kind="supplier")
        assert page.locator("main code").inner_text() == "forbidden"


def test_a_guest_orders_and_finds_his_order_by_its_password(desk: Desk) -> None:
    desk.expected = ("422 (Unprocessable", "400 (Bad Request)", "404 (Not Found)")
    page = desk.open("/", width=390, height=800)
    to_checkout(page, desk.faces.seed.goods.deep.sku_id)
    page.fill("#contact", "guest@example.com")
    page.fill("#query_password", "abc")
    page.click(".buy-bar button")
    expect(page.locator("#query_password-error")).to_be_visible()
    assert page.input_value("#contact") == "guest@example.com"
    assert page.input_value("#query_password") == ""
    page.fill("#query_password", "abcdef1")
    page.click(".buy-bar button")
    page.wait_for_url("**/guest/orders/*")
    order_id = page.url.rpartition("/")[2]
    expect(page.locator(".pay-place a")).to_have_attribute("href", f"/pay/{order_id}")
    assert desk.axe(page) == []
    other = desk.open(f"/guest/orders/{order_id}")
    assert other.locator("main code").inner_text() == "order_not_found"
    other.goto("/guest")
    other.fill("#number", order_id)
    other.fill("#query_password", "wrong-one")
    other.click("main form button")
    expect(other.locator("[role=alert]")).to_contain_text("订单号或查询密码不正确")
    other.fill("#query_password", "abcdef1")
    other.click("main form button")
    expect(other.locator(".pay-place")).to_be_visible()
    confirms(page)
    page.click("text=取消订单")
    expect(page.locator("live-order .badge").first).to_have_text("已取消")
    assert_clean(desk)


def test_a_phone_is_topped_up_number_first(desk: Desk) -> None:
    page = desk.open("/topup", kind="customer", width=390, height=800)
    page.fill("#number", "")
    page.type("#number", "13812345678")
    expect(page.locator(".topup [role=status] .badge").first).to_have_text("中国移动")
    assert page.input_value("#number") == PHONE_SHOWN
    assert "13812345678" not in page.url
    assert desk.axe(page) == []
    page.click(".faces .choice >> nth=0")
    page.click(".buy-bar button")
    expect(page.locator(".number-shown")).to_have_text(PHONE_SHOWN)
    page.click(".buy-bar button")
    page.wait_for_url("**/orders/*")
    expect(page.locator("main")).to_contain_text("138****5678")
    page.goto("/topup")
    page.click("[name=recent] >> nth=0")
    assert "13812345678" not in page.content().replace(" ", "")
    page.click(".faces .choice >> nth=0")
    page.click(".buy-bar button")
    expect(page.locator(".note.warn").first).to_contain_text("今天已为该号码充值过 1 次")
    assert "13812345678" not in page.content().replace(" ", "")
    page.click(".buy-bar button")
    page.wait_for_url("**/orders/*")
    assert_clean(desk)


def test_who_waits_in_the_queue_gets_one_order(desk: Desk) -> None:
    desk.expected = ("503 (Service Unavailable)",)
    page = desk.open("/", kind="customer")
    to_checkout(page, desk.faces.seed.goods.card.sku_id)
    once, asked = page.input_value("[name=once]"), list[str]()

    def door(route: Route) -> None:
        asked.append(route.request.post_data or "")
        if len(asked) < 3:
            route.fulfill(status=503, body="")
        else:
            route.continue_()

    page.route("**/checkout", door)
    page.click(".buy-bar button")
    expect(page.locator("dialog[open] h2")).to_have_text("排队中……")
    page.wait_for_url("**/orders/*")
    assert len(set(asked)) == 1
    assert f"once={once}" in asked[0]


def test_a_flash_sale_counts_down_and_gives_each_his_share(desk: Desk) -> None:
    desk.expected = ("409 (Conflict)",)
    sku = desk.faces.seed.goods.few

    async def begin() -> list[asyncpg.Record]:
        opened = await db.open_database(desk.faces.url)
        now = clock.now()
        await shops.plan_sale(
            opened, sku.sku_id, starts_at=now, ends_at=now + timedelta(hours=2), buyer_max=1
        )  # fmt: skip
        await shops.turn_sales(opened)
        await opened.close()
        return []

    _apart(begin())
    anybody = desk.open("/flash")
    anybody.wait_for_timeout(2500)  # pages, sales and goods are each followed within a second or two
    anybody.reload()
    tile = anybody.locator("main article").filter(has=anybody.locator(f"a[href='/checkout?sku={sku.sku_id}']"))
    expect(tile.locator("count-down")).to_contain_text("01:59:")
    assert desk.axe(anybody) == []
    page, to_buy = desk.open("/flash", kind="customer"), f"main article a.button[href='/checkout?sku={sku.sku_id}']"
    page.click(to_buy)
    page.click(".buy-bar button")
    page.wait_for_url("**/orders/*")
    page.goto("/flash")
    page.click(to_buy)
    page.click(".buy-bar button")
    expect(page.locator("[role=alert]")).to_contain_text("每人限购 1 件")
    taken = "SELECT taken_count, taken_e4 FROM lane_counter JOIN risk_share ON share_id = rule_id WHERE sku_id = $1"
    assert [tuple(row) for row in rows(desk, taken, sku.sku_id)] == [(1, 1)]
    anybody.goto(f"/checkout?sku={sku.sku_id}")
    anybody.fill("#contact", "guest@example.com")
    anybody.fill("#query_password", "abcdef1")
    anybody.click(".buy-bar button")
    anybody.wait_for_url("**/signin?**")


def test_without_script_all_of_it_goes(desk: Desk) -> None:
    page = desk.open("/", java_script_enabled=False)
    page.goto("/signin")
    page.fill("#sign_in", desk.faces.sign_in_of("customer"))
    page.fill("#password", "correct horse battery")
    page.click("main button.first")
    to_checkout(page, desk.faces.seed.goods.card.sku_id)
    page.click(".buy-bar button")
    page.wait_for_url("**/orders/*")
    page.click("#goods button.first")
    expect(page.locator("#goods .secret").last).to_contain_text("S-")
    page.goto("/topup")
    page.fill("#number", "138 1234 5678")
    page.click("[value=look] >> nth=0")
    expect(page.locator(".faces .choice").first).to_be_visible()
