"""Words of side bars, tabs and the search box."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from kameng.web.parts import AnyRequest


class Item(msgspec.Struct, frozen=True):
    """One page in a side bar. ``label`` and ``group`` are msgids; ``kinds``: only for such organisations."""

    path: str
    label: str
    icon: str
    act: str = "view"
    group: str = ""
    kinds: tuple[str, ...] = ()
    key: str = ""
    """Pressed after ``g`` it leads there."""


class Face(msgspec.Struct, frozen=True):
    """Pages of one kind of work, below one path."""

    name: str
    path: str
    label: str
    icon: str
    items: tuple[Item, ...]


class Hit(msgspec.Struct, frozen=True):
    """Something the search box found. ``is_it``: its whole number was typed. ``post``: an act, with its ``fields``;
    ``opens``: a dialog of the page."""

    label: str
    href: str
    icon: str = "right"
    hint: str = ""
    key: str = ""
    is_it: bool = False
    post: bool = False
    fields: dict[str, str] = {}
    opens: str = ""


class Search(msgspec.Struct, frozen=True):
    """One group of things the box finds: at most as many as it is asked for, of the viewer's organisation alone."""

    label: str
    find: Callable[[AnyRequest, str, int], Awaitable[list[Hit]]]
    act: str = "view"
