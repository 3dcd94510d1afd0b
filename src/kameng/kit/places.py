"""IP address → country, province, city and carrier; offline, for China and the world.

The two lists are those of the npm package ``ip2region``, which ``scripts/web`` puts beside the pages' files. They are
mapped, not read: a look-up is a bisection. Without them every place is empty. Made for people to read ("was that
me?") and to choose a payment channel by, never to forbid: addresses move, and the lists are some years old.
"""

from __future__ import annotations

import asyncio
import functools
import mmap
import re
import struct
import sys
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import msgspec

from kameng.kit import segments
from kameng.kit.names import NOTHING, Named, carrier_of, country_of, province_of, short_city

FOLDER = Path(sys.prefix) / "share" / "kameng" / "web"
_UNKNOWN = frozenset({"", "0", "未知地区"})
_ISATAP = 0x5EFE
REGIONS_MAX = 20_000
_regions: dict[str, str] = {}


class Place(msgspec.Struct, frozen=True):
    """Where an address is, as far as the lists know."""

    country: Named = NOTHING
    province: Named = NOTHING
    city: Named = NOTHING
    isp: Named = NOTHING

    def text(self, language: str) -> str:
        """``中国 浙江 宁波 电信``; ``Ningbo, Zhejiang, China, China Telecom``. Empty: nobody knows."""
        if language == "zh":
            return " ".join(name.zh for name in (self.country, self.province, self.city, self.isp) if name.zh)
        return ", ".join(name.en for name in (self.city, self.province, self.country, self.isp) if name.en)


NOWHERE = Place()
PRIVATE = Place(isp=Named("内网", "private network"))


def find(ip: str) -> Place:
    """``NOWHERE`` for what is no address. The first call of a process reads the segments' lists, for cities' names."""
    return _opened().find(ip)


async def region_of(ip: str) -> str:
    """The province by its short Chinese name (``浙江``), outside China the country (``日本``); empty: nobody knows."""
    known = _regions.get(ip)
    if known is None:
        place = await asyncio.to_thread(find, ip)  # the first reads lists: beside the loop
        if len(_regions) >= REGIONS_MAX:
            _regions.clear()
        known = _regions[ip] = place.province.zh if place.country.zh in ("", "中国") else place.country.zh
    return known


@functools.cache
def _opened() -> Places:
    return Places(FOLDER)


class Places:
    """The lists of a folder."""

    def __init__(self, folder: Path) -> None:
        four, six = _mapped(folder / "ip2region.db"), _mapped(folder / "ipv6wry.db")
        self._four = None if four is None else Four(four)
        self._six = None if six is None else Six(six)

    def find(self, ip: str) -> Place:
        try:
            address = ip_address(ip)
        except ValueError:
            return NOWHERE
        inner = _inner(address) if isinstance(address, IPv6Address) else address
        if inner is not None and inner.is_private:
            return PRIVATE
        if inner is not None:
            return NOWHERE if self._four is None else _of_four(self._four.find(int(inner)))
        if address.is_private:
            return PRIVATE
        return NOWHERE if self._six is None else _of_six(*self._six.find(int(address) >> 64))


class Four:
    """ip2region's first format: two offsets, and between what they point to 12 bytes a span of addresses: first, last,
    where its text is (3 bytes), and how many bytes it has (1), 4 of which are a city's number."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data = data
        self._start, last = struct.unpack_from("<II", data, 0)
        self._count = (last - self._start) // 12 + 1

    def find(self, address: int) -> str:
        """``中国|0|浙江省|宁波市|电信``; empty if it is in no span."""
        at = _last_below(self._count, lambda row: self._row(row)[0] <= address)
        if at < 0:
            return ""
        _, last, pointer = self._row(at)
        if address > last:
            return ""
        begin, length = pointer & 0xFFFFFF, pointer >> 24
        return self._data[begin + 4 : begin + length].decode("utf-8", "replace")

    def _row(self, row: int) -> tuple[int, int, int]:
        first, last, pointer = struct.unpack_from("<III", self._data, self._start + 12 * row)
        return first, last, pointer


class Six:
    """``IPDB``, as ipv6wry has it: rows of the first 8 bytes of an address and an offset, sorted; at the offset two
    texts, each of which may be a pointer to where it stands already."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data = data
        self._offset_bytes = data[6]
        self._count, self._start = struct.unpack_from("<QQ", data, 8)

    def find(self, prefix: int) -> tuple[str, str]:
        """(``中国\\t浙江省\\t宁波市``, ``中国电信公众宽带``)."""
        row_bytes = 8 + self._offset_bytes
        at = _last_below(
            self._count, lambda row: struct.unpack_from("<Q", self._data, self._start + row * row_bytes)[0] <= prefix
        )
        return ("", "") if at < 0 else self._both(self._pointer(self._start + at * row_bytes + 8))

    def _both(self, at: int) -> tuple[str, str]:
        while self._data[at] == 1:
            at = self._pointer(at + 1)
        area = self._text(at)
        behind = at + 1 + self._offset_bytes if self._data[at] == 2 else self._end(at) + 1
        return area, self._text(behind)

    def _text(self, at: int) -> str:
        while self._data[at] in (1, 2):
            at = self._pointer(at + 1)
        return self._data[at : self._end(at)].decode("utf-8", "replace")

    def _pointer(self, at: int) -> int:
        return int.from_bytes(self._data[at : at + self._offset_bytes], "little")

    def _end(self, at: int) -> int:
        return self._data.find(b"\0", at)


def _of_four(region: str) -> Place:
    if not region:
        return NOWHERE
    country, _, province, city, isp = (*region.split("|"), "", "", "", "", "")[:5]
    return _place(country, province, city, isp)


def _of_six(area: str, owner: str) -> Place:
    country, province, city = (*re.split(r"[\t ]", area), "", "", "")[:3]
    carrier = carrier_of(owner)
    return _place(country, province, city, carrier.zh if carrier.en and carrier.zh != owner else "")


def _place(country: str, province: str, city: str, isp: str) -> Place:
    """China's provinces and cities by their short names; whatever nobody knows, empty."""
    country, province, city, isp = ("" if text in _UNKNOWN else text for text in (country, province, city, isp))
    if country == "中国":
        found, _ = province_of(province)
        short = short_city(city)
        named = NOTHING if short == found.zh else Named(short, segments.cities().get(short, ""))
    else:
        found, named = (Named(text, text if text.isascii() else "") for text in (province, city))
    return Place(country_of(country) if country else NOTHING, found, named, carrier_of(isp) if isp else NOTHING)


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The older address that a newer one wraps: mapped, 6to4, Teredo, ISATAP."""
    teredo = address.teredo
    wrapped = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
    if wrapped is None and int(address) >> 32 & 0xFFFF == _ISATAP:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return wrapped


def _last_below(count: int, fits: Callable[[int], bool]) -> int:
    """The last row that fits, of rows that fit up to one and no longer from there on; -1: none."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if fits(middle):
            low = middle + 1
        else:
            high = middle
    return low - 1


def _mapped(path: Path) -> mmap.mmap | None:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError:
        return None
