"""Every shop in memory, not older than a second: which one a visitor came to."""

from __future__ import annotations

import ipaddress
import re

from kameng.kit.db import Connection, Database
from kameng.kit.fresh import Fresh
from kameng.shops import store
from kameng.shops.errors import NoShopHere
from kameng.shops.model import Shop

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)\.?(:[0-9]{1,5})?")


class Shops(Fresh):
    """Shops by domain and by organisation; what changed is read when they are asked for and a second has gone by."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._by_domain: dict[str, Shop] = {}
        self._by_org: dict[int, Shop] = {}
        self._house: Shop | None = None
        self._epoch = -1

    async def _read(self, connection: Connection) -> None:
        self.learn(await store.changed_shops(connection, self._epoch))

    def learn(self, changed: list[Shop]) -> None:
        """These are as they stand now; others are as they were."""
        if not changed:
            return
        self._by_org.update({shop.org_id: shop for shop in changed})
        self._by_domain = {shop.domain: shop for shop in self._by_org.values() if shop.domain is not None}
        self._house = next((shop for shop in self._by_org.values() if shop.is_house), None)
        self._epoch = max(self._epoch, *(shop.changed for shop in changed))

    def at(self, host: str) -> Shop | None:
        """The shop that answers under a Host header, as of the last refresh; None before there is any.

        A domain that nobody was given is ``NoShopHere`` where the platform's own is known, and the platform's
        shop where it is not; so are bare addresses and names of one machine.
        """
        if not _HOST.fullmatch(host.lower()):
            raise NoShopHere
        name = host.lower().rpartition(":")[0] if re.search(r":[0-9]+$", host) else host.lower()
        shop = self._by_domain.get(name.rstrip("."))
        if shop is not None:
            return shop
        if self._house is not None and self._house.domain is not None and not _is_machine(name):
            raise NoShopHere
        return self._house

    def of(self, org_id: int) -> Shop | None:
        return self._by_org.get(org_id)

    @property
    def house(self) -> Shop | None:
        """The platform's own."""
        return self._house

    def waiting(self) -> list[Shop]:
        """Those whose owners ask for a domain, for an operator to decide."""
        return sorted((shop for shop in self._by_org.values() if shop.domain_wanted), key=lambda shop: shop.org_id)


def _is_machine(name: str) -> bool:
    """An address, or a name without a domain: how operators and probes come."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return "." not in name
    return True
