"""What a shop offers to whoever looks: prices as he would pay them, stock in bands, kinds of top-ups."""

from __future__ import annotations

import msgspec

from kameng import catalogue, shops
from kameng.catalogue import Product, Sku
from kameng.identity import Organisation
from kameng.shops import Shop
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import FACES, viewer_of
from kameng.web.wording import N_

PHONE_SCENES = ("话费", "流量")
"""Top-ups that begin with a phone number: they have a page of their own."""
SCENE_ICONS = {
    "话费": "phone", "流量": "switch", "视频会员": "film", "游戏": "game", "生活权益": "gift", "电费": "bolt",
    "教育": "book", "营销": "megaphone",
}  # fmt: skip
BANDS = {"plenty": N_("In stock"), "some": N_("In stock"), "few": N_("Nearly gone"), "none": N_("Sold out")}
TONES = {"plenty": "good", "some": "good", "few": "warn", "none": ""}
BUYERS = FACES["shop"]


class Offer(msgspec.Struct, frozen=True):
    """One SKU as somebody may buy it."""

    sku: Sku
    unit_price_e4: int
    band: str
    is_open: bool = True

    @property
    def struck_e4(self) -> int | None:
        """The list price, where he pays less."""
        return self.sku.list_price_e4 if self.unit_price_e4 < self.sku.list_price_e4 else None

    @property
    def face_e4(self) -> int | None:
        """The face value, where it says more than the price."""
        return self.sku.face_value_e4 or None

    @property
    def is_buyable(self) -> bool:
        return self.sku.on_sale and self.band != "none" and self.is_open

    @property
    def stock(self) -> str:
        """A msgid; never the number."""
        return BANDS[self.band]

    @property
    def tone(self) -> str:
        return TONES[self.band]


class Tile(msgspec.Struct, frozen=True):
    """A product in a list."""

    product: Product
    from_e4: int
    struck_e4: int | None
    band: str
    at_once: bool
    kind: str
    face_values_e4: tuple[int, ...]

    @property
    def stock(self) -> str:
        return BANDS[self.band]

    @property
    def tone(self) -> str:
        return TONES[self.band]

    @property
    def cover(self) -> int:
        """Which of the covers stands for its brand."""
        return sum(self.product.brand.encode()) % 6

    @property
    def icon(self) -> str:
        return SCENE_ICONS.get(self.product.scene, "tag")

    @property
    def path(self) -> str:
        return f"/goods/{self.product.number}"


def is_shown(request: AnyRequest, sku: Sku) -> bool:
    """Whether this shop sells it just now: what is on sale, and chosen by its owner."""
    shop = viewer_of(request).shop
    return sku.on_sale and (shop is None or (shop.is_open and shop.shows(sku)))


def buyer_of(request: AnyRequest) -> Organisation:
    """For whom he would buy here; his prices are shown."""
    viewer = viewer_of(request)
    if viewer.organisation is not None and viewer.organisation.kind in BUYERS:
        return viewer.organisation
    return shops.visitor_of(viewer.shop or Shop(0, None, "", is_house=True))


async def offers_of(request: AnyRequest, skus: list[Sku], *, quantity: int | None = None) -> list[Offer]:
    door, buyer = door_of(request), buyer_of(request)
    await door.shelves.refresh()
    is_open = door.snapshot.directory.chain_of(buyer).is_open
    return [_offer(request, buyer, sku, quantity or sku.quantity_min, is_open=is_open) for sku in skus]


def _offer(request: AnyRequest, buyer: Organisation, sku: Sku, quantity: int, *, is_open: bool) -> Offer:
    door = door_of(request)
    quote = door.snapshot.quote(buyer, sku, quantity)
    return Offer(sku, quote.unit_price_e4, door.shelves.band(sku), is_open and not quote.below_cost)


async def tiles_of(request: AnyRequest, products: list[Product]) -> list[Tile]:
    """Products for a list, each with its lowest price; what is not sold any more is left out."""
    known = door_of(request).snapshot.catalogue.skus
    found = []
    for product in products:
        skus = [sku for sku_id in product.sku_ids if (sku := known.get(sku_id)) is not None and is_shown(request, sku)]
        offers = await offers_of(request, skus)
        if not offers:
            continue
        least = min(offers, key=lambda offer: (offer.band == "none", offer.unit_price_e4))
        faces = tuple(sorted({sku.face_value_e4 for sku in skus if sku.face_value_e4}))
        best = min((offer.band for offer in offers), key=list(BANDS).index)
        found.append(Tile(product, least.unit_price_e4, least.struck_e4, best, skus[0].at_once, skus[0].kind, faces))
    return found


class StepPrice(msgspec.Struct, frozen=True):
    """What a piece costs from a quantity on."""

    quantity: int
    unit_price_e4: int


def steps_of(request: AnyRequest, sku: Sku) -> list[StepPrice]:
    """Prices by quantity for this buyer; empty where there is one price only."""
    snapshot, buyer = door_of(request).snapshot, buyer_of(request)
    borders = [quantity for quantity, _ in snapshot.prices.tiers.get(sku.sku_id, ()) if quantity <= sku.quantity_max]
    steps: list[StepPrice] = []
    for quantity in dict.fromkeys([sku.quantity_min, *borders]):
        price_e4 = snapshot.quote(buyer, sku, quantity).unit_price_e4
        if not steps or steps[-1].unit_price_e4 != price_e4:
            steps.append(StepPrice(quantity, price_e4))
    return steps if len(steps) > 1 else []


def sku_at(request: AnyRequest, text: str) -> Sku:
    """The SKU that an address names; ``UnknownSku`` if it is none, or was taken away."""
    known = door_of(request).snapshot.catalogue.skus
    sku = known.get(int(text)) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
    shop = viewer_of(request).shop
    if sku is None or sku.state == "withdrawn" or (shop is not None and not shop.shows(sku)):
        raise catalogue.UnknownSku(text[:40], detail_zh="商品不存在或已下架")
    return sku


def is_phone_topup(sku: Sku) -> bool:
    return sku.kind == "topup" and sku.form == "phone" and sku.scene in PHONE_SCENES
