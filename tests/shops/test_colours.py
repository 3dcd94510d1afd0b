"""Accents: whatever is asked for, words in it and on it can be read, by day and by night."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng import shops
from kameng.shops import colours
from kameng.web.assets import Library

colours_asked = st.integers(0, (1 << 24) - 1).map(lambda number: f"#{number:06x}")


@given(colours_asked)
def test_any_accent_can_be_read_everywhere_it_stands(accent: str) -> None:
    theme = shops.theme_of(accent)
    for shade, grounds in ((theme.day, colours.DAY), (theme.night, colours.NIGHT)):
        for words in (shade.accent, shade.strong):
            ratios = [shops.contrast(words, ground) for ground in (*grounds, shade.tint, shade.on_accent)]
            assert min(ratios) >= 4.5, (words, ratios)


def test_contrast_is_counted_as_wcag_counts_it() -> None:
    assert shops.contrast("#000000", "#ffffff") == 21
    assert shops.contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    assert shops.contrast("#123456", "#123456") == 1


def test_what_can_be_read_stays_as_it_was_asked_for() -> None:
    assert shops.theme_of("#0f766e").day.accent == "#0f766e"
    assert shops.is_kept("#0f766e")
    assert (shops.is_kept("#ffcc00"), shops.theme_of("#ffcc00").day.accent) == (False, "#856a00")
    assert shops.theme_of("#ffcc00").night.accent == "#ffcc00"


def test_a_style_sheet_overrides_four_tokens_and_says_nothing_else() -> None:
    style = shops.style_sheet(shops.theme_of("#c2410c"))
    assert style == (
        ":root{--accent:light-dark(#c2410c,#d2724b);--accent-strong:light-dark(#9b340a,#db8e6f);"
        "--on-accent:light-dark(#ffffff,#0e1312);--tint:light-dark(#faeee9,#391e11);}\n"
    )
    ours = Library().files["kameng-shop.css"].content.decode()
    for token in re.findall(r"--[a-z-]+(?=:)", style):
        assert f"{token}:" in ours


def test_the_grounds_are_those_of_the_tokens() -> None:
    tokens = Library().files["kameng-shop.css"].content.decode()
    values = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", tokens))
    grounds = [re.search(rf"--{name}: light-dark\(var\(--(\S+)\), var\(--(\S+)\)\);", tokens) for name in
               ("raised", "ground", "sunken")]  # fmt: skip
    pairs = [(values[found[1]], values[found[2]]) for found in grounds if found]
    assert sorted(day for day, _ in pairs) == sorted(colours.DAY)
    assert sorted(night for _, night in pairs) == sorted(colours.NIGHT)
