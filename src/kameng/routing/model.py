"""What is chosen from, for what, by what is known, and what was chosen. Data; nothing here acts.

A channel is an account at a provider, by its number. Methods, scenes and outcomes are the words of payment channels.
Money is an integer in the currency's smallest unit, shares are of 10,000, times Unix milliseconds, hours minutes of
the day in China. What is made for each payment refers to nothing that refers back, so no collector looks at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

VERSION = 2
"""Of the way of choosing: a decision is replayed by the version that made it. 2: a first failure is looked at, of
channels that are all ill the least ill."""
VERSIONS = frozenset({1, 2})
"""Those that can still be made again."""

ACCEPTED = frozenset({"accepted", "paid", "done"})
FAILED = frozenset({"refused_channel", "refused_config", "unknown"})
USER_FAULTS = frozenset({"declined_user"})
LATER = frozenset({"rate_limited"})
CASCADE_AFTER = frozenset({"refused_channel", "refused_config", "rate_limited"})
"""Surely nothing was begun, so another channel may be tried at once. Not after ``unknown``."""
OUTCOMES = ACCEPTED | FAILED | USER_FAULTS | LATER

TRIES_MAX = 3
"""Channels that one order is sent to without its customer asking again."""


class When(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions that all have to hold; an empty one always does."""

    methods: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    amount_min_minor: int = 0
    amount_max_minor: int | None = None
    hours: tuple[tuple[int, int], ...] = ()  # from, to (not included); (1320, 120) passes midnight
    devices: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    merchants: tuple[int, ...] = ()
    banks: tuple[str, ...] = ()
    bins: tuple[str, ...] = ()  # how a card's number begins


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as somebody set it up."""

    channel_id: int
    name: str
    offers: tuple[tuple[str, str], ...]  # (method, scene)
    is_on: bool = True
    takes: When = When()
    refuses: tuple[When, ...] = ()
    licence_until_ms: int | None = None
    certificate_until_ms: int | None = None
    closed: tuple[tuple[int, int], ...] = ()  # planned outages, from and to
    fee_ppm: int = 0  # of a million
    fee_fixed_minor: int = 0
    weight: int = 100  # for ``weights``; 0: never
    target_minor: int = 0  # to be taken on a day


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator wants where ``when`` holds. ``refuse`` and ``only`` bind wherever they hold; of ``pin``,
    ``groups`` and ``split`` the first that holds speaks."""

    name: str
    act: Literal["refuse", "only", "pin", "groups", "split"]
    when: When = When()
    channels: tuple[int, ...] = ()  # refused, the only ones, or the one that is pinned
    groups: tuple[tuple[int, ...], ...] = ()  # the first that has a channel left takes it
    shares: tuple[tuple[int, int], ...] = ()  # (channel, of 10,000); the rest is chosen as ever


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How is chosen from what the rules leave. ``smart`` learns, ``weights`` draws, ``order`` takes the first."""

    mode: Literal["smart", "weights", "order"] = "smart"
    spread: float = 0.5  # of the draws; less explores less
    floor: float = 0.005  # of the traffic, evenly to all that are well
    common_spread: float = 0.3  # the same while a fault is everybody's
    tie_band: float = 0.005  # within it the cheaper one is taken
    fee_weight: float = 0.0  # what a part of the amount is worth in chance of success
    speed_weight: float = 0.0  # the same for a minute until the money comes
    target_weight: float = 0.03  # what a channel gains at most that is behind its target


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that people set, as one revision."""

    revision: int
    candidates: tuple[Candidate, ...]
    rules: tuple[Rule, ...] = ()
    policy: Policy = Policy()


class Tried(msgspec.Struct, frozen=True, gc=False):
    """A channel that the order was sent to, and the outcome of the create call there."""

    channel_id: int
    outcome: str


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A payment that wants a channel."""

    payment_id: int
    method: str
    scene: str
    amount_minor: int
    currency: str = "CNY"
    merchant_id: int = 0
    device: str = ""  # desktop, phone, wechat: in words of whoever asks
    region: str = ""  # a province by its short Chinese name, or a country
    bank: str = ""  # its code, in capitals
    bin: str = ""
    known_to: int = 0  # the one channel that knows its payer (an openid is of one app); 0: any takes him
    tried: tuple[Tried, ...] = ()
    is_asked_again: bool = False  # by the customer, not by the cascade

    @property
    def pool(self) -> str:
        """What is learned together."""
        return f"{self.method}/{self.scene}"

    @property
    def detail(self) -> str:
        """What is learned apart where there are enough results."""
        return f"{self.device}/{self.bank}" if self.device or self.bank else ""


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is left of a channel's limits today, with what is reserved taken off, and what it took."""

    count_left: int | None = None
    amount_left_minor: int | None = None
    done_minor: int = 0


class View(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What was known of a channel: all that a choice looks at."""

    channel_id: int
    won: float = 4.0  # with the memory of its level: as if so many were paid
    lost: float = 1.0
    down: float = 0.0  # how likely it is in a grey outage
    level: float = 0.3  # what is left of its conversion then
    breaker: Literal["closed", "open", "half_open"] = "closed"
    is_quarantined: bool = False
    probe: bool = False  # one may be risked now
    pay_ms: float = 0.0
    fault: float = 0.0  # how likely its creates fail, after a first failure that nothing has confirmed


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was known at a moment."""

    at_ms: int
    views: tuple[View, ...]
    usages: Mapping[int, Usage] = {}
    is_common: bool = False  # a fault that is everybody's


class Considered(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A channel in a choice: why it was left out (a word of ``explaining``), or how it scored."""

    channel_id: int
    left_out: str = ""
    rule: str = ""  # that left it out
    mean: float = 0.0
    drawn: float = 0.0
    score: float = 0.0
    state: str = ""


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """``channel_id`` 0: none; then every channel says why it was left out."""

    channel_id: int
    way: str  # how it was come by: a word of ``explaining``
    considered: tuple[Considered, ...]
    rule: str = ""  # that decided
    is_alarm: bool = False  # nothing was well: the least bad one
    is_learned: bool = False  # the learner drew it: what off-policy reports may use
    seed: int = 0
    revision: int = 0
    version: int = 1  # as before it was written down


class Logged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A choice with all it was made of but the book, which is kept once for each revision."""

    snapshot: Snapshot
    request: Request
    choice: Choice
    propensity: float | None = None  # filled in later, off the way of a payment


def encode(logged: Logged) -> bytes:
    return msgspec.msgpack.encode(logged)


def decode(data: bytes) -> Logged:
    return msgspec.msgpack.decode(data, type=Logged)
