"""对账 at the console: a day with its differences, one of them taken and resolved; whoever may not changes nothing."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from test_console_journey import POST, on_database, staff

from browsing import Desk
from kameng import payments, reconciliation
from kameng.channels import Bill, BillLine, NoticeKind
from kameng.kit import clock, db
from kameng.reconciliation import Case, Channel

pytestmark = pytest.mark.browser
PAGES = ("", "/cases", "/credits")


def differing(desk: Desk, amounts_minor: list[int]) -> list[Case]:
    """A channel whose bill of yesterday knows payments that nobody else does."""

    async def work(database: db.Database) -> list[Case]:
        number = await payments.add_channel(
            database, desk.faces.ring, protocol="bank", name=f"招行 {secrets.token_hex(3)}", actor_id=1,
            credentials={"bank": "招商银行", "name": "卡盟", "number": "6225"},
        )  # fmt: skip
        channel, day = Channel(number, "", "bank", "CNY"), clock.china_day() - timedelta(days=1)
        lines = [
            BillLine(
                kind=NoticeKind.payment, payment_no=f"X{n}", provider_no=f"P{n}", amount_minor=amount, at=clock.now()
            )
            for n, amount in enumerate(amounts_minor)
        ]
        await reconciliation.keep(database, channel, Bill(day=day, lines=lines))
        await reconciliation.match(database, channel, day, large_e4=10**9)
        return list(await reconciliation.list_cases(database, channel_id=number))

    return on_database(desk, work)


def test_a_difference_is_taken_resolved_and_reported(desk: Desk) -> None:
    case, *_ = differing(desk, [1234])
    desk.expected = ("422 (Unprocessable",)
    page = desk.open("/console/reconciliation", locale="en-GB", sign_in=staff(desk, "finance"))
    row = page.get_by_role("row").filter(has_text=str(case.day)).first
    expect(row).to_contain_text("12.34")
    with page.expect_download() as got:
        row.get_by_role("link", name="Excel").click()
    assert Path(got.value.path()).read_bytes().startswith(b"PK")
    page.goto(f"/console/reconciliation/cases/{case.case_id}")
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_text("In somebody's hands")).to_be_visible()
    page.get_by_label("How to resolve it").select_option("pay_out")
    page.get_by_label("Reason").fill("not ours")
    page.get_by_role("button", name="Resolve it").click()
    expect(page.get_by_text("the bank's number").first).to_be_visible()
    page.get_by_label("Bank's number").fill("CMB-77")
    page.get_by_role("button", name="Resolve it").click()
    expect(page.get_by_text("Resolved", exact=True)).to_be_visible()
    assert desk.axe(page) == []


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_the_pages_are_sound_on_a_phone_and_on_a_desk(desk: Desk, language: str) -> None:
    case, *_ = differing(desk, [55])
    for width in (390, 1280):
        page = desk.open("/console/reconciliation", locale=language, width=width, sign_in=staff(desk, "finance"))
        for path in (*PAGES, f"/cases/{case.case_id}"):
            page.goto(f"/console/reconciliation{path}")
            assert desk.axe(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_who_may_not_changes_nothing(desk: Desk) -> None:
    case, *_ = differing(desk, [77])
    desk.expected = ("403 (Forbidden",)
    page = desk.open("/console/reconciliation", locale="en-GB", sign_in=staff(desk, "auditor"))
    page.goto(f"/console/reconciliation/cases/{case.case_id}")
    expect(page.get_by_role("button", name="Take it")).to_have_count(0)
    assert page.evaluate(POST, [f"/console/reconciliation/cases/{case.case_id}/take", "by"]) == 403
    page.goto("/console/reconciliation/credits")
    expect(page.get_by_role("button", name="Import")).to_have_count(0)
