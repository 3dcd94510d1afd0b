"""What pages of a shop's owner have in common."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response

from kameng import shops
from kameng.identity import Organisation
from kameng.kit import epochs, ids
from kameng.shops import Shop
from kameng.web import forms
from kameng.web.answering import page
from kameng.web.errors import NoSuchPage
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

PAGE = 20
SAVED = N_("Saved.")


async def own_shop(request: AnyRequest) -> Shop | None:
    """The agent's shop as it stands, None before he opened one."""
    async with door_of(request).db.connection() as connection:
        return await shops.find_shop(connection, viewer_of(request).me.org_id)


def opening(request: AnyRequest) -> Response[Any]:
    """Instead of a page that needs a shop: the form that opens one."""
    viewer = viewer_of(request)
    return page(request, "agent/open.html", form=forms.blank(viewer.words, name=viewer.me.name[:40]))


def visitor_of(agent: Organisation, level: int = 0) -> Organisation:
    """A buyer of the agent's of that level, for quotes."""
    return msgspec.structs.replace(shops.visitor_of(Shop(agent.org_id, None, agent.name)), level=level)


async def catch_up(request: AnyRequest) -> None:
    """Prices as of now, also those that this page's form has just set."""
    door = door_of(request)
    async with door.db.connection() as connection:
        await door.snapshot.refresh(connection, await epochs.read(connection))


def id_asked(request: AnyRequest, name: str, missing: int) -> int:
    """A number in the address; ``NoSuchPage`` if it can't be one."""
    text = request.query_params.get(name, "")
    return missing if not text else number(text)


def number(text: str) -> int:
    try:
        return ids.parse(text)
    except ValueError:
        raise NoSuchPage from None
