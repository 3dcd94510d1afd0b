"""What pages of suppliers share: numbers and cursors out of addresses, names of goods, days of China."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TypeVar

from kameng.catalogue import Sku
from kameng.fulfilment import Worker
from kameng.kit import clock, ids
from kameng.kit.errors import Refusal
from kameng.web.forms import Wrong
from kameng.web.parts import AnyRequest, Door
from kameng.web.viewing import Viewer
from kameng.web.wording import N_

T = TypeVar("T")

PAGE_ROWS = 30
ID_MAX = (1 << 63) - 1


def id_of(text: str, refusal: type[Refusal]) -> int:
    """The number in an address; what can't be one is not there."""
    try:
        return ids.parse(text)
    except ValueError:
        raise refusal from None


def sku_number(text: str) -> int:
    """A SKU's number as a form or an address sends it; 0: none."""
    try:
        return ids.parse(text)
    except ValueError:
        return 0


def before_of(request: AnyRequest) -> int:
    """Below which number a page of a list begins."""
    try:
        return ids.parse(request.query_params.get("before", ""))
    except ValueError:
        return ID_MAX


def cut(found: Sequence[T], number_of: Callable[[T], int]) -> tuple[list[T], int | None]:
    """A page of what was read with one row more, and where the next one begins."""
    page = list(found[:PAGE_ROWS])
    return page, number_of(page[-1]) if len(found) > PAGE_ROWS else None


def name_of(sku: Sku | None) -> str:
    return "–" if sku is None else f"{sku.product} {sku.spec}"


def goods_of(door: Door) -> dict[int, Sku]:
    return door.snapshot.catalogue.skus


def worker_of(viewer: Viewer) -> Worker:
    return Worker(viewer.me.org_id, viewer.person_id)


def day(sent: str) -> date:
    """A day as date fields send it."""
    try:
        return date.fromisoformat(sent)
    except ValueError:
        raise Wrong(N_("A date like 2028-12-31, please.")) from None


def week_of(of: date) -> date:
    """The Monday of a day's week."""
    return of - timedelta(days=of.weekday())


def this_week() -> date:
    return week_of(clock.china_day())
