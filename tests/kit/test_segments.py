"""Number segments: the carrier and the place of a mobile number."""

from __future__ import annotations

import pytest

from kameng.kit import segments


@pytest.mark.parametrize(
    ("number", "zh", "en"),
    [
        ("13800138000", "北京移动", "Beijing, China Mobile"),
        ("+86 159 8866 0000", "浙江宁波移动", "Ningbo, Zhejiang, China Mobile"),
        ("189-5740-9999", "浙江宁波电信", "Ningbo, Zhejiang, China Telecom"),
        ("13083771234", "河南南阳联通", "Nanyang, Henan, China Unicom"),
        ("19200000000", "广电", "China Broadnet"),
        ("13609180000", "陕西西安移动", "Xi'an, Shaanxi, China Mobile"),
        ("18000000000", "电信", "China Telecom"),
    ],
)
def test_a_number_says_its_carrier_and_place_in_both_languages(number: str, zh: str, en: str) -> None:
    found = segments.find(number)
    assert found is not None
    assert (found.text("zh"), found.text("en")) == (zh, en)


@pytest.mark.parametrize(
    ("number", "network", "is_virtual"),
    [
        ("13800138000", "中国移动", False), ("19212345678", "中国广电", False), ("14612345678", "中国联通", False),
        ("14912345678", "中国电信", False), ("16212345678", "中国电信", True), ("16512345678", "中国移动", True),
        ("17041234567", "中国联通", True), ("17012345678", "中国电信", True), ("13412345678", "中国移动", False),
    ],
)  # fmt: skip
def test_a_number_names_the_network_that_goods_are_called_after(number: str, network: str, is_virtual: bool) -> None:
    """Also where the lists are silent: the number plan says so."""
    found = segments.find(number)
    assert found is not None
    assert (found.network, found.is_virtual) == (network, is_virtual)


@pytest.mark.parametrize("number", ["", "12345678901", "1380013800", "138001380000", "057487654321", "+4915112345678"])
def test_what_is_no_mobile_number_of_china_has_none(number: str) -> None:
    assert segments.find(number) is None


def test_the_longest_prefix_counts() -> None:
    carriers, _ = segments._lists()
    assert carriers.find("1340000") == segments.Meaning(segments.carrier_of("中国移动"))
    assert carriers.find("1330000") == segments.Meaning(segments.carrier_of("中国电信"))


def test_cities_have_english_names() -> None:
    cities = segments.cities()
    assert (cities["宁波"], cities["西安"], cities["凉山"], cities["马鞍山"]) == (
        "Ningbo", "Xi'an", "Liangshan", "Ma'anshan",
    )  # fmt: skip
