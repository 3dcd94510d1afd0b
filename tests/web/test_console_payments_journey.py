"""A payment in a browser: looked at beside its list, opened, asked about; its pages are sound on a phone and a desk."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import expect
from test_console_journey import on_database, staff

from browsing import Desk
from kameng import payments
from kameng.channels import Method, Scene
from kameng.kit import db
from kameng.payments import Payer, Payment

pytestmark = pytest.mark.browser


def begun(desk: Desk) -> Payment:
    """A recharge by bank transfer that nobody paid yet."""

    async def work(database: db.Database) -> Payment:
        number = await payments.add_channel(
            database, desk.faces.ring, protocol="bank", name=f"招行 {secrets.token_hex(3)}", actor_id=1,
            credentials={"bank": "招商银行", "name": "卡盟", "number": "6225"},
        )  # fmt: skip
        await payments.switch_channel(database, number, on=True, reason="test", actor_id=1)
        cashier = payments.Cashier(database, desk.faces.ring, public_url="http://127.0.0.1:1")
        made = await payments.begin_recharge(
            cashier, desk.faces.seed.shop.organisation, 1_000_000, client_ref=secrets.token_hex(6), method=Method.bank,
            scene=Scene.page, payer=Payer(),
        )  # fmt: skip
        await cashier.close()
        await payments.switch_channel(database, number, on=False, reason="test", actor_id=1)
        return made.payment

    return on_database(desk, work)


@pytest.mark.parametrize(("language", "width"), [("zh-CN", 390), ("en-GB", 1280)])
def test_a_payment_is_looked_at_and_opened(desk: Desk, language: str, width: int) -> None:
    payment = begun(desk)
    page = desk.open("/console/payments", locale=language, width=width, sign_in=staff(desk, "finance"))
    page.goto(f"/console/payments?number={payment.payment_no}")
    row = page.locator("tr[data-row]")
    expect(row).to_have_count(1)
    row.locator("a[data-peek]").click()
    expect(page.locator("row-peek dialog")).to_contain_text(str(payment.payment_id)[-6:])
    page.keyboard.press("Escape")
    page.goto(f"/console/payments/{payment.payment_id}")
    page.locator("#act-confirm summary").click()
    expect(page.locator("#confirm-amount")).to_be_visible()
    assert desk.axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
