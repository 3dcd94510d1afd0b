"""Lists and rules: who is named, which counter an order touches, and when a window begins."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.risk import KEY_DAY, Claim, Counters, Facts, Policy, Rule, key_day_claim

FACTS = Facts(2000, "203.0.113.9", b"\x01" * 16, "topup", 500, 7265)
BY_IP = Rule(1, "ip", "ip", (), 60, 10, None)
BY_TARGET = Rule(2, "target", "target", ("topup",), 3600, None, 900)
BY_ORG = Rule(3, "org", "organisation", ("secret",), 86_400, 5, None)


@pytest.mark.parametrize(
    ("listings", "verdict"),
    [
        ({}, None),
        ({("ip", "203.0.113.9"): "refuse"}, "refuse"),
        ({("ip", "203.0.113.10"): "refuse"}, None),
        ({("ip", "203.0.113.0/24"): "refuse"}, "refuse"),
        ({("ip", "2001:db8::/32"): "refuse"}, None),
        ({("organisation", "2000"): "allow"}, "allow"),
        ({("organisation", "2001"): "refuse"}, None),
        ({("target", "01" * 16): "refuse"}, "refuse"),
        ({("organisation", "2000"): "allow", ("ip", "203.0.113.0/24"): "refuse"}, "refuse"),
        ({("organisation", "2000"): "allow", ("target", "01" * 16): "refuse"}, "refuse"),
    ],
)
def test_a_list_names_its_man_and_refusing_outweighs(
    listings: dict[tuple[str, str], str], verdict: str | None
) -> None:
    assert Policy(1, (), listings).listed(FACTS) == verdict


def test_an_address_of_version_6_is_compared_as_an_address() -> None:
    facts = msgspec.structs.replace(FACTS, ip="2001:db8::1")
    assert Policy(1, (), {("ip", "2001:db8::/32"): "refuse"}).listed(facts) == "refuse"
    assert Policy(1, (), {("ip", "203.0.113.0/24"): "refuse"}).listed(facts) is None


def test_claims_are_parted_by_where_they_are_counted() -> None:
    policy = Policy(1, (BY_IP, BY_TARGET, BY_ORG), {})
    assert policy.crossing_claims(FACTS) == [
        Claim(b"203.0.113.9", 1, 7260, 500, 10, None), Claim(b"\x01" * 16, 2, 7200, 500, None, 900),
    ]  # fmt: skip
    assert policy.lane_claims(FACTS) == []
    card = msgspec.structs.replace(FACTS, kind="secret", target_hash=None)
    assert [claim.rule_id for claim in policy.crossing_claims(card)] == [1]
    assert policy.lane_claims(card) == [Claim((2000).to_bytes(8, "big"), 3, 0, 500, 5, None)]


def test_who_is_allowed_is_not_counted() -> None:
    policy = Policy(1, (BY_IP, BY_TARGET, BY_ORG), {("organisation", "2000"): "allow"})
    assert policy.crossing_claims(FACTS) == policy.lane_claims(FACTS) == []


@given(at_s=st.integers(1_600_000_000, 2_500_000_000))
def test_a_keys_day_begins_at_midnight_in_china(at_s: int) -> None:
    claim = key_day_claim(3000, 900, 500, at_s)
    assert claim.rule_id == KEY_DAY
    assert (claim.window_start + 8 * 3600) % 86_400 == 0
    assert 0 <= at_s - claim.window_start < 86_400


CLAIMS = st.builds(
    Claim, entity=st.sampled_from([b"a", b"b"]), rule_id=st.integers(1, 2), window_start=st.just(0),
    amount_e4=st.integers(0, 50), limit_count=st.sampled_from([None, 0, 3]), limit_e4=st.sampled_from([None, 0, 90]),
)  # fmt: skip


@given(orders=st.lists(st.lists(CLAIMS, max_size=3), max_size=12))
def test_a_counter_never_passes_the_limit_of_what_it_let_through(orders: list[list[Claim]]) -> None:
    counters = Counters({})
    let_through: list[Any] = []
    for claims in orders:
        refusal = counters.refusal(claims)
        before = counters.checkpoint()
        counters.take(claims)
        if refusal is not None:
            assert refusal in claims
            counters.restore(before)
        else:
            let_through.append(claims)
    for key, (count, money_e4) in counters.taken.items():
        mine = [claim for claims in let_through for claim in claims if claim.key == key]
        assert (count, money_e4) == (len(mine), sum(claim.amount_e4 for claim in mine))
