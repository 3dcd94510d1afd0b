"""What the address of a list is taken for, and what the list says of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.kit import clock
from kameng.web import forms, listing, tables
from kameng.web.listing import Listed
from kameng.web.style_guide import SAMPLE, SAMPLES
from kameng.web.tables import Asked, Column, Filter, Table
from kameng.web.wording import WORDS
from running import Platform

EN = WORDS["en"]


def ask(query: str = "", *, table: Table = SAMPLE, remembered: str = "") -> Asked:
    return tables.parse(parse_qs(query), table, EN, "/list", remembered)


def test_nothing_asked_is_the_first_page_in_the_usual_order() -> None:
    asked = ask()
    assert asked
    assert (asked.sort, asked.limit, asked.place, asked.is_narrowed) == ("newest", 20, None, False)
    assert asked.columns == ("number", "goods", "phone", "state", "total_e4", "at")
    assert [asked[name] for name in ("q", "state", "goods", "day", "amount")] == [None] * 5
    assert asked.href() == "/list"


def test_values_come_as_what_they_are() -> None:
    asked = ask("q=8101&state=failed&goods=视频会员 月卡&day_from=2026-11-01&day_to=2026-11-02&amount_min=1.5&size=50")
    assert asked
    assert asked["q"] == 8101
    assert asked["state"] == "failed"
    assert asked["goods"] == ("视频会员 月卡",)
    first = datetime(2026, 11, 1, tzinfo=clock.CHINA)
    assert asked["day"] == (first, first + timedelta(days=2))  # to the end of the last day
    assert asked["amount"] == (15_000, None)
    assert asked.limit == 50


@pytest.mark.parametrize(
    ("query", "name", "said"),
    [
        ("q=abc", "q", "A whole number from 1 to 1,000,000,000, please."),
        ("state=eaten", "state", "Choose one of those offered, please."),
        ("goods=a", "goods", "Choose one of those offered, please."),
        ("day_from=yesterday", "day", "A day like 2026-11-05, please."),
        ("day_from=9999-01-01", "day", "A day like 2026-11-05, please."),
        ("day_from=2026-11-02&day_to=2026-11-01", "day", "The last day lies before the first."),
        ("amount_min=x", "amount", "An amount like 98.50, please."),
        ("amount_min=2&amount_max=1", "amount", "The greatest amount is less than the least."),
        ("sort=prettiest", "sort", "The list can't be sorted that way."),
        ("size=1000000", "size", "Choose one of those offered, please."),
        ("cursor=AAAA", "cursor", "This page of the list is out of date; begin at the first."),
        ("cursor=中文", "cursor", "This page of the list is out of date; begin at the first."),
    ],
)
def test_nonsense_is_refused_where_it_stands(query: str, name: str, said: str) -> None:
    asked = ask(query)
    assert not asked
    assert asked.errors == {name: said}


def test_all_nonsense_is_told_at_once() -> None:
    assert set(ask("q=x&state=x&day_from=x&sort=x").errors) == {"q", "state", "day", "sort"}


@given(st.text(max_size=400))
def test_no_cursor_breaks_the_page(text: str) -> None:
    asked = tables.parse({"cursor": [text]}, SAMPLE, EN, "/list")
    assert asked.place is None or isinstance(asked.place, int)


@given(st.one_of(st.integers(-(1 << 63), (1 << 63) - 1)))
def test_a_cursor_leads_back_to_its_place(place: int) -> None:
    assert tables.read_cursor(tables.cursor_of(place, "newest"), "newest", int) == place


def test_a_cursor_may_be_a_time_and_a_number() -> None:
    place = (clock.now(), 12)
    assert tables.read_cursor(tables.cursor_of(place, ""), "", tuple[datetime, int]) == place


def test_a_cursor_of_another_order_is_none() -> None:
    asked = ask(f"sort=oldest&cursor={tables.cursor_of(8120, 'newest')}")
    assert "cursor" in asked.errors


def test_addresses_lose_nothing_but_the_page() -> None:
    cursor = tables.cursor_of(8120, "newest")
    asked = ask(f"state=failed&goods={SAMPLES[0].goods}&cursor={cursor}&size=50&col=at&junk=1")
    pairs = parse_qs(urlsplit(asked.href()).query)
    assert pairs == {"state": ["failed"], "goods": [SAMPLES[0].goods], "size": ["50"], "col": ["at"]}


def test_what_was_chosen_is_remembered_until_the_address_chooses() -> None:
    asked = ask(remembered="100.at.number")
    assert (asked.limit, asked.columns, asked.chosen, asked.href()) == (100, ("number", "at"), False, "/list")
    asked = ask("size=20&col=state", remembered="100.at.number")
    assert (asked.limit, asked.columns, asked.chosen) == (20, ("state",), True)
    assert ask(remembered="7.nonsense").limit == 20


def test_a_page_knows_the_way_back() -> None:
    first = Listed(ask("state=failed"), SAMPLES[:20], next_place=8120)
    assert (first.first_href, first.back_href) == (None, None)
    assert first.next_href is not None
    second = Listed(ask(urlsplit(first.next_href).query), SAMPLES[20:40], next_place=8140)
    assert (second.first_href, second.back_href) == (None, "/list?state=failed")
    assert second.next_href is not None
    third = Listed(ask(urlsplit(second.next_href).query), SAMPLES[40:60])
    assert third.next_href is None
    assert (third.first_href, third.back_href) == ("/list?state=failed", first.next_href)


def test_a_chip_takes_away_itself_alone() -> None:
    asked = ask(f"goods={SAMPLES[0].goods}&goods={SAMPLES[1].goods}&day_from=2026-11-01")
    chips = Listed(asked).chips
    assert [(chip.label, chip.text) for chip in chips] == [
        ("Goods", SAMPLES[0].goods), ("Goods", SAMPLES[1].goods), ("Day", "from 2026-11-01")
    ]  # fmt: skip
    left = parse_qs(urlsplit(chips[0].href).query)
    assert left == {"goods": [SAMPLES[1].goods], "day_from": ["2026-11-01"]}
    assert parse_qs(urlsplit(chips[2].href).query) == {"goods": [SAMPLES[0].goods, SAMPLES[1].goods]}


def test_a_head_sorts_and_turns_round() -> None:
    by_name = {column.name: column for column in SAMPLE.columns}
    assert Listed(ask()).sorts_of(by_name["goods"]) is None
    assert Listed(ask()).sorts_of(by_name["at"]) == ("/list?sort=oldest", "descending")
    assert Listed(ask("sort=oldest")).sorts_of(by_name["at"]) == ("/list?sort=newest", "ascending")


def test_choices_may_come_from_the_page() -> None:
    table = Table("t", (Column("a", "A"),), (Filter("brand", "Brand", many=True),))
    asked = tables.parse({"brand": ["b"]}, table, EN, "/list", choices={"brand": (("b", "B 100%"),)})
    assert asked["brand"] == ("b",)
    assert Listed(asked).chips[0].text == "B 100%"


def test_every_column_says_what_it_shows() -> None:
    assert [column.value(SAMPLES[3]) for column in SAMPLE.columns[:2]] == [8103, SAMPLES[3].goods]
    assert forms.text()("x") == "x"
    assert listing.Listed(ask()).label_of("amount") == "Amount"


async def test_the_page_of_a_list_says_and_refuses(platform: Platform) -> None:
    headers = {"accept-language": "en", "cookie": "__Host-kameng_visitor=v"}
    good = await platform.send("GET", "/_ui", "state=failed&size=50&col=number", b"", headers)
    assert good.status == 200
    assert 'aria-current="true">Failed</a>' in good.body.decode()
    assert good.headers["set-cookie"].startswith("kameng_list_sample=50.number; ")
    bad = await platform.send("GET", "/_ui", "state=eaten", b"", headers)
    assert bad.status == 422
    assert "Choose one of those offered, please." in bad.body.decode()
