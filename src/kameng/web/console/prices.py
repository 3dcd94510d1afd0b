"""Many list prices at once: chosen, looked at with what is left over cost, put in place, taken back."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from kameng import catalogue, identity
from kameng.catalogue import HOWS, KINDS, NoSuchPriceRun, Planned, Repricing
from kameng.kit import money
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking, goods
from kameng.web.forms import Field, Filled, Wrong
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

SHOWN_MAX = 500


def _signed(sent: str) -> int:
    """``-5``, ``3.5``: per cent or yuan."""
    try:
        value_e4 = money.parse_e4(sent.lstrip("+-").rstrip("%").strip())
    except ValueError:
        raise Wrong(N_("A number like 3.5 or -5, please.")) from None
    return -value_e4 if sent.startswith("-") else value_e4


CHOICE = (
    *(msgspec.structs.replace(field, required=False) for field in goods.FILTERS if field.name != "page"),
    Field("how", forms.one_of(*HOWS)),
    Field("value", _signed),
    Field("unit", forms.one_of("1", "100", "1000", "10000"), required=False, empty="100"),
)
APPLY = (*CHOICE, Field("planned", forms.text(200_000)), Field("reason", forms.text(500)))


@get("/console/prices", opt={"face": "platform", "act": "prices"})
async def ask(request: AnyRequest) -> Response[Any]:
    """Without a rule the form; with one a preview, which changes nothing and has an address of its own."""
    if "how" not in request.query_params:
        return await _shown(request, forms.blank(viewer_of(request).words, how="percent", unit="100"))
    form = asking.asked(request, CHOICE)
    return await _preview(request, form)


async def _preview(request: AnyRequest, form: Filled, *, status: int = 200) -> Response[Any]:
    door, planned = door_of(request), list[Planned]()
    if not form.errors or set(form.errors) <= {"reason"}:
        try:
            planned = _plan(door, form)
        except Refusal as refusal:
            form.refused(refusal)
    return await _shown(request, form, status=status, planned=planned)


def _plan(door: Door, form: Filled) -> list[Planned]:
    rule = Repricing(form["how"], form["value"], int(form["unit"]))
    return catalogue.plan(goods.chosen_skus(door, form)[:SHOWN_MAX], rule)


async def _shown(
    request: AnyRequest, form: Filled, *, status: int = 200, planned: list[Planned] | None = None
) -> Response[Any]:
    door = door_of(request)
    skus = door.snapshot.catalogue.skus.values()
    runs = await catalogue.price_runs(door.db)
    async with door.db.connection() as connection:
        people = await identity.people_by_id(connection, {run.actor_id for run in runs})
    changes = [one for one in planned or [] if one.is_change]
    return page(
        request, "console/prices.html", status=status, form=form, planned=planned, changes=len(changes), runs=runs,
        people=people, kinds=KINDS, scenes=sorted({sku.scene for sku in skus}), brands=sorted({s.brand for s in skus}),
        kept=" ".join(f"{one.sku.sku_id}:{one.before_e4}:{one.after_e4}" for one in changes),
    )  # fmt: skip


@post("/console/prices", opt={"face": "platform", "act": "prices", "proof": True}, status_code=200)
async def apply(request: AnyRequest) -> Response[Any]:
    """Exactly what was looked at, or nothing."""
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, APPLY)
    if form:
        try:
            wanted = _wanted(form["planned"])
            rule = Repricing(form["how"], form["value"], int(form["unit"]))
            await catalogue.reprice(door.db, wanted, rule, reason=form["reason"], actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/console/prices", said=N_("The prices hold from the next order on."))
    return await _preview(request, form, status=422)


def _wanted(text: str) -> list[tuple[int, int, int]]:
    try:
        rows = [tuple(map(int, part.split(":"))) for part in text.split()]
        return [(sku_id, before_e4, after_e4) for sku_id, before_e4, after_e4 in rows]
    except ValueError:
        raise catalogue.BadRepricing(field="planned") from None


@post("/console/prices/{run_id:str}/undo", opt={"face": "platform", "act": "prices", "proof": True}, status_code=200)
async def undo(request: AnyRequest, run_id: FromPath[str]) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    left = await catalogue.undo(door.db, asking.id_in(run_id, NoSuchPriceRun), actor_id=viewer.person_id)
    said = N_("Undone; goods whose price somebody changed since stay as they are.") if left else N_("Undone.")
    return way_on(request, "/console/prices", said=said)
