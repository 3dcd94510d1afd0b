"""Money: text to integers of 1/10,000 and back, without loss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.kit import money


@pytest.mark.parametrize(
    ("text", "amount_e4"),
    [("0", 0), ("1", 10_000), ("98.5", 985_000), ("98.5000", 985_000), ("0.0001", 1), ("007.10", 71_000),
     ("999999999999.9999", 9_999_999_999_999_999)],
)  # fmt: skip
def test_parse(text: str, amount_e4: int) -> None:
    assert money.parse_e4(text) == amount_e4


@pytest.mark.parametrize(
    "text",
    ["", ".", "1.", ".5", "-1", "+1", "1.00001", "1,5", "1e3", "1 ", " 1", "1.5\n", "¥1", "１", "1.٥", "NaN",
     "inf", "0x1", "1_000", "1000000000000"],
)  # fmt: skip
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount with at most four decimals"):
        money.parse_e4(text)


@pytest.mark.parametrize(
    ("amount_e4", "text"),
    [(0, "0.0000"), (1, "0.0001"), (985_000, "98.5000"), (-1, "-0.0001"), (-985_000, "-98.5000")],
)
def test_format(amount_e4: int, text: str) -> None:
    assert money.format_e4(amount_e4) == text


@given(st.integers(0, money.AMOUNT_E4_MAX))
def test_parse_reads_what_format_wrote(amount_e4: int) -> None:
    assert money.parse_e4(money.format_e4(amount_e4)) == amount_e4


@given(st.integers(1, money.AMOUNT_E4_MAX))
def test_the_sign_is_all_that_differs(amount_e4: int) -> None:
    assert money.format_e4(-amount_e4) == "-" + money.format_e4(amount_e4)
