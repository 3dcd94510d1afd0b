"""Agents below an agent: the tree with its levels, founding one, limits of price for all of them."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post

from kameng import pricing, shops
from kameng.identity import BadOrganisationSettings, BadPersonSettings, Organisation
from kameng.pricing import BadPrice, Bound, NoSuchPrice
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.forms import Field, Filled
from kameng.web.merchant.shop_own import PAGE, SAVED, catch_up, id_asked
from kameng.web.merchant.shop_sales import wallets_of
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

TREE, BOUNDS = "/merchant/agents", "/merchant/shop/bounds"
NODES_MAX = 500
"""So many agents are drawn; whoever has more of them finds one by its own page."""
FOUNDING = (
    Field("name", forms.text(60)),
    Field("level", forms.whole(0, 99), required=False, empty=0),
    Field("owner", forms.text(60)),
    Field("sign_in", forms.text(254)),
)
BOUND = (
    Field("sku", forms.whole(1, (1 << 31) - 1)),
    Field("floor", forms.amount(), required=False),
    Field("ceiling", forms.amount(), required=False),
)


class Node(msgspec.Struct, frozen=True):
    """An agent below, with those below it."""

    organisation: Organisation
    below: list[Node]

    @property
    def size(self) -> int:
        return 1 + sum(node.size for node in self.below)


@get(TREE, opt={"face": "agent", "act": "agents"})
async def show_tree(request: AnyRequest) -> Response[Any]:
    """All below, whatever the depth. Wallets only of who buys from him directly: the rest is theirs."""
    await catch_up(request)
    viewer, door = viewer_of(request), door_of(request)
    nodes = tree_below(door.snapshot.directory.agents.values(), viewer.me.org_id)
    async with door.db.connection() as connection:
        wallets = await wallets_of(connection, [node.organisation for node in nodes])
    return page(
        request, "agent/tree.html", nodes=nodes, wallets=wallets, count=sum(node.size for node in nodes),
        above=len(door.snapshot.directory.chain_of(viewer.me).agents),
    )  # fmt: skip


def tree_below(agents: Any, root_id: int) -> list[Node]:
    """Those that buy from one agent, each with those below it; at most ``NODES_MAX`` together."""
    children: dict[int, list[Organisation]] = {}
    for one in agents:
        if one.parent_id is not None:
            children.setdefault(one.parent_id, []).append(one)
    left = [NODES_MAX]

    def grow(parent_id: int) -> list[Node]:
        found = []
        for one in sorted(children.get(parent_id, ()), key=lambda child: child.org_id):
            if not left[0]:
                break
            left[0] -= 1
            found.append(Node(one, grow(one.org_id)))
        return found

    return grow(root_id)


@get("/merchant/agents/new", opt={"face": "agent", "act": "agents", "proof": True})
async def ask_agent(request: AnyRequest) -> Response[Any]:
    return page(request, "agent/found.html", form=forms.blank(viewer_of(request).words, level=0))


@post("/merchant/agents/new", opt={"face": "agent", "act": "agents", "proof": True}, status_code=200)
async def found_agent(request: AnyRequest) -> Response[Any]:
    """Founds it and shows, once, what its owner signs in with."""
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, FOUNDING)
    if form:
        try:
            made = await shops.recruit(door.db, viewer.me, actor_id=viewer.person_id, **form.values)
        except (BadOrganisationSettings, BadPersonSettings) as refusal:
            form.refused(refusal)
        else:
            return page(request, "agent/founded.html", made=made, sign_in=form["sign_in"], host=_host(request))
    return page(request, "agent/found.html", status=422, form=form)


def _host(request: AnyRequest) -> str:
    return request.headers.get("host", "")


@get(BOUNDS, opt={"face": "agent", "act": "prices"})
async def list_bounds(request: AnyRequest) -> Response[Any]:
    """What the agents below him may ask: his own word; the platform's stands above it."""
    asked = request.query_params.get("sku", "")
    return await _bounds(request, forms.blank(viewer_of(request).words, sku=asked))


@post(BOUNDS, opt={"face": "agent", "act": "prices"}, status_code=200)
async def set_bound(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, BOUND)
    if form and form["sku"] not in door.snapshot.catalogue.skus:
        form.wrong("sku", N_("There is no such SKU."))
    if form:
        bound = Bound(form["floor"], form["ceiling"])
        try:
            await pricing.set_bound(door.db, viewer.me.org_id, form["sku"], bound, actor_id=viewer.person_id)
        except (BadPrice, NoSuchPrice) as refusal:
            form.refused(refusal, {"bound": "floor", "price": "floor"})
        else:
            return way_on(request, BOUNDS, said=SAVED)
    return await _bounds(request, form, status=422)


async def _bounds(request: AnyRequest, form: Filled, *, status: int = 200) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    async with door.db.connection() as connection:
        found = await pricing.bounds_of(connection, viewer.me.org_id)
    rest = [one for one in found if one[0] > id_asked(request, "after", 0)]
    return page(
        request, "agent/bounds.html", status=status, form=form, bounds=rest[:PAGE],
        next_id=rest[PAGE - 1][0] if len(rest) > PAGE else None, skus=door.snapshot.catalogue.skus,
    )  # fmt: skip
