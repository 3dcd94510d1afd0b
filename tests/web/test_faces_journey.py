"""Small things of the faces in a real browser: shared views, a palette for everybody, live lines, answered offers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browsing import PASSWORD, Desk, apart, place
from kameng import access, identity, suppliers
from kameng.kit import db
from kameng.suppliers import NewOffer

pytestmark = pytest.mark.browser
ORDERS = "/merchant/orders"


@pytest.fixture
def clerk(desk: Desk) -> str:
    """Somebody who works for the merchant and leads nobody."""

    async def join() -> None:
        database = await db.open_database(desk.faces.url)
        if await identity.find_by_sign_in(database, "clerk@test.kameng") is None:
            person_id = await identity.enrol(database, sign_in="clerk@test.kameng", name="店员")
            await access.set_password(database, person_id, PASSWORD, actor_id=0)
            await identity.join(database, desk.faces.organisations["merchant"], person_id, "clerk")
        await database.close()

    apart(join)
    return "clerk@test.kameng"


def test_a_shared_view_is_a_tab_for_the_staff(desk: Desk, clerk: str) -> None:
    page = desk.open(f"{ORDERS}?state=refunded", kind="merchant")
    page.click("summary:has-text('保存视图')")
    page.fill("input[name=name]", "大家的退款")
    page.check("input[name=shared]")
    page.click(".tabs-row .menu-panel button")
    expect(page.locator(".tabs a", has_text="大家的退款")).to_have_attribute("aria-current", "page")
    assert desk.axe(page) == []
    theirs = desk.open(f"{ORDERS}?state=refunded", sign_in=clerk)
    expect(theirs.locator(".tabs a", has_text="大家的退款")).to_have_attribute("aria-current", "page")
    expect(theirs.locator("button:has-text('删除视图')")).to_have_count(0)  # not his to take away
    theirs.goto(f"{ORDERS}?state=failed")
    theirs.click("summary:has-text('保存视图')")
    expect(theirs.locator("input[name=shared]")).to_have_count(0)
    token = theirs.evaluate("document.body.dataset.token")
    form = {"_token": token, "path": ORDERS, "query": "state=paid", "name": "x", "shared": "1"}
    assert theirs.request.post(desk.faces.base + "/lists/views", form=form).status == 403
    stranger = desk.open(ORDERS, kind="agent")
    expect(stranger.locator(".tabs a", has_text="大家的退款")).to_have_count(0)
    page.click("button:has-text('删除视图')")
    page.click("#ask button[value=yes]")
    expect(page.locator(".tabs a", has_text="大家的退款")).to_have_count(0)


def test_the_palette_is_in_the_shop_too(desk: Desk) -> None:
    page = desk.open("/me", kind="customer")
    page.wait_for_selector("html[data-keys]")
    page.keyboard.press("Control+k")
    field = page.locator("command-palette input")
    field.fill(desk.faces.seed.goods.card.product[:4])
    expect(page.locator("[role=option]").first).to_be_visible()
    assert desk.axe(page) == []
    field.fill("我的卡包")
    field.press("Enter")
    page.wait_for_url("**/cards")


def test_live_numbers_are_lines_that_go_on(desk: Desk) -> None:
    page = desk.open("/console/live", kind="platform")
    expect(page.locator("live-chart canvas")).to_have_count(4)
    chart = page.locator("live-chart").first
    for _ in range(100):
        if chart.evaluate("one => one.figures.times.length") >= 3:
            break
        page.wait_for_timeout(100)
    assert chart.evaluate("one => one.chart.data[0].length") >= 3
    assert desk.axe(page) == []
    phone = desk.open("/console/live", kind="platform", width=360)
    assert phone.evaluate("document.documentElement.scrollWidth") == 360


def test_answered_offers_are_kept_in_both_portals(desk: Desk) -> None:
    desk.expected = ("403 (Forbidden)",)
    faces = desk.faces

    async def offers() -> None:
        database = await db.open_database(faces.url)
        supplier = faces.organisations["supplier"]
        for spec, accept in (("甲档", False), ("乙档", True)):
            new = NewOffer(100_000, "新品", None, "海星", "测试卡", spec)
            made = await suppliers.offer(database, supplier, new, actor_id=0)
            sku_id = faces.seed.goods.bare.sku_id if accept else None
            note = "" if accept else "成本过高"
            await suppliers.decide_offer(database, made.offer_id, accept=accept, note=note, sku_id=sku_id, actor_id=0)
        await database.close()

    apart(offers)
    page = desk.open("/console/offers/decided", kind="platform")
    rows = page.locator("main tbody tr")
    expect(rows.nth(0)).to_contain_text("乙档")
    expect(rows.nth(1)).to_contain_text("成本过高")
    assert desk.axe(page) == []
    page.goto("/console/offers/decided?state=refused")
    expect(rows.first).to_contain_text("甲档")  # other tests' offers may follow
    expect(rows.filter(has_text="乙档")).to_have_count(0)
    mine = desk.open("/supplier/offers?view=accepted", kind="supplier")
    expect(mine.locator("main tbody tr").first).to_contain_text("乙档")
    expect(mine.locator("main tbody tr").filter(has_text="甲档")).to_have_count(0)
    assert desk.axe(mine) == []
    assert desk.open("/console/offers/decided", kind="supplier").locator("main code").inner_text() == "forbidden"


def test_the_quick_look_of_an_order_stands_beside_the_list(desk: Desk) -> None:
    (number,) = place(desk, "peek-1")
    page = desk.open(ORDERS, kind="merchant")
    page.locator("tr", has_text=number).locator("a[data-peek]").click()
    expect(page.locator("row-peek dialog")).to_contain_text("peek-1")
    assert desk.axe(page) == []
