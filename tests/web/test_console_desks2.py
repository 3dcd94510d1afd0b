"""The operators' desks for what others hand in: documents, suppliers' offers, shops' domains, reviews. Each is decided
once by somebody who may, and nobody else gets there."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from test_console_journey import POST, on_database, staff

from browsing import Desk
from kameng import documents, orders, shops, suppliers
from kameng.documents import Document, Draft
from kameng.kit import clock, db
from kameng.ops import founding
from kameng.orders import Asked
from kameng.shops import Bought, Review, Shop
from kameng.suppliers import NewOffer, Offer

pytestmark = pytest.mark.browser
PDF = b"%PDF-1.7\n<script>alert(1)</script>"
DESKS = ("/console/documents", "/console/offers", "/console/domains", "/console/reviews")


def handed_in(desk: Desk, number: str) -> Document:
    async def work(database: db.Database) -> Document:
        day = clock.china_day()
        draft = Draft("brand_authorisation", number, "网易", day, day + timedelta(days=9), ("网易",))
        supplier = desk.faces.organisations["supplier"]
        return await documents.submit(
            database, desk.faces.ring, supplier, draft, PDF, file_name="授权.html", actor_id=0
        )

    return on_database(desk, work)


def offered(desk: Desk, product: str) -> Offer:
    async def work(database: db.Database) -> Offer:
        new = NewOffer(285_000, "首批 2000 张", None, "瑞幸", product, "29")
        return await suppliers.offer(database, desk.faces.organisations["supplier"], new, actor_id=0)

    return on_database(desk, work)


def asked_for(desk: Desk, domain: str) -> Shop:
    """By an agent with a shop that is new."""

    async def work(database: db.Database) -> Shop:
        agent = (await founding.found_member(database, desk.faces.ring, "城东数卡", kind="agent")).organisation
        await shops.open_shop(database, Shop(agent.org_id, None, "城东数卡"))
        return await shops.ask_domain(database, agent.org_id, domain, actor_id=0)

    return on_database(desk, work)


def written(desk: Desk, body: str) -> Review:
    """About a card that the merchant bought just now."""
    faces = desk.faces

    async def work(database: db.Database) -> Review:
        await faces.place(f"review-{secrets.token_hex(6)}", faces.seed.goods.card)
        buyer_id = faces.seed.shop.organisation.org_id
        order = (await orders.oversee(database, Asked(org_id=buyer_id), limit=1)).orders[0]
        one = Bought(order.order_id, buyer_id, order.sku_id, 0, True)
        return await shops.write_review(database, one, stars=2, body=body, name="周女士", actor_id=0)

    return on_database(desk, work)


def found_review(desk: Desk, order_id: int) -> Review | None:
    async def work(database: db.Database) -> Review | None:
        async with database.connection() as connection:
            return await shops.review_of(connection, 0, order_id) or await shops.review_of(connection, 1, order_id)

    return on_database(desk, work)


def test_a_document_is_downloaded_and_decided_once(desk: Desk) -> None:
    desk.expected = ("422 (Unprocessable",)
    number = f"SQ-{secrets.token_hex(4)}"
    one = handed_in(desk, number)
    page = desk.open("/console", kind="platform")
    page.click("a.todo[href='/console/documents']")
    row = page.locator("tr", has_text=number)
    expect(row).to_contain_text("剩 9 天")
    assert desk.axe(page) == []
    row.locator("a").first.click()
    answer = page.request.get(page.locator(".page-head a", has_text="下载").get_attribute("href") or "")
    assert answer.body() == PDF
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    page.click("button[value=refuse]")
    expect(page.locator(".field .error")).to_have_text("原因：应为 1 至 500 个可见字符")
    page.fill("#document-reason", "印章不清晰")
    assert desk.axe(page) == []
    page.click("button[value=refuse]")
    page.wait_for_url(lambda url: url.endswith("/console/documents"))
    expect(page.locator("tr", has_text=number)).to_have_count(0)
    # Decided, it stays so; its organisation's page and list still show it.
    assert page.evaluate(POST.replace("[field]: '1'", "verdict: field"), [
        f"/console/documents/{one.document_id}/decide", "accept"
    ]) == 422  # fmt: skip
    page.goto(f"/console/documents/{one.document_id}")
    expect(page.locator(".facts")).to_contain_text("印章不清晰")
    expect(page.locator("button[value=accept]")).to_have_count(0)
    page.goto(f"/console/organisations/{one.org_id}")
    expect(page.locator("tr", has_text=number)).to_contain_text("未通过")
    page.goto(f"/console/documents?org={one.org_id}")
    expect(page.locator("tr", has_text=number)).to_contain_text("未通过")


def test_new_goods_are_accepted_with_the_sku_that_they_became(desk: Desk) -> None:
    desk.expected = ("422 (Unprocessable",)
    product = f"电子券 {secrets.token_hex(4)}"
    one, sku = offered(desk, product), desk.faces.seed.goods.card
    page = desk.open("/console/offers", kind="platform")
    assert desk.axe(page) == []
    page.click(f"a:has-text('{product}')")
    expect(page.locator(".metric .value").first).to_have_text("¥28.50")
    page.click("button[value=accept]")
    expect(page.locator(".field .error")).to_have_text("商品：请填写新商品对应的商品编号")
    page.fill("#offer-sku", str(sku.sku_id))
    page.fill("#offer-note", "欢迎")
    assert desk.axe(page) == []
    page.click("button[value=accept]")
    page.wait_for_url(lambda url: url.endswith("/console/offers"))
    expect(page.locator("tr", has_text=product)).to_have_count(0)

    async def decided(database: db.Database) -> Offer:
        return await suppliers.find_offer(database, one.offer_id)

    found = on_database(desk, decided)
    assert (found.state, found.sku_id, found.note) == ("accepted", sku.sku_id, "欢迎")


def test_domains_are_refused_with_a_reason_and_accepted(desk: Desk) -> None:
    desk.expected = ("422 (Unprocessable",)
    names = [f"{secrets.token_hex(4)}.example.com" for _ in range(2)]
    waiting = [asked_for(desk, name) for name in names]
    page = desk.open("/console", kind="platform")
    page.wait_for_timeout(1100)  # shops are kept in memory for a second
    page.goto("/console/domains")
    refused, accepted = (page.locator("article", has_text=name) for name in names)
    expect(refused).to_contain_text(waiting[0].domain_proof)
    assert desk.axe(page) == []
    refused.locator("button[value=refuse]").click()
    expect(refused.locator(".field .error")).to_have_text("原因：应为 1 至 200 个可见字符")
    refused.locator("input[name=reason]").fill("没有解析记录")
    refused.locator("button[value=refuse]").click()
    expect(refused).to_have_count(0)
    accepted.locator("button[value=accept]").click()
    expect(accepted).to_have_count(0)

    async def kept(database: db.Database) -> list[tuple[str | None, str]]:
        async with database.connection() as connection:
            found = [await shops.find_shop(connection, one.org_id) for one in waiting]
        return [(one.domain, one.domain_answer) for one in found if one is not None]

    assert on_database(desk, kept) == [(None, "没有解析记录"), (names[1], "")]


def test_reviews_are_shown_or_hidden(desk: Desk) -> None:
    word = secrets.token_hex(4)
    reviews = [written(desk, f"加微信 {word} {verdict}") for verdict in ("shown", "hidden")]
    page = desk.open("/console/reviews", kind="platform")
    assert desk.axe(page) == []
    for one, label in zip(reviews, ("展示", "不展示"), strict=True):
        card = page.locator("article", has_text=one.body)
        card.get_by_role("button", name=label, exact=True).click()
        expect(card).to_have_count(0)
    states = []
    for one in reviews:
        found = found_review(desk, one.order_id)
        assert found is not None
        states.append(found.state)
    assert states == ["shown", "hidden"]


@pytest.mark.parametrize("role", ["auditor", "clerk"])
def test_nobody_else_decides(desk: Desk, role: str) -> None:
    desk.expected = ("403 (Forbidden)",)
    one, offer = handed_in(desk, f"X-{role}"), offered(desk, f"未授权 {role}")
    page = desk.open("/console", sign_in=staff(desk, role))
    hrefs = page.eval_on_selector_all("main a, .side a", "links => links.map(link => link.getAttribute('href'))")
    assert set(hrefs) & set(DESKS) == set()
    items = (f"/console/documents/{one.document_id}", f"/console/documents/{one.document_id}/file",
             f"/console/offers/{offer.offer_id}")  # fmt: skip
    for path in (*DESKS, *items):
        assert page.request.get(path).status == 403, path
    for path in (f"{items[0]}/decide", f"{items[2]}/decide", f"/console/domains/{one.org_id}", "/console/reviews/1"):
        assert page.evaluate(POST, [path, "verdict"]) == 403, path
    page.goto(f"/console/organisations/{one.org_id}")
    expect(page.locator("h2", has_text="证照")).to_have_count(0)
