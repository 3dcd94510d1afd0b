"""What the choice of a channel is made of: accounts as candidates, limits as what is left of them. Pure.

Who may take a payment, and in which order, is routing's to say; nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta

from kameng.channels import Method, Scene
from kameng.kit import clock
from kameng.kit.money import MINOR_E4
from kameng.payments.model import ChannelAccount, Payment, State
from kameng.routing import Book, Candidate, Policy, Rule, Tried, Usage, When

LEFT = "left"
"""The code of an attempt whose provider was not even asked: its channel had just been left."""
_OUTCOMES = {State.failed: "refused_channel", State.unknown: "unknown", State.created: "unknown"}


def candidate_of(one: ChannelAccount) -> Candidate:
    """An account in routing's words. Papers hold through their last day of China."""
    return Candidate(
        channel_id=one.channel_id, name=one.name, offers=one.offers, is_on=one.is_on and one.weight > 0,
        takes=When(
            currencies=(one.currency,), amount_min_minor=-(-one.least_e4 // MINOR_E4),
            amount_max_minor=None if one.most_e4 is None else one.most_e4 // MINOR_E4,
            hours=() if one.opens_min is None or one.closes_min is None else ((one.opens_min, one.closes_min),),
        ),
        licence_until_ms=_end_of(one.licence_until), certificate_until_ms=_end_of(one.certificate_until),
        fee_ppm=one.fee_ppm, fee_fixed_minor=one.fee_fixed_e4 // MINOR_E4, weight=one.weight,
        target_minor=(one.day_target_e4 or 0) // MINOR_E4,
    )  # fmt: skip


def _end_of(day: date | None) -> int | None:
    return None if day is None else clock.china_start_ms(day + timedelta(days=1))


def book_of(org_id: int, accounts: Iterable[ChannelAccount], rules: Sequence[Rule], policy: Policy) -> Book:
    """What payments into an organisation's accounts are chosen from, without a revision; 0: the platform's. Its
    rules are the platform's own and speak of no other's accounts."""
    candidates = tuple(candidate_of(one) for one in accounts if one.org_id == org_id)
    return Book(revision=0, candidates=candidates, rules=tuple(rules) if org_id == 0 else (), policy=policy)


def usages_of(accounts: Iterable[ChannelAccount], begun_e4: Mapping[int, int]) -> dict[int, Usage]:
    """What is left of today's limits, and what was done towards targets; ``begun_e4``: what each began today."""
    found = {}
    for one in accounts:
        if one.day_most_e4 is None and one.day_target_e4 is None:
            continue
        begun = begun_e4.get(one.channel_id, 0)
        left = None if one.day_most_e4 is None else max(one.day_most_e4 - begun, 0) // MINOR_E4
        found[one.channel_id] = Usage(amount_left_minor=left, done_minor=begun // MINOR_E4)
    return found


def tried_of(before: Sequence[Payment], way: tuple[str, str]) -> tuple[Tried, ...]:
    """The channels that were asked for the same thing in the same way before, in order."""
    return tuple(
        Tried(one.channel_id, _OUTCOMES.get(one.state, "accepted"))
        for one in before
        if (one.method, one.scene) == way and one.code != LEFT
    )


SCENES: Mapping[str, tuple[Scene, ...]] = {
    "desktop": (Scene.qr, Scene.page, Scene.wap), "phone": (Scene.wap, Scene.page, Scene.qr),
    "wechat": (Scene.qr, Scene.page, Scene.wap),
}  # fmt: skip
"""What suits a device, best first. Inside WeChat no other app opens; its own sheet (``jsapi``) needs an openid."""


def best_scene(offered: Collection[tuple[Method, Scene]], method: Method, device: str) -> Scene | None:
    """Of those in which a method is offered, the one that suits the device."""
    return next((scene for scene in SCENES[device] if (method, scene) in offered), None)
