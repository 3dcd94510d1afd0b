"""Risk: lists and velocity rules, pure. The caller hands over the facts; risk never looks at an order.

What stays in a lane (an organisation, a key) is counted in the lane, inside the batch. What crosses lanes (an IP,
a target number) is reserved before the batch in rows of its own: see ``reserving``. Windows are aligned: one of
3,600 s starts at every full hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import msgspec

ENTITIES_CROSSING_LANES = frozenset({"ip", "target"})
KEY_DAY = 0
"""The rule number of a key's daily money limit, which is the key's own and no row of ``risk_rule``."""
DAY_S = 86_400
CHINA_OFFSET_S = 8 * 3600
"""A key's day is a day in China."""


class Facts(msgspec.Struct, frozen=True):
    """What risk may know of a wish. ``target_hash``: keyed hash of the number to be topped up, or None."""

    org_id: int
    ip: str
    target_hash: bytes | None
    kind: str
    amount_e4: int
    at_s: int


class Rule(msgspec.Struct, frozen=True):
    rule_id: int
    name: str
    entity: str
    kinds: tuple[str, ...]
    window_s: int
    limit_count: int | None
    limit_e4: int | None

    def applies_to(self, facts: Facts) -> bool:
        return (not self.kinds or facts.kind in self.kinds) and (
            self.entity != "target" or facts.target_hash is not None
        )


class Claim(msgspec.Struct, frozen=True):
    """One order's share of one counter: refused if count or money would pass the limit."""

    entity: bytes  # hash of the entity; 8 bytes of an id inside a lane
    rule_id: int
    window_start: int
    amount_e4: int
    limit_count: int | None
    limit_e4: int | None

    @property
    def key(self) -> tuple[bytes, int, int]:
        return (self.entity, self.rule_id, self.window_start)


class Policy:
    """Every list and rule, true to an epoch."""

    def __init__(self, epoch: int, rules: tuple[Rule, ...], listings: dict[tuple[str, str], str]) -> None:
        self.epoch = epoch
        self.rules = rules
        self.listings = listings
        self.crossing = tuple(rule for rule in rules if rule.entity in ENTITIES_CROSSING_LANES)
        self.in_lane = tuple(rule for rule in rules if rule.entity == "organisation")
        self.networks: tuple[tuple[IPv4Network | IPv6Network, str], ...] = tuple(
            (ip_network(value, strict=False), verdict)
            for (entity, value), verdict in listings.items()
            if entity == "ip" and "/" in value
        )

    def listed(self, facts: Facts) -> str | None:
        """``refuse``, ``allow``, or None if no list names it. A refusal outweighs a permission."""
        if not self.listings:
            return None
        verdicts = {self.listings.get(("ip", facts.ip)), self.listings.get(("organisation", str(facts.org_id)))}
        if facts.target_hash is not None:
            verdicts.add(self.listings.get(("target", facts.target_hash.hex())))
        if self.networks:
            address = ip_address(facts.ip)
            verdicts.update(verdict for network, verdict in self.networks if address in network)
        return "refuse" if "refuse" in verdicts else "allow" if "allow" in verdicts else None

    def crossing_claims(self, facts: Facts) -> list[Claim]:
        """What to reserve before the batch."""
        if not self.crossing or self.listed(facts) == "allow":
            return []
        return [
            _claim(rule, (facts.target_hash or b"") if rule.entity == "target" else facts.ip.encode(), facts)
            for rule in self.crossing
            if rule.applies_to(facts)
        ]

    def lane_claims(self, facts: Facts) -> list[Claim]:
        """What to count inside the batch."""
        if not self.in_lane or self.listed(facts) == "allow":
            return []
        return [_claim(rule, facts.org_id.to_bytes(8, "big"), facts) for rule in self.in_lane if rule.applies_to(facts)]


def key_day_claim(key_id: int, daily_limit_e4: int, amount_e4: int, at_s: int) -> Claim:
    """A key's money of the day, counted like a rule of its own."""
    start = at_s - (at_s + CHINA_OFFSET_S) % DAY_S
    return Claim(key_id.to_bytes(8, "big"), KEY_DAY, start, amount_e4, None, daily_limit_e4)


def _claim(rule: Rule, entity: bytes, facts: Facts) -> Claim:
    start = facts.at_s - facts.at_s % rule.window_s
    return Claim(entity, rule.rule_id, start, facts.amount_e4, rule.limit_count, rule.limit_e4)


CounterKey = tuple[bytes, int, int]
"""(entity, rule, start of the window)."""
CountersBefore = tuple[dict[CounterKey, tuple[int, int]], set[CounterKey]]


class Counters:
    """Counters as read under their lock, and what was taken since."""

    def __init__(self, taken: dict[tuple[bytes, int, int], tuple[int, int]]) -> None:
        self.taken = taken
        self.touched: set[tuple[bytes, int, int]] = set()

    def checkpoint(self) -> CountersBefore:
        return dict(self.taken), set(self.touched)

    def restore(self, before: CountersBefore) -> None:
        self.taken, self.touched = before

    def refusal(self, claims: Sequence[Claim]) -> Claim | None:
        """The first claim that would pass its limit."""
        for claim in claims:
            count, money_e4 = self.taken.get(claim.key, (0, 0))
            if claim.limit_count is not None and count + 1 > claim.limit_count:
                return claim
            if claim.limit_e4 is not None and money_e4 + claim.amount_e4 > claim.limit_e4:
                return claim
        return None

    def take(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            count, money_e4 = self.taken.get(claim.key, (0, 0))
            self.taken[claim.key] = (count + 1, money_e4 + claim.amount_e4)
            self.touched.add(claim.key)


