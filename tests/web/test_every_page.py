"""Every page of every side bar, and those of the shop: as a phone in the dark and English, and on a desk in Chinese.

What each must hold: no serious finding of axe, nothing wider than the screen, no complaint of the browser, at most
120 KB on the wire for a first visit without pictures.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Request

from browsing import Desk
from kameng.web.faces import paths_of

pytestmark = pytest.mark.browser

FIRST_VISIT_BYTES_MAX = 120_000
SHOP = ["/", "/search", "/help"]
MEMBER = ["/me", "/orders", "/me/security"]
KINDS = ("agent", "supplier", "platform")
"""An agent has every page of a merchant."""
VIEWS = [
    pytest.param({"locale": "zh-CN", "color_scheme": "light", "width": 1280}, id="desk"),
    pytest.param({"locale": "en-GB", "color_scheme": "dark", "width": 390}, id="phone"),
]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kind", KINDS)
def test_pages_of_side_bars(desk: Desk, kind: str, view: dict[str, object]) -> None:
    """One browser for all of a face, as somebody goes through them."""
    paths = paths_of(kind)
    page = desk.open(paths[0], kind=kind, **view)
    desk.walk(page, paths)
    assert page.url == desk.faces.base + paths[-1]


@pytest.mark.parametrize("view", VIEWS)
def test_pages_of_the_shop(desk: Desk, view: dict[str, object]) -> None:
    desk.walk(desk.open("/", kind="customer", **view), [*SHOP, *MEMBER])


@pytest.mark.parametrize("path", ["/", "/search", "/signin"])
def test_a_first_visit_is_light(desk: Desk, path: str) -> None:
    requests: list[Request] = []
    page = desk.open("about:blank")
    page.on("requestfinished", lambda one: requests.append(one))  # noqa: PLW0108 - playwright takes no builtin
    page.goto(path)
    page.wait_for_load_state("networkidle")
    sizes = [request.sizes() for request in requests]
    on_the_wire = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
    assert 5_000 < on_the_wire < FIRST_VISIT_BYTES_MAX
