"""The suppliers' pages: whole in both languages, light and dark, on a phone; forms say all that is wrong; files are
never shown as pages, and stay in memory."""

from __future__ import annotations

from typing import Any

import pytest
from litestar.datastructures import UploadFile

from browsing import Desk, off_the_bar
from kameng.suppliers import FILE_BYTES_MAX
from kameng.web.bodies import _parse
from kameng.web.supplier.routes import HANDLERS

pytestmark = pytest.mark.browser
PAGES = [
    "/supplier", "/supplier/orders", "/supplier/orders?ended=1", "/supplier/cards", "/supplier/cards/upload",
    "/supplier/stock", "/supplier/stock/void", "/supplier/goods", "/supplier/offers", "/supplier/offers/new",
    "/supplier/offers/new?new=1", "/supplier/quality", "/supplier/settlements", "/supplier/settlements?month=2026-02",
    "/supplier/withdrawals", "/supplier/withdrawals/new", "/supplier/documents", "/supplier/documents/upload",
]  # fmt: skip
PDF = b"%PDF-1.7\n<script>alert(1)</script>"


@pytest.mark.parametrize(("locale", "scheme", "width"), [("zh-CN", "light", 1280), ("en-GB", "dark", 375)])
def test_each_page_has_no_serious_fault(desk: Desk, locale: str, scheme: str, width: int) -> None:
    page = desk.open("/supplier", kind="supplier", locale=locale, width=width, color_scheme=scheme)
    desk.walk(page, off_the_bar("supplier", PAGES))


def test_nobody_but_a_supplier_gets_in(desk: Desk) -> None:
    page = desk.open("/", kind="merchant")
    assert {page.request.get(path).status for path in PAGES} == {403}
    assert all(handler.opt["face"] == "supplier" for handler in HANDLERS)


def test_a_document_is_handed_in_downloaded_and_taken_back(desk: Desk) -> None:
    desk.expected = ("422 (Unprocessable", "404 (Not Found)")
    page = desk.open("/supplier/documents/upload", kind="supplier")
    page.click("main button.first")
    assert page.locator(".field .error").count() == 4
    page.select_option("#kind", "brand_authorisation")
    page.fill("#number", "SQ-9")
    page.fill("#issuer", "网易")
    page.fill("#scope", "网易，暴雪 网易")
    page.fill("#valid_from", "2026-01-01")
    page.fill("#valid_until", "2099-12-31")
    page.set_input_files("#file", {"name": "授权.html", "mimeType": "text/html", "buffer": b"<script>alert(1)"})
    page.click("main button.first")
    assert page.locator("#file-error").inner_text() == "文件须为 PDF、PNG 或 JPEG，不超过 5 MiB"
    page.set_input_files("#file", {"name": "授权.html", "mimeType": "text/html", "buffer": PDF})
    page.click("main button.first")
    page.wait_for_url(lambda url: url.endswith("/supplier/documents"))
    row = page.locator("main tbody tr").first
    assert "网易、暴雪" in row.inner_text()
    assert "审核中" in row.inner_text()
    address = row.locator("a").get_attribute("href") or ""
    answer = page.request.get(address)
    assert answer.body() == PDF
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%E6%8E%88%E6%9D%83.pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    other = desk.open("/", kind="merchant")
    assert other.request.get(address).status == 403
    row.locator("button").click()
    page.wait_for_selector("text=已撤回")
    assert page.request.get(address).status == 404


def test_an_offer_of_new_goods_says_all_that_is_wrong_and_is_taken_back(desk: Desk) -> None:
    desk.expected = ("422 (Unprocessable",)
    page = desk.open("/supplier/offers/new?new=1", kind="supplier")
    page.fill("#cost", "一元")
    page.click("main button.first")
    assert page.locator(".field .error").all_inner_texts() == [
        "请填写此项。", "请填写此项。", "请填写此项。", "请填写形如 98.50 的金额。", "请填写此项。"
    ]  # fmt: skip
    for name, text in {"brand": "瑞幸", "product": "电子券", "spec": "29", "cost": "28.5", "reason": "有货"}.items():
        page.fill(f"#{name}", text)
    page.click("main button.first")
    page.wait_for_url(lambda url: url.endswith("/supplier/offers"))
    row = page.locator("main tbody tr").first
    assert "¥28.50" in row.inner_text()
    assert "待答复" in row.inner_text()
    row.locator("button").click()
    page.wait_for_selector("tbody .badge:has-text('已撤回')")


def test_a_withdrawal_takes_his_own_money_only(desk: Desk) -> None:
    desk.expected = ("422 (Unprocessable",)
    page = desk.open("/supplier/withdrawals/new", kind="supplier")
    page.fill("#amount", "10")
    page.fill("#name", "陈先生")
    page.fill("#account", "6222020012345678")
    page.fill("#bank", "招商银行")
    page.click("main button.first")
    assert page.locator("#amount-error").inner_text() == "可提现金额 0.0000"
    assert page.input_value("#account") == "6222020012345678"


def test_an_unknown_number_is_not_found_and_breaks_nothing(desk: Desk) -> None:
    desk.expected = ("404 (Not Found)",)
    page = desk.open("/supplier", kind="supplier")
    for path in ("cards/1", "cards/x", "orders/9223372036854775807", "stock/77", "documents/5/file", "cards/1/part"):
        assert page.request.get(f"/supplier/{path}").status == 404, path


def test_files_stay_in_memory() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="c.txt"\r\n\r\n%b\r\n--b\r\n' % (
        b"x" * FILE_BYTES_MAX
    )
    body += b'Content-Disposition: form-data; name="sku"\r\n\r\n\xe5\x8d\xa1\r\n--b--\r\n'
    found: dict[str, Any] = dict(_parse(body, b"b"))
    assert found["sku"] == "卡"
    assert isinstance(found["file"], UploadFile)
    assert (found["file"].rolled_to_disk, found["file"].filename) == (False, "c.txt")
    found["file"].file.close()
