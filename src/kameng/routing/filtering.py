"""Which channels may take a payment, and of each that may not, why. Rules are data; nothing here learns."""

from __future__ import annotations

import hashlib

import msgspec

from kameng.routing.model import Book, Candidate, Request, Rule, Snapshot, Usage, When

DAY_MS, CHINA_MS, MINUTE_MS = 86_400_000, 8 * 3_600_000, 60_000
SHARES = 10_000
BOOKS_MAX, WAYS_MAX = 64, 200
_NOTHING_USED = Usage()


def minute_of(at_ms: int) -> int:
    """The minute of the day in China."""
    return (at_ms + CHINA_MS) % DAY_MS // MINUTE_MS


def unmet(when: When, request: Request, at_ms: int) -> str:
    """The first condition that does not hold; empty if all do."""
    if when.methods and request.method not in when.methods:
        return "method"
    if when.scenes and request.scene not in when.scenes:
        return "scene"
    if when.currencies and request.currency not in when.currencies:
        return "currency"
    if request.amount_minor < when.amount_min_minor:
        return "amount"
    if when.amount_max_minor is not None and request.amount_minor > when.amount_max_minor:
        return "amount"
    if when.hours and not _within(when.hours, minute_of(at_ms)):
        return "hours"
    if when.devices and request.device not in when.devices:
        return "device"
    if when.regions and request.region not in when.regions:
        return "region"
    if when.merchants and request.merchant_id not in when.merchants:
        return "merchant"
    if when.banks and request.bank not in when.banks:
        return "bank"
    if when.bins and not request.bin.startswith(when.bins):
        return "bin"
    return ""


def left_out(candidate: Candidate, request: Request, snapshot: Snapshot) -> str:
    """Why a channel that offers the way can't take a payment by what it is; empty if it can."""
    at_ms = snapshot.at_ms
    if request.known_to not in (0, candidate.channel_id):
        return "payer"
    if candidate.licence_until_ms is not None and at_ms >= candidate.licence_until_ms:
        return "licence"
    if candidate.certificate_until_ms is not None and at_ms >= candidate.certificate_until_ms:
        return "certificate"
    if candidate.closed and any(from_ms <= at_ms < to_ms for from_ms, to_ms in candidate.closed):
        return "closed"
    why = unmet(candidate.takes, request, at_ms)
    if why:
        return why
    if candidate.refuses and any(not unmet(refused, request, at_ms) for refused in candidate.refuses):
        return "refused"
    if not snapshot.usages:
        return ""
    usage = snapshot.usages.get(candidate.channel_id, _NOTHING_USED)
    if usage.count_left is not None and usage.count_left < 1:
        return "count_limit"
    if usage.amount_left_minor is not None and usage.amount_left_minor < request.amount_minor:
        return "amount_limit"
    return ""


class Way:
    """What of a book speaks about one method and scene: the same for all its payments, so it is found once."""

    __slots__ = ("able", "binding", "shut", "steering")

    def __init__(self, book: Book, method: str, scene: str) -> None:
        self.able: list[Candidate] = []
        self.shut: dict[int, tuple[str, str]] = {}
        for one in book.candidates:
            if one.is_on and (method, scene) in one.offers:
                self.able.append(one)
            else:
                self.shut[one.channel_id] = ("offer" if one.is_on else "off", "")
        rules = [
            rule for rule in book.rules
            if (not rule.when.methods or method in rule.when.methods)
            and (not rule.when.scenes or scene in rule.when.scenes)
        ]  # fmt: skip
        self.binding = [rule for rule in rules if rule.act in ("refuse", "only")]
        self.steering = [rule for rule in rules if rule.act not in ("refuse", "only")]


_ways: dict[int, tuple[Book, dict[tuple[str, str], Way]]] = {}


def way_of(book: Book, method: str, scene: str) -> Way:
    """The same for the same book as long as somebody uses it; a copy of a book is another."""
    known = _ways.get(id(book))
    if known is None or known[0] is not book:
        if len(_ways) >= BOOKS_MAX:
            _ways.clear()
        known = _ways[id(book)] = (book, {})
    way = known[1].get((method, scene))
    if way is None:
        if len(known[1]) >= WAYS_MAX:
            known[1].clear()
        way = known[1][method, scene] = Way(book, method, scene)
    return way


class Filtered:
    """What is left after the rules, of the rest why (channel → (word, rule)), and what decided."""

    __slots__ = ("open", "rule", "way", "why")

    def __init__(self, why: dict[int, tuple[str, str]]) -> None:
        self.open: list[Candidate] = []
        self.why = why
        self.rule: Rule | None = None
        self.way = ""

    def keep(self, channels: frozenset[int] | set[int], word: str, rule: str) -> None:
        for candidate in self.open:
            if candidate.channel_id not in channels:
                self.why[candidate.channel_id] = (word, rule)
        self.open = [candidate for candidate in self.open if candidate.channel_id in channels]


def apply(book: Book, request: Request, snapshot: Snapshot) -> Filtered:
    """Every channel, then what binds (``refuse``, ``only``)."""
    way = way_of(book, request.method, request.scene)
    found = Filtered(way.shut.copy())
    for candidate in way.able:
        why = left_out(candidate, request, snapshot)
        if why:
            found.why[candidate.channel_id] = (why, "")
        else:
            found.open.append(candidate)
    for rule in way.binding:
        if unmet(rule.when, request, snapshot.at_ms):
            continue
        if rule.act == "refuse":
            allowed = {candidate.channel_id for candidate in found.open} - set(rule.channels)
            found.keep(allowed, "rule_refuses", rule.name)
        else:
            found.keep(set(rule.channels), "rule_only", rule.name)
    return found


def able(book: Book, request: Request, snapshot: Snapshot) -> tuple[int, ...]:
    """The channels that may take it, well or ill, in the book's order."""
    return tuple(candidate.channel_id for candidate in apply(book, request, snapshot).open)


def offered(book: Book, request: Request, snapshot: Snapshot) -> frozenset[tuple[str, str]]:
    """The ways, (method, scene) each, in which some channel could take such a payment; the request's own counts not."""
    ways = {way for candidate in book.candidates for way in candidate.offers}
    return frozenset(
        (method, scene)
        for method, scene in ways
        if apply(book, msgspec.structs.replace(request, method=method, scene=scene), snapshot).open
    )


def steer(found: Filtered, book: Book, request: Request, snapshot: Snapshot, ill: frozenset[int]) -> None:
    """The first pin, group or split that holds. A pin holds even for a channel that is ill: a person wins over what
    was learned. A group or a share is passed over if all its channels are ill."""
    for rule in way_of(book, request.method, request.scene).steering:
        if unmet(rule.when, request, snapshot.at_ms):
            continue
        present = {candidate.channel_id for candidate in found.open}
        well = present - ill
        if rule.act == "pin" and present & set(rule.channels):
            found.keep(present & set(rule.channels), "pinned_elsewhere", rule.name)
        elif rule.act == "groups" and any(set(group) & well for group in rule.groups):
            group = next(group for group in rule.groups if set(group) & well)
            found.keep(present & set(group), "lower_group", rule.name)
        elif rule.act == "split" and (channel := _share_of(rule, request.payment_id)) in well:
            found.keep({channel}, "split_elsewhere", rule.name)
        else:
            continue
        found.rule, found.way = rule, rule.act
        return


def _share_of(rule: Rule, payment_id: int) -> int:
    """The channel whose share a payment falls into: the same for each try. 0: none."""
    digest = hashlib.blake2b(f"{rule.name}/{payment_id}".encode(), digest_size=8).digest()
    at = int.from_bytes(digest, "big") % SHARES
    for channel, share in rule.shares:
        if at < share:
            return channel
        at -= share
    return 0


def _within(hours: tuple[tuple[int, int], ...], minute: int) -> bool:
    return any(a <= minute < b if a <= b else minute >= a or minute < b for a, b in hours)
