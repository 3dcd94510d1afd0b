"""Each rule by itself: who is left out, why, and who decides."""

from __future__ import annotations

from typing import Any

import pytest
from routes import NOON_MS, book, candidate, request, snapshot

from kameng.routing import Policy, Rule, Tried, Usage, View, When, choose, explain, refusal
from kameng.routing.explaining import WAYS, WHY_NOT

HOUR_MS = 3_600_000


def why(chosen: Any) -> dict[int, str]:
    return {one.channel_id: one.left_out for one in chosen.considered}


@pytest.mark.parametrize(
    ("fields", "asked", "word"),
    [
        ({"is_on": False}, {}, "off"),
        ({"offers": (("wechat", "jsapi"), ("alipay", "qr"))}, {}, "offer"),
        ({"licence_until_ms": NOON_MS}, {}, "licence"),
        ({"licence_until_ms": NOON_MS + 1}, {}, ""),
        ({"closed": ((NOON_MS - 1, NOON_MS + 1),)}, {}, "closed"),
        ({"closed": ((NOON_MS - 9, NOON_MS),)}, {}, ""),
        ({"takes": When(methods=("alipay",))}, {}, "method"),
        ({"takes": When(scenes=("wap",))}, {}, "scene"),
        ({"takes": When(currencies=("USD",))}, {}, "currency"),
        ({"takes": When(amount_min_minor=5_001)}, {}, "amount"),
        ({"takes": When(amount_min_minor=5_000, amount_max_minor=5_000)}, {}, ""),
        ({"takes": When(amount_max_minor=4_999)}, {}, "amount"),
        ({"takes": When(hours=((0, 720),))}, {}, "hours"),
        ({"takes": When(hours=((720, 721),))}, {}, ""),
        ({"takes": When(hours=((1320, 721),))}, {}, ""),
        ({"takes": When(hours=((1320, 720),))}, {}, "hours"),
        ({"takes": When(devices=("phone",))}, {"device": "phone"}, ""),
        ({"takes": When(devices=("phone",))}, {"device": "pc"}, "device"),
        ({"takes": When(regions=("浙江", "上海"))}, {"region": "浙江"}, ""),
        ({"takes": When(regions=("浙江",))}, {}, "region"),
        ({"takes": When(merchants=(5, 6))}, {"merchant_id": 6}, ""),
        ({"takes": When(merchants=(5, 6))}, {"merchant_id": 7}, "merchant"),
        ({"takes": When(banks=("ICBC",))}, {"bank": "CCB"}, "bank"),
        ({"takes": When(bins=("6222", "43"))}, {"bin": "622202"}, ""),
        ({"takes": When(bins=("6222",))}, {"bin": "62"}, "bin"),
        ({"refuses": (When(merchants=(5,), amount_min_minor=5_000),)}, {"merchant_id": 5}, "refused"),
        ({"refuses": (When(merchants=(5,), amount_min_minor=5_001),)}, {"merchant_id": 5}, ""),
    ],
)
def test_what_a_channel_takes(fields: dict[str, Any], asked: dict[str, Any], word: str) -> None:
    chosen = choose(book(candidate(1, **fields)), snapshot(), request(**asked), 1)
    assert why(chosen) == {1: word}
    assert (chosen.channel_id, chosen.way) == ((0, "none") if word else (1, "only"))


@pytest.mark.parametrize(
    ("usage", "word"),
    [
        (Usage(count_left=0), "count_limit"),
        (Usage(count_left=1, amount_left_minor=5_000), ""),
        (Usage(amount_left_minor=4_999), "amount_limit"),
    ],
)
def test_limits_of_the_day(usage: Usage, word: str) -> None:
    assert why(choose(book(candidate(1)), snapshot(usages={1: usage}), request(), 1)) == {1: word}


def test_no_channel_is_a_refusal_that_says_why_in_both_languages() -> None:
    three = book(candidate(1, is_on=False), candidate(2, offers=()), candidate(3, offers=()))
    chosen = choose(three, snapshot(), request(), 1)
    assert chosen.channel_id == 0
    told = refusal(chosen)
    assert (told.code, told.status) == ("no_payment_channel", 503)
    assert told.detail == "switched off; does not offer this method and scene"
    assert told.detail_zh == "已停用；不支持该支付方式或场景"
    assert explain(chosen, "en", {1: "A"}) == [
        "There is no channel for this payment.",
        "A: switched off",
        "#2: does not offer this method and scene",
        "#3: does not offer this method and scene",
    ]
    assert explain(chosen, "zh")[0] == "没有可用通道。"


def test_a_rule_refuses_and_a_rule_allows_only() -> None:
    big = When(amount_min_minor=1_000)
    rules = (Rule(name="no 1", act="refuse", channels=(1,), when=big), Rule(name="2, 9", act="only", channels=(2, 9)))
    chosen = choose(book(rules=rules), snapshot(), request(), 1)
    assert chosen.channel_id == 2
    assert [(one.left_out, one.rule) for one in chosen.considered] == [
        ("rule_refuses", "no 1"), ("", ""), ("rule_only", "2, 9")
    ]  # fmt: skip
    assert explain(chosen, "en")[2:] == ["#1: refused by a rule (no 1)", "#3: a rule allows only others (2, 9)"]
    small = choose(book(rules=rules[:1]), snapshot(), request(amount_minor=999), 1)
    assert set(why(small).values()) == {""}


def test_a_pin_wins_over_what_was_learned() -> None:
    rules = (Rule(name="vip", act="pin", channels=(2,), when=When(merchants=(5,))),)
    ill = (View(1), View(2, breaker="open"), View(3))
    chosen = choose(book(rules=rules), snapshot(*ill), request(merchant_id=5), 1)
    assert (chosen.channel_id, chosen.way, chosen.rule, chosen.is_learned) == (2, "pin", "vip", False)
    assert why(chosen) == {1: "pinned_elsewhere", 2: "", 3: "pinned_elsewhere"}
    assert choose(book(rules=rules), snapshot(*ill), request(merchant_id=6), 1).channel_id != 2
    # Of a channel that can't take it nobody can be made to.
    off = book(candidate(1), candidate(2, is_on=False), rules=rules)
    assert choose(off, snapshot(), request(merchant_id=5), 1).channel_id == 1


def test_the_first_group_that_has_a_channel_left() -> None:
    rules = (Rule(name="own first", act="groups", groups=((1,), (2, 3))),)
    assert choose(book(rules=rules), snapshot(), request(), 1).channel_id == 1
    shut = snapshot(View(1, is_quarantined=True), View(2), View(3))
    chosen = choose(book(rules=rules), shut, request(), 1)
    assert chosen.channel_id in (2, 3)
    assert why(chosen)[1] == "lower_group"
    all_shut = snapshot(*(View(c, breaker="open") for c in (1, 2, 3)))
    chosen = choose(book(rules=rules), all_shut, request(), 1)
    assert (chosen.channel_id in (1, 2, 3), chosen.is_alarm) == (True, True)


def test_a_split_by_the_payments_number() -> None:
    rules = (Rule(name="half", act="split", shares=((1, 3_000), (2, 2_000))),)
    ways = {n: choose(book(rules=rules), snapshot(), request(payment_id=n), 1) for n in range(2_000)}
    by_split = [chosen.channel_id for chosen in ways.values() if chosen.way == "split"]
    assert (by_split.count(1), by_split.count(2)) == (597, 401)
    assert set(by_split) == {1, 2}
    assert ways[1] == choose(book(rules=rules), snapshot(), request(payment_id=1), 1)
    # A share whose channel is ill is chosen as ever.
    number = next(n for n, chosen in ways.items() if chosen.way == "split" and chosen.channel_id == 1)
    ill = choose(book(rules=rules), snapshot(View(1, breaker="open")), request(payment_id=number), 1)
    assert ill.channel_id != 1


def test_modes_and_weights() -> None:
    by_order = book(policy=Policy(mode="order"))
    assert choose(by_order, snapshot(View(1, breaker="open")), request(), 1).channel_id == 2
    weights = book(
        candidate(1, weight=0), candidate(2, weight=30), candidate(3, weight=10), policy=Policy(mode="weights")
    )
    taken = [choose(weights, snapshot(), request(), seed).channel_id for seed in range(1_000)]
    assert [taken.count(channel) for channel in (1, 2, 3)] == [0, 762, 238]
    without = book(candidate(1, weight=0), candidate(2, weight=0), policy=Policy(mode="weights"))
    assert choose(without, snapshot(), request(), 1).way == "order"


def test_within_the_band_the_cheaper_one() -> None:
    sure = [View(c, won=600_000, lost=400_000) for c in (1, 2)]
    fees = book(candidate(1, fee_ppm=6_000), candidate(2, fee_ppm=3_800), policy=Policy(floor=0.0))
    taken = {choose(fees, snapshot(*sure), request(), seed).channel_id for seed in range(50)}
    assert taken == {2}
    better = [View(1, won=620_000, lost=380_000), sure[1]]
    chosen = choose(fees, snapshot(*better), request(), 1)
    assert (chosen.channel_id, chosen.way) == (1, "score")
    # Unless somebody said what a fee is worth.
    greedy = book(*fees.candidates, policy=Policy(floor=0.0, fee_weight=100.0))
    assert choose(greedy, snapshot(*better), request(), 1).channel_id == 2


def test_speed_and_targets_are_part_of_the_score() -> None:
    one, two = View(1, won=6e6, lost=4e6, pay_ms=60_000), View(2, won=5.9e6, lost=4.1e6, pay_ms=12_000)
    plain = Policy(floor=0.0)
    assert choose(book(candidate(1), candidate(2), policy=plain), snapshot(one, two), request(), 1).channel_id == 1
    hasty = Policy(floor=0.0, speed_weight=0.02)
    assert choose(book(candidate(1), candidate(2), policy=hasty), snapshot(one, two), request(), 1).channel_id == 2
    behind = book(candidate(1), candidate(2, target_minor=100_000), policy=plain)
    assert choose(behind, snapshot(one, two), request(), 1).channel_id == 2
    done = {2: Usage(done_minor=50_000)}  # at noon half of it is due
    assert choose(behind, snapshot(one, two, usages=done), request(), 1).channel_id == 1


def test_another_channel_for_the_same_order() -> None:
    refused = (Tried(1, "refused_channel"),)
    chosen = choose(book(), snapshot(), request(tried=refused), 1)
    assert chosen.channel_id in (2, 3)
    assert why(chosen)[1] == "tried"
    unknown = choose(book(), snapshot(), request(tried=(Tried(1, "unknown"),)), 1)
    assert (unknown.channel_id, why(unknown)) == (0, dict.fromkeys((1, 2, 3), "unknown_before"))
    begun = choose(book(), snapshot(), request(tried=(Tried(1, "accepted"),)), 1)
    assert (begun.channel_id, why(begun)) == (0, dict.fromkeys((1, 2, 3), "begun_before"))
    four = book(*map(candidate, (1, 2, 3, 4)))
    thrice = tuple(Tried(c, "refused_channel") for c in (1, 2, 3))
    assert why(choose(four, snapshot(), request(tried=thrice), 1))[4] == "tries"


def test_a_customer_who_asks_again_gets_another_channel_and_at_last_the_first_again() -> None:
    again = {"is_asked_again": True}
    first = (Tried(1, "accepted"),)
    assert choose(book(), snapshot(), request(tried=first, **again), 1).channel_id in (2, 3)
    two = book(candidate(1), candidate(2))
    both = (Tried(1, "accepted"), Tried(2, "refused_channel"))
    assert choose(two, snapshot(), request(tried=both, **again), 1).channel_id == 1
    refused = (Tried(1, "refused_channel"), Tried(2, "refused_channel"))
    assert choose(two, snapshot(), request(tried=refused, **again), 1).channel_id in (1, 2)
    assert choose(two, snapshot(), request(tried=refused), 1).channel_id == 0


def test_every_word_is_told_in_both_languages() -> None:
    for named in (*WHY_NOT.values(), *WAYS.values()):
        assert named.zh
        assert named.en
