"""An agent's shop: its own name, its own prices, its own guests."""

from __future__ import annotations

import asyncio
import re
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

from browsing import Faces
from kameng import pricing, shops
from kameng.kit import db
from kameng.ops import auditing
from kameng.pricing import Markup, Template
from kameng.shops import Shop
from kameng.web.templating import format_money

HOST = "jiangnan.test.kameng"
MARKUP_E4 = 12_300


class Visitor:
    """A browser without script, at a host."""

    def __init__(self, faces: Faces, host: str) -> None:
        self._base, self._host = faces.base, host
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    async def open(self, path: str, **form: str) -> tuple[str, str]:
        """The address it ended at, and the page."""
        body = urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(self._base + path, body, {"host": self._host, "accept-language": "zh"})
        answer = await asyncio.to_thread(self._opener.open, request, None, 10)
        return answer.url.removeprefix(self._base), answer.read().decode()


def fields_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


async def test_an_agents_visitors_see_its_prices_and_order_from_it(faces: Faces) -> None:
    agent, sku = faces.organisations["agent"], faces.seed.goods.deep
    database = await db.open_database(faces.url)
    assert await shops.open_shop(database, Shop(agent.org_id, HOST, "江南数卡", notice="江南分站公告"))
    template = Template(agent.org_id, "all", "", pricing.EVERY_LEVEL, Markup(fixed_e4=MARKUP_E4))
    await pricing.set_markup(database, template)
    visitor, ours = Visitor(faces, HOST), Visitor(faces, "127.0.0.1")
    price_e4 = sku.list_price_e4 + MARKUP_E4
    page = ""
    async with asyncio.timeout(90):  # the shop and its prices are followed, each within a second or two
        while not (format_money(price_e4) in page and "江南数卡" in page):
            await asyncio.sleep(0.1)
            _, page = await visitor.open(f"/goods/{sku.sku_id}")
    _, own = await ours.open(f"/goods/{sku.sku_id}")
    assert format_money(sku.list_price_e4) in own
    assert "江南数卡" not in own
    _, checkout = await visitor.open(f"/checkout?sku={sku.sku_id}")
    hidden = fields_of(checkout)
    path, shown = await visitor.open(
        "/checkout", **{**hidden, "act": "pay", "quantity": "1", "contact": "13800001111", "query_password": "abcdef1"}
    )
    assert path.startswith("/guest/orders/")
    assert format_money(price_e4) in shown
    order_id = int(path.rpartition("/")[2])
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT o.total_e4, g.kind, g.parent_id FROM orders o JOIN organisation g USING (lane, org_id)"
            " WHERE order_id = $1",
            order_id,
        )
    assert row is not None
    assert tuple(row) == (price_e4, "customer", agent.org_id)
    report = await auditing.run(database, faces.ring, sample_per_lane=50)
    assert [(finding.law, finding.examples) for finding in report.broken] == []
    await database.close()
