"""The living style guide at ``/_ui``: every component of the kit, in every state. Its rows are made up and nobody's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile

from kameng.kit import clock
from kameng.web import answering, forms, listing, tables
from kameng.web.listing import Listed
from kameng.web.parts import AnyRequest
from kameng.web.tables import Act, Column, Filter, Sort, Table, View
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_, Words

ROWS = 64
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)


class Sample(msgspec.Struct, frozen=True):
    """A row of the sample list."""

    number: int
    state: str
    goods: str
    phone: str
    total_e4: int
    at: datetime

    @property
    def share(self) -> float:
        return self.number % 10 / 10


_STATES = ("delivered", "fulfilling", "failed", "review", "awaiting_payment", "refunded")
_GOODS = ("网易一卡通 100 元", "移动话费 50 元", "视频会员 月卡")
SAMPLES = [
    Sample(
        8_100 + n, _STATES[n % len(_STATES)], _GOODS[n % 3], f"138{n:04d}{n * 7 % 10_000:04d}", 985_000 + n * 12_345,
        EPOCH + timedelta(minutes=37 * n),
    )
    for n in range(ROWS)
]  # fmt: skip
"""Oldest first."""

SAMPLE = Table(
    "sample",
    columns=(
        Column("number", N_("Order"), href=lambda row: f"/_ui?peek={row.number}#peek"),
        Column("goods", N_("Goods")),
        Column("phone", N_("Account"), "phone"),
        Column("state", N_("State"), "state"),
        Column("total_e4", N_("Amount"), "money"),
        Column("share", N_("Share"), "percent", optional=True),
        Column("at", N_("Time"), "time"),
    ),
    filters=(
        Filter("q", N_("Order"), "text", inline=True, parse=forms.whole(1, 10**9), hint=N_("Number of an order")),
        Filter(
            "state", N_("State"), inline=True,
            choices=(("delivered", N_("Delivered")), ("failed", N_("Failed")), ("review", N_("Being verified"))),
        ),
        Filter("goods", N_("Goods"), choices=tuple((name, name) for name in _GOODS), many=True),
        Filter("day", N_("Day"), "days"),
        Filter("amount", N_("Amount"), "amounts"),
    ),
    sorts=(Sort("newest", N_("Newest first"), "at"), Sort("oldest", N_("Oldest first"), "at", descending=False)),
    views=(View(N_("Being verified"), "state=review"), View(N_("Failed"), "state=failed")),
    acts=(Act("sample", N_("Sample act"), act="view"),),
    row_id=lambda row: row.number,
    peek=lambda row: f"/_ui?peek={row.number}#peek",
)  # fmt: skip


ICONS = tuple(
    re.findall('symbol id="([a-z]+)"', resources.files("kameng.web").joinpath("static/icons.svg").read_text("utf-8"))
)
LABELS = tuple(f"11-{day:02d}" for day in range(1, 15))
SERIES = (
    ("A", tuple(n * 37 % 100 + 20 for n in range(14)), "accent"), ("B", tuple(n * 53 % 60 for n in range(14)), "warn"),
)  # fmt: skip
TIMES = tuple(int((EPOCH + timedelta(days=n)).timestamp()) for n in range(14))
SHARES = [{"name": name, "value": value} for name, value in (("A", 5), ("B", 3), ("C", 2))]
LABEL = {"color": "inherit", "textBorderWidth": 0}
FUNNEL = {"series": [{"type": "pie", "radius": ["35%", "55%"], "label": LABEL, "data": SHARES}]}


@get("/_ui", opt={"face": "any"})
async def show(request: AnyRequest) -> Response[Any]:
    words = viewer_of(request).words
    asked = await tables.ask(request, SAMPLE)
    form = forms.blank(words, name="云帆商行", amount="12,34", level="2")
    form.errors["amount"] = words.say("An amount like 98.50, please.")
    return listing.show(
        request, "ui/guide.html", _found(asked), form=form, at=clock.now() - timedelta(minutes=12), rows=SAMPLES[:5],
        peek=next((row for row in SAMPLES if str(row.number) == request.query_params.get("peek")), SAMPLES[0]),
        lists={
            "empty": Listed(_other("empty", {}, words)),
            "nothing": Listed(_other("nothing", {"state": ["failed"], "day_from": ["2026-11-01"]}, words)),
            "refused": Listed(_other("refused", {}, words), refused=words.say("Your role may not see this.")),
            "nonsense": Listed(_other("nonsense", {"state": ["eaten"], "day_from": ["soon"]}, words)),
        },
        icon_names=ICONS, labels=LABELS, series=SERIES, times=TIMES, funnel=FUNNEL,
    )  # fmt: skip


def _other(name: str, sent: dict[str, list[str]], words: Words) -> tables.Asked:
    table = msgspec.structs.replace(SAMPLE, name=name, views=(), acts=())
    return tables.parse(sent, table, words, "/_ui")


def _found(asked: tables.Asked) -> Listed:
    """As a verb would: what matches, from a place on, one more than asked for."""
    if not asked:
        return Listed(asked)
    rows = [row for row in SAMPLES if _matches(row, asked)]
    is_newest = asked.sort == "newest"
    if is_newest:
        rows.reverse()
    if asked.place is not None:
        rows = [row for row in rows if (row.number < asked.place if is_newest else row.number > asked.place)]
    more = len(rows) > asked.limit
    rows = rows[: asked.limit]
    totals = {"total_e4": sum(row.total_e4 for row in rows)}
    return Listed(asked, rows, next_place=rows[-1].number if more else None, totals=totals)


def _matches(row: Sample, asked: tables.Asked) -> bool:
    first, last = asked["day"] or (None, None)
    least, most = asked["amount"] or (None, None)
    return (
        asked["q"] in (None, row.number)
        and asked["state"] in (None, row.state)
        and (asked["goods"] is None or row.goods in asked["goods"])
        and (first is None or row.at >= first)
        and (last is None or row.at < last)
        and (least is None or row.total_e4 >= least)
        and (most is None or row.total_e4 <= most)
    )


@post("/_ui/reveal", opt={"face": "any"}, status_code=200)
async def reveal(request: AnyRequest) -> Response[Any]:
    """What a face answers that reveals a card; this one is nobody's."""
    return answering.page(request, "ui/revealed.html", card="ABCD-1234-EFGH-5678")


@post("/_ui/upload", opt={"face": "any"}, status_code=200)
async def upload(request: AnyRequest) -> Response[Any]:
    """What a face answers that got a file; this one forgets it."""
    file = (await request.form()).get("file")
    size = len(await file.read()) if isinstance(file, UploadFile) else 0
    return answering.page(request, "ui/dropped.html", size=size)


HANDLERS = [show, reveal, upload]
