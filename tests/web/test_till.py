"""Paying through channels at the pages: the simulator as a process, its page in the browser, and who may see what."""

from __future__ import annotations

import re
import secrets
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from playwright.sync_api import expect

from browsing import Desk, Faces, apart
from kameng import finance, ledger, payments
from kameng.channels import Method, Scene, Shown
from kameng.identity import Organisation
from kameng.kit import db
from kameng.payments import Payment, State
from kameng.web import till
from kameng.web.till import Due
from tills import (
    Simulator,
    assert_clean,
    open_till,
    pay_at_the_simulator,
    rows,
    switch_off,
    switch_on,
    to_the_till,
)
from visiting import Page, Visitor, sql

__all__ = ["open_till"]

CARD_E4 = 985_000
DEEP_E4 = 1_700_400
"""What a customer pays for the SKU of these tests."""
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.browser
def test_a_guest_buys_with_wechat(open_till: Desk) -> None:
    desk = open_till
    page = desk.open("/")
    order_id = to_the_till(desk, page)
    expect(page.locator("img.till-code")).to_be_visible()
    expect(page.locator("count-down")).to_contain_text("00:")
    assert desk.axe(page) == []
    stranger = desk.open("/")
    desk.expected += ("404",)
    answer = stranger.goto(f"/pay/{order_id}")
    assert answer is not None
    assert answer.status == 404
    assert "till-code" not in stranger.content()
    member = desk.open("/", kind="customer")
    answer = member.goto(f"/pay/{order_id}")
    assert answer is not None
    assert answer.status == 404
    pay_at_the_simulator(page)
    page.wait_for_url(f"**/guest/orders/{order_id}")
    expect(page.locator("live-order .badge").first).to_have_text("已发货")
    page.fill("#query_password", "secret12")
    page.click("#goods button.first")
    expect(page.locator("#goods .secret").last).to_contain_text(f"S-{desk.faces.seed.goods.deep.sku_id}-")
    page.goto(f"/pay/{order_id}")  # what is paid is not paid again
    page.wait_for_url(f"**/guest/orders/{order_id}")
    assert_clean(desk)


@pytest.mark.browser
def test_a_member_changes_the_channel_and_says_that_he_paid(open_till: Desk) -> None:
    desk = open_till
    page = desk.open("/", kind="customer")
    order_id = to_the_till(desk, page, "alipay")
    expect(page.locator("#till")).to_contain_text("请使用支付宝扫一扫")
    first = page.get_attribute("img.till-code", "src")
    page.click("#paid")
    expect(page.locator("body")).to_contain_text("暂未收到付款")
    page.click("#way-wechat")
    expect(page.locator("#till")).to_contain_text("请使用微信支付扫一扫")
    assert page.get_attribute("img.till-code", "src") != first
    found = rows(desk, "SELECT attempt, method FROM payment WHERE payable_id = $1 ORDER BY attempt", order_id)
    assert [tuple(one) for one in found] == [(1, "alipay"), (2, "wechat")]
    pay_at_the_simulator(page)
    page.wait_for_url(f"**/orders/{order_id}")
    expect(page.locator("live-order .badge").first).to_have_text("已发货")
    found = rows(desk, "SELECT method FROM payment WHERE payable_id = $1 AND state = 'paid'", order_id)
    assert [one["method"] for one in found] == ["wechat"]
    assert_clean(desk)


@pytest.mark.browser
@pytest.mark.parametrize(("kind", "path"), [("customer", "/wallet/recharge"), ("merchant", "/merchant/recharge")])
def test_a_wallet_is_filled(open_till: Desk, kind: str, path: str) -> None:
    desk = open_till
    org_id = desk.faces.organisations[kind].org_id
    wallet = "SELECT posted_e4 FROM account WHERE org_id = $1 AND code = 'wallet'"
    before_e4 = rows(desk, wallet, org_id)[0]["posted_e4"]
    page = desk.open(path, kind=kind)
    assert desk.axe(page) == []
    page.fill("#amount", "123.45")
    page.check("[name=method][value=wechat]")
    page.click("main button.first")
    page.wait_for_url(f"**{path}/*")
    assert desk.axe(page) == []
    stranger = desk.open("/", kind="agent")
    desk.expected += ("404",)
    answer = stranger.goto(f"{path}/{page.url.rpartition('/')[2]}")
    assert answer is not None
    assert answer.status == 404
    pay_at_the_simulator(page)
    expect(page.locator("#till [data-stage=paid]")).to_contain_text("¥123.45 已到账")
    assert rows(desk, wallet, org_id)[0]["posted_e4"] == before_e4 + 1_234_500
    page.goto(path)
    expect(page.locator("main tbody tr").first).to_contain_text("已支付")
    assert_clean(desk)


# wallet and channel together ---------------------------------------------------------------------------------


@pytest.fixture
def poor(faces: Faces, simulator: Simulator) -> Iterator[Visitor]:
    """A customer with 12.30 yuan, the rest of his money held; channels are open meanwhile."""
    me = faces.organisations["customer"]

    async def hold() -> finance.Withdrawal:
        database = await db.open_database(faces.url)
        async with database.connection() as connection:
            wallet = await ledger.read_wallet(connection, me.lane, me.org_id)
        terms = finance.Terms(adjustment_limit_e4=0, withdrawal_limit_e4=10**15)
        held = await finance.ask_withdrawal(
            database, faces.ring, me, wallet.available_e4 - 123_000, client_ref=f"poor-{secrets.token_hex(4)}",
            payee=finance.Payee("alipay", "周", "13812345678"), terms=terms, actor_id=1,
        )  # fmt: skip
        await database.close()
        return held

    async def let_go() -> None:
        database = await db.open_database(faces.url)
        await finance.cancel_withdrawal(database, me, held.withdrawal_id, actor_id=1)
        await database.close()

    numbers = apart(lambda: switch_on(faces, simulator[1]))
    held = apart(hold)
    visitor = Visitor(faces)
    visitor.sign_in(faces.sign_in_of("customer"))
    yield visitor
    apart(let_go)
    apart(lambda: switch_off(faces, numbers))


def checkout(visitor: Visitor, **more: str) -> Page:
    sku = visitor.faces.seed.goods.deep.sku_id
    page = visitor.get(f"/checkout?sku={sku}&quantity=1")
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    assert "余额抵扣 ¥12.30，还需支付 ¥157.74" in page.text, re.findall("余额抵扣.*|不足.*|way-wechat", page.text)
    sent = {name: fields[name] for name in ("sku", "card", "once", "price")}
    return visitor.post("/checkout", {**sent, "quantity": "1", "act": "pay", "pay": "wechat", **more})


def pay_by_wire(base: str, number: str) -> None:
    request = urllib.request.Request(
        f"{base}/_sim/pay", msgspec.json.encode({"payment_no": number}), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("is_on", [True, False])
def test_a_wallet_with_too_little_adds_what_it_has(
    poor: Visitor, simulator: Simulator, is_on: bool
) -> None:
    faces = poor.faces
    me = faces.organisations["customer"]
    wallet = "SELECT posted_e4, posted_e4 - held_e4 AS free_e4 FROM account WHERE account_id = $1"
    before = sql(faces, wallet, me.org_id)[0]
    answer = checkout(poor, **({"part": "on"} if is_on else {}))
    assert answer.status == 303, answer.alert
    path = answer.header("location")
    order_id = int(path.rpartition("/")[2])
    payment = sql(faces, "SELECT payment_no, amount_e4 FROM payment WHERE payable_id = $1", order_id)[0]
    part_e4 = 123_000 if is_on else 0
    assert payment["amount_e4"] == DEEP_E4 - part_e4
    assert sql(faces, wallet, me.org_id)[0]["free_e4"] == 123_000 - part_e4
    page = poor.get(path)
    assert ("余额抵扣 ¥12.30" in page.text) is is_on
    assert ("¥157.74" if is_on else "¥170.04") in page.text
    pay_by_wire(simulator[0], payment["payment_no"])
    stands = "SELECT state FROM orders WHERE order_id = $1"
    deadline_s = time.monotonic() + 20
    while sql(faces, stands, order_id)[0]["state"] == "awaiting_payment" and time.monotonic() < deadline_s:
        poor.post(path, {"act": "look"})
    assert sql(faces, stands, order_id)[0]["state"] == "delivered"
    assert sql(faces, wallet, me.org_id)[0]["posted_e4"] == before["posted_e4"] - part_e4


def test_a_wallet_that_was_emptied_meanwhile_adds_nothing_by_itself(poor: Visitor) -> None:
    """The order waits at the till, where nothing is held and the switch offers what there is."""
    faces = poor.faces
    answer = checkout(poor, part="on", pay="paypal")  # no such channel is open
    order_id = int(answer.header("location").rpartition("/")[2])
    assert sql(faces, "SELECT count(*) AS n FROM payable WHERE payable_id = $1", order_id)[0]["n"] == 0
    page = poor.get(answer.header("location"))
    assert "余额抵扣 ¥12.30，还需支付 ¥157.74" in page.text
    chosen = poor.post(answer.header("location"), {"method": "alipay", "part": "on"})
    assert chosen.status == 303
    found = sql(faces, "SELECT amount_e4, wallet_e4 FROM payable WHERE payable_id = $1", order_id)[0]
    assert tuple(found) == (DEEP_E4, 123_000)


# rules -------------------------------------------------------------------------------------------------------


def test_each_device_gets_the_scene_that_suits_it() -> None:
    offered = [
        (Method.alipay, Scene.qr), (Method.alipay, Scene.wap), (Method.wechat, Scene.qr), (Method.wechat, Scene.jsapi),
        (Method.usdt, Scene.page), (Method.qqpay, Scene.code),
    ]  # fmt: skip
    named = {device: [(x.method, x.scene) for x in till.chosen_of(offered, device)] for device in payments.SCENES}
    assert named["desktop"] == [
        (Method.wechat, Scene.qr), (Method.alipay, Scene.qr), (Method.usdt, Scene.page),
    ]  # fmt: skip
    assert named["phone"] == [(Method.wechat, Scene.qr), (Method.alipay, Scene.wap), (Method.usdt, Scene.page)]
    assert named["wechat"] == named["desktop"]


def due(state: str = "open", *, left_s: int = 60) -> Due:
    return Due(
        payable_id=1, organisation=Organisation(1, "周", "customer", 0, "active", "CNY", None, False),
        amount_e4=CARD_E4, currency="CNY", state=state, title="", path="/pay/1", back="/orders/1", again="/checkout",
        expires_at=AT + timedelta(seconds=left_s),
    )  # fmt: skip


def attempt(state: State, shown: Shown | None = None) -> Payment:
    return Payment(
        2, 1, 1, 1, 1, Method.wechat, Scene.qr, CARD_E4, "CNY", 0, state, None, None, 0, "", "", "", shown, None, AT,
        AT + timedelta(minutes=10),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("what", "latest", "stage"),
    [
        (due(), None, "choose"), (due(), attempt(State.failed), "choose"), (due(), attempt(State.closed), "choose"),
        (due(), attempt(State.waiting, Shown("qr", "x")), "shown"), (due(), attempt(State.unknown), "asked"),
        (due(), attempt(State.created), "asked"), (due(left_s=0), attempt(State.waiting, Shown("qr", "x")), "expired"),
        (due("expired"), None, "expired"), (due("paid"), attempt(State.paid), "paid"),
    ],
)  # fmt: skip
def test_where_a_payment_stands(what: Due, latest: Payment | None, stage: str) -> None:
    assert till.stage_of(what, latest, AT) == stage


@pytest.mark.parametrize(
    ("shown", "address", "is_simulated"),
    [
        (Shown("qr", "http://127.0.0.1:4711/pay/1"), "", True), (Shown("qr", "weixin://wxpay/bizpayurl"), "", False),
        (Shown("qr", "http://pay.example/1"), "", False), (Shown("qr", "https://127.0.0.1/1"), "", False),
        (Shown("redirect", "https://pay.example/1"), "https://pay.example/1", False),
        (Shown("redirect", "javascript:alert(1)"), "", False), (None, "", False),
    ],
)  # fmt: skip
def test_only_addresses_of_the_web_are_led_to(shown: Shown | None, address: str, is_simulated: bool) -> None:
    assert till.address_of(shown) == address
    assert bool(till.simulated(shown)) is is_simulated


def test_a_form_may_go_to_its_provider_and_nothing_else_is_let_in() -> None:
    assert "form-action 'self' https:;" in till._policy("https://pay.example/1")
    assert "form-action 'self' https: http://127.0.0.1:1;" in till._policy("http://127.0.0.1:1/x")
    assert "evil" not in till._policy("http://a; script-src evil/x")
