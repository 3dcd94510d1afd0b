"""An outage of WeChat in the middle of a flash sale, as customers and operators see it: orders go on.

``tests/journeys/test_outage.py`` has the same with more gateways, orders and hours, without browsers.
"""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from browsing import Desk, apart
from kameng import catalogue, payments, shops
from kameng.kit import clock, db
from kameng.ops.demo_paying import ACCOUNTS
from tills import Simulator, assert_clean, open_till, pay_at_the_simulator, rows

__all__ = ["open_till"]

pytestmark = pytest.mark.browser
FAILING = ACCOUNTS[0][0]
"""What the simulator calls the merchant whose line is cut."""
LEFT = re.compile("下单失败，已切走|探测恢复中")
"""How the console says that no customer is sent there; after half a minute it is tried again."""


def script(base: str, faults: list[dict[str, Any]] | None) -> None:
    """What goes wrong at the providers from now on; None: nothing any more."""
    sent = None if faults is None else msgspec.json.encode(faults)
    request = urllib.request.Request(
        f"{base}/_sim/faults", sent, {"content-type": "application/json"}, method="DELETE" if sent is None else "POST"
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


@pytest.fixture
def outage(open_till: Desk, simulator: Simulator) -> Iterator[Desk]:
    """A sale runs, channels are taken in their order, and the first of them, a WeChat account, is cut off."""
    base, given = simulator

    async def begin() -> None:
        opened = await db.open_database(open_till.faces.url)
        await payments.set_policy(opened, {"mode": "order"}, reason="test", actor_id=0)
        now = clock.now()
        sku_id = open_till.faces.seed.goods.deep.sku_id
        await shops.plan_sale(opened, sku_id, starts_at=now, ends_at=now + timedelta(hours=2), buyer_max=10)
        await shops.turn_sales(opened)
        await opened.close()

    async def end() -> None:
        opened = await db.open_database(open_till.faces.url)
        await payments.set_policy(opened, {"mode": "smart"}, reason="test", actor_id=0)
        with clock.hold(clock.now_ms() + 3 * 3_600_000):
            await shops.turn_sales(opened)
        await catalogue.set_sku(opened, open_till.faces.seed.goods.deep.sku_id, {"state": "on_sale"})  # as before it
        await opened.close()

    apart(begin)
    account = given[FAILING].credentials["mchid"]
    script(base, [{"what": "outage", "call": "begin", "provider": "wechat", "account": account, "times": 0}])
    yield open_till
    script(base, None)
    apart(end)


def take(page: Page, sku_id: int) -> int:
    """From the sale of these goods, for others may run beside it, to the till, by WeChat; the order's number."""
    page.goto("/flash")
    page.click(f"main article a.button[href='/checkout?sku={sku_id}']")
    page.check("[name=pay][value=wechat]")
    page.click(".buy-bar button")
    page.wait_for_url("**/pay/*")
    return int(page.url.rpartition("/")[2])


def test_wechat_fails_in_a_flash_sale_and_customers_go_on(outage: Desk) -> None:
    desk, sku_id = outage, outage.faces.seed.goods.deep.sku_id
    page = desk.open("/flash", kind="customer")
    page.wait_for_timeout(2500)  # sales and the mode are followed within a second or two
    taken = [take(page, sku_id)]  # no answer: nothing is lost, and another way is offered
    expect(page.locator("#till [data-stage=asked]")).to_contain_text("微信支付尚未应答")
    page.click("#way-alipay")
    expect(page.locator("#till")).to_contain_text("请使用支付宝扫一扫")
    pay_at_the_simulator(page)
    page.wait_for_url(f"**/orders/{taken[-1]}")
    page.wait_for_timeout(5000)  # meanwhile the platform has tried the channel by itself, without an answer either
    for _ in range(3):  # two in a row, and nobody is sent there any more
        taken.append(take(page, sku_id))
        expect(page.locator("#till")).to_contain_text("请使用微信支付扫一扫")
        pay_at_the_simulator(page)
        page.wait_for_url(f"**/orders/{taken[-1]}")
    found = rows(
        desk, "SELECT c.name, p.payable_id, p.attempt FROM payment p JOIN payment_channel c USING (channel_id)"
        " WHERE p.payable_id = ANY($1) ORDER BY p.payable_id, p.attempt", taken,
    )  # fmt: skip
    failing, alipay, standing = (name for _, name, _ in ACCOUNTS)
    assert [tuple(row) for row in found] == [
        *((name, order_id, attempt) for order_id in taken[:1] for attempt, name in ((1, failing), (2, alipay))),
        *((standing, order_id, 1) for order_id in taken[1:]),
    ]
    states = rows(desk, "SELECT DISTINCT state FROM orders WHERE order_id = ANY($1)", taken)
    assert [row["state"] for row in states] == ["delivered"]
    operator = desk.open("/console/channels", kind="platform")
    expect(operator.locator("tr", has_text="演示微信支付").first).to_contain_text(LEFT)
    expect(operator.locator("tr", has_text=standing)).to_contain_text("正常")
    assert_clean(desk)
