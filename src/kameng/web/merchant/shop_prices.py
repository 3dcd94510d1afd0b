"""An agent's markup templates, with what they make of his prices and margins before they are saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from litestar import Response, get, post

from kameng import pricing
from kameng.catalogue import Sku
from kameng.kit import money
from kameng.pricing import EVERY_LEVEL, BadPrice, Markup, NoSuchPrice, Preview, Template
from kameng.web import forms
from kameng.web.answering import message_of, page, way_on
from kameng.web.forms import Field, Filled, Wrong
from kameng.web.merchant.shop_own import PAGE, SAVED, catch_up, id_asked, own_shop, visitor_of
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import Viewer, viewer_of
from kameng.web.wording import N_

PRICES = "/merchant/shop/prices"
UNITS = ("0.0001", "0.01", "0.1", "1")
SCOPES = ("all", "scene", "brand", "sku")
NAMES = {"fixed": "fixed", "percent": "percent", "unit": "unit", "ending": "ending", "which": "place", "level": "level"}
"""A verb's fields → the form's."""


def signed(sent: str) -> int:
    """``-1.5`` too: an agent may sell below what he pays, where the platform lets him."""
    try:
        return -money.parse_e4(sent[1:]) if sent.startswith("-") else money.parse_e4(sent)
    except ValueError:
        raise Wrong(N_("A number like 5 or -1.25, please.")) from None


def place(sent: str) -> tuple[str, str]:
    """``brand:腾讯`` → its scope and name."""
    scope, _, which = sent.partition(":")
    if scope not in SCOPES:
        raise Wrong(N_("Choose one of those offered, please."))
    return scope, which


FORM = (
    Field("place", place),
    Field("level", forms.whole(0, 99), required=False, empty=EVERY_LEVEL),
    Field("percent", signed, required=False, empty=0),
    Field("fixed", signed, required=False, empty=0),
    Field("unit", forms.one_of(*UNITS), required=False, empty="0.0001"),
    Field("rounding", forms.one_of("up", "half_even", "down"), required=False, empty="up"),
    Field("ending", forms.amount(least_e4=0), required=False, empty=0),
)


class Trial(msgspec.Struct, frozen=True):
    """A page of goods as they would be priced."""

    rows: list[Preview]
    next_id: int | None
    fault: str = ""

    @property
    def losing(self) -> int:
        return sum(row.loses for row in self.rows)


@get(PRICES, opt={"face": "agent", "act": "prices"})
async def ask_prices(request: AnyRequest) -> Response[Any]:
    """``?place=sku:123`` begins with the template that holds there, or an empty one."""
    viewer, asked = viewer_of(request), request.query_params.get("place", "all:")
    await catch_up(request)
    templates = await _templates(request, viewer)
    level = request.query_params.get("level", "")
    return await _page(request, templates, _filled(viewer, templates, asked, level))


async def _page(request: AnyRequest, templates: list[Template], form: Filled, *, status: int = 200) -> Response[Any]:
    skus = _on_sale(request)
    return page(
        request, "agent/prices.html", status=status, form=form, templates=templates, units=UNITS,
        scenes=sorted({sku.scene for sku in skus}), brands=sorted({sku.brand for sku in skus}),
        names={str(sku.sku_id): sku for sku in skus}, trial=await _trial(request, form), every_level=EVERY_LEVEL,
    )  # fmt: skip


@get("/merchant/shop/prices/preview", opt={"face": "agent", "act": "prices"})
async def preview_prices(request: AnyRequest) -> Response[Any]:
    """The part of the page that shows what the form would do; nothing is saved."""
    form = forms.parse(dict(request.query_params), viewer_of(request).words, FORM)
    return page(request, "agent/_prices.html", trial=await _trial(request, form), form=form)


@post(PRICES, opt={"face": "agent", "act": "prices"}, status_code=200)
async def set_prices(request: AnyRequest) -> Response[Any]:
    viewer = viewer_of(request)
    form = await forms.read(request, viewer.words, FORM)
    is_look = (await request.form()).get("do") == "preview"
    if form and not is_look:
        template = template_from(viewer.me.org_id, form.values)
        try:
            _check_place(request, template)
            await pricing.set_markup(door_of(request).db, template, actor_id=viewer.person_id)
        except BadPrice as refusal:
            form.refused(refusal, NAMES)
        else:
            return way_on(request, PRICES, said=SAVED)
    return await _page(request, await _templates(request, viewer), form, status=200 if is_look else 422)


@post("/merchant/shop/prices/remove", opt={"face": "agent", "act": "prices"}, status_code=200)
async def remove_prices(request: AnyRequest) -> Response[Any]:
    viewer = viewer_of(request)
    form = await forms.read(request, viewer.words, FORM[:2])
    if form:
        scope, which = form["place"]
        try:
            await pricing.remove_markup(
                door_of(request).db, viewer.me.org_id, scope, which, form["level"], actor_id=viewer.person_id
            )
        except NoSuchPrice:
            return way_on(request, PRICES)  # somebody else was quicker
    return way_on(request, PRICES, said=N_("Taken away."))


def template_from(agent_id: int, values: Mapping[str, Any]) -> Template:
    scope, which = values["place"]
    markup = Markup(
        values["fixed"], values["percent"], money.parse_e4(values["unit"]), values["rounding"], values["ending"]
    )
    return Template(agent_id, scope, which, values["level"], markup)


async def _trial(request: AnyRequest, form: Filled) -> Trial:
    """Goods that the template is about, a page of them, as it would price them."""
    viewer, snapshot = viewer_of(request), door_of(request).snapshot
    if not form:
        return Trial([], None, viewer.words.say("Fill in the form to see what it would do."))
    template = template_from(viewer.me.org_id, form.values)
    try:
        pricing.check_template(template)
    except BadPrice as refusal:
        return Trial([], None, message_of(refusal, viewer.words))
    after_id, shop = id_asked(request, "after", 0), await own_shop(request)
    concerned = sorted(
        (sku for sku in _on_sale(request) if _holds(template, sku) and (shop is None or shop.shows(sku))),
        key=lambda sku: sku.sku_id,
    )
    rest = [sku for sku in concerned if sku.sku_id > after_id]
    level = 0 if template.level == EVERY_LEVEL else template.level
    chain = snapshot.directory.chain_of(visitor_of(viewer.me, level)).links
    tried = snapshot.prices.trying(viewer.me.org_id, (template.scope, template.which, template.level), template.markup)
    rows = pricing.preview(snapshot.prices, tried, rest[:PAGE], org_id=0, level=level, chain=chain)
    return Trial(rows, rest[PAGE - 1].sku_id if len(rest) > PAGE else None)


def _holds(template: Template, sku: Sku) -> bool:
    names = {"all": "", "scene": sku.scene, "brand": sku.brand, "sku": str(sku.sku_id)}
    return names[template.scope] == template.which


def _check_place(request: AnyRequest, template: Template) -> None:
    """``BadPrice`` unless there are such goods."""
    if not any(_holds(template, sku) for sku in door_of(request).snapshot.catalogue.skus.values()):
        raise BadPrice("which: a SKU, a brand or a scene", field="which", detail_zh="对象：应为商品、品牌或场景")


async def _templates(request: AnyRequest, viewer: Viewer) -> list[Template]:
    async with door_of(request).db.connection() as connection:
        return await pricing.templates_of(connection, viewer.me.org_id)


def _filled(viewer: Viewer, templates: Iterable[Template], asked: str, level: str) -> Filled:
    """The form with the template that holds there already."""
    found = next((one for one in templates if f"{one.scope}:{one.which}" == asked and _level(one) == level), None)
    markup = Markup() if found is None else found.markup
    sent = {
        "place": asked, "level": level, "percent": _plain(markup.percent_e4), "fixed": _plain(markup.fixed_e4),
        "unit": next(unit for unit in UNITS if money.parse_e4(unit) == markup.unit_e4), "rounding": markup.rounding,
        "ending": _plain(markup.ending_e4),
    }  # fmt: skip
    return forms.parse(sent, viewer.words, FORM)


def _level(template: Template) -> str:
    return "" if template.level == EVERY_LEVEL else str(template.level)


def _plain(value_e4: int) -> str:
    """``100000`` → ``10``: as people type it."""
    text = money.format_e4(abs(value_e4)).rstrip("0").rstrip(".")
    return f"-{text}" if value_e4 < 0 else text


def _on_sale(request: AnyRequest) -> list[Sku]:
    return [sku for sku in door_of(request).snapshot.catalogue.skus.values() if sku.on_sale]
