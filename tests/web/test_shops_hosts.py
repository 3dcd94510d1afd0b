"""Shops by their hosts: who may sign in where, what each looks like, and that nobody sees another's customers."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from kameng import access, identity, pricing, shops
from kameng.identity import Organisation
from kameng.kit import epochs
from kameng.ops import founding
from kameng.ops.founding import Member
from kameng.pricing import Markup, Template
from kameng.shops import Shop
from running import Answer, Platform

PASSWORD = "correct horse battery"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)
HOUSE, A, B = "kameng.example.com", "a.example.com", "b.example.com"


class Browser:
    """Keeps cookies and reads the token of forms, at one host."""

    def __init__(self, platform: Platform, host: str) -> None:
        self.platform, self.host, self.cookies = platform, host, {}  # type: ignore[var-annotated]

    async def get(self, path: str, query: str = "", **headers: str) -> Answer:
        return await self._send("GET", path, query, b"", headers)

    async def post(self, path: str, **fields: str) -> Answer:
        form = await self.get("/signin" if "kameng_session" not in self.cookies else "/places")
        found = re.search(r'name="_token" value="([0-9a-f]+)"', form.body.decode())
        assert found, form
        body = urlencode({"_token": found[1], **fields}).encode()
        return await self._send("POST", path, "", body, {"content-type": "application/x-www-form-urlencoded"})

    async def _send(self, method: str, path: str, query: str, body: bytes, headers: dict[str, str]) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"host": self.host, "cookie": cookies, **headers} if cookies else {"host": self.host, **headers}
        answer, cookies_set = await ask(self.platform, method, path, query, body, sent)
        for cookie in cookies_set:
            name, _, rest = cookie.partition("=")
            self.cookies[name.removeprefix("__Host-")] = rest.partition(";")[0]
            self.cookies[name] = rest.partition(";")[0]
        return answer

    async def sign_in(self, member: str) -> Answer:
        return await self.post("/signin", sign_in=f"{member}@test.kameng", password=PASSWORD, next="/")

    async def is_in(self) -> bool:
        return (await self.get("/places")).status == 200


async def ask(
    platform: Platform, method: str, path: str, query: str, body: bytes, headers: dict[str, str]
) -> tuple[Answer, list[str]]:
    """Like ``Platform.send``, but several cookies may be set at once."""
    started: list[Any] = []
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return unread.pop() if unread else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        started.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "https", "method": method,
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 8443),
    }  # fmt: skip
    await platform.gateway(scope, receive, send)
    pairs = [(name.decode(), value.decode("latin-1")) for name, value in started[0]["headers"]]
    content = b"".join(message.get("body", b"") for message in started[1:])
    cookies = [value for name, value in pairs if name == "set-cookie"]
    return Answer(started[0]["status"], dict(pairs), content), cookies


@pytest.fixture
async def people(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> dict[str, Organisation]:
    """Two agents with shops at their domains, a customer of each, one of the house, and a merchant below the first."""
    monkeypatch.setattr("kameng.shops.windows.Shops.AGE_MAX_S", 0)  # else a second goes by
    house = await founding.found_house(platform.db)
    await _give(platform, house, HOUSE)
    made = {"platform": house}

    async def found(name: str, kind: str, parent: str | None = None) -> None:
        parent_id = None if parent is None else made[parent].org_id
        member: Member = await founding.found_member(platform.db, platform.ring, name, kind=kind, parent_id=parent_id)
        made[name] = member.organisation

    for name, domain in (("a", A), ("b", B)):
        await found(name, "agent")
        await shops.open_shop(platform.db, Shop(made[name].org_id, None, f"店铺{name}"))
        await _give(platform, made[name], domain)
        await found(f"customer-{name}", "customer", name)
    await found("customer", "customer")
    await found("merchant-a", "merchant", "a")
    for name, one in made.items():
        person_id = await identity.enrol(platform.db, sign_in=f"{name}@test.kameng", name=name)
        await access.set_password(platform.db, person_id, PASSWORD, actor_id=0)
        await identity.join(platform.db, one, person_id, "owner")
    return made


async def _give(platform: Platform, owner: Organisation, domain: str) -> None:
    await shops.ask_domain(platform.db, owner.org_id, domain, actor_id=0)
    await shops.decide_domain(platform.db, owner.org_id, domain, accept=True, actor_id=0)


@pytest.mark.parametrize(
    ("who", "where"),
    [
        ("a", {A, HOUSE}), ("customer-a", {A}), ("merchant-a", {A, HOUSE}), ("customer-b", {B}), ("customer", {HOUSE}),
        ("platform", {HOUSE}),
    ],
)  # fmt: skip
async def test_each_signs_in_where_he_is_known_and_nowhere_else(
    platform: Platform, people: dict[str, Organisation], who: str, where: set[str]
) -> None:
    for host in (HOUSE, A, B):
        browser = Browser(platform, host)
        entered = await browser.sign_in(who)
        assert (entered.status, await browser.is_in()) == ((303, True) if host in where else (422, False))
    sessions = await platform.count("web_session")
    assert sessions == len(where)  # those of strangers are over


async def test_a_stranger_is_told_what_a_wrong_password_is_told(
    platform: Platform, people: dict[str, Organisation]
) -> None:
    stranger = await Browser(platform, B).sign_in("customer-a")
    wrong = await Browser(platform, B).post(
        "/signin", sign_in="customer-a@test.kameng", password="wrong horse battery", next="/"
    )
    nobody = await Browser(platform, B).post("/signin", sign_in="nobody@test.kameng", password=PASSWORD, next="/")

    def words(answer: Answer) -> str:
        body = re.sub(r'value="[^"]*"|data-token="[^"]*"|x-kameng-token":"[^"]*"', "", answer.body.decode())
        return f"{answer.status} {body}"

    assert words(stranger) == words(wrong) == words(nobody)
    assert "登录名或密码不正确" in words(stranger)


async def test_a_session_of_one_shop_is_worth_nothing_at_another(
    platform: Platform, people: dict[str, Organisation]
) -> None:
    browser = Browser(platform, A)
    await browser.sign_in("customer-a")
    assert await browser.is_in()
    for host in (B, HOUSE):
        browser.host = host
        assert not await browser.is_in()
    browser.host = A
    assert await browser.is_in()


async def test_whoever_works_for_several_sees_at_a_shop_what_it_knows(
    platform: Platform, people: dict[str, Organisation]
) -> None:
    person = await identity.find_by_sign_in(platform.db, "customer-a@test.kameng")
    assert person is not None
    await identity.join(platform.db, people["customer-b"], person.person_id, "owner")
    browser = Browser(platform, A)
    await browser.sign_in("customer-a")
    shown = (await browser.get("/places")).body.decode()
    assert ("customer-a" in shown, "customer-b" in shown) == (True, False)
    refused = await browser.post("/places", org=str(people["customer-b"].org_id))
    assert refused.status == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.example.com", 421), ("a.example.com.evil.org", 421), ("a_b.example.com", 421), ("a.example.com evil", 422)],
)
async def test_games_with_the_host_are_refused(
    platform: Platform, people: dict[str, Organisation], host: str, status: int
) -> None:
    answer = await Browser(platform, host).get("/signin")
    assert answer.status == status
    assert "店铺a" not in answer.body.decode()


async def test_other_headers_name_no_shop_and_two_hosts_name_none(
    platform: Platform, people: dict[str, Organisation]
) -> None:
    forwarded = await Browser(platform, B).get("/", **{"x-forwarded-host": A, "forwarded": f"host={A}"})
    assert ("店铺b" in forwarded.body.decode(), "店铺a" in forwarded.body.decode()) == (True, False)
    started: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        started.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "https", "method": "GET",
        "path": "/", "raw_path": b"/", "root_path": "", "query_string": b"",
        "headers": [(b"host", A.encode()), (b"host", B.encode())], "client": ("127.0.0.1", 1), "server": ("x", 1),
    }  # fmt: skip
    await platform.gateway(scope, receive, send)
    assert started[0]["status"] == 421


async def test_a_shop_has_its_own_small_style_sheet_and_picture_by_digest(
    platform: Platform, people: dict[str, Organisation]
) -> None:
    await shops.set_shop(platform.db, people["a"].org_id, actor_id=0, accent="#ffcc00", footer="脚", icp="浙ICP备1号")
    shop = await shops.set_logo(platform.db, people["a"].org_id, PNG, actor_id=0)
    page = (await Browser(platform, A).get("/")).body.decode()
    (style_path,) = re.findall(r'href="(/shop/style/[0-9a-f]{16}\.css)"', page)
    assert f'src="/shop/logo/{shop.logo}"' in page
    assert "浙ICP备1号" in page
    style = await Browser(platform, A).get(style_path)
    assert style.body.decode() == shop.style
    assert style.headers["content-type"].startswith("text/css")
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    logo = await Browser(platform, A).get(f"/shop/logo/{shop.logo}")
    assert (logo.body, logo.headers["content-type"]) == (PNG, "image/png")
    assert logo.headers["content-security-policy"] == "default-src 'none'; sandbox"
    for host, path in ((B, style_path), (B, f"/shop/logo/{shop.logo}"), (A, "/shop/style/0000000000000000.css")):
        assert (await Browser(platform, host).get(path)).status == 404
    assert "/shop/style/" not in (await Browser(platform, B).get("/")).body.decode()


async def test_a_visitor_is_quoted_what_the_shops_new_customers_pay(
    platform: Platform, people: dict[str, Organisation]
) -> None:
    await pricing.set_markup(platform.db, Template(people["a"].org_id, "all", "", -1, Markup(percent_e4=100_000)))
    parts = platform.gateway._parts
    assert parts is not None
    async with platform.db.connection() as connection:  # else it would follow within a second
        await parts.snapshot.refresh(connection, await epochs.read(connection))
        found = {shop.org_id: shop for shop in await shops.all_shops(connection)}
    sku = platform.goods.card
    quotes = {
        name: parts.snapshot.quote(shops.visitor_of(found[people[name].org_id]), sku, 1)
        for name in ("platform", "a", "b")
    }
    assert {name: quote.unit_price_e4 for name, quote in quotes.items()} == {
        "platform": sku.list_price_e4, "a": -(-sku.list_price_e4 * 11 // 10), "b": sku.list_price_e4
    }  # fmt: skip
    customer = parts.snapshot.quote(people["customer-a"], sku, 1)
    assert (customer.unit_price_e4, customer.trace) == (quotes["a"].unit_price_e4, quotes["a"].trace)


async def test_an_agents_pages_are_no_other_kinds(platform: Platform, people: dict[str, Organisation]) -> None:
    paths = (
        "look", "notice", "goods", "prices", "prices/preview", "look/preview", "domain", "orders", "earnings",
        "customers", "bounds",
    )  # fmt: skip
    for who, host in (("customer-a", A), ("merchant-a", A), ("platform", HOUSE)):
        browser = Browser(platform, host)
        await browser.sign_in(who)
        found = {(await browser.get(f"/merchant/shop/{path}")).status for path in paths}
        assert found | {(await browser.get("/merchant/agents")).status} == {403}


async def test_no_agent_sees_or_touches_anothers_customers(platform: Platform, people: dict[str, Organisation]) -> None:
    browser = Browser(platform, HOUSE)
    await browser.sign_in("b")
    theirs = people["customer-a"].org_id
    customers = (await browser.get("/merchant/shop/customers")).body.decode()
    assert ("customer-b" in customers, "customer-a" in customers) == (True, False)
    tree = (await browser.get("/merchant/agents")).body.decode()
    assert str(people["a"].org_id) not in tree
    assert (await browser.get(f"/merchant/agents/{theirs}")).status == 404
    assert (await browser.get("/merchant/shop/orders", f"buyer={theirs}")).status == 404
    for path, fields in (
        ("level", {"level": "9", "reason": "x"}), ("terms", {"day_budget": "1", "reason": "x"}),
        ("prices", {"sku": str(platform.goods.card.sku_id), "price": "1"}),
        ("prices/remove", {"sku": str(platform.goods.card.sku_id)}),
    ):  # fmt: skip
        assert (await browser.post(f"/merchant/agents/{theirs}/{path}", **fields)).status == 404
    async with platform.db.connection() as connection:
        assert await identity.find_organisation(connection, theirs) == people["customer-a"]
    assert await platform.count("named_price") == 0


async def test_an_agent_leads_his_own(platform: Platform, people: dict[str, Organisation]) -> None:
    browser = Browser(platform, HOUSE)
    await browser.sign_in("a")
    mine, sku = people["merchant-a"].org_id, platform.goods.card
    assert (await browser.post(f"/merchant/agents/{mine}/level", level="3", reason="长期合作")).status == 303
    terms = {"minimum_balance": "10", "day_budget": "", "month_budget": "5000.5", "reason": "新客户"}
    assert (await browser.post(f"/merchant/agents/{mine}/terms", **terms)).status == 303
    assert (await browser.post(f"/merchant/agents/{mine}/prices", sku=str(sku.sku_id), price="123.4567")).status == 303
    async with platform.db.connection() as connection:
        found = await identity.find_organisation(connection, mine)
    assert found is not None
    assert (found.level, found.minimum_balance_e4, found.day_budget_e4, found.month_budget_e4) == (
        3, 100_000, None, 50_005_000
    )  # fmt: skip
    shown = (await browser.get(f"/merchant/agents/{mine}")).body.decode()
    assert "¥123.4567" in shown
    wrong = await browser.post(f"/merchant/agents/{mine}/level", level="100", reason="")
    assert (wrong.status, wrong.body.decode().count('class="error"')) == (422, 2)
    assert (await browser.post(f"/merchant/agents/{mine}/prices/remove", sku=str(sku.sku_id))).status == 303
    assert await platform.count("named_price") == 0
