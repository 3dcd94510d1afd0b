"""A list as its page shows it: chips, tabs, heads that sort, the way to its other pages. ``templates/ui/table.html``
renders it. Who writes a page calls ``tables.ask``, a verb, and ``show``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Response

from kameng.web import answering
from kameng.web.parts import AnyRequest, door_of
from kameng.web.tables import CURSOR, SIZE, SORT, TRAIL, TRAIL_MAX, Asked, Column, Filter, Sort, cookie_of, cursor_of
from kameng.web.wording import N_


class Chip(msgspec.Struct, frozen=True):
    """Something the list is narrowed by; ``href`` leads to the list without it."""

    label: str
    text: str
    href: str


class Choice(msgspec.Struct, frozen=True):
    label: str
    href: str
    is_current: bool


class Tab(msgspec.Struct, frozen=True):
    label: str
    href: str
    is_current: bool
    view_id: int = 0
    """0: one of the page's own."""
    is_shared: bool = False
    is_own: bool = True


class Listed(msgspec.Struct, frozen=True):
    """What was found. ``next_place``: where the next page begins, none on the last."""

    asked: Asked
    rows: Sequence[Any] = ()
    next_place: Any = None
    totals: Mapping[str, Any] = {}
    """Below the columns of these names."""
    currency: str = "CNY"
    refused: str = ""
    """Said instead of rows: why they can't be shown."""

    @property
    def name(self) -> str:
        return self.asked.table.name

    @property
    def columns(self) -> list[Column]:
        return [one for one in self.asked.table.columns if one.name in self.asked.columns]

    @property
    def first_href(self) -> str | None:
        """None where the page before is the first already."""
        return self.asked.href() if self.asked.cursor and self.asked.trail else None

    @property
    def back_href(self) -> str | None:
        """The page before."""
        if not self.asked.cursor:
            return None
        if not self.asked.trail:
            return self.asked.href()
        *earlier, last = self.asked.trail
        return self.asked.href((CURSOR, last), *([(TRAIL, ".".join(earlier))] if earlier else []))

    @property
    def next_href(self) -> str | None:
        if self.next_place is None:
            return None
        trail = [*self.asked.trail, *([self.asked.cursor] if self.asked.cursor else [])][-TRAIL_MAX:]
        more = [(TRAIL, ".".join(trail))] if trail else []
        return self.asked.href((CURSOR, cursor_of(self.next_place, self.asked.sort)), *more)

    @property
    def chips(self) -> list[Chip]:
        return [chip for one in self.asked.filters for chip in _chips(self.asked, one)]

    @property
    def tabs(self) -> list[Tab]:
        """The page's own views, the bare list first, then those that the viewer keeps."""
        asked, views = self.asked, self.asked.table.views
        if not views and not asked.saved:
            return []
        say, current = asked.words.say, asked.query()
        own = [Tab(say("All"), asked.href_of_view(""), not current)]
        own += [Tab(say(one.label), asked.href_of_view(one.query), current == one.query) for one in views]
        kept = [
            Tab(v.name, asked.href_of_view(v.query), current == v.query, v.view_id, v.is_shared, v.is_own)
            for v in asked.saved
        ]
        return own + kept

    @property
    def can_save(self) -> bool:
        return self.asked.keeps_views

    @property
    def clear_href(self) -> str:
        return self.asked.href(without=[name for one in self.asked.filters for name in one.names])

    @property
    def inline(self) -> list[Filter]:
        return [one for one in self.asked.filters if one.inline and one.kind == "choice"]

    @property
    def search(self) -> Filter | None:
        """The text that one looks for above the list."""
        return next((one for one in self.asked.filters if one.inline and one.kind == "text"), None)

    @property
    def hidden(self) -> list[Filter]:
        """Those behind a button."""
        return [one for one in self.asked.filters if not one.inline]

    def choices(self, one: Filter) -> list[Choice]:
        asked, given = self.asked, self.asked.given[one.name]
        found = [Choice(asked.words.say("All"), asked.href(without=[one.name]), not given)]
        for value, label in one.choices:
            chosen = [*(text for text in given if text != value), *([] if value in given else [value])]
            wanted = [(one.name, text) for text in chosen] if one.many else [(one.name, value)]
            found.append(Choice(asked.words.say(label), asked.href(*wanted, without=[one.name]), value in given))
        return found

    def sorts_of(self, column: Column) -> tuple[str, str] | None:
        """(where the head of this column leads, how it is sorted by it now), None where it can't be."""
        sorts = [one for one in self.asked.table.sorts if one.column == column.name]
        if not sorts:
            return None
        now = next((place for place, one in enumerate(sorts) if one.name == self.asked.sort), None)
        following = sorts[0 if now is None else (now + 1) % len(sorts)]
        said = "" if now is None else "descending" if sorts[now].descending else "ascending"
        return self.asked.href((SORT, following.name)), said

    def label_of(self, name: str) -> str:
        """What a part of the address is called."""
        labels = {one.name: one.label for one in self.asked.filters}
        return labels.get(name) or {SORT: N_("Order"), SIZE: N_("Rows a page")}.get(name, N_("Page"))

    @property
    def other_sorts(self) -> list[Sort]:
        """Chosen from a list, for no column's head has them."""
        shown = {column.name for column in self.columns}
        return [one for one in self.asked.table.sorts if one.column not in shown]


def _chips(asked: Asked, one: Filter) -> list[Chip]:
    texts = [text for name in one.names for text in asked.given[name]]
    if not texts or (one.inline and one.name not in asked.errors):
        return []
    say, label = asked.words.say, asked.words.say(one.label)
    if one.kind == "choice":
        named = dict(one.choices)
        return [
            Chip(label, say(named.get(text, text)), asked.href(*_others(one, texts, text), without=[one.name]))
            for text in texts
        ]
    away = asked.href(without=one.names)
    if one.kind == "text":
        return [Chip(label, dict(one.choices).get(texts[0], texts[0]), away)]
    first, last = ("".join(asked.given[name]) for name in one.names)
    if first and last:
        return [Chip(label, say("%(first)s to %(last)s", first=first, last=last), away)]
    return [Chip(label, say("from %(first)s", first=first) if first else say("to %(last)s", last=last), away)]


def _others(one: Filter, texts: list[str], gone: str) -> list[tuple[str, str]]:
    return [(one.name, text) for text in texts if text != gone]


def show(request: AnyRequest, template: str, listed: Listed, *, status: int = 200, **values: Any) -> Response[bytes]:
    """The page of a list; 422 if it was asked nonsense. A choice of columns and size is remembered."""
    asked = listed.asked
    answer = answering.page(request, template, status=status if asked else 422, listed=listed, **values)
    if asked and asked.chosen:
        answer.set_cookie(
            key=cookie_of(asked.table), value=".".join([str(asked.limit), *asked.columns]), path=asked.path,
            max_age=answering.YEAR_S, samesite="lax", httponly=True,
            secure=door_of(request).settings.tls_certificate != "off",
        )  # fmt: skip
    return answer
