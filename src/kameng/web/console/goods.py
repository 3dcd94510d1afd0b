"""The catalogue: goods listed, one SKU changed field by field, its prices; stock by SKU, lane and batch."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import catalogue, identity, pricing, stock
from kameng.catalogue import CHANGEABLE, KINDS, STATES, Sku, UnknownSku
from kameng.kit import clock, money
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

FILTERS = (
    Field("q", forms.text(100), required=False, empty=""),
    Field("scene", forms.text(60), required=False),
    Field("brand", forms.text(60), required=False),
    Field("kind", forms.one_of(*KINDS), required=False),
    Field("state", forms.one_of(*STATES), required=False),
    Field("page", forms.whole(1, 10_000), required=False, empty=1),
)
OPTIONAL = ("floor_e4", "ceiling_e4", "delivery_promise_minutes", "confirm_days")
"""May be nothing at all."""
SKU_FIELDS = (
    Field("list_price_e4", forms.amount()),
    Field("cost_e4", forms.amount(least_e4=0)),
    Field("floor_e4", forms.amount(least_e4=0), required=False),
    Field("ceiling_e4", forms.amount(), required=False),
    Field("face_value_e4", forms.amount(least_e4=0), required=False, empty=0),
    Field("below_cost_allowed", forms.checked, required=False, empty=False),
    Field("state", forms.one_of(*STATES)),
    Field("kind", forms.one_of(*KINDS)),
    Field("form", forms.text(200), required=False, empty=""),
    Field("region", forms.text(200), required=False, empty=""),
    Field("note", forms.text(200), required=False, empty=""),
    Field("quantity_min", forms.whole(1, 1000)),
    Field("quantity_max", forms.whole(1, 1000)),
    Field("quantity_step", forms.whole(1, 1000)),
    Field("refundable", forms.checked, required=False, empty=False),
    Field("reversible", forms.checked, required=False, empty=False),
    Field("delivery_promise_minutes", forms.whole(0, 525_600), required=False),
    Field("confirm_days", forms.whole(0, 60), required=False),
    Field("redeem_instructions", forms.text(1000), required=False, empty=""),
    Field("barcode", forms.text(14), required=False, empty=""),
    Field("external_ref", forms.text(64), required=False, empty=""),
    Field("worked_by", asking.number, required=False, empty=0),
    Field("pickable", forms.checked, required=False, empty=False),
    Field("pick_fee_e4", forms.amount(least_e4=0), required=False, empty=0),
)
assert {field.name for field in SKU_FIELDS} <= set(CHANGEABLE)
_OF_VERB = {"list_price": "list_price_e4", "cost": "cost_e4", "floor": "floor_e4", "ceiling": "ceiling_e4",
            "face_value": "face_value_e4", "pick_fee": "pick_fee_e4"}  # fmt: skip
LEVEL = (Field("level", forms.whole(0, 99)), Field("price", forms.amount()))
NAMED = (Field("org", asking.number), Field("price", forms.amount()))
TIER = (Field("quantity", forms.whole(2, 1000)), Field("off", forms.whole(1, 999)))


def chosen_skus(door: Door, form: Filled) -> list[Sku]:
    """Goods that the filters leave, by scene, brand, product and face value."""
    words = (form["q"] or "").casefold().split()
    found = [
        sku for sku in door.snapshot.catalogue.skus.values()
        if form["scene"] in (None, sku.scene) and form["brand"] in (None, sku.brand)
        and form["kind"] in (None, sku.kind) and form["state"] in (None, sku.state)
        and all(word in f"{sku.brand} {sku.product} {sku.spec} {sku.sku_id} {sku.external_ref}".casefold()
                for word in words)
    ]  # fmt: skip
    return sorted(found, key=lambda sku: (sku.scene, sku.brand, sku.product, sku.face_value_e4, sku.sku_id))


@get("/console/goods", opt={"face": "platform"})
async def list_goods(request: AnyRequest) -> Response[Any]:
    door, form = door_of(request), asking.asked(request, FILTERS)
    found, number = chosen_skus(door, form), form["page"] or 1
    shown = found[(number - 1) * asking.PAGE : number * asking.PAGE]
    skus = door.snapshot.catalogue.skus.values()
    async with door.db.connection() as connection:
        on_hand = await stock.on_hand_everywhere(connection)
    onward = asking.address("/console/goods", form, page=number + 1) if len(found) > number * asking.PAGE else None
    return page(
        request, "console/goods.html", form=form, skus=shown, count=len(found), onward=onward, is_first=number == 1,
        scenes=sorted({sku.scene for sku in skus}), brands=sorted({sku.brand for sku in skus}), kinds=KINDS,
        states=STATES, on_hand=on_hand,
    )  # fmt: skip


def sku_of(door: Door, sku_id: int) -> Sku:
    sku = door.snapshot.catalogue.skus.get(sku_id)
    if sku is None:
        raise UnknownSku(str(sku_id))
    return sku


@get("/console/goods/{sku_id:str}", opt={"face": "platform"})
async def show_sku(request: AnyRequest, sku_id: FromPath[str]) -> Response[Any]:
    return await _shown(request, asking.id_in(sku_id, UnknownSku))


async def _shown(request: AnyRequest, sku_id: int, *, status: int = 200, **more: Any) -> Response[Any]:
    door, viewer = door_of(request), viewer_of(request)
    async with door.db.connection() as connection:
        known = (await catalogue.load(connection, None, 1 << 40)).skus  # as it is now, for whoever just changed it
        prices = await pricing.prices_of(connection, sku_id)
        buyers = [int(what.partition(":")[2]) for what, _ in prices if what.startswith("named:")]
        owners = await identity.organisations_by_id(connection, buyers)
    sku = known.get(sku_id)
    if sku is None:
        raise UnknownSku(str(sku_id))
    values = {"form": blank_of(viewer.words, sku), "price": forms.blank(viewer.words), "at": "", **more}
    return page(
        request, "console/sku.html", status=status, sku=sku, prices=prices, owners=owners, kinds=KINDS, states=STATES,
        shelves=await stock.shelves_of(door.db, sku_id), desk_forms=await catalogue.desk_forms(door.db),
        low_at=(await stock.thresholds(door.db)).get(sku_id), form_fields=catalogue.form_named(sku.form).fields,
        batches=await stock.loaded_batches(door.db, sku_id=sku_id, limit=5), **values,
    )  # fmt: skip


def blank_of(words: Any, sku: Sku) -> Filled:
    """A SKU as its form shows it."""
    sent: dict[str, object] = {}
    for field in SKU_FIELDS:
        value = getattr(sku, field.name)
        if value is None:
            sent[field.name] = ""
        elif isinstance(value, bool):
            sent[field.name] = "on" if value else ""
        elif field.name.endswith("_e4"):
            sent[field.name] = money.format_e4(value).rstrip("0").rstrip(".")
        else:
            sent[field.name] = value or ("" if field.name == "worked_by" else value)
    return forms.blank(words, **sent)


@post("/console/goods/{sku_id:str}", opt={"face": "platform", "act": "goods"}, status_code=200)
async def change_sku(request: AnyRequest, sku_id: FromPath[str]) -> Response[Any]:
    """What differs is changed, as a new revision; orders from now on follow it."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(sku_id, UnknownSku)
    form = await forms.read(request, viewer.words, SKU_FIELDS)
    if form:
        old = sku_of(door, number)
        changes = {name: value for name, value in form.values.items() if getattr(old, name) != value}
        try:
            await catalogue.set_sku(door.db, number, changes, actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal, _OF_VERB)
        else:
            return way_on(request, f"/console/goods/{number}", said=N_("Saved."))
    return await _shown(request, number, status=422, form=form)


@post("/console/goods/{sku_id:str}/prices/{name:str}", opt={"face": "platform", "act": "prices"}, status_code=200)
async def set_price(request: AnyRequest, sku_id: FromPath[str], name: FromPath[str]) -> Response[Any]:
    """等级价, 密价, a rebate from a quantity on; or one of them taken away."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(sku_id, UnknownSku)
    by, sku = viewer.person_id, sku_of(door, number)
    fields = {"level": LEVEL, "named": NAMED, "tier": TIER}.get(
        name, (Field("rule", forms.one_of("level", "named", "tier")), Field("which", forms.whole(0, asking.ID_MAX)))
    )
    form = await forms.read(request, viewer.words, fields)
    if form:
        try:
            if name == "level":
                await pricing.set_level_prices(door.db, [(sku.sku_id, form["level"], form["price"])], actor_id=by)
            elif name == "named":
                await _set_named(door, sku.sku_id, form["org"], form["price"], actor_id=by)
            elif name == "tier":
                await pricing.set_tier(door.db, sku.sku_id, form["quantity"], form["off"], actor_id=by)
            else:
                await pricing.remove_price(door.db, form["rule"], sku.sku_id, form["which"], actor_id=by)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"/console/goods/{number}", said=N_("Saved."))
    return await _shown(request, number, status=422, price=form, at=name)


async def _set_named(door: Door, sku_id: int, org_id: int, price_e4: int, *, actor_id: int) -> None:
    async with door.db.connection() as connection:
        buyer = (await identity.organisations_by_id(connection, [org_id])).get(org_id)
    if buyer is None:
        raise identity.NoSuchOrganisation(str(org_id), field="org")
    await pricing.set_named_price(
        door.db, sku_id, org_id, price_e4, seller_id=buyer.parent_id or pricing.PLATFORM, actor_id=actor_id
    )


@post("/console/goods/{sku_id:str}/low", opt={"face": "platform", "act": "goods"}, status_code=200)
async def set_low(request: AnyRequest, sku_id: FromPath[str]) -> Response[Any]:
    """Below how many cards it is low; nothing: never."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(sku_id, UnknownSku)
    form = await forms.read(request, viewer.words, (Field("low_at", forms.whole(1, 10_000_000), required=False),))
    if form:
        await stock.set_low_stock(door.db, number, form["low_at"], actor_id=viewer.person_id)
        return way_on(request, f"/console/goods/{number}", said=N_("Saved."))
    return await _shown(request, number, status=422, price=form, at="low")


@get("/console/stock", opt={"face": "platform"})
async def show_stock(request: AnyRequest) -> Response[Any]:
    """What lies on the shelves, what is low, what was loaded."""
    door, view = door_of(request), request.query_params.get("view", "")
    asked = asking.asked(request, (Field("before", asking.number, required=False),))
    batches = await stock.loaded_batches(door.db, before_id=asked["before"] or asking.ID_MAX, limit=asking.PAGE + 1)
    async with door.db.connection() as connection:
        on_hand = await stock.on_hand_everywhere(connection)
        suppliers = await identity.organisations_by_id(connection, {one.supplier_org_id for one in batches} - {0})
        people = await identity.people_by_id(connection, {one.loaded_by for one in batches} - {0})
    skus = door.snapshot.catalogue.skus
    shelves = sorted((sku for sku in skus.values() if sku.from_stock), key=lambda sku: on_hand.get(sku.sku_id, 0))
    onward = f"/console/stock?view=batches&before={batches[asking.PAGE - 1].batch_id}" if len(
        batches) > asking.PAGE else None  # fmt: skip
    return page(
        request, "console/stock.html", view=view, skus=skus, on_hand=on_hand, shelves=shelves[:200],
        low=await stock.low_skus(door.db), batches=batches[: asking.PAGE], suppliers=suppliers, people=people,
        onward=onward, is_first=asked["before"] is None, low_at=await stock.thresholds(door.db),
        today=clock.china_day(),
    )  # fmt: skip
