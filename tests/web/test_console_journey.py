"""The operators' half of the journeys: credit by two persons, a part refunded, what each role may not do."""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Page, expect

from browsing import PASSWORD, Desk, confirms, off_the_bar
from kameng import access, identity, orders
from kameng.kit import db
from kameng.ops import auditing
from kameng.orders import Asked

pytestmark = pytest.mark.browser
T = TypeVar("T")
PAGES = [
    "/console", "/console/search?q=0000", "/console/orders", "/console/orders?view=open", "/console/held",
    "/console/tasks", "/console/risk", "/console/wallets", "/console/wallets?view=house", "/console/adjustments",
    "/console/withdrawals", "/console/goods", "/console/prices", "/console/prices?how=percent&value=5&unit=100",
    "/console/forms", "/console/stock", "/console/stock?view=batches", "/console/stock?view=low",
    "/console/organisations", "/console/organisations/new", "/console/agents", "/console/announcements",
    "/console/jobs", "/console/webhooks", "/console/audit", "/console/switches", "/console/settings", "/console/live",
]  # fmt: skip

POST = """async ([path, field]) => (await fetch(path, {
  method: 'POST', headers: {'x-kameng-token': document.body.dataset.token}, body: new URLSearchParams({[field]: '1'}),
})).status"""
"""Posts a form by script, as this session; the status."""


def on_database(desk: Desk, work: Callable[[db.Database], Coroutine[Any, Any, T]]) -> T:
    """Something asked of the platform beside the browser, which holds this thread's loop."""
    found: list[T] = []

    async def run() -> None:
        database = await db.open_database(desk.faces.url)
        found.append(await work(database))
        await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join()
    return found[0]


def staff(desk: Desk, role: str) -> str:
    """Somebody of the platform with a role; what he signs in with."""
    sign_in = f"{role}@house.kameng"

    async def work(database: db.Database) -> None:
        if await identity.find_by_sign_in(database, sign_in) is None:
            person_id = await identity.enrol(database, sign_in=sign_in, name=f"同事 {role}")
            await access.set_password(database, person_id, PASSWORD, actor_id=0)
            await identity.join(database, desk.faces.organisations["platform"], person_id, role)

    on_database(desk, work)
    return sign_in


def prove(page: Page) -> None:
    """Where a page asks once more who sits there."""
    if "/prove" in page.url:
        page.fill("#password", PASSWORD)
        page.click("main button.first")


def assert_clean(desk: Desk) -> None:
    async def work(database: db.Database) -> auditing.Report:
        return await auditing.run(database, desk.faces.ring, sample_per_lane=50)

    assert on_database(desk, work).broken == ()


@pytest.fixture
def order(desk: Desk) -> orders.Overseen:
    """Two cards bought by the merchant just now, delivered."""
    faces = desk.faces
    ref = f"console-{secrets.token_hex(6)}"

    async def work(database: db.Database) -> orders.Overseen:
        answer = await faces.place(ref, faces.seed.goods.card, 2)
        assert answer.status in (200, 201)
        found = await orders.oversee(database, Asked(org_id=faces.seed.shop.organisation.org_id), limit=1)
        assert found.orders[0].client_ref == ref
        return found.orders[0]

    return on_database(desk, work)


def test_an_operator_refunds_a_part_of_an_order_found_by_the_end_of_its_number(desk: Desk, order: Any) -> None:
    page = desk.open(f"/console/search?q={order.order_id % 1_000_000:06d}", kind="platform")
    page.click(f"a[href='/console/orders/{order.order_id}']")
    expect(page.locator(".badge", has_text="已发货").first).to_be_visible()
    confirms(page)
    page.click("#act-refund summary")
    page.fill("#refund-amount", "1000000")
    page.fill("#refund-reason", "少发一张")
    desk.expected = ("422 (Unprocessable",)
    page.click("#act-refund button")
    expect(page.locator("#act-refund [role=alert]")).to_be_visible()
    assert page.input_value("#refund-reason") == "少发一张"
    page.fill("#refund-amount", "12.34")
    page.click("#act-refund button")
    expect(page.locator("dd", has_text="¥12.34").first).to_be_visible()
    expect(page.locator(".timeline")).to_contain_text("部分退款")
    expect(page.locator(".timeline")).to_contain_text("少发一张")
    postings = page.locator("section", has=page.locator("h2", has_text="资金流水")).locator("tbody tr")
    expect(postings).to_have_count(2)
    expect(postings.last).to_contain_text("退款")
    expect(postings.last).to_contain_text("¥12.34")

    async def refunded(database: db.Database) -> int:
        return (await orders.oversee_these(database, [order.order_id]))[0].refunded_e4

    assert on_database(desk, refunded) == 123_400
    assert desk.axe(page) == []
    assert_clean(desk)


def test_two_persons_credit_a_wallet(desk: Desk) -> None:
    org_id = desk.faces.organisations["customer"].org_id
    first = desk.open(f"/console/wallets/{org_id}", sign_in=staff(desk, "finance"))
    before = first.locator(".metric .value").first.inner_text()
    first.click("label.choice:has(input[value=add])")
    first.fill("#amount", "60000")
    first.select_option("#why", "recharge_missing")
    first.fill("#note", "银行到账未入账")
    first.click("#acts button")
    expect(first.locator(".note.warn")).to_contain_text("待复核")
    assert first.locator(".metric .value").first.inner_text() == before
    first.goto("/console/adjustments")
    expect(first.locator("main")).to_contain_text("须由他人复核")
    assert first.locator("button[value=approve]").count() == 0
    assert desk.axe(first) == []

    second = desk.open("/console/adjustments", kind="platform")
    second.click("button[value=approve]")
    prove(second)
    expect(second.locator("main")).to_contain_text("没有待复核的申请")
    second.goto(f"/console/wallets/{org_id}")
    after = second.locator(".metric .value").first.inner_text()
    assert _yuan(after) - _yuan(before) == 60_000
    assert_clean(desk)


def _yuan(text: str) -> float:
    return float(re.sub("[¥,]", "", text))


@pytest.mark.parametrize(
    ("role", "forbidden"),
    [
        ("clerk", ["/console/held", "/console/wallets", "/console/audit", "/console/switches", "/console/risk"]),
        ("auditor", ["/console/held", "/console/prices", "/console/switches", "/console/risk", "/console/tasks"]),
        ("support", ["/console/wallets", "/console/adjustments", "/console/audit", "/console/live", "/console/forms"]),
    ],
)  # fmt: skip
def test_a_role_sees_no_more_than_it_may(desk: Desk, order: Any, role: str, forbidden: list[str]) -> None:
    desk.expected = ("403 (Forbidden)",)
    page = desk.open("/console/orders", sign_in=staff(desk, role))
    hrefs = page.eval_on_selector_all(".side a", "links => links.map(link => link.getAttribute('href'))")
    assert set(hrefs) & set(forbidden) == set()
    for path in forbidden:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 403, path
    page.goto(f"/console/orders/{order.order_id}")
    assert page.locator("#acts").count() == (1 if role == "support" else 0)
    # What is not shown is refused all the same.
    for path in (
        f"/console/orders/{order.order_id}/acts/refund", f"/console/wallets/{order.org_id}/adjust",
        "/console/adjustments/1", "/console/switches/registration", "/console/prices", "/console/guise",
    ):  # fmt: skip
        if role == "support" and path.endswith("refund"):
            continue
        status = page.evaluate(POST, [path, "reason"])
        assert status == 403, path


def test_an_operator_looks_as_a_merchant_and_changes_nothing(desk: Desk) -> None:
    org_id = desk.faces.organisations["merchant"].org_id
    desk.expected = ("403 (Forbidden)",)
    page = desk.open(f"/console/organisations/{org_id}", kind="platform")
    page.click("summary:has-text('代入查看')")
    page.fill("#guise-1-reason", "商户来电，核对首页")
    page.click("form[action='/console/guise'] button")
    prove(page)
    if "/console/organisations" in page.url:  # proved: once more
        page.click("summary:has-text('代入查看')")
        page.fill("#guise-1-reason", "商户来电，核对首页")
        page.click("form[action='/console/guise'] button")
    page.wait_for_url("**/merchant")
    expect(page.locator(".band.guise")).to_contain_text("正在代入查看")
    assert desk.axe(page) == []
    assert page.evaluate(
        POST, ["/places", "org"]
    ) == 403  # fmt: skip
    page.click(".band.guise button")
    page.wait_for_url("**/console/organisations/*")
    page.goto(f"/console/audit?org={org_id}&act=guise")
    lines = page.locator("main tbody tr").all_inner_texts()
    assert [re.search(r"guise\.\w+", line)[0] for line in lines][::-1][:2] == ["guise.begin", "guise.view"]  # type: ignore[index]
    assert "GET /merchant" in " ".join(lines)
    assert "guise.end" in lines[0]
    # Nobody looks as one of the platform's own.
    house = desk.faces.organisations["platform"].org_id
    page.goto(f"/console/organisations/{house}")
    assert page.locator("form[action='/console/guise']").count() == 0


@pytest.mark.parametrize(("locale", "scheme", "width"), [("zh-CN", "light", 1280), ("en-GB", "dark", 390)])
def test_pages_have_no_serious_fault(desk: Desk, order: Any, locale: str, scheme: str, width: int) -> None:
    org_id = order.org_id
    page = desk.open("/console", kind="platform", locale=locale, width=width, color_scheme=scheme)
    more = [f"/console/orders/{order.order_id}", f"/console/wallets/{org_id}", f"/console/organisations/{org_id}",
            f"/console/goods/{order.sku_id}"]  # fmt: skip
    desk.walk(page, off_the_bar("platform", PAGES + more))
