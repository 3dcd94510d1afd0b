"""The shop's pages for everybody: no fault on any, the same bytes for all, each found by whom it is for."""

from __future__ import annotations

import gzip
import urllib.error
import urllib.request

import pytest

from browsing import Desk, Faces

pytestmark = pytest.mark.browser
PAGES = ("/", "/search", "/search?scene=游戏&sort=low", "/search?q=zzzz", "/topup", "/guest", "/flash", "/help",
         "/help/not-arrived", "/notices")  # fmt: skip


@pytest.mark.parametrize(("locale", "scheme", "width"), [("zh-CN", "light", 1280), ("en-GB", "dark", 360)])
def test_no_page_has_a_serious_fault(desk: Desk, locale: str, scheme: str, width: int) -> None:
    desk.walk(desk.open("/", locale=locale, width=width, color_scheme=scheme), PAGES)


def test_a_members_pages_have_none(desk: Desk) -> None:
    paths = ["/orders", "/cards", "/wallet", "/wallet/recharge", "/me"]
    desk.walk(desk.open("/", kind="customer", width=360), paths)
    stranger = desk.open("/")
    for path in paths:
        stranger.goto(path)
        assert "/signin" in stranger.url or path == "/orders"


def test_suggestions_come_while_somebody_types(desk: Desk) -> None:
    page = desk.open("/")
    page.type("#q", "wzry")
    page.wait_for_selector(".suggestions a")
    page.press("#q", "ArrowDown")
    assert page.locator("[aria-selected=true]").inner_text() == "王者荣耀点券"
    assert page.get_attribute("#q", "aria-activedescendant") == "suggested-1"
    page.press("#q", "Enter")
    page.wait_for_url("**/search?q=**")
    page.type("#q", "x")
    page.press("#q", "Escape")
    assert not page.locator(".suggestions").is_visible()


def _get(faces: Faces, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(f"{faces.base}{path}", headers={"accept-language": "zh", **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


@pytest.mark.parametrize("path", ["/", "/search", "/help", "/goods/{sku}"])
def test_pages_for_everybody_set_no_cookie_and_hold_no_token(faces: Faces, path: str) -> None:
    path = path.format(sku=faces.seed.goods.card.sku_id)
    status, headers, body = _get(faces, path)
    assert status == 200
    assert "set-cookie" not in headers
    assert b'data-token=""' in body
    _, zipped, packed = _get(faces, path, **{"accept-encoding": "gzip", "cookie": "kameng_visitor=abc"})
    assert zipped["content-encoding"] == "gzip"
    assert b'data-token=""' in gzip.decompress(packed)


def test_a_kept_page_is_of_its_language_and_theme(faces: Faces) -> None:
    _, _, chinese = _get(faces, "/help")
    _, _, english = _get(faces, "/help", **{"accept-language": "en"})
    _, _, dark = _get(faces, "/help", cookie="kameng_theme=dark")
    assert b'lang="zh-Hans"' in chinese
    assert b'lang="en"' in english
    assert b'data-theme="dark"' in dark
    assert b"data-theme" not in chinese


def test_language_and_theme_are_chosen_on_a_kept_page(desk: Desk) -> None:
    page = desk.open("/help")
    page.click("footer [name=lang]")
    assert page.get_attribute("html", "lang") == "en"
    page.click("footer [name=theme]")
    assert page.get_attribute("html", "data-theme") == "dark"


@pytest.mark.parametrize(
    "path",
    [
        "/goods/1",
        "/goods/abc",
        "/goods/99999999999999999999",
        "/checkout?sku=1",
        "/guest/orders/9999999999999999999",
        "/help/nothing",
    ],
)
def test_what_is_not_there_is_said_kindly(faces: Faces, path: str) -> None:
    status, _, body = _get(faces, path)
    assert status == 404
    assert "返回首页".encode() in body


def test_a_page_of_a_list_goes_on_where_the_last_ended(desk: Desk) -> None:
    page = desk.open("/search?sort=low")
    seen: list[str] = []
    while True:
        seen += page.locator(".goods").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
        if not page.locator("text=更多").count():
            break
        page.click("text=更多")
    assert len(seen) == len(set(seen)) > 60
    assert page.locator(".goods").count() <= 24
