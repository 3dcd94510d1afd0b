"""What the desk has on every page, in a real browser: views, bulk acts, exports, live lists, searching, the keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browsing import Desk, apart, place
from kameng import lists, orders
from kameng.kit import db
from kameng.kit.working import Worker
from kameng.web import PLANS, Tools, keys

pytestmark = pytest.mark.browser
ORDERS = "/merchant/orders"


def work(desk: Desk) -> None:
    """What a worker does once."""

    async def run() -> None:
        database = await db.open_database(desk.faces.url)
        me = desk.faces.organisations["merchant"]

        async def tools() -> Tools:
            snapshot = orders.Snapshot(database, desk.faces.ring, orders.Terms())
            await snapshot.start()
            return Tools(database, desk.faces.ring, snapshot)

        plans = {name: one.plan for name, one in PLANS.items()}
        handlers = lists.handlers(database, desk.faces.seed.data_dir / "exports", plans, tools)
        await Worker(database, handlers, lanes=[me.lane]).work_once()
        await database.close()

    apart(run)


def test_a_view_is_kept_as_a_tab(desk: Desk) -> None:
    page = desk.open(f"{ORDERS}?state=refunded", kind="merchant")
    page.click("summary:has-text('保存视图')")
    page.fill("input[name=name]", "退款的")
    page.click(".tabs-row .menu-panel button")
    tab = page.locator(".tabs a", has_text="退款的")
    expect(tab).to_have_attribute("aria-current", "page")
    other = desk.open(ORDERS, kind="agent")
    expect(other.locator(".tabs a", has_text="退款的")).to_have_count(0)
    page.click("button:has-text('删除视图')")
    page.click("#ask button[value=yes]")
    expect(page.locator(".tabs a", has_text="退款的")).to_have_count(0)


# many at once ------------------------------------------------------------------------------------------------


def test_orders_are_confirmed_in_bulk_after_a_look(desk: Desk) -> None:
    first, second, third = place(desk, "bulk-1", "bulk-2", "bulk-3")
    page = desk.open(ORDERS, kind="merchant")
    bar = page.locator(".bulk")
    expect(bar).to_be_hidden()
    for number in (first, third):
        page.check(f"input[name=id][value='{number}']")
    expect(bar.locator("[data-picked]")).to_have_text("2")
    bar.locator("button", has_text="确认收货").click()
    expect(page.locator(".metric .value").first).to_have_text("2")
    assert desk.axe(page) == []
    desk.expected = ("422 (Unprocessable",)
    page.click("main button.first")  # a reason is asked for
    expect(page.locator("#reason-error")).to_be_visible()
    page.fill("#reason", "客户已收到")
    page.click("main button.first")
    page.wait_for_url("**/lists/runs/*")
    expect(page.locator("#run .badge")).to_have_text("等待中")
    work(desk)
    expect(page.locator("#run .badge")).to_have_text("已完成")  # the part came by itself
    expect(page.locator("#run [role=status]")).to_have_text("已完成 2 条")
    assert desk.axe(page) == []
    run = page.url
    page.goto(f"{ORDERS}?state=settled")
    settled = page.locator("main tbody tr th").all_inner_texts()
    assert {first, third} <= set(settled)
    assert second not in settled
    desk.expected = ("404 (Not Found)",)
    stranger = desk.open(run.removeprefix(desk.faces.base), kind="agent")
    expect(stranger.locator("main code")).to_have_text("no_such_run")


def test_an_export_is_taken_away_by_its_maker_alone(desk: Desk) -> None:
    (number,) = place(desk, "export-1")
    page = desk.open(ORDERS, kind="merchant")
    page.click("summary[aria-label='导出']")
    page.click("button:has-text('导出 CSV')")
    page.wait_for_url("**/lists/runs/*")
    work(desk)
    with page.expect_download() as taken:
        page.click("a[download]")
    text = Path(taken.value.path()).read_text("utf-8-sig")
    assert text.startswith("订单号,外部单号,下单时间,")
    assert number in text
    file = page.url.removeprefix(desk.faces.base) + "/file"
    stranger = desk.open("/merchant", kind="agent")
    assert stranger.request.get(desk.faces.base + file).status == 404


def test_a_supplier_can_begin_nothing_of_a_merchants(desk: Desk) -> None:
    page = desk.open("/supplier", kind="supplier")
    token = page.evaluate("document.body.dataset.token")
    answer = page.request.post(
        desk.faces.base + "/lists/preview", form={"plan": "merchant.orders.refund", "all": "1", "_token": token}
    )
    assert answer.status == 404


# live --------------------------------------------------------------------------------------------------------


def test_a_list_shows_a_new_order_by_itself(desk: Desk) -> None:
    page = desk.open(ORDERS, kind="merchant")
    page.wait_for_selector("html[data-live]")
    (number,) = place(desk, "live-list-1")
    expect(page.locator("main tbody th", has_text=number)).to_be_visible()


def test_what_somebody_is_choosing_is_not_taken_away(desk: Desk) -> None:
    (before,) = place(desk, "live-list-2")
    page = desk.open(ORDERS, kind="merchant")
    page.wait_for_selector("html[data-live]")
    page.check(f"input[name=id][value='{before}']")
    with page.expect_response(lambda answer: answer.url.endswith(ORDERS)):
        place(desk, "live-list-3")
    expect(page.locator(f"input[name=id][value='{before}']")).to_be_checked()


def test_a_question_is_not_taken_away_by_an_event(desk: Desk) -> None:
    page = desk.open(f"{ORDERS}?state=refunded", kind="merchant")
    page.wait_for_selector("html[data-live]")
    page.click("summary:has-text('保存视图')")
    page.fill("input[name=name]", "问一问")
    page.click(".tabs-row .menu-panel button")
    tab = page.locator(".tabs a", has_text="问一问")
    expect(tab).to_have_attribute("aria-current", "page")
    page.wait_for_selector("html[data-live]")
    page.click("button:has-text('删除视图')")
    expect(page.locator("#ask")).to_be_visible()
    with page.expect_response(lambda answer: ORDERS in answer.url):
        place(desk, "live-list-6")
    page.click("#ask button[value=yes]")
    expect(tab).to_have_count(0)


def test_the_row_one_stands_on_stays_when_the_list_is_fetched_anew(desk: Desk) -> None:
    (before,) = place(desk, "live-list-4")
    page = desk.open(ORDERS, kind="merchant")
    page.wait_for_selector("html[data-live][data-keys]")
    page.keyboard.press("j")
    stood_on = page.locator("tr[data-current]", has_text=before)
    expect(stood_on).to_be_visible()
    (number,) = place(desk, "live-list-5")
    expect(page.locator("main tbody th", has_text=number)).to_be_visible()
    expect(stood_on).to_be_visible()
    expect(stood_on.locator("a").first).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("tr[data-current]", has_text=number)).to_be_visible()


# the search box and the keys ---------------------------------------------------------------------------------


def test_the_palette_finds_pages_acts_and_numbers(desk: Desk) -> None:
    desk.expected = ("404 (Not Found)",)
    (number,) = place(desk, "palette-1")
    page = desk.open("/merchant", kind="merchant")
    page.wait_for_selector("html[data-keys]")
    page.keyboard.press("Control+k")
    field = page.locator("command-palette input")
    expect(field).to_be_focused()
    expect(page.locator("[role=option]").first).to_be_visible()
    assert desk.axe(page) == []
    field.fill("批量充值")
    expect(page.locator("[role=option]")).to_have_count(1)
    field.press("Enter")
    page.wait_for_url("**/merchant/many")
    page.wait_for_selector("html[data-keys]")
    page.keyboard.press("/")
    field.fill("深色")
    expect(page.locator("[role=option]")).to_have_count(1)
    field.press("Enter")
    page.wait_for_selector("html[data-theme=dark][data-keys]")
    for asked in ("palette-1", number):
        page.keyboard.press("/")
        field.fill(asked)
        field.press("Enter")  # at once: it waits for what was asked
        page.wait_for_url(f"**/merchant/orders/{number}")
        page.goto(ORDERS)
        page.wait_for_selector("html[data-keys]")


def test_the_palette_finds_nothing_of_others(desk: Desk) -> None:
    (number,) = place(desk, "palette-2")
    page = desk.open("/merchant", kind="agent")
    page.wait_for_selector("html[data-keys]")
    page.keyboard.press("/")
    page.locator("command-palette input").fill(number)
    expect(page.locator("[data-none]")).to_be_visible()


def test_the_search_box_works_without_script(desk: Desk) -> None:
    place(desk, "palette-3")
    signed_in = desk.open("/merchant", kind="merchant")
    cookies = signed_in.context.cookies()
    page = desk.open("/", java_script_enabled=False)
    page.context.add_cookies(cookies)
    page.goto("/find?q=palette-3")
    assert page.locator("main li a").first.inner_text().startswith("palette-3")


DONE: dict[str, str] = {
    "help": "document.getElementById('hotkeys').open",
    "palette": "document.querySelector('command-palette dialog').open",
    "next": "document.querySelectorAll('tr[data-row]')[0].hasAttribute('data-current')",
    "back": "document.querySelectorAll('tr[data-row]')[0].hasAttribute('data-current')",
    "pick": "document.querySelector('tr[data-current] .pick input').checked",
    "acts": "document.activeElement.closest('.bulk') !== null",
}
"""What is seen after a key of an act was pressed; the others lead to another page or need one."""


@pytest.mark.parametrize("key", keys.KEYS, ids=lambda key: key.does)
def test_every_key_of_the_table_does_what_it_says(desk: Desk, key: keys.Key) -> None:
    page = desk.open("/_ui" if key.does in LEADS else ORDERS, kind="merchant")
    if key.does in LEADS:
        page.wait_for_selector("html[data-keys]")
        page.keyboard.press("j")
        LEADS[key.does](page, key.key)
        return
    place(desk, f"key-{key.does}-1", f"key-{key.does}-2")
    page.reload()
    page.wait_for_selector("html[data-keys]")
    for before in {"back": "jj", "pick": "j", "acts": "jx"}.get(key.does, ""):
        page.keyboard.press(before)
    assert not page.evaluate(DONE[key.does])
    page.keyboard.press(key.key)
    for _ in range(100):  # waiting inside the page would need eval, which its policy forbids
        if page.evaluate(DONE[key.does]):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{key.key} did not do what it says")


def _opens(page: Page, key: str) -> None:
    page.keyboard.press(key)
    page.wait_for_url("**/_ui?peek=8163#peek")


def _peeks(page: Page, key: str) -> None:
    page.keyboard.press(key)
    expect(page.locator("row-peek dialog")).to_contain_text("8163")


def _pages(page: Page, key: str) -> None:
    if key == "[":
        page.keyboard.press("]")
        expect(page.locator("#list-sample tbody th").first).to_have_text("8143")
        page.keyboard.press(key)
        expect(page.locator("#list-sample tbody th").first).to_have_text("8163")
    else:
        page.keyboard.press(key)
        expect(page.locator("#list-sample tbody th").first).to_have_text("8143")


def _climbs(page: Page, key: str) -> None:
    page.goto("/merchant/keys/new")
    page.wait_for_selector("html[data-keys]")
    above = page.locator(".crumbs a").last.get_attribute("href")
    page.locator("details.menu summary:visible").first.click()
    page.keyboard.press(key)  # closes the menu
    expect(page.locator("details.menu[open]")).to_have_count(0)
    page.keyboard.press("j")  # and leads nowhere, else this page would not be here any more
    page.locator("h1").click()
    page.keyboard.press(key)
    page.wait_for_url(f"**{above}")


LEADS: dict[str, Callable[[Page, str], None]] = {
    "open": _opens, "peek": _peeks, "later": _pages, "earlier": _pages, "up": _climbs,
}  # fmt: skip


def test_two_keys_lead_to_a_page_and_the_help_lists_them(desk: Desk) -> None:
    page = desk.open("/merchant", kind="merchant")
    page.wait_for_selector("html[data-keys]")
    page.keyboard.press("?")
    shown = page.locator("#hotkeys tr").all_inner_texts()
    assert len(shown) == len(keys.KEYS) + page.locator("#hotkeys tr[data-href]").count()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("b")
    page.wait_for_url("**/merchant/buy")


def test_keys_are_letters_where_somebody_writes(desk: Desk) -> None:
    page = desk.open("/_ui", kind="merchant")
    page.locator("#sample-q").press_sequentially("?/jx")
    assert page.input_value("#sample-q") == "?/jx"
    expect(page.locator("#hotkeys")).to_be_hidden()
