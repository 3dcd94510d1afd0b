"""Lists and rules: who is named, which counter an order touches, and when a window begins."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.risk import KEY_DAY, Claim, Counters, Facts, Listing, Policy, Rule, key_day_claim

FACTS = Facts(2000, "203.0.113.9", b"\x01" * 16, "topup", 500, 7265)
BY_IP = Rule(1, "ip", "ip", (), 60, 10, None)
BY_TARGET = Rule(2, "target", "target", ("topup",), 3600, None, 900)
BY_ORG = Rule(3, "org", "organisation", ("secret",), 86_400, 5, None)


def policy_of(listings: dict[tuple[str, str], str], *rules: Rule) -> Policy:
    """With listings that never end."""
    return Policy(1, rules, {named: Listing(verdict) for named, verdict in listings.items()})


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
        ({("organisation", "2000"): "allow", ("ip", "203.0.113.9"): "review"}, "review"),
        ({("organisation", "2000"): "review", ("ip", "203.0.113.9"): "refuse"}, "refuse"),
    ],
)
def test_a_list_names_its_man_and_refusing_outweighs(
    listings: dict[tuple[str, str], str], verdict: str | None
) -> None:
    assert policy_of(listings).listed(FACTS) == verdict


def test_an_address_of_version_6_is_compared_as_an_address() -> None:
    facts = msgspec.structs.replace(FACTS, ip="2001:db8::1")
    assert policy_of({("ip", "2001:db8::/32"): "refuse"}).listed(facts) == "refuse"
    assert policy_of({("ip", "203.0.113.0/24"): "refuse"}).listed(facts) is None


@pytest.mark.parametrize(
    ("ip", "value"),
    [("2001:db8::1", "2001:DB8:0::1"), ("::ffff:203.0.113.9", "203.0.113.9"), ("203.0.113.9", "::ffff:203.0.113.9"),
     ("203.0.113.9", "::ffff:203.0.113.0/120"), ("203.0.113.9", "203.0.113.9/32"), ("203.0.113.9", "0.0.0.0/0"),
     ("2001:db8::1", "::/0")],
)  # fmt: skip
def test_an_address_is_the_same_however_it_is_written(ip: str, value: str) -> None:
    assert policy_of({("ip", value): "refuse"}).listed(msgspec.structs.replace(FACTS, ip=ip)) == "refuse"


@pytest.mark.parametrize("ip", ["", "unix", "here:1", "203.0.113.999"])
def test_what_is_no_address_is_named_by_no_network_and_stops_nothing(ip: str) -> None:
    facts = msgspec.structs.replace(FACTS, ip=ip)
    assert policy_of({("ip", "0.0.0.0/0"): "refuse", ("ip", "::/0"): "refuse"}).listed(facts) is None
    assert policy_of({("ip", "nowhere/24"): "refuse", ("organisation", "2000"): "allow"}).listed(facts) == "allow"


@pytest.mark.parametrize(
    "named", [("ip", "203.0.113.9"), ("ip", "203.0.113.0/24"), ("organisation", "2000"), ("target", "01" * 16)]
)
def test_a_listing_names_nobody_from_its_end_on(named: tuple[str, str]) -> None:
    policy = Policy(1, (BY_IP,), {named: Listing("allow", until_s=7266)})
    last, first = FACTS, msgspec.structs.replace(FACTS, at_s=7266)
    assert (policy.listed(last), policy.listed(first)) == ("allow", None)
    assert (len(policy.crossing_claims(last)), len(policy.crossing_claims(first))) == (0, 1)


def test_of_two_listings_of_one_network_each_has_its_own_end() -> None:
    policy = Policy(
        1, (), {("ip", "203.0.113.9"): Listing("allow"), ("ip", "203.0.113.9/32"): Listing("refuse", until_s=7266)}
    )
    assert [policy.listed(msgspec.structs.replace(FACTS, at_s=at_s)) for at_s in (7265, 7266)] == ["refuse", "allow"]


class Looks(dict[Any, Any]):
    """A dictionary that counts how often somebody looks into it, and lets nobody walk through it."""

    count = 0

    def get(self, key: Any, default: Any = None) -> Any:
        Looks.count += 1
        return super().get(key, default)

    def __iter__(self) -> Any:
        raise AssertionError("walked through")

    items = keys = values = __iter__


def test_an_order_is_looked_up_not_compared_with_every_listing() -> None:
    blocks = {("ip", f"10.{n // 256}.{n % 256}.0/24"): "refuse" for n in range(2000)}
    policy = policy_of({**blocks, ("ip", "192.0.2.7"): "refuse"})
    policy.listings = Looks(policy.listings)
    policy._networks = {length: Looks(networks) for length, networks in policy._networks.items()}
    assert policy.listed(FACTS) is None
    assert policy.listed(msgspec.structs.replace(FACTS, ip="10.7.207.3")) == "refuse"
    assert Looks.count == 8  # organisation, target and two lengths of prefix, twice


def test_the_addresses_of_one_line_are_one_and_a_sandbox_counts_for_itself() -> None:
    policy = Policy(1, (BY_IP, BY_TARGET), {})

    def entities(**change: Any) -> list[bytes]:
        return [claim.entity for claim in policy.crossing_claims(msgspec.structs.replace(FACTS, **change))]

    assert entities(ip="2001:db8:1:2:3::4") == entities(ip="2001:db8:1:2:5::6") == [b"2001:db8:1:2::", b"\x01" * 16]
    assert entities(ip="2001:db8:1:3::4")[0] == b"2001:db8:1:3::"
    assert entities(ip="::ffff:203.0.113.9") == entities() == [b"203.0.113.9", b"\x01" * 16]
    assert entities(sandbox=True) == [b"sandbox:203.0.113.9", b"sandbox:" + b"\x01" * 16]


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
    policy = policy_of({("organisation", "2000"): "allow"}, BY_IP, BY_TARGET, BY_ORG)
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
