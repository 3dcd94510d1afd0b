"""Every handler of the pages, package by package."""

from __future__ import annotations

from kameng.web import cashier, runs, searching, style_guide
from kameng.web.console.routes import HANDLERS as CONSOLE
from kameng.web.entrance.routes import HANDLERS as ENTRANCE
from kameng.web.merchant.routes import HANDLERS as MERCHANT
from kameng.web.storefront.routes import HANDLERS as STOREFRONT
from kameng.web.supplier.routes import HANDLERS as SUPPLIER

HANDLERS = [
    *ENTRANCE, *STOREFRONT, *MERCHANT, *SUPPLIER, *CONSOLE, *cashier.HANDLERS, *runs.HANDLERS, searching.find,
    *style_guide.HANDLERS,
]  # fmt: skip
