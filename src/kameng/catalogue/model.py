"""What is sold: SKUs as one flat, frozen struct, and the snapshot that a process decides by."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

KINDS = ("secret", "topup", "link", "manual", "parcel", "bundle")
FROM_STOCK = frozenset({"secret", "link"})
"""Kinds that are delivered from the shelf in the order's own transaction."""

STATES = ("on_sale", "paused", "withdrawn")
QUANTITY_MAX = 1000
PARTS_MAX = 10
SHARES_E4 = 10_000
"""What the shares of a bundle's parts make together."""


class Part(msgspec.Struct, frozen=True):
    """One part of a bundle. All but the first three is its SKU's, as it was in that revision of the bundle."""

    sku_id: int
    quantity: int  # pieces in one bundle
    share_e4: int  # of what the bundle is sold for, in 1/10,000: what goes back if it can't be delivered; 0: a gift
    revision: int = 0
    kind: str = ""
    form: str = ""
    cost_e4: int = 0  # of one piece
    on_sale: bool = True

    @property
    def from_stock(self) -> bool:
        return self.kind in FROM_STOCK


class Sku(msgspec.Struct, frozen=True):
    """One thing that can be ordered. Money in 1/10,000 of the currency the platform sells in (CNY)."""

    sku_id: int
    revision: int
    scene: str
    brand: str
    product: str
    spec: str
    kind: str
    face_value_e4: int
    face_currency: str
    cost_e4: int
    list_price_e4: int
    floor_e4: int | None
    ceiling_e4: int | None
    below_cost_allowed: bool
    form: str
    region: str
    note: str
    quantity_min: int
    quantity_max: int
    quantity_step: int
    refundable: bool
    reversible: bool
    state: str
    # Revisions from before these stood have none of them.
    delivery_promise_minutes: int | None = None
    redeem_instructions: str = ""
    barcode: str = ""
    confirm_days: int | None = None
    external_ref: str = ""
    worked_by: int = 0
    """The supplier's organisation that works it by hand; 0: the staff."""
    pickable: bool = False  # its cards with a label may be chosen (自选)
    pick_fee_e4: int = 0  # what that costs, where a card does not say
    discount_percent_e4: int | None = None  # a bundle's, below its parts' list prices; None: its list price is its own
    parts: tuple[Part, ...] = ()

    def allows(self, quantity: int) -> bool:
        """Whether that many may be ordered at once."""
        beyond_min = quantity - self.quantity_min
        return beyond_min >= 0 and quantity <= self.quantity_max and not beyond_min % self.quantity_step

    @property
    def allowed_quantities(self) -> str:
        """The rule of ``allows``, for whoever was refused."""
        return f"{self.quantity_min} to {self.quantity_max} in steps of {self.quantity_step}"

    @property
    def allowed_quantities_zh(self) -> str:
        return f"须为 {self.quantity_min} 至 {self.quantity_max}，每次递增 {self.quantity_step}"

    @property
    def from_stock(self) -> bool:
        """Whether it has a shelf of its own."""
        return self.kind in FROM_STOCK

    @property
    def at_once(self) -> bool:
        """Whether it is delivered in the order's own transaction: from its shelf, or all its parts from theirs."""
        return self.kind in FROM_STOCK or (self.parts != () and all(part.from_stock for part in self.parts))

    @property
    def on_sale(self) -> bool:
        """A bundle is for as long as all its parts are."""
        return self.state == "on_sale" and (not self.parts or all(part.on_sale for part in self.parts))


CHANGEABLE = (
    "kind", "face_value_e4", "face_currency", "cost_e4", "list_price_e4", "floor_e4", "ceiling_e4",
    "below_cost_allowed", "form", "region", "note", "quantity_min", "quantity_max", "quantity_step", "refundable",
    "reversible", "state", "delivery_promise_minutes", "redeem_instructions", "barcode",
    "confirm_days",
    "external_ref",
    "worked_by",
    "parts", "discount_percent_e4",
    "pickable",
    "pick_fee_e4",
)  # fmt: skip
"""What may change of a SKU; the rest says which one it is."""

PRICES = {"list": "list_price_e4", "cost": "cost_e4", "floor": "floor_e4", "ceiling": "ceiling_e4"}
"""Prices that stand with the SKU, as the log of price changes calls them."""


def changes_of(old: Sku, new: Sku) -> dict[str, tuple[object, object]]:
    """What differs, with before and after."""
    pairs = {name: (getattr(old, name), getattr(new, name)) for name in CHANGEABLE}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


class Catalogue(msgspec.Struct, frozen=True):
    """Every SKU, true to an epoch."""

    epoch: int
    skus: dict[int, Sku]


How = Literal["percent", "fixed", "margin"]
HOWS: tuple[How, ...] = ("percent", "fixed", "margin")


class Repricing(msgspec.Struct, frozen=True):
    """How list prices are to change. ``percent``: by so many 1/10,000 of a per cent … of what they are; ``fixed``: by
    an amount; ``margin``: to so much above cost, in the same unit as ``percent``. Rounded up to ``unit_e4``."""

    how: How
    value_e4: int
    unit_e4: int = 100


class PriceRun(msgspec.Struct, frozen=True):
    """A run as it was kept; ``prices``: (SKU, before, after) each."""

    run_id: int
    at: datetime
    actor_id: int
    reason: str
    rule: Repricing
    prices: list[tuple[int, int, int]]
    undone_at: datetime | None
    undone_by: int | None


class DeskForm(msgspec.Struct, frozen=True):
    """A form made at the desk."""

    name: str
    title: str
    fields: tuple[str, ...]
    made_at: datetime
    made_by: int
