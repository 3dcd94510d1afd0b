"""What lists are asked for: filters out of the address, and the addresses of their pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from kameng.kit import clock, ids
from kameng.kit.errors import NotFound
from kameng.web import forms
from kameng.web.errors import NoSuchPage
from kameng.web.forms import Field, Filled, Wrong
from kameng.web.parts import AnyRequest
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

ID_MAX = (1 << 63) - 1
PAGE = 50
CURSORS = ("before", "after")
VERDICT = Field("verdict", forms.one_of("accept", "refuse"))


def number(sent: str) -> int:
    """An id, as people paste it."""
    try:
        return ids.parse(sent.replace(" ", "").removeprefix("#"))
    except ValueError:
        raise Wrong(N_("A number, digits only, please.")) from None


def day(sent: str) -> date:
    try:
        return date.fromisoformat(sent)
    except ValueError:
        raise Wrong(N_("A day like 2026-11-23, please.")) from None


def from_id_of(first: date | None) -> int:
    """Where a day of China begins among ids."""
    return 0 if first is None else ids.first_at(clock.china_start_ms(first))


def before_id_of(last: date | None, cursor: int | None) -> int:
    """Below which id a list begins: the end of a day, or where the page before it ended."""
    end = ID_MAX if last is None else ids.first_at(clock.china_start_ms(last + timedelta(days=1)))
    return min(end, ID_MAX if cursor is None else cursor)


def asked(request: AnyRequest, fields: Iterable[Field]) -> Filled:
    """The filters of a list; one that can't be read is said and left out."""
    sent = {name: str(value) for name, value in request.query_params.items()}
    filled = forms.parse(sent, viewer_of(request).words, fields)
    for name in filled.errors:
        filled.values[name] = None
    return filled


def address(path: str, filled: Filled, **more: Any) -> str:
    """The same list, asked a little differently."""
    wanted = {name: text for name, text in filled.sent.items() if text and name not in CURSORS}
    wanted |= {name: str(value) for name, value in more.items() if value is not None}
    wanted = {name: text for name, text in wanted.items() if text != ""}
    return f"{path}?{urlencode(wanted)}" if wanted else path


def id_in(text: str, otherwise: type[NotFound] = NoSuchPage) -> int:
    """The id in a path."""
    try:
        return ids.parse(text)
    except ValueError:
        raise otherwise from None
