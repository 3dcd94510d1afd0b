"""Colours that can be read: whatever accent an owner likes, words on it and in it have a contrast of 4.5:1. Pure.

As WCAG 2.2 counts it (1.4.3). An accent that is too pale for words by day, or too deep by night, is darkened or
lightened step by step until it is not; what was asked for stays with the shop, what is shown is worked out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

READABLE = 4.5
"""The least contrast of words with what they stand on."""
STEP = 0.02
DAY = ("#ffffff", "#fafaf8", "#f4f5f2")
NIGHT = ("#0e1312", "#141b19", "#1a2321")
"""The grounds of ``tokens.css`` that words in the accent stand on; a test compares them."""
Colour = tuple[int, int, int]
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


class Shade(msgspec.Struct, frozen=True):
    """The tokens of one colour scheme."""

    accent: str
    strong: str
    on_accent: str
    tint: str


class Theme(msgspec.Struct, frozen=True):
    day: Shade
    night: Shade


def parse_colour(text: str) -> Colour | None:
    """``#0f766e``; None if it is none."""
    if not _COLOUR.fullmatch(text):
        return None
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def contrast(one: str, other: str) -> float:
    """1 (the same) to 21 (black and white)."""
    light, dark = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=4096)
def theme_of(accent: str) -> Theme:
    """What an accent becomes by day and by night."""
    colour = _rgb(accent)
    return Theme(
        _shade(colour, DAY, towards=_BLACK, on_accent=DAY[0], tint=_mixed(colour, _WHITE, 0.91)),
        _shade(colour, NIGHT, towards=_WHITE, on_accent=NIGHT[0], tint=_mixed(colour, _rgb(NIGHT[0]), 0.76)),
    )


def is_kept(accent: str) -> bool:
    """Whether it is shown by day just as it was asked for."""
    return theme_of(accent).day.accent == accent


def style_sheet(theme: Theme, *, scope: str = ":root") -> str:
    """The tokens that are the shop's own; ours stand in layers, so these win."""
    day, night = theme.day, theme.night
    pairs = (
        ("accent", day.accent, night.accent), ("accent-strong", day.strong, night.strong),
        ("on-accent", day.on_accent, night.on_accent), ("tint", day.tint, night.tint),
    )  # fmt: skip
    return f"{scope}{{{''.join(f'--{name}:light-dark({light},{dark});' for name, light, dark in pairs)}}}\n"


def digest_of(content: bytes) -> str:
    """What an address holds that may be kept for ever."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _shade(colour: Colour, grounds: Sequence[str], *, towards: Colour, on_accent: str, tint: Colour) -> Shade:
    """The accent, moved until words in it are read on every ground and words on it are read too."""
    tinted = _text(tint)
    needed = (*grounds, on_accent, tinted)
    share = 0.0
    while share < 1 and min(contrast(_text(_mixed(colour, towards, share)), ground) for ground in needed) < READABLE:
        share += STEP
    accent = _mixed(colour, towards, min(share, 1.0))
    return Shade(_text(accent), _text(_mixed(accent, towards, 0.2)), on_accent, tinted)


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    """So much of the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _rgb(text: str) -> Colour:
    colour = parse_colour(text)
    assert colour is not None, text
    return colour


def _text(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _luminance(colour: Colour) -> float:
    red, green, blue = (
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
