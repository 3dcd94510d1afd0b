"""Which shop a Host header leads to, and whom it knows. Games with it lead nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from kameng import shops
from kameng.identity import Organisation
from kameng.shops import NoShopHere, Shop, Shops

HOUSE, AGENT, OTHER = 1, 2, 3


def windows(house_domain: str | None = None) -> Shops:
    found = Shops(None)  # type: ignore[arg-type] # nothing is read
    found.learn([
        Shop(HOUSE, house_domain, "卡盟", is_house=True), Shop(AGENT, "a.example.com", "甲"),
        Shop(OTHER, "b.example.com", "乙", domain_wanted="c.example.com"),
    ])  # fmt: skip
    return found


def owner(found: Shops, host: str) -> int:
    shop = found.at(host)
    assert shop is not None
    return shop.org_id


@pytest.mark.parametrize(
    "host", ["a.example.com", "A.Example.COM", "a.example.com:8443", "a.example.com.", "a.example.com.:80"]
)
def test_one_domain_however_it_is_written(host: str) -> None:
    assert owner(windows("kameng.example.com"), host) == AGENT


@pytest.mark.parametrize("host", ["127.0.0.1:8443", "[::1]:8443", "localhost", "10.0.0.7", "gateway-2:80"])
def test_addresses_and_machines_lead_to_the_house(host: str) -> None:
    assert owner(windows("kameng.example.com"), host) == HOUSE


@pytest.mark.parametrize(
    "host",
    ["evil.example.com", "a.example.com.evil.org", "x.a.example.com", "c.example.com", "", " ", "a.example.com evil",
     "a.example.com,b.example.com", "a.example.com/", "a.example.com@b", "a.example.com\r\nx: y",
     "a.example.com:99999999",
     "-a.example.com", "a_b.example.com", "ａ.example.com", "a.example.com:", "[::1"],
)  # fmt: skip
def test_whatever_else_leads_nowhere(host: str) -> None:
    with pytest.raises(NoShopHere):
        windows("kameng.example.com").at(host)


def test_without_a_domain_of_its_own_the_house_answers_to_any_but_not_to_nonsense() -> None:
    assert owner(windows(), "kameng.test") == HOUSE
    assert owner(windows(), "c.example.com") == HOUSE  # asked for, and not agreed
    assert owner(windows(), "b.example.com") == OTHER
    with pytest.raises(NoShopHere):
        windows().at("a b")


def test_before_there_is_any_shop_nobody_is_turned_away() -> None:
    assert Shops(None).at("kameng.test") is None  # type: ignore[arg-type] # nothing is read


def test_a_shop_that_gave_up_its_domain_is_not_found_there_any_more() -> None:
    found = windows("kameng.example.com")
    found.learn([Shop(AGENT, None, "甲", changed=9)])
    with pytest.raises(NoShopHere):
        found.at("a.example.com")
    assert [shop.org_id for shop in found.waiting()] == [OTHER]


def one(org_id: int, kind: str, parent_id: int | None) -> Organisation:
    return Organisation(org_id, "x", kind, 0, "active", "CNY", None, False, parent_id)


@pytest.mark.parametrize(
    ("organisation", "house", "agent", "other"),
    [
        (one(AGENT, "agent", None), True, True, False),
        (one(50, "customer", None), True, False, False),
        (one(51, "customer", AGENT), False, True, False),
        (one(52, "merchant", AGENT), True, True, False),
        (one(53, "agent", AGENT), True, True, False),
        (one(54, "customer", 53), False, False, False),
        (one(55, "supplier", None), True, False, False),
        (one(56, "platform", None), True, False, False),
    ],
)  # fmt: skip
def test_who_is_known_where(organisation: Organisation, house: bool, agent: bool, other: bool) -> None:
    found = {"house": windows().of(HOUSE), "agent": windows().of(AGENT), "other": windows().of(OTHER)}
    knows = {name: shops.serves(shop, organisation) for name, shop in found.items()}
    assert knows == {"house": house, "agent": agent, "other": other}


def test_a_visitor_is_a_customer_of_the_shop_and_nobody() -> None:
    house, agent = windows().house, windows().of(AGENT)
    assert house is not None
    assert agent is not None
    visitor: Any = shops.visitor_of(agent)
    assert (visitor.org_id, visitor.kind, visitor.level, visitor.parent_id) == (0, "customer", 0, AGENT)
    assert (shops.parent_for(house), shops.visitor_of(house).parent_id) == (None, None)


class Sku:
    sku_id, brand, scene = 7, "网易", "游戏"


@pytest.mark.parametrize(
    ("sells", "rules", "is_shown"),
    [
        ("all", {}, True),
        ("chosen", {}, False),
        ("all", {("scene", "游戏"): False}, False),
        ("all", {("scene", "话费"): False}, True),
        ("chosen", {("scene", "游戏"): True}, True),
        ("chosen", {("scene", "游戏"): True, ("brand", "网易"): False}, False),
        ("all", {("brand", "网易"): False, ("sku", "7"): True}, True),
        ("chosen", {("brand", "网易"): True, ("sku", "7"): False}, False),
    ],
)
def test_the_nearest_word_about_goods_counts(sells: str, rules: dict[tuple[str, str], bool], is_shown: bool) -> None:
    assert Shop(AGENT, None, "甲", sells=sells, rules=rules).shows(Sku()) is is_shown
