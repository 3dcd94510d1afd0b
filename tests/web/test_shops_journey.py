"""An agent opens a shop with a look and prices of its own; a customer three levels down buys, and each level has its
margin to four decimals; the shop beside it knows nothing of all that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browsing import PASSWORD, Desk, Faces, off_the_bar
from kameng import access, identity, ledger, orders, pricing, shops
from kameng.identity import ApiKey, Caller, Organisation
from kameng.kit import db, lanes
from kameng.ops import auditing, founding
from kameng.orders import OrderBody, ShownOrder
from kameng.pricing import Markup, Template
from kameng.shops import Shop

pytestmark = pytest.mark.browser
T = TypeVar("T")
PAGES = (
    "/merchant/shop/look", "/merchant/shop/notice", "/merchant/shop/goods", "/merchant/shop/prices",
    "/merchant/shop/domain", "/merchant/shop/orders", "/merchant/shop/earnings", "/merchant/shop/customers",
    "/merchant/agents", "/merchant/shop/bounds",
)  # fmt: skip
MONEY_E4 = 10**9
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fcffff3f0300050001fff1"
    "b8f5d20000000049454e44ae426082"
)


def beside(url: str, work: Callable[[db.Database], Coroutine[Any, Any, T]]) -> T:
    """Some work with the database, in a thread of its own: Playwright's loop runs in this one."""

    async def run() -> T:
        opened = await db.open_database(url)
        try:
            return await work(opened)
        finally:
            await opened.close()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(lambda: asyncio.run(run())).result()


async def member(
    database: db.Database, faces: Faces, name: str, kind: str, parent: Organisation | None = None
) -> Organisation:
    """An organisation with money and somebody who signs in for it: ``NAME@test.kameng``."""
    parent_id = None if parent is None else parent.org_id
    made = await founding.found_member(database, faces.ring, name, kind=kind, parent_id=parent_id)
    one = made.organisation
    person_id = await identity.enrol(database, sign_in=f"{name}@test.kameng", name=name)
    await access.set_password(database, person_id, PASSWORD, actor_id=0)
    await identity.join(database, one, person_id, "owner")
    await ledger.recharge(database, one.lane, one.org_id, MONEY_E4, key=f"journey:{one.org_id}")
    return one


async def give_domain(database: db.Database, agent: Organisation, domain: str) -> None:
    await shops.decide_domain(database, agent.org_id, domain, accept=True, actor_id=0)


async def buy(database: db.Database, faces: Faces, buyer: Organisation, quantity: int) -> ShownOrder:
    """By the way that every order goes."""
    snapshot = orders.Snapshot(database, faces.ring)
    await snapshot.start()
    async with database.connection() as connection:
        queues = orders.Lanes(snapshot, await lanes.lane_numbers(connection))
    queues.start()
    try:
        caller = Caller(ApiKey(0, buyer.org_id, frozenset(), None, None, (), 1, None, "active", None), buyer, "::1")
        body = OrderBody(f"journey-{buyer.org_id}", str(faces.seed.goods.deep.sku_id), quantity)
        answer = await queues.place(orders.wish_from(snapshot, caller, body))
    finally:
        await queues.stop()
    assert isinstance(answer, ShownOrder), answer
    return answer


async def margins(database: db.Database, order_id: int) -> dict[int, int]:
    """What the ledger booked to each agent for an order."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT a.org_id, t.amount_e4 FROM transfer t JOIN account a ON a.lane = t.lane"
            " AND a.account_id = t.credit_account WHERE t.code = 'margin' AND t.subject_id = $1", order_id,
        )  # fmt: skip
    return {row["org_id"]: row["amount_e4"] for row in rows}


async def broken(database: db.Database, faces: Faces) -> list[str]:
    report = await auditing.run(database, faces.ring, sample_per_lane=50)
    return [finding.law for finding in report.broken]


async def stands(database: db.Database, agent: Organisation) -> Shop:
    async with database.connection() as connection:
        found = await shops.find_shop(connection, agent.org_id)
    assert found is not None
    return found


async def templates(database: db.Database, agent: Organisation) -> list[Template]:
    async with database.connection() as connection:
        return await pricing.templates_of(connection, agent.org_id)


def yuan(amount_e4: int) -> str:
    whole, _, parts = f"{amount_e4 // 10_000:,}.{amount_e4 % 10_000:04d}".partition(".")
    return f"¥{whole}.{parts.rstrip('0').ljust(2, '0')}"


@pytest.fixture
def at_shop(browser: Browser, faces: Faces) -> Iterator[Callable[[str], Page]]:
    """Opens the first page of a shop by its domain."""
    contexts: list[BrowserContext] = []

    def visit(domain: str, path: str = "/") -> Page:
        contexts.append(browser.new_context(base_url=f"http://{domain}:{faces.port}", locale="zh-CN"))
        page = contexts[-1].new_page()
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        context.close()


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.goto("/signin")
    page.fill("#sign_in", name)
    page.fill("#password", password)
    page.click("main button.first")


def test_a_shop_is_opened_looks_like_its_owner_wants_and_waits_for_its_domain(
    desk: Desk, faces: Faces, at_shop: Callable[..., Page]
) -> None:
    agent = faces.organisations["agent"]
    page = desk.open("/merchant/shop", kind="agent")
    page.fill("#name", "江南数卡")
    page.click("main button.first")
    page.wait_for_url("**/merchant/shop/look")
    page.fill("#accent", "#ffcc00")
    expect(page.locator("#trial .note")).to_contain_text("#856a00")  # yellow can't be read on white
    expect(page.locator("#trial .button.first")).to_have_css("background-color", "rgb(133, 106, 0)")
    assert beside(faces.url, lambda found: stands(found, agent)).accent == ""  # nothing is saved yet
    page.click("main form[data-live] button.first")
    expect(page.locator("#toasts")).to_contain_text("已保存")
    page.set_input_files("#logo", {"name": "logo.png", "mimeType": "image/png", "buffer": PNG})
    page.click("form[action$=upload] button")
    expect(page.locator(".logo-shown")).to_be_visible()
    page.goto("/merchant/shop/domain")
    page.fill("#domain", "first.localhost")
    page.click("form[action$=domain] button.first")
    expect(page.locator("main")).to_contain_text("等待平台核实")
    expect(at_shop("first.localhost").locator(".brand")).to_have_text("卡盟")
    beside(faces.url, lambda found: give_domain(found, agent, "first.localhost"))
    page.wait_for_timeout(1100)  # a gateway follows within a second
    window = at_shop("first.localhost")
    expect(window.locator(".brand")).to_have_text("江南数卡")
    expect(window.locator(".brand .logo")).to_be_visible()
    colour = window.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent')")
    assert "#856a00" in colour
    assert desk.axe(window) == []
    desk.walk(desk.open("/merchant/shop", kind="agent", locale="en-GB", width=390), ["/merchant/shop/look"])


def test_what_a_markup_does_is_seen_before_it_holds(desk: Desk, faces: Faces) -> None:
    top = beside(faces.url, lambda found: member(found, faces, "preview", "agent"))
    sku = faces.seed.goods.card
    page = desk.open("/merchant/shop/prices", sign_in="preview@test.kameng")
    page.select_option("#place", f"brand:{sku.brand}")
    page.fill("#percent", "10")
    price_e4 = -(-sku.list_price_e4 * 11 // 10)
    row = page.locator("#trial tr", has_text=str(sku.sku_id))
    expect(row.locator("td").nth(2)).to_contain_text(yuan(price_e4))
    expect(row.locator("td").nth(3)).to_contain_text(yuan(price_e4 - sku.list_price_e4))
    page.fill("#percent", "-5")
    expect(row.locator("td").nth(2)).to_contain_text("停售")
    page.fill("#percent", "ten")
    expect(page.locator("#trial")).to_contain_text("填写表单即可预览价格")
    assert beside(faces.url, lambda found: templates(found, top)) == []
    page.fill("#percent", "10")
    page.fill("#fixed", "0.5")
    page.click("main form[data-live] button.first")
    expect(page.locator("table").first).to_contain_text("+10.00%")
    assert beside(faces.url, lambda found: templates(found, top)) == [
        Template(top.org_id, "brand", sku.brand, -1, Markup(5_000, 100_000))
    ]


def test_three_levels_have_their_margins_to_four_decimals(desk: Desk, faces: Faces) -> None:
    sku = faces.seed.goods.deep
    top = beside(faces.url, lambda found: member(found, faces, "top", "agent"))
    page = desk.open("/merchant/shop/prices", sign_in="top@test.kameng")
    page.fill("#percent", "10")
    page.click("main form[data-live] button.first")
    expect(page.locator("table").first).to_contain_text("+10.00%")

    # An agent below is founded; its owner gets a password that is shown once, and signs in with it.
    page.goto("/merchant/agents/new")
    for name, text in (("name", "城东数卡"), ("level", "1"), ("owner", "小东"), ("sign_in", "east@test.kameng")):
        page.fill(f"#{name}", text)
    page.click("main button.first")
    password = page.locator("dd .secret [data-copied]").nth(1).inner_text()
    east = desk.open("/signin")
    sign_in(east, "east@test.kameng", password)
    east.wait_for_url("**/merchant")
    east.goto("/merchant/shop/prices")
    east.fill("#fixed", "0.0333")
    east.click("main form[data-live] button.first")
    expect(east.locator("table").first).to_contain_text("¥0.0333")

    (low, order), middle = beside(faces.url, lambda found: _sell_below(found, faces, "east@test.kameng"))
    prices = [sku.list_price_e4]
    prices.append(-(-prices[0] * 11 // 10))
    prices.append(prices[1] + 333)
    prices.append(-(-prices[2] * 10_525 // 10_000))
    earned = [3 * (after - before) for before, after in pairwise(prices)]
    assert (order.unit_price_e4, order.total_e4) == (prices[3], 3 * prices[3])
    assert beside(faces.url, lambda found: margins(found, order.order_id)) == dict(
        zip((top.org_id, middle, low.org_id), earned, strict=True)
    )
    assert beside(faces.url, lambda found: broken(found, faces)) == []

    seller = desk.open("/merchant/shop/orders", sign_in="low@test.kameng")
    expect(seller.locator("main tbody td").last).to_have_text(yuan(earned[2]))
    for one, amount_e4 in ((page, earned[0]), (east, earned[1]), (seller, earned[2])):
        one.goto("/merchant/shop/earnings")
        expect(one.locator(".metric .value").first).to_have_text(yuan(amount_e4))
        assert desk.axe(one) == []
    for one in (page, east):  # what their agents sold is their agents', customers too
        one.goto("/merchant/shop/orders")
        expect(one.locator("main")).to_contain_text("还没有订单")
        one.goto("/merchant/shop/customers")
        expect(one.locator("main")).not_to_contain_text("buyer")
    desk.walk(desk.open("/console", kind="platform"), ["/console/agents"])  # a tree of two levels


async def _sell_below(
    database: db.Database, faces: Faces, middle_sign_in: str
) -> tuple[tuple[Organisation, ShownOrder], int]:
    """One more agent below, with 5.25 % on top, and his customer, who buys three."""
    person = await identity.find_by_sign_in(database, middle_sign_in)
    assert person is not None
    (place,) = await identity.memberships(database, person.person_id)
    async with database.connection() as connection:
        middle = await identity.find_organisation(connection, place.org_id)
    low = await member(database, faces, "low", "agent", middle)
    await pricing.set_markup(database, Template(low.org_id, "all", "", -1, Markup(percent_e4=52_500)))
    buyer = await member(database, faces, "buyer", "customer", low)
    return (low, await buy(database, faces, buyer, 3)), place.org_id


def test_a_customer_of_one_shop_is_nobody_at_another(desk: Desk, faces: Faces, at_shop: Callable[..., Page]) -> None:
    async def found(database: db.Database) -> tuple[Organisation, Organisation]:
        made = []
        for name in ("north", "south"):
            agent = await member(database, faces, name, "agent")
            await shops.open_shop(database, Shop(agent.org_id, None, name))
            await shops.ask_domain(database, agent.org_id, f"{name}.localhost", actor_id=0)
            await give_domain(database, agent, f"{name}.localhost")
            made.append(await member(database, faces, f"of-{name}", "customer", agent))
        return made[0], made[1]

    of_north, of_south = beside(faces.url, found)
    desk.expected = ("404 (Not Found)",)
    page = desk.open("/merchant/shop/customers", sign_in="north@test.kameng")
    expect(page.locator("main tbody")).to_contain_text("of-north")
    expect(page.locator("main tbody")).not_to_contain_text("of-south")
    page.goto(f"/merchant/agents/{of_south.org_id}")
    expect(page.locator("main code")).to_have_text("organisation_unknown")
    page.goto(f"/merchant/agents/{of_north.org_id}")
    expect(page.locator("h1")).to_have_text("of-north")
    assert desk.axe(page) == []
    stranger = at_shop("south.localhost")
    sign_in(stranger, "of-north@test.kameng")
    said = stranger.locator("[role=alert]").inner_text()
    sign_in(stranger, "of-north@test.kameng", "wrong horse battery")
    assert stranger.locator("[role=alert]").inner_text() == said
    sign_in(stranger, "of-south@test.kameng")
    stranger.wait_for_url("**/")
    expect(stranger.locator(".brand")).to_have_text("south")
    stranger.goto("/places")
    expect(stranger.locator("main")).to_contain_text("of-south")


@pytest.mark.parametrize(("scheme", "locale", "width"), [("light", "zh-CN", 1280), ("dark", "en-GB", 390)])
def test_no_page_has_a_serious_fault(desk: Desk, faces: Faces, scheme: str, locale: str, width: int) -> None:
    beside(faces.url, lambda found: member(found, faces, f"looks-{scheme}", "agent"))
    page = desk.open(
        "/merchant/shop/look", sign_in=f"looks-{scheme}@test.kameng", locale=locale, width=width, color_scheme=scheme
    )
    assert desk.axe(page) == []
    page.fill("#name", "好看")
    page.click("main button.first")
    desk.walk(page, off_the_bar("agent", PAGES))
