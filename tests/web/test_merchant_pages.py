"""The merchants' pages over HTTP: who may, what each shows, and that nobody sees what belongs to somebody else."""

from __future__ import annotations

import csv
import io
import re
from urllib.parse import urlencode

import pytest

from kameng import identity, lists, orders
from kameng.kit import clock
from kameng.kit.working import Worker
from kameng.orders import Filter
from kameng.web import PLANS, Tools
from kameng.web.merchant.routes import HANDLERS
from pages import Visitor, rows_of, signed_in, text_of
from running import Platform

NUMBER = re.compile(r"\{\w+:(?:str|int)\}")


def addresses() -> list[tuple[str, str, str]]:
    """(method, path, act) of every handler of the face."""
    return [
        (method, NUMBER.sub("100001", path), handler.opt.get("act", "view"))
        for handler in HANDLERS
        for method in handler.http_methods
        for path in handler.paths
    ]


async def ask(visitor: Visitor, method: str, path: str) -> int:
    return (await (visitor.get(path) if method == "GET" else visitor.post(path))).status


async def test_the_face_is_for_merchants_and_for_roles_that_may(common: Platform) -> None:
    async with common.db.transaction() as connection:
        supplier = await identity.found(connection, name="海星供货", kind="supplier")
    stranger = await signed_in(common, supplier)
    clerk = await signed_in(common, common.seed.shop.organisation, "clerk")
    passer_by = Visitor(common, "")
    for method, path, act in addresses():
        assert await ask(stranger, method, path) == 403, path
        if act not in ("view", "buy", "reveal"):
            assert await ask(clerk, method, path) == 403, path
        answer = await passer_by.get(path) if method == "GET" else await passer_by.post(path)
        assert (answer.status, answer.headers["location"].partition("?")[0]) == (303, "/signin"), path


async def test_lists_filter_and_never_show_anothers(platform: Platform) -> None:
    card, phone = platform.goods.card, platform.goods.phone
    for n in range(3):
        await platform.place(f"card-{n}", card)
    topped = (await platform.place("top-1", phone, account={"phone": "13800138000"})).json
    await platform.place("theirs", card, key=platform.seed.other.key)
    mine = await signed_in(platform, platform.seed.shop.organisation)
    today = clock.china_day().isoformat()

    async def refs(query: str) -> list[str]:
        return [row.split()[-1] for row in rows_of(await mine.get(f"/merchant/orders{query}"))]

    everything = ["top-1", "card-2", "card-1", "card-0"]
    assert await refs("") == everything
    assert await refs("?state=delivered&state=settled") == everything[1:]
    assert await refs(f"?sku={phone.sku_id}&day_from={today}&day_to={today}") == ["top-1"]
    assert await refs("?day_to=2025-01-02") == []
    nonsense = await mine.get("/merchant/orders?state=nonsense&sku=x&day_from=never")
    assert (nonsense.status, rows_of(nonsense)) == (422, [])
    assert await refs("?q=card-1") == ["card-1"]
    assert await refs("?q=138+0013+8000") == ["top-1"]
    assert await refs(f"?q={topped['id']}") == ["top-1"]
    assert await refs("?q=theirs") == []
    assert "13800138000" not in (await mine.get("/merchant/orders")).body.decode()
    theirs = await signed_in(platform, platform.seed.other.organisation)
    for path in ("", "/reveal", "/refund", "/cancel", "/confirm"):
        address = f"/merchant/orders/{topped['id']}{path}"
        assert (await (theirs.post(address) if path else theirs.get(address))).status == 404, path
    assert await platform.count("audit_line WHERE act = 'order.reveal'") == 0


async def test_a_page_looks_at_so_many_orders_and_says_how_far(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kameng.orders.browsing.LOOKED_AT_MAX", 3)
    first = (await platform.place("wanted", platform.goods.deep)).json
    for n in range(4):
        await platform.place(f"other-{n}", platform.goods.card)
    snapshot, me = platform.gateway._parts.snapshot, platform.seed.shop.organisation  # type: ignore[union-attr]
    wanted = Filter(sku_id=platform.goods.deep.sku_id)
    page = await orders.browse(snapshot, me, wanted)
    assert (page.orders, page.looked_to) == ([], page.next_id)
    assert page.next_id is not None
    page = await orders.browse(snapshot, me, wanted, before_id=page.next_id)
    assert ([str(order.order_id) for order in page.orders], page.next_id) == ([first["id"]], None)
    async with platform.db.connection() as connection:
        tallies, is_whole = await orders.tally(connection, me, from_id=0)
    assert (sum(one.count for one in tallies), is_whole) == (3, False)


async def exported(platform: Platform, mine: Visitor, query: str) -> list[list[str]]:
    """The file of an export of the list as it is asked, made by a worker."""
    fields = {"plan": "merchant.orders.export", "query": query, "form": "csv"}
    begun = (await mine.post("/lists/export", fields)).headers["location"]
    snapshot = platform.gateway._parts.snapshot  # type: ignore[union-attr]

    async def tools() -> Tools:
        return Tools(platform.db, platform.ring, snapshot)

    plans = {name: one.plan for name, one in PLANS.items()}
    handlers = lists.handlers(platform.db, platform.seed.data_dir / "exports", plans, tools)
    await Worker(platform.db, handlers, lanes=[platform.seed.shop.organisation.lane]).work_once()
    answer = await mine.get(f"{begun}/file")
    assert answer.status == 200
    stranger = await signed_in(platform, platform.seed.other.organisation)
    assert (await stranger.get(f"{begun}/file")).status == 404
    return list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))


async def test_export_is_what_the_list_shows_and_no_formula(platform: Platform) -> None:
    await platform.place("=1+1", platform.goods.card, 2)
    await platform.place("top-1", platform.goods.phone, account={"phone": "13800138000"})
    await platform.place("plain", platform.goods.few)
    await platform.place("play", platform.goods.card, key=platform.seed.shop.sandbox_key)
    mine = await signed_in(platform, platform.seed.shop.organisation)
    rows = await exported(platform, mine, "state=delivered")
    assert rows[0][:3] == ["订单号", "外部单号", "下单时间"]
    price = platform.goods.card.list_price_e4
    assert [row[1] for row in rows[1:]] == ["plain", "'=1+1"]
    assert [rows[2][6], *map(float, rows[2][7:10])] == ["2", price / 10_000, 2 * price / 10_000, 0.0]
    assert rows[2][10:] == ["CNY", "已发货"]
    rows = await exported(platform, mine, "state=fulfilling")
    assert [(row[1], row[5]) for row in rows[1:]] == [("top-1", "138****8000")]
    rows = await exported(platform, mine, "sandbox=1")
    assert [(row[1], row[10]) for row in rows[1:]] == [("play", "XTS")]


async def test_what_somebody_looks_for_is_not_written_down(platform: Platform) -> None:
    """A phone that is looked for is no filter: no export, no saved view, no act on all that match repeats it."""
    await platform.place("top-1", platform.goods.phone, account={"phone": "13800138000"})
    mine = await signed_in(platform, platform.seed.shop.organisation)
    page = (await mine.get("/merchant/orders?q=13800138000")).body.decode()
    assert len(rows_of(await mine.get("/merchant/orders?q=13800138000"))) == 1
    assert [part in page for part in ('action="/lists/export"', 'action="/lists/views"', 'name="all"')] == [False] * 3


async def test_the_old_list_leads_to_the_one_there_is(platform: Platform) -> None:
    mine = await signed_in(platform, platform.seed.shop.organisation)
    answer = await mine.get("/merchant/worklist?state=settled")
    assert (answer.status, answer.headers["location"]) == (301, "/merchant/orders?state=settled")
    assert (await mine.get("/merchant/orders/export.csv")).status == 404


async def test_the_board_counts_today_and_every_number_has_its_list(platform: Platform) -> None:
    for n in range(3):
        await platform.place(f"card-{n}", platform.goods.card)
    await platform.place("top-1", platform.goods.phone, account={"phone": "13800138000"})
    mine = await signed_in(platform, platform.seed.shop.organisation)
    answer = await mine.get("/merchant")
    links = re.findall(r'class="metric" href="([^"]+)"', answer.body.decode())
    counts = [len(rows_of(await mine.get(link.replace("&amp;", "&")))) for link in links]
    # All today; their bills; delivered; returned; in progress; the wallet with its recharge.
    assert counts == [4, 4 + 1, 3, 0, 1, 4 + 1]
    assert "今日订单 4" in text_of(answer)


async def test_revealing_is_written_down_with_the_persons_number(platform: Platform) -> None:
    placed = (await platform.place("card", platform.goods.card)).json
    mine = await signed_in(platform, platform.seed.shop.organisation)
    secret = placed["cards"][0]["secret"]
    assert secret not in (await mine.get(f"/merchant/orders/{placed['id']}")).body.decode()
    answer = await mine.post(f"/merchant/orders/{placed['id']}/reveal")
    assert secret in answer.body.decode()
    assert answer.headers["cache-control"] == "no-store"
    actor = await platform.db.pool.fetchval("SELECT actor_id FROM audit_line WHERE act = 'order.reveal'")
    assert actor == await platform.db.pool.fetchval("SELECT max(person_id) FROM membership WHERE role = 'owner'")
    auditor = await signed_in(platform, platform.seed.shop.organisation, "auditor")
    assert (await auditor.post(f"/merchant/orders/{placed['id']}/reveal")).status == 403


async def test_a_sandboxs_orders_are_a_list_of_their_own(platform: Platform) -> None:
    key = platform.seed.shop.sandbox_key
    played = (await platform.place("play", platform.goods.card, key=key)).json
    mine = await signed_in(platform, platform.seed.shop.organisation)
    assert rows_of(await mine.get("/merchant/orders")) == []
    assert len(rows_of(await mine.get("/merchant/orders?sandbox=1"))) == 1
    assert (await mine.get(f"/merchant/orders/{played['id']}")).status == 404
    shown = await mine.post(f"/merchant/orders/{played['id']}/reveal?sandbox=1")
    assert played["cards"][0]["secret"] in shown.body.decode()


async def test_a_price_that_rose_is_not_paid_unseen(platform: Platform) -> None:
    """The form holds the price that was shown; above it nothing is ordered, and the page shows the new one."""
    card = platform.goods.card
    mine = await signed_in(platform, platform.seed.shop.organisation)
    below = f"{(card.list_price_e4 - 100) / 10_000:.4f}"
    before = await platform.trace()
    form = {"token": "web-once", "quantity": 1, "max_price": below}
    answer = await mine.post(f"/merchant/buy/{card.sku_id}", form)
    assert answer.status == 422
    assert await platform.trace() == before
    form["max_price"] = f"{card.list_price_e4 / 10_000:.4f}"
    assert (await mine.post(f"/merchant/buy/{card.sku_id}", form)).status == 303
    assert (await mine.post(f"/merchant/buy/{card.sku_id}", form)).status == 303
    assert await platform.count("orders") == 1


async def test_prices_go_page_by_page(common: Platform) -> None:
    mine = await signed_in(common, common.seed.shop.organisation)
    found, path = [], "/merchant/prices"
    while path:
        answer = await mine.get(path)
        found += [row.split()[0] for row in rows_of(answer)]
        onward = re.search(r'href="([^"]+)" rel="next"', answer.body.decode())
        path = onward[1].replace("&amp;", "&") if onward else ""
    skus = (await common.get("/api/v1/catalogue")).json["skus"]
    assert found == [sku["sku"] for sku in skus]
    answer = await mine.get(f"/merchant/prices?{urlencode({'q': 'Steam 100'})}")
    wanted = [sku["sku"] for sku in skus if "steam" in sku["product"].lower() and "100" in sku["spec"] + sku["sku"]]
    assert [row.split()[0] for row in rows_of(answer)] == wanted != []
