"""Redeem links: what is one, what of it is public, and what is told of lines that are none."""

from __future__ import annotations

from datetime import date

import pytest

from kameng import stock
from kameng.stock import links, read_cards
from kameng.stock.model import Goods
from laws.world import World

TODAY = date(2026, 11, 23)
LINK = Goods(is_link=True)


@pytest.mark.parametrize(
    "good",
    [
        "https://redeem.example.com/c/4Q7T9XKD22PM",
        "https://R.example.com:8443/?code=a%20b&x=1#top",
        "HTTPS://xn--fiq228c.example.com",
        "https://a.b.example/(1)~_-.'*;,!$=@[x]",
    ],
)
def test_a_link_is_an_address_with_a_name(good: str) -> None:
    assert links.fault_of(good) is None


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ("http://redeem.example.com/c/1", "not_https"),
        ("HTTP://redeem.example.com/c/1", "not_https"),
        ("ftp://redeem.example.com/c/1", "not_a_link"),
        ("https://redeem.example.com/c/1 ", "not_a_link"),
        ("https://redeem.example.com/c\n1", "not_a_link"),
        ("https://user@redeem.example.com/c", "not_a_link"),
        ("https://redeem.example.com\\@evil.example/", "not_a_link"),
        ("https://localhost/c", "not_a_link"),
        ("https://10.0.0.1/c", "not_a_link"),
        ("https://[::1]/c", "not_a_link"),
        ("https://中文.example/c", "not_a_link"),
        ('https://redeem.example.com/"><script>', "not_a_link"),
        ("https://-a.example.com/", "not_a_link"),
        ("javascript:alert(1)", "not_a_link"),
        ("4Q7T-9XKD-22PM", "not_a_link"),
        ("", "not_a_link"),
    ],
)
def test_everything_else_is_none(bad: str, fault: str) -> None:
    assert links.fault_of(bad) == fault


def test_its_host_is_public_and_nothing_else() -> None:
    assert links.host_of("https://Redeem.Example.com:8443/c/1") == "redeem.example.com"
    assert links.host_of("no link") == ""
    assert links.veiled("https://redeem.example.com/c/4Q7T?k=1") == "https://redeem.example.com/****"


def test_lines_that_are_no_links_are_told() -> None:
    long = "https://r.example.com/" + "x" * 979
    data = "\n".join(
        [
            "链接,有效期",
            "https://r.example.com/1,2028-12-31",
            "http://r.example.com/2,",
            "not-a-link-3,",
            f"{long}x,",
            f"{long[:-1]},",
            "https://r.example.com/1,",
        ]
    ).encode()
    file = read_cards(data, today=TODAY, goods=LINK)
    assert [(card.line, card.secret, card.expires_on) for card in file.cards] == [
        (2, "https://r.example.com/1", date(2028, 12, 31)), (6, long[:-1], None),
    ]  # fmt: skip
    assert [(line.line, line.reason) for line in file.refused] == [
        (3, "not_https"), (4, "not_a_link"), (5, "too_long"), (7, "duplicate"),
    ]  # fmt: skip
    assert not any("r.example.com" in str(line) for line in file.refused)


def test_elsewhere_a_link_is_a_secret_like_any_other() -> None:
    file = read_cards(b"http://r.example.com/2\nCODE-0001\n", today=TODAY)
    assert [card.secret for card in file.cards] == ["http://r.example.com/2", "CODE-0001"]


async def test_a_batch_knows_the_hosts_of_its_links(world: World) -> None:
    data = b"https://b.example.com/1\nhttps://a.example.com/1\nhttps://b.example.com/2\nnone\n"
    report = await stock.load_file(world.db, world.ring, data, sku_id=world.link.sku_id, file_name="l.txt")
    assert (report.loaded, [line.reason for line in report.refused]) == (3, ["not_a_link"])
    assert await world.scalar("SELECT hosts FROM card_batch") == ["a.example.com", "b.example.com"]
    row = (await world.rows("SELECT card_id, sealed FROM card ORDER BY card_id LIMIT 1"))[0]
    text = world.ring.open(stock.CARD, row["card_id"], row["sealed"])
    assert text == b'{"number":"","secret":"https://b.example.com/1","url":"https://b.example.com/1"}'
    again = await stock.load_file(world.db, world.ring, data, sku_id=world.link.sku_id, file_name="l.txt")
    assert [line.reason for line in again.refused] == ["loaded_before"] * 3 + ["not_a_link"]
    await world.assert_clean()


async def test_a_link_that_older_code_loaded_is_known(world: World) -> None:
    """It was sealed without ``url``, and its fingerprint is the same."""
    line = stock.CardLine(1, "", "https://r.example.com/old", None, None)
    await stock.load_cards(world.db, world.ring, [line], sku_id=world.card.sku_id, file_name="old.txt")
    data = b"https://r.example.com/old\n"
    report = await stock.load_file(world.db, world.ring, data, sku_id=world.link.sku_id, file_name="new.txt")
    assert [line.reason for line in report.refused] == ["loaded_before"]
