"""Places of addresses: both formats read right, and no list at all is no fault."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from kameng.kit import places
from kameng.kit.places import NOWHERE, PRIVATE, Places

REAL = places.FOLDER / "ip2region.db"


def four(*spans: tuple[str, str, str]) -> bytes:
    """A list in ip2region's first format, of (first, last, text)."""
    texts, rows = b"", b""
    for first, last, text in spans:
        said = b"\0\0\0\0" + text.encode()
        rows += struct.pack("<III", int(IPv4Address(first)), int(IPv4Address(last)), 8 + len(texts) | len(said) << 24)
        texts += said
    return struct.pack("<II", 8 + len(texts), 8 + len(texts) + len(rows) - 12) + texts + rows


def six(*rows: tuple[str, bytes]) -> bytes:
    """A list in the format of ipv6wry: (first address, record)."""
    head = b"IPDB\x01\x00\x03\x08"
    records, index = b"", b""
    for first, record in rows:
        index += struct.pack("<Q", int(IPv6Address(first)) >> 64) + (40 + len(records)).to_bytes(3, "little")
        records += record
    return head + struct.pack("<QQQQ", len(rows), 40 + len(records), 0, 40) + records + index


@pytest.fixture
def found(tmp_path: Path) -> Places:
    (tmp_path / "ip2region.db").write_bytes(
        four(
            ("1.0.0.0", "1.0.0.255", "澳大利亚|0|0|0|0"),
            ("218.0.0.0", "218.0.0.255", "中国|0|浙江省|宁波市|电信"),
            ("218.0.2.0", "218.0.2.255", "中国|0|北京|北京市|教育网"),
        )
    )
    first = "中国\t浙江省\t宁波市\0中国电信公众宽带\0".encode()
    text_at, owner_at = 40, 40 + len("中国\t浙江省\t宁波市\0".encode())
    (tmp_path / "ipv6wry.db").write_bytes(
        six(
            ("240e::", first),
            ("240e:1::", b"\x01" + text_at.to_bytes(3, "little")),
            ("240e:2::", b"\x02" + text_at.to_bytes(3, "little") + "某学校\0".encode()),
            ("240e:3::", "美国\0".encode() + b"\x02" + owner_at.to_bytes(3, "little")),
        )
    )
    return Places(tmp_path)


@pytest.mark.parametrize(
    ("ip", "zh", "en"),
    [
        ("218.0.0.0", "中国 浙江 宁波 电信", "Ningbo, Zhejiang, China, China Telecom"),
        ("218.0.0.255", "中国 浙江 宁波 电信", "Ningbo, Zhejiang, China, China Telecom"),
        ("218.0.1.0", "", ""),  # between two spans
        ("217.255.255.255", "", ""),
        ("218.0.3.0", "", ""),
        ("218.0.2.7", "中国 北京 教育网", "Beijing, China, CERNET"),
        ("1.0.0.9", "澳大利亚", "Australia"),
        ("::ffff:218.0.0.1", "中国 浙江 宁波 电信", "Ningbo, Zhejiang, China, China Telecom"),
        ("2002:da00:0001::", "中国 浙江 宁波 电信", "Ningbo, Zhejiang, China, China Telecom"),
        ("240e::1", "中国 浙江 宁波 电信", "Ningbo, Zhejiang, China, China Telecom"),
        ("240e:0:ffff::", "中国 浙江 宁波 电信", "Ningbo, Zhejiang, China, China Telecom"),
        ("240e:1::1", "中国 浙江 宁波 电信", "Ningbo, Zhejiang, China, China Telecom"),
        ("240e:2::1", "中国 浙江 宁波", "Ningbo, Zhejiang, China"),
        ("240e:3::1", "美国 电信", "United States, China Telecom"),
        ("2400::", "", ""),
        ("10.1.2.3", "内网", "private network"),
        ("::1", "内网", "private network"),
        ("not an address", "", ""),
    ],
)
def test_an_address_has_its_place(found: Places, ip: str, zh: str, en: str) -> None:
    place = found.find(ip)
    assert (place.text("zh"), place.text("en")) == (zh, en)


def test_without_the_lists_every_place_is_empty(tmp_path: Path) -> None:
    found = Places(tmp_path)
    assert found.find("218.0.0.1") == found.find("240e::1") == NOWHERE
    assert found.find("192.168.1.1") == PRIVATE
    assert (NOWHERE.text("zh"), NOWHERE.text("en")) == ("", "")


async def test_a_region_is_a_province_or_a_country(found: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_opened", lambda: found)
    monkeypatch.setattr(places, "_regions", {})
    asked = ("218.0.0.1", "1.0.0.9", "10.1.2.3", "not an address")
    assert [await places.region_of(ip) for ip in asked] == ["浙江", "澳大利亚", "", ""]
    assert places._regions["218.0.0.1"] == "浙江"


@pytest.mark.skipif(not REAL.exists(), reason="the lists are not here: scripts/web")
def test_the_lists_that_come_along_are_read() -> None:
    assert places.find("218.0.0.1").text("zh") == "中国 浙江 宁波 电信"
    assert places.find("240e:390::1").text("en") == "Hangzhou, Zhejiang, China, China Telecom"
    assert places.find("8.8.8.8").country.of("en") == "United States"
