"""Topping up a phone: the number first, then what its carrier offers; the checkout is the one confirmation."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from kameng import catalogue, orders
from kameng.catalogue import Sku
from kameng.kit import segments
from kameng.orders import Pace
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.forms import Filled
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront import buying
from kameng.web.storefront.offering import PHONE_SCENES, Offer, is_phone_topup, is_shown, offers_of, sku_at
from kameng.web.viewing import viewer_of


@get("/topup", opt={"face": "shop"})
async def ask(request: AnyRequest) -> Response[Any]:
    asked = request.query_params.get("sku", "")
    sku = sku_at(request, asked) if asked else None
    if sku is not None and not is_phone_topup(sku):
        return way_on(request, f"/goods/{sku.sku_id}")
    scene = sku.scene if sku is not None else request.query_params.get("scene", PHONE_SCENES[0])
    carrier = sku.brand if sku is not None else ""
    return await _page(request, forms.blank(viewer_of(request).words), scene, carrier, chosen=sku)


@post("/topup", opt={"face": "shop"}, status_code=200)
async def look(request: AnyRequest) -> Response[Any]:
    """The number is known: what can be had for it. Nothing of it goes into an address."""
    data = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    viewer = viewer_of(request)
    form = Filled(viewer.words, {}, {"number": data.get("number", "")}, {})
    scene, carrier = data.get("scene", ""), data.get("carrier", "")
    number, recent = "", data.get("recent", "")
    if recent and buying.is_buyer(viewer):
        order_id = buying.order_id_of(recent)
        number = await orders.recall_target(door_of(request).snapshot, viewer.caller, order_id, "phone")
        form.sent["number"] = ""
    else:
        recent = ""
        clean, faults = catalogue.check_account(catalogue.form_named("phone"), {"phone": data.get("number", "")})
        number = clean.get("phone", "")
        for fault in faults:
            form.errors["number"] = fault.message_zh if viewer.language == "zh" else fault.message
        form.sent["number"] = number or form.sent["number"]
    return await _page(request, form, scene, carrier, number=number, recent=recent, status=200 if form else 422)


async def _page(
    request: AnyRequest, form: Filled, scene: str, carrier: str, *, number: str = "", recent: str = "",
    chosen: Sku | None = None, status: int = 200,
) -> Response[Any]:  # fmt: skip
    viewer, snapshot = viewer_of(request), door_of(request).snapshot
    scene = scene if scene in PHONE_SCENES else PHONE_SCENES[0]
    skus = [sku for sku in snapshot.catalogue.skus.values() if is_phone_topup(sku) and is_shown(request, sku)]
    segment = segments.find(number) if number else None
    offered = sorted({sku.brand for sku in skus if sku.scene == scene})
    carrier = carrier if carrier in offered else ("" if segment is None else segment.network)
    groups = await _groups(request, [sku for sku in skus if (sku.scene, sku.brand) == (scene, carrier)])
    recents = []
    if buying.is_buyer(viewer):
        recents = await orders.recent_targets(snapshot, viewer.caller, "phone")
    scenes = [one for one in PHONE_SCENES if any(sku.scene == one for sku in skus)]
    return page(
        request, "storefront/topup.html", status=status, form=form, scene=scene, scenes=scenes, carrier=carrier,
        segment=segment, carriers=offered,
        groups=groups, paces={name: await _pace(request, offers) for name, offers in groups},
        number=number if not recent else "", recent=recent, recents=recents,
        masked=_masked(number) if recent else "", chosen=chosen,
    )  # fmt: skip


async def _groups(request: AnyRequest, skus: list[Sku]) -> list[tuple[str, list[Offer]]]:
    """Quick, slow, by the month: each way with its face values, the quickest to arrive first."""
    by_name: dict[str, list[Sku]] = {}
    for sku in sorted(skus, key=lambda sku: (sku.face_value_e4, sku.sku_id)):
        by_name.setdefault(sku.product, []).append(sku)
    return [(name, await offers_of(request, group)) for name, group in by_name.items()]


async def _pace(request: AnyRequest, offers: list[Offer]) -> Pace | None:
    """Of the face value that was bought most of late; all of them go the same way."""
    found = [pace for offer in offers if (pace := await door_of(request).paces.of(offer.sku.sku_id)) is not None]
    return max(found, key=lambda one: one.orders, default=None)


def _masked(number: str) -> str:
    return catalogue.masked({"phone": number})["phone"]
