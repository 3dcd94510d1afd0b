"""What a running web door is made of; handlers get it as one, by ``door_of(request)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jinja2
import msgspec
from litestar import Request

from kameng import epay, notices, orders, payments, shops
from kameng.kit import crypto, settings
from kameng.kit.db import Database
from kameng.kit.proxies import Proxies
from kameng.kit.switches import Switches
from kameng.openapi import Shelves
from kameng.shops import Sales
from kameng.web.assets import Library
from kameng.web.finding import Finder
from kameng.web.news import Newsroom

if TYPE_CHECKING:
    from kameng.web.caching import Pages

AnyRequest = Request[Any, Any, Any]


class Door(msgspec.Struct, frozen=True):
    settings: settings.Settings
    db: Database
    snapshot: orders.Snapshot
    lanes: orders.Lanes
    policy: notices.Policy
    states: notices.States
    newsroom: Newsroom
    shops: shops.Shops
    switches: Switches
    bulletins: notices.Bulletins
    assets: Library
    templates: jinja2.Environment
    proxies: Proxies
    finder: Finder
    shelves: Shelves
    pages: Pages
    sales: Sales
    cashier: payments.Cashier
    site: epay.Site
    paces: orders.Paces

    @property
    def ring(self) -> crypto.KeyRing:
        return self.snapshot.ring


def door_of(request: AnyRequest) -> Door:
    door: Door = request.scope["state"]["door"]
    return door
