"""The web door: one Litestar app of pages, beside the Open API's in the same gateway."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

from jinja2 import Environment
from litestar import Litestar

from kameng import notices, orders, shops
from kameng.kit import segments
from kameng.kit.proxies import Proxies
from kameng.kit.switches import Switches
from kameng.openapi import Front, Parts, Shelves, security_headers
from kameng.web import answering, assets, bodies, caching, finding, live, news, routing, templating, viewing
from kameng.web.parts import Door

BODY_MAX = 256 * 1024
UPLOAD_BYTES_MAX = 10 * 1024 * 1024
"""Of forms that bring files: their paths end in ``/upload``."""


def create(parts: Parts) -> Any:
    """The ASGI app of all pages, made when the gateway has started."""
    threading.Thread(target=segments.cities, daemon=True).start()  # half a second that no visitor has to wait
    app, library, templates = _pages()
    door = Door(
        settings=parts.settings, db=parts.db, snapshot=parts.snapshot, lanes=parts.lanes, policy=parts.policy,
        states=parts.states, newsroom=news.Newsroom(parts.db, parts.lanes.numbers, glances=live.GLANCES),
        shops=shops.Shops(parts.db), assets=library, templates=templates,
        proxies=Proxies(parts.settings.trusted_proxies), finder=finding.Finder(parts.snapshot),
        shelves=Shelves(parts.db), pages=caching.Pages(), sales=shops.Sales(parts.db),
        paces=orders.Paces(parts.db), switches=Switches(parts.db), bulletins=notices.Bulletins(parts.db),
        cashier=parts.cashier, site=parts.site,
    )  # fmt: skip
    parts.hub.on_stop.append(door.newsroom.stop)
    return Front(
        app, shared={"door": door}, headers=security_headers(parts.settings),
        timeout_s=parts.settings.request_timeout_s, body_max=_body_max,
    )  # fmt: skip


@cache
def _pages() -> tuple[Litestar, assets.Library, Environment]:
    """Routes, files and templates, which are the same for every platform: to make them takes most of a second."""
    library = assets.Library()
    app = Litestar(
        route_handlers=[*routing.HANDLERS, assets.asset, live.events],
        before_request=viewing.arrive,
        request_class=bodies.PageRequest,
        exception_handlers={Exception: answering.on_error},
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    return app, library, templating.environment(library)


def _body_max(path: str) -> int:
    return UPLOAD_BYTES_MAX if path.endswith("/upload") else BODY_MAX
