"""Lists: what a table shows, and what its address asks of it.

A page describes its list once (``Table``); ``ask`` reads the address into values of the right kind and refuses
nonsense, filter by filter; ``listing.show`` renders what was found. Everything a list is asked stands in its address,
so that a link, a saved view and the Back key all mean the same. So what names a person (a phone number) is no filter:
addresses are logged. Nothing here reads or counts rows. A handler of a list:

    asked = await tables.ask(request, ORDERS)
    listed = Listed(asked)
    if asked:
        found = await orders.list_orders(…, before_id=asked.place or ID_MAX, limit=asked.limit, state=asked["state"])
        listed = Listed(asked, found.orders, found.next_id)
    return listing.show(request, "merchant/orders.html", listed)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec

from kameng import lists
from kameng.kit import clock
from kameng.lists import SavedView
from kameng.web import forms
from kameng.web.forms import Wrong
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_, Words

SIZES = (20, 50, 100)
TRAIL_MAX = 30
"""So many pages back are remembered; then it is to the first."""
CURSOR_CHARS_MAX = 300
CURSOR, TRAIL, SORT, SIZE, COLUMN = "cursor", "trail", "sort", "size", "col"
OF_LISTS = frozenset({CURSOR, TRAIL, SORT, SIZE, COLUMN})

Kind = Literal["text", "code", "state", "money", "number", "percent", "phone", "time", "own"]
"""How a value is shown; ``own``: the page's template does it."""
Choices = tuple[tuple[str, str], ...]
"""Values as addresses have them, and msgids or names."""


class Column(msgspec.Struct, frozen=True):
    """``of`` takes the value out of a row, its attribute of that name else; ``href``: where it leads."""

    name: str
    label: str
    kind: Kind = "text"
    of: Callable[[Any], Any] | None = None
    href: Callable[[Any], str | None] | None = None
    shown: Mapping[str, tuple[str, str]] | None = None
    """Of a state that is no order's: msgid and tone of each."""
    optional: bool = False
    """Not shown until somebody chooses it."""
    time_style: str = "minute"
    right: bool = False
    """A number that the page's template draws."""

    def value(self, row: Any) -> Any:
        return getattr(row, self.name) if self.of is None else self.of(row)

    @property
    def is_number(self) -> bool:
        return self.right or self.kind in ("money", "number", "percent")


class Filter(msgspec.Struct, frozen=True):
    """One thing to ask by. ``choice`` gives a str (``many``: a tuple of them), ``text`` what ``parse`` makes of it,
    ``days`` and ``amounts`` a pair, each half maybe None; all of them None where nothing is asked."""

    name: str
    label: str
    kind: Literal["choice", "text", "days", "amounts"] = "choice"
    choices: Choices = ()
    """Of a text: what some of them are called in a chip."""
    many: bool = False
    inline: bool = False
    """Its choices stand above the list, one press each."""
    parse: Callable[[str], Any] = forms.text()
    hint: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """As the address says it."""
        if self.kind == "days":
            return (f"{self.name}_from", f"{self.name}_to")
        if self.kind == "amounts":
            return (f"{self.name}_min", f"{self.name}_max")
        return (self.name,)


class Sort(msgspec.Struct, frozen=True):
    """An order that a keyset can page through; at the head of ``column``, if it names one."""

    name: str
    label: str
    column: str = ""
    descending: bool = True


class View(msgspec.Struct, frozen=True):
    """A tab: a name (a msgid) for a query."""

    label: str
    query: str = ""


class Act(msgspec.Struct, frozen=True):
    """What can be done to many rows at once, by a ``bulk`` plan of that name; ``act``: what the role must allow."""

    name: str
    label: str
    icon: str = "check"
    danger: bool = False
    act: str = "orders"


class Table(msgspec.Struct, frozen=True):
    """A list as a page describes it. ``place``: the type of what the keyset goes on from."""

    name: str
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...] = ()
    sorts: tuple[Sort, ...] = ()
    views: tuple[View, ...] = ()
    acts: tuple[Act, ...] = ()
    place: Any = int
    size: int = 20
    row_id: Callable[[Any], Any] | None = None
    """What a row is called in bulk acts."""
    peek: Callable[[Any], str | None] | None = None
    """The page of one row, which opens beside the list."""
    export: str = ""
    """The name of its ``exports`` plan; empty: none."""
    keep: tuple[str, ...] = ()
    """What else in the address its links must not lose."""


class Asked(msgspec.Struct):
    """A list as somebody asks for it; true if it can be answered. ``place``: go on after it, None: from the start."""

    table: Table
    words: Words
    path: str
    given: dict[str, tuple[str, ...]] = {}
    """What the address says, nonsense and all, by the filters' names."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    sort: str = ""
    limit: int = 20
    columns: tuple[str, ...] = ()
    place: Any = None
    cursor: str = ""
    trail: tuple[str, ...] = ()
    chosen: bool = False
    """Whether the address itself chooses columns or a size: then that is remembered."""
    kept: dict[str, str] = {}
    filters: tuple[Filter, ...] = ()
    """The table's, with the choices that the page has found."""
    saved: tuple[SavedView, ...] = ()
    """Views that the viewer keeps of this list."""
    keeps_views: bool = False
    """Whether he can: somebody who works for an organisation."""

    def __bool__(self) -> bool:
        return not self.errors

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    @property
    def is_narrowed(self) -> bool:
        return any(self.given.values())

    def pairs(self, *, without: Iterable[str] = ()) -> list[tuple[str, str]]:
        """What an address of this list says, in one order, from its first page on."""
        left = set(without)
        found = [(name, text) for name, text in self.kept.items() if name not in left]
        found += [(name, one) for name, texts in self.given.items() if name not in left for one in texts]
        if self.table.sorts and self.sort != self.table.sorts[0].name and SORT not in left:
            found.append((SORT, self.sort))
        if self.chosen and not left & {SIZE, COLUMN}:
            found += [(SIZE, str(self.limit)), *((COLUMN, name) for name in self.columns)]
        return found

    def query(self) -> str:
        """What a saved view keeps and an export repeats."""
        return urlencode([(name, one) for name, texts in self.given.items() for one in texts])

    def href(self, *more: tuple[str, str], without: Iterable[str] = ()) -> str:
        """The list with something else asked; from its first page on."""
        pairs = [*self.pairs(without=[*without, *(name for name, _ in more)]), *more]
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path

    def href_of_view(self, query: str) -> str:
        kept = urlencode(list(self.kept.items()))
        both = "&".join(part for part in (kept, query) if part)
        return f"{self.path}?{both}" if both else self.path


async def ask(request: AnyRequest, table: Table, *, choices: Mapping[str, Choices] | None = None) -> Asked:
    """What the address asks; ``choices``: those of filters that only the page knows, by their names."""
    query = request.query_params
    given = {name: query.getall(name, []) for name in {*names_of(table), *OF_LISTS, *table.keep}}
    remembered = request.cookies.get(cookie_of(table), "")
    viewer, path = viewer_of(request), request.scope["path"]
    asked = parse(given, table, viewer.words, path, remembered, choices)
    if viewer.organisation is not None and table.filters:
        asked.keeps_views = True
        async with door_of(request).db.connection() as connection:
            asked.saved = tuple(await lists.list_views(connection, viewer.person_id, viewer.me.org_id, path))
    return asked


def parse(
    sent: Mapping[str, list[str]], table: Table, words: Words, path: str, remembered: str = "",
    choices: Mapping[str, Choices] | None = None,
) -> Asked:  # fmt: skip
    known = choices or {}
    filters = tuple(msgspec.structs.replace(f, choices=known.get(f.name, f.choices)) for f in table.filters)
    asked = Asked(table, words, path, {}, {}, {}, filters=filters)
    asked.kept = {name: sent[name][0] for name in table.keep if sent.get(name)}
    for one in filters:
        for name in one.names:
            texts = tuple(text.strip() for text in sent.get(name, ()) if text.strip())
            asked.given[name] = texts if one.many else texts[:1]
        try:
            asked.values[one.name] = _value(one, asked.given)
        except Wrong as wrong:
            asked.errors[one.name] = words.say(wrong.msgid, **wrong.values)
    _parse_look(asked, sent, remembered)
    _parse_place(asked, sent)
    return asked


def names_of(table: Table) -> set[str]:
    return {name for one in table.filters for name in one.names}


def cookie_of(table: Table) -> str:
    return f"kameng_list_{table.name}"


def _value(one: Filter, given: Mapping[str, tuple[str, ...]]) -> Any:
    texts = given[one.names[0]]
    if one.kind == "days":
        first, last = (_day(given[name]) for name in one.names)
        if first and last and last < first:
            raise Wrong(N_("The last day lies before the first."))
        return None if not (first or last) else (first, last and last + timedelta(days=1))
    if one.kind == "amounts":
        parse_amount = forms.amount(least_e4=0)
        least, most = (parse_amount(given[name][0]) if given[name] else None for name in one.names)
        if least is not None and most is not None and most < least:
            raise Wrong(N_("The greatest amount is less than the least."))
        return None if least is None and most is None else (least, most)
    if not texts:
        return None
    if one.kind == "text":
        return one.parse(texts[0])
    offered = {value for value, _ in one.choices}
    if not set(texts) <= offered:
        raise Wrong(N_("Choose one of those offered, please."))
    return texts if one.many else texts[0]


def _day(texts: tuple[str, ...]) -> datetime | None:
    """The first moment of a day in China."""
    if not texts:
        return None
    try:
        day = date.fromisoformat(texts[0])
    except ValueError:
        raise Wrong(N_("A day like 2026-11-05, please.")) from None
    if not 2000 <= day.year <= 2999:
        raise Wrong(N_("A day like 2026-11-05, please."))
    return datetime(day.year, day.month, day.day, tzinfo=clock.CHINA)


def _parse_look(asked: Asked, sent: Mapping[str, list[str]], remembered: str) -> None:
    """Order, size and columns; what was remembered of them counts where the address says nothing."""
    table, words = asked.table, asked.words
    sorts = [one.name for one in table.sorts]
    asked.sort = next(iter(sent.get(SORT, ())), "") or next(iter(sorts), "")
    if asked.sort and asked.sort not in sorts:
        asked.errors[SORT] = words.say("The list can't be sorted that way.")
    size, _, names = remembered.partition(".")
    asked.limit = int(size) if size in {str(one) for one in SIZES} else table.size
    if sent.get(SIZE):
        asked.chosen = True
        if sent[SIZE][0] in {str(one) for one in SIZES}:
            asked.limit = int(sent[SIZE][0])
        else:
            asked.errors[SIZE] = words.say("Choose one of those offered, please.")
    wanted = set(sent.get(COLUMN, ()) or names.split("."))
    asked.chosen = asked.chosen or bool(sent.get(COLUMN))
    columns = tuple(one.name for one in table.columns if one.name in wanted)
    asked.columns = columns or tuple(one.name for one in table.columns if not one.optional)


def _parse_place(asked: Asked, sent: Mapping[str, list[str]]) -> None:
    cursor = next(iter(sent.get(CURSOR, ())), "")
    if not cursor:
        return
    try:
        asked.place = read_cursor(cursor, asked.sort, asked.table.place)
    except ValueError:
        asked.errors[CURSOR] = asked.words.say("This page of the list is out of date; begin at the first.")
        return
    asked.cursor = cursor
    asked.trail = tuple(one for one in next(iter(sent.get(TRAIL, ())), "").split(".") if one)[-TRAIL_MAX:]


# cursors -----------------------------------------------------------------------------------------------------


def cursor_of(place: Any, sort: str) -> str:
    """Where a list goes on, as an address says it. Opaque, but no secret: verbs look only at what is the asker's."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode([sort, place])).rstrip(b"=").decode()


def read_cursor(cursor: str, sort: str, place: Any) -> Any:
    """``ValueError`` unless it is one of this order and type."""
    if len(cursor) > CURSOR_CHARS_MAX:
        raise ValueError("too long")
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found_sort, rest = msgspec.msgpack.decode(raw, type=tuple[str, msgspec.Raw])
        if found_sort != sort:
            raise ValueError("of another order")
        return msgspec.msgpack.decode(rest, type=place)
    except (binascii.Error, msgspec.DecodeError) as error:
        raise ValueError("not a cursor") from error
