"""Signing in and out, and who may see what."""

from __future__ import annotations

import pytest

from browsing import Desk

pytestmark = pytest.mark.browser
HOMES = {
    "platform": "/console",
    "merchant": "/merchant",
    "agent": "/merchant",
    "supplier": "/supplier",
    "customer": "/",
}


@pytest.mark.parametrize("kind", HOMES)
def test_each_comes_to_his_own_first_page(desk: Desk, kind: str) -> None:
    page = desk.open(HOMES[kind], kind=kind)
    assert page.url == desk.faces.base + HOMES[kind]
    assert desk.axe(page) == []


@pytest.mark.parametrize("path", ["/", "/signin", "/_ui"])
@pytest.mark.parametrize(("locale", "scheme", "width"), [("zh-CN", "light", 1280), ("en-GB", "dark", 390)])
def test_pages_of_everybody_have_no_serious_fault(desk: Desk, path: str, locale: str, scheme: str, width: int) -> None:
    page = desk.open(path, locale=locale, width=width, color_scheme=scheme)
    assert desk.axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_nobody_sees_a_face_that_is_not_his(desk: Desk) -> None:
    desk.expected = ("403 (Forbidden)",)
    page = desk.open("/console", kind="merchant")
    assert page.locator("main code").inner_text() == "forbidden"


def test_a_wrong_password_is_refused_and_nothing_of_it_is_shown_again(desk: Desk) -> None:
    desk.expected = ("422 (Unprocessable",)
    page = desk.open("/signin")
    page.fill("#sign_in", "merchant@test.kameng")
    page.fill("#password", "wrong horse battery")
    page.click("main button.first")
    assert page.locator("[role=alert]").is_visible()
    assert page.input_value("#password") == ""
    assert page.input_value("#sign_in") == "merchant@test.kameng"
