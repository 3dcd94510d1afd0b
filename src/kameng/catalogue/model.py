"""What is sold: SKUs as one flat, frozen struct, and the snapshot that a process decides by."""

from __future__ import annotations

import msgspec

KINDS = ("secret", "topup", "link", "manual", "parcel", "bundle")
FROM_STOCK = frozenset({"secret", "link"})
"""Kinds that are delivered from the shelf in the order's own transaction."""


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

    def allows(self, quantity: int) -> bool:
        """Whether that many may be ordered at once."""
        beyond_min = quantity - self.quantity_min
        return beyond_min >= 0 and quantity <= self.quantity_max and not beyond_min % self.quantity_step

    @property
    def allowed_quantities(self) -> str:
        """The rule of ``allows``, for whoever was refused."""
        return f"{self.quantity_min} to {self.quantity_max} in steps of {self.quantity_step}"

    @property
    def from_stock(self) -> bool:
        return self.kind in FROM_STOCK


class Catalogue(msgspec.Struct, frozen=True):
    """Every SKU, true to an epoch."""

    epoch: int
    skus: dict[int, Sku]
