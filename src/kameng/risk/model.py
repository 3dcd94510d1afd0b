"""Risk: lists and velocity rules, pure. The caller hands over the facts; risk never looks at an order.

What stays in a lane (an organisation, a key) is counted in the lane, inside the batch. What crosses lanes (an IP,
a target number) is reserved before the batch in rows of its own: see ``reserving``. Windows are aligned: one of
3,600 s starts at every full hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec

VERDICTS = ("refuse", "review", "allow")
"""What a list may say, the strictest first."""
ENTITIES_CROSSING_LANES = frozenset({"ip", "target"})
KEY_DAY = 0
"""The rule number of a key's daily money limit, which is the key's own and no row of ``risk_rule``."""
SPENDER_DAY, SPENDER_MONTH = -1, -2
"""The rule numbers of an organisation's budgets, which are its own."""
SHARES_BELOW = -1000
"""The rule numbers of shares, which count pieces where others count money, lie below."""
DAY_S = 86_400
CHINA_OFFSET_S = 8 * 3600
"""A key's day is a day in China."""
_MAPPED_BITS = 96
"""What stands before an IPv4 address written as one of version 6."""
_LINE_BITS = 64
"""What a subscriber's line has of an IPv6 address for itself."""


class Facts(msgspec.Struct, frozen=True):
    """What risk may know of a wish. ``target_hash``: keyed hash of the number to be topped up, or None.
    ``sandbox``: play money, which must use up nobody's limits but those of other sandboxes."""

    org_id: int
    ip: str
    target_hash: bytes | None
    kind: str
    amount_e4: int
    at_s: int
    sandbox: bool = False
    part_kinds: tuple[str, ...] = ()  # of a bundle: it is of its own kind and of its parts'


class Rule(msgspec.Struct, frozen=True):
    rule_id: int
    name: str
    entity: str
    kinds: tuple[str, ...]
    window_s: int
    limit_count: int | None
    limit_e4: int | None
    outcome: str = "refuse"  # or "review": what is beyond the limit is looked at by a person

    def applies_to(self, facts: Facts) -> bool:
        is_meant = not self.kinds or facts.kind in self.kinds or any(kind in self.kinds for kind in facts.part_kinds)
        return is_meant and (self.entity != "target" or facts.target_hash is not None)


class Claim(msgspec.Struct, frozen=True):
    """One order's share of one counter: refused, or reviewed, if count or money would pass the limit."""

    entity: bytes  # hash of the entity; 8 bytes of an id inside a lane
    rule_id: int
    window_start: int
    amount_e4: int
    limit_count: int | None
    limit_e4: int | None
    outcome: str = "refuse"
    passed: bool = False  # was reserved beyond its limit, for a person to look at

    @property
    def key(self) -> tuple[bytes, int, int]:
        return (self.entity, self.rule_id, self.window_start)


class Share(msgspec.Struct, frozen=True):
    """So many pieces of a SKU for each buyer, between two seconds: what a flash sale allows."""

    share_id: int
    sku_id: int
    starts_s: int
    ends_s: int
    buyer_max: int

    def claim(self, org_id: int, quantity: int) -> Claim:
        """Its window bears the second of its end, so that its counters are kept until then however long it lasts."""
        return Claim(org_id.to_bytes(8, "big"), self.share_id, self.ends_s, quantity, None, self.buyer_max)


class Listing(msgspec.Struct, frozen=True):
    """What becomes of whom a list names. ``until_s``: from that second on it names nobody; None: for ever."""

    verdict: str
    until_s: int | None = None

    def holds_at(self, at_s: int) -> bool:
        return self.until_s is None or at_s < self.until_s


class Entry(msgspec.Struct, frozen=True):
    """A listing as an operator set it, ended or not."""

    entity: str
    value: str
    verdict: str
    reason: str
    until: datetime | None


class Policy:
    """Every list and rule, true to an epoch. A listing ends by itself: each order asks at its own time.

    Looking an order up costs the same however long the lists are: a dictionary for names, and for addresses one for
    each length of prefix that is listed.
    """

    def __init__(
        self, epoch: int, rules: tuple[Rule, ...], listings: Mapping[tuple[str, str], Listing],
        shares: tuple[Share, ...] = (),
    ) -> None:  # fmt: skip
        self.epoch = epoch
        self.shares = {share.sku_id: share for share in shares}
        self.rules = rules
        self.listings = listings
        self.crossing = tuple(rule for rule in rules if rule.entity in ENTITIES_CROSSING_LANES)
        self.in_lane = tuple(rule for rule in rules if rule.entity == "organisation")
        self.crossing_kinds = frozenset(kind for rule in self.crossing for kind in rule.kinds)
        self.crosses_all_kinds = any(not rule.kinds for rule in self.crossing)
        self._networks: dict[tuple[int, int], dict[int, list[Listing]]] = {}
        """(version, bits after the prefix) → prefix → listings."""
        for (entity, value), listing in listings.items():
            network = network_of(value) if entity == "ip" else None
            if network is not None:
                bits = network.max_prefixlen - network.prefixlen
                of_length = self._networks.setdefault((network.version, bits), {})
                of_length.setdefault(int(network.network_address) >> bits, []).append(listing)

    def listed(self, facts: Facts) -> str | None:
        """``refuse``, ``review``, ``allow``, or None if no list names it. What is stricter outweighs."""
        if not self.listings:
            return None
        found = self._naming(facts)
        verdicts = {listing.verdict for listing in found if listing.holds_at(facts.at_s)} if found else ()
        return next((verdict for verdict in VERDICTS if verdict in verdicts), None)

    def _naming(self, facts: Facts) -> list[Listing]:
        """The listings that name it, ended ones too."""
        found = []
        named = self.listings.get(("organisation", str(facts.org_id)))
        if named is not None:
            found.append(named)
        if facts.target_hash is not None:
            named = self.listings.get(("target", facts.target_hash.hex()))
            if named is not None:
                found.append(named)
        address = address_of(facts.ip) if self._networks else None
        if address is not None:
            number = int(address)
            for (version, bits), networks in self._networks.items():
                if version == address.version:
                    found += networks.get(number >> bits, ())
        return found

    def may_cross(self, kind: str) -> bool:
        """Whether any rule that crosses lanes is about orders of such goods at all: asked before their facts are."""
        return self.crosses_all_kinds or kind in self.crossing_kinds

    def crossing_claims(self, facts: Facts) -> list[Claim]:
        """What to reserve before the batch."""
        if not self.crossing or self.listed(facts) == "allow":
            return []
        return [_claim(rule, _crossing_entity(rule, facts), facts) for rule in self.crossing if rule.applies_to(facts)]

    def share_claims(self, sku_id: int, org_id: int, quantity: int, at_s: int) -> list[Claim]:
        """What to count inside the batch of a SKU that each buyer may have only so many of. No list excepts anybody."""
        share = self.shares.get(sku_id)
        return [] if share is None or not share.starts_s <= at_s < share.ends_s else [share.claim(org_id, quantity)]

    def lane_claims(self, facts: Facts) -> list[Claim]:
        """What to count inside the batch."""
        if not self.in_lane or self.listed(facts) == "allow":
            return []
        return [_claim(rule, facts.org_id.to_bytes(8, "big"), facts) for rule in self.in_lane if rule.applies_to(facts)]


def key_day_claim(key_id: int, daily_limit_e4: int, amount_e4: int, at_s: int) -> Claim:
    """A key's money of the day, counted like a rule of its own."""
    start = at_s - (at_s + CHINA_OFFSET_S) % DAY_S
    return Claim(key_id.to_bytes(8, "big"), KEY_DAY, start, amount_e4, None, daily_limit_e4)


def budget_claims(
    org_id: int, day_e4: int | None, month_e4: int | None, amount_e4: int, at_s: int
) -> list[Claim]:
    """What an organisation's wallet pays, of the day's budget and the month's: days and months in China."""
    entity, local_s = org_id.to_bytes(8, "big"), at_s + CHINA_OFFSET_S
    claims = []
    if day_e4 is not None:
        claims.append(Claim(entity, SPENDER_DAY, at_s - local_s % DAY_S, amount_e4, None, day_e4))
    if month_e4 is not None:
        day = datetime.fromtimestamp(local_s, UTC).day
        claims.append(
            Claim(entity, SPENDER_MONTH, at_s - local_s % DAY_S - (day - 1) * DAY_S, amount_e4, None, month_e4)
        )
    return claims


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """None if it is no address. One of version 4 in the clothes of version 6 (``::ffff:203.0.113.9``) is undressed."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def network_of(text: str, *, strict: bool = False) -> IPv4Network | IPv6Network | None:
    """None if it is neither an address nor a network; ``strict``: nor if it has bits set after its prefix."""
    try:
        network = ip_network(text, strict=strict)
    except ValueError:
        return None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))


def _crossing_entity(rule: Rule, facts: Facts) -> bytes:
    """Whose counter it is. An IPv6 line has a whole /64 of addresses to change among, so those are one."""
    if rule.entity == "target":
        entity = facts.target_hash or b""
    elif ":" not in facts.ip:
        entity = facts.ip.encode()
    else:
        address = address_of(facts.ip)
        if isinstance(address, IPv6Address):
            address = IPv6Address(int(address) >> _LINE_BITS << _LINE_BITS)
        entity = str(address or facts.ip).encode()
    return b"sandbox:" + entity if facts.sandbox else entity


def _claim(rule: Rule, entity: bytes, facts: Facts) -> Claim:
    start = facts.at_s - facts.at_s % rule.window_s
    return Claim(entity, rule.rule_id, start, facts.amount_e4, rule.limit_count, rule.limit_e4, rule.outcome)


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
        """The first claim that would pass its limit; one that asks for a review only if no other is refused."""
        reviewed = None
        for claim in claims:
            count, money_e4 = self.taken.get(claim.key, (0, 0))
            if not (
                (claim.limit_count is not None and count + 1 > claim.limit_count)
                or (claim.limit_e4 is not None and money_e4 + claim.amount_e4 > claim.limit_e4)
            ):
                continue
            if claim.outcome != "review":
                return claim
            reviewed = reviewed or claim
        return reviewed

    def take(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            count, money_e4 = self.taken.get(claim.key, (0, 0))
            self.taken[claim.key] = (count + 1, money_e4 + claim.amount_e4)
            self.touched.add(claim.key)
