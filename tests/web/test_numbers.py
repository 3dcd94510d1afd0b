"""Amounts as people read them: no more decimals than there are, and what the audit log keeps of them."""

from __future__ import annotations

from kameng.web.console.system import _details
from kameng.web.templating import format_amount, format_money


def test_amounts_have_two_decimals_and_more_only_where_there_are_more() -> None:
    amounts = [0, 100, 99_650, 477_750, 1_234_567, 12_345_000, -1]
    assert [format_amount(amount) for amount in amounts] == [
        "0.00", "0.01", "9.965", "47.775", "123.4567", "1,234.50", "-0.0001",
    ]  # fmt: skip
    assert format_money(-30_000) == "-¥3.00"


def test_details_of_the_audit_log_are_words_and_no_code() -> None:
    kept = {"amount_e4": 20_000_000, "state": ["paused", "on_sale"], "after": {"name": "江南"}, "note": "", "at": 5}
    assert _details(kept) == [
        ("amount", "2,000.00"), ("state", "paused → on_sale"), ("after", '{"name":"江南"}'), ("at", "5"),
    ]  # fmt: skip
