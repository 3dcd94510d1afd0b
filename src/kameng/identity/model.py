"""Who is who: organisations, their API keys, and what a key may do."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Final

import msgspec

from kameng.kit import ids


class Scope:
    """What an API key may do. Plain strings: an enum's hash is a Python call on every order."""

    orders_place: Final = "orders:place"
    orders_read: Final = "orders:read"
    cards_read: Final = "cards:read"
    catalogue_read: Final = "catalogue:read"
    balance_read: Final = "balance:read"
    webhooks_manage: Final = "webhooks:manage"
    wallet_withdraw: Final = "wallet:withdraw"
    supplier_goods: Final = "supplier:goods"
    supplier_cards: Final = "supplier:cards"
    supplier_orders_read: Final = "supplier_orders:read"
    supplier_orders_write: Final = "supplier_orders:write"
    agents_read: Final = "agents:read"
    agents_write: Final = "agents:write"


DEFAULT_SCOPES = frozenset(
    {
        Scope.orders_place, Scope.orders_read, Scope.cards_read, Scope.catalogue_read, Scope.balance_read,
        Scope.webhooks_manage,
    }
)  # fmt: skip
"""What a buyer's key may do of which nothing else is said. Taking money out has to be asked for by name."""
SUPPLIER_SCOPES = frozenset(
    {Scope.supplier_goods, Scope.supplier_cards, Scope.supplier_orders_read, Scope.supplier_orders_write}
)
AGENT_SCOPES = frozenset({Scope.agents_read, Scope.agents_write})
ALL_SCOPES = DEFAULT_SCOPES | SUPPLIER_SCOPES | AGENT_SCOPES | {Scope.wallet_withdraw}


def scopes_of(kind: str) -> frozenset[str]:
    """What a key of such an organisation may do of which nothing else is said."""
    return DEFAULT_SCOPES | {"supplier": SUPPLIER_SCOPES, "agent": AGENT_SCOPES}.get(kind, frozenset())


ORGANISATION_KINDS = ("platform", "merchant", "agent", "supplier", "customer")
ORGANISATION_STATES = ("active", "suspended", "closed")
LEVEL_MAX = 99


class Organisation(msgspec.Struct, frozen=True):
    org_id: int
    name: str
    kind: str
    level: int
    state: str
    currency: str
    sandbox_of: int | None
    wants_events: bool
    parent_id: int | None = None
    """The agent it buys from; None: the platform."""
    self_collected: bool = False
    """自收款: its customers pay it, not us; its wallet pays for what they order."""
    minimum_balance_e4: int | None = None
    day_budget_e4: int | None = None
    month_budget_e4: int | None = None
    external_ref: str = ""
    """What the ERP calls it."""

    @property
    def lane(self) -> int:
        return ids.lane_of(self.org_id)

    @property
    def sandbox(self) -> bool:
        return self.sandbox_of is not None

    @property
    def has_limits(self) -> bool:
        """Whether its own orders are held to more than what its wallet holds."""
        return not (self.minimum_balance_e4 is None and self.day_budget_e4 is None and self.month_budget_e4 is None)


class Chain(msgspec.Struct, frozen=True):
    """The agents above a buyer, from the one that buys from the platform down to the one that he buys from."""

    agents: tuple[Organisation, ...] = ()
    links: tuple[tuple[int, int], ...] = ()
    """(id, level) each: what prices depend on."""
    is_open: bool = True
    """Whether all of them may sell."""

    @property
    def seller(self) -> Organisation:
        return self.agents[-1]


NO_CHAIN = Chain()
"""Of whoever buys from the platform."""


class ApiKey(msgspec.Struct, frozen=True):
    """An opened key, as a gateway keeps it in memory; ``repr`` does not show its secret.

    Exactly one of ``secret`` and ``public_key`` is set, or neither: a secret that did not open.
    """

    key_id: int
    org_id: int
    scopes: frozenset[str]
    secret: bytes | None
    public_key: bytes | None
    allowed_ips: tuple[IPv4Network | IPv6Network, ...]
    rate_per_second: int
    daily_limit_e4: int | None
    state: str
    expires_at_ms: int | None

    @property
    def lane(self) -> int:
        return ids.lane_of(self.key_id)

    def __repr__(self) -> str:
        return f"ApiKey(key_id={self.key_id}, org_id={self.org_id}, state={self.state!r})"

    def works_at(self, now_ms: int) -> bool:
        return self.state == "active" and (self.expires_at_ms is None or now_ms < self.expires_at_ms)


class Caller(msgspec.Struct, frozen=True, gc=False):
    """Who a request comes from, once its signature was found good."""

    key: ApiKey
    organisation: Organisation
    ip: str
