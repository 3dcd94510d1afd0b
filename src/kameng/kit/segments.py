"""Number segment → carrier, province and city, for mobile numbers of mainland China; offline.

The lists are libphonenumber's (PyPI ``phonenumbers``). They hold the whole world, which takes its importer 100 MB: only
the files with China's segments are read, one after the other, into sorted tables of 1 MB, once a process, in 0.4 s. A
number that moved to another carrier (携号转网) is told as it was dealt out.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import phonenumbers

from kameng.kit.names import NOTHING, Named, carrier_of, province_of, short_city

MOBILE = re.compile(r"1[3-9][0-9]{9}")
CHINA = "86"
PREFIX_DIGITS_MAX = 7
_GAPS = {"134": "移动", "146": "联通", "148": "移动", "149": "电信", "162": "电信", "165": "移动"}
"""What the ministry's number plan says where the lists are silent."""
_VIRTUAL = ("162", "165", "167", "170", "171")
"""What the plan gives to virtual operators."""
_HEAD_CHARS = 4000
_FIRST = re.compile(r"'([0-9]+)'")
_JOINED = re.compile(r"(?<=[a-z])A(?=n)")
"""``XiAn``, as the lists have it, is Xi'an."""


class Segment(msgspec.Struct, frozen=True):
    """What a number says about itself; empty where the lists don't know."""

    carrier: Named = NOTHING
    province: Named = NOTHING
    city: Named = NOTHING
    is_virtual: bool = False
    """Sold by a virtual operator, in the carrier's network."""

    @property
    def network(self) -> str:
        """``中国移动``, as goods are called after it; '' where nobody knows it."""
        return f"中国{self.carrier.zh}" if self.carrier else ""

    def area(self, language: str) -> str:
        """``浙江宁波``; ``Ningbo, Zhejiang``."""
        if language == "zh":
            return f"{self.province.zh}{self.city.zh}"
        return ", ".join(name.en for name in (self.city, self.province) if name.en)

    def text(self, language: str) -> str:
        """``浙江宁波移动``; ``Ningbo, Zhejiang, China Mobile``."""
        if language == "zh":
            return f"{self.province.zh}{self.city.zh}{self.carrier.zh}"
        return ", ".join(name.en for name in (self.city, self.province, self.carrier) if name.en)


def find(number: str) -> Segment | None:
    """Of an 11-digit mobile number, with or without ``+86`` and blanks; None if it is none. The first call of a process
    reads the lists, unless ``ready`` did."""
    digits = re.sub(r"[\s-]", "", number).removeprefix("+86")
    if not MOBILE.fullmatch(digits):
        return None
    carriers, areas = _lists()
    area, carrier = areas.find(digits), carriers.find(digits)
    return Segment(
        carrier_of(_GAPS.get(digits[:3], "")) if carrier is None else carrier.name,
        *((area.province, area.name) if area else (NOTHING, NOTHING)), is_virtual=digits.startswith(_VIRTUAL),
    )  # fmt: skip


async def ready() -> None:
    """Read the lists beside the loop."""
    await asyncio.to_thread(_lists)


@functools.cache
def cities() -> dict[str, str]:
    """Short Chinese names of cities → English ones."""
    return {one.name.zh: one.name.en for one in _lists()[1].meanings if one.name.en}


class Meaning(msgspec.Struct, frozen=True):
    """What a prefix stands for: a carrier, or a city in its province."""

    name: Named
    province: Named = NOTHING


class Prefixes:
    """Prefixes with what they stand for; the longest that fits counts."""

    def __init__(self, entries: Iterator[tuple[str, Meaning]]) -> None:
        self.meanings: list[Meaning] = []
        numbers: dict[Meaning, int] = {}
        sorted_entries = sorted((len(prefix), int(prefix), meaning) for prefix, meaning in _plain(entries, numbers))
        self.meanings = list(numbers)
        self._prefixes = [array("I") for _ in range(PREFIX_DIGITS_MAX + 1)]
        self._meanings = [array("H") for _ in range(PREFIX_DIGITS_MAX + 1)]
        for digits, prefix, number in sorted_entries:
            self._prefixes[digits].append(prefix)
            self._meanings[digits].append(number)

    def find(self, digits: str) -> Meaning | None:
        for length in range(PREFIX_DIGITS_MAX, 0, -1):
            prefix, known = int(digits[:length]), self._prefixes[length]
            at = bisect_left(known, prefix)
            if at < len(known) and known[at] == prefix:
                return self.meanings[self._meanings[length][at]]
        return None


def _plain(entries: Iterator[tuple[str, Meaning]], numbers: dict[Meaning, int]) -> Iterator[tuple[str, int]]:
    """Each meaning once, by its number."""
    for prefix, meaning in entries:
        yield prefix, numbers.setdefault(meaning, len(numbers))


@functools.cache
def _lists() -> tuple[Prefixes, Prefixes]:
    """Carriers, and areas."""
    return Prefixes(_read("carrierdata", _carrier)), Prefixes(_read("geodata", _area))


def _carrier(said: dict[str, str]) -> Meaning:
    return Meaning(carrier_of(said.get("zh", "")))


@functools.cache
def _named(zh: str, en: str) -> Meaning:
    province, rest = province_of(zh)
    city = short_city(rest)
    return Meaning(Named(city, _JOINED.sub("'a", en.rpartition(", ")[0])) if city else NOTHING, province)


def _area(said: dict[str, str]) -> Meaning:
    return _named(said.get("zh", ""), said.get("en", ""))


def _read(folder: str, meaning: Callable[[dict[str, str]], Meaning]) -> Iterator[tuple[str, Meaning]]:
    """Mobile prefixes of China, without their 86. The files are in the order of their prefixes."""
    paths = sorted(Path(phonenumbers.__file__).with_name(folder).glob("data*.py"), key=lambda path: int(path.stem[4:]))
    for path, (first, following) in zip(paths, pairwise([*map(_first, paths), "9" * 15]), strict=True):
        if first[:2] > CHINA or following < CHINA:
            continue
        spec = importlib.util.spec_from_file_location(f"phonenumbers.{folder}.{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)  # not kept: ten thousand small dicts each
        spec.loader.exec_module(module)
        for prefix, said in module.data.items():
            if prefix.startswith(CHINA) and prefix[2:3] == "1" and prefix[3:4] not in ("", "0"):
                yield prefix[2:], meaning(said)


def _first(path: Path) -> str:
    """The first prefix of a file, read without running it."""
    with path.open(encoding="utf-8") as file:
        found = _FIRST.search(file.read(_HEAD_CHARS))
    assert found is not None, path
    return found[1]
