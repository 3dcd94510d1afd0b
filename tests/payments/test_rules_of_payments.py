"""The pure rules of payments: fees, hours, bonuses, terms, who may take a payment, what becomes of what is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from kameng import payments, routing
from kameng.channels import Outcome, Refunded
from kameng.channels import RefundState as Told
from kameng.payments import ChannelAccount, id_of_number, number_of, refund_number_of, running_out
from kameng.payments.choosing import book_of, usages_of
from kameng.payments.model import (
    REFUND_TRIES_MAX,
    BonusRule,
    Refund,
    RefundState,
    bonus_of,
    fee_of,
    next_query,
)
from kameng.payments.returning import after_answer

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # noon in China
CHANNEL = ChannelAccount(
    1, 0, "loopback", "one", "CNY", "M-1", (("wechat", "qr"),), 6000, 0, 0, None, None, None, None, None, None, (), 100,
    True, 1, AT, AT,
)  # fmt: skip


def but(**more: Any) -> ChannelAccount:
    return msgspec.structs.replace(CHANNEL, **more)


@pytest.mark.parametrize(
    ("channel", "amount_e4", "fee_e4"),
    [
        (CHANNEL, 985_000, 5_900),  # 0.591: 59 fen
        (CHANNEL, 100, 0),
        (but(fee_ppm=3800), 10_000_000, 38_000),
        (but(fee_ppm=0, fee_fixed_e4=3_000), 985_000, 3_000),
        (but(fee_ppm=6000, fee_fixed_e4=3_000), 1_000, 1_000),  # never more than was paid
        (but(fee_ppm=5000), 10_000, 100),  # half a fen is a whole one
    ],
)
def test_fees(channel: ChannelAccount, amount_e4: int, fee_e4: int) -> None:
    assert fee_of(channel, amount_e4) == fee_e4


def why(channel: ChannelAccount, begun_e4: int = 0, **more: Any) -> str:
    """Why routing leaves it out; empty if it takes it."""
    asked = routing.Request(payment_id=1, method="wechat", scene="qr", amount_minor=9_850, **more)
    usages = usages_of([channel], {channel.channel_id: begun_e4})
    at = routing.Snapshot(at_ms=int(AT.timestamp() * 1000), views=(), usages=usages)
    chosen = routing.choose(book_of(0, [channel], (), routing.Policy()), at, asked, 1)
    return chosen.considered[0].left_out


@pytest.mark.parametrize(
    ("opens", "closes", "is_open"),
    [(None, None, True), (0, 720, False), (720, 721, True), (1380, 721, True), (1380, 720, False), (0, 1439, True)],
)
def test_hours_are_chinas_and_may_pass_midnight(opens: int | None, closes: int | None, is_open: bool) -> None:
    assert why(but(opens_min=opens, closes_min=closes)) == ("" if is_open else "hours")


@pytest.mark.parametrize(
    ("channel", "word"),
    [
        (CHANNEL, ""),
        (but(is_on=False), "off"),
        (but(weight=0), "off"),
        (but(offers=(("wechat", "page"),)), "offer"),
        (but(currency="USD"), "currency"),
        (but(least_e4=985_001), "amount"),
        (but(most_e4=984_999), "amount"),
        (but(most_e4=985_000, least_e4=985_000), ""),
        (but(day_most_e4=1_984_999), "amount_limit"),
        (but(day_most_e4=1_985_000), ""),
        (but(opens_min=0, closes_min=1), "hours"),
        (but(licence_until=date(2026, 11, 22)), "licence"),
        (but(certificate_until=date(2026, 11, 22)), "certificate"),
        (but(certificate_until=date(2026, 11, 23)), ""),
    ],
)
def test_who_cant_take_it_says_why(channel: ChannelAccount, word: str) -> None:
    assert why(channel, 1_000_000) == word


def test_an_organisations_own_accounts_are_a_book_of_their_own() -> None:
    every = [CHANNEL, but(channel_id=2, org_id=77), but(channel_id=3, fee_fixed_e4=1_000, day_target_e4=5_000_000)]
    rules = (routing.Rule(name="not 3", act="refuse", channels=(3,)),)
    own, platforms = (book_of(org_id, every, rules, routing.Policy(mode="order")) for org_id in (77, 0))
    assert [one.channel_id for one in own.candidates] == [2]
    assert (own.rules, own.policy.mode) == ((), "order")
    assert [one.channel_id for one in platforms.candidates] == [1, 3]
    assert platforms.rules == rules
    assert (platforms.candidates[1].fee_fixed_minor, platforms.candidates[1].target_minor) == (10, 50_000)


def test_numbers_hold_their_lane_and_nothing_else_is_one() -> None:
    assert id_of_number(number_of(250596038325305345)) == 250596038325305345
    assert id_of_number(refund_number_of(7)) == 7
    assert [id_of_number(text) for text in ("", "K", "K-1", "K0", "7", "Kx", "K" + "9" * 19, "X7")] == [None] * 8


def test_what_is_given_on_top() -> None:
    rules = [
        BonusRule(1, 1_000_000, 50_000, 0, None, AT, None),
        BonusRule(2, 5_000_000, 0, 80_000, 1_000_000, AT, AT + timedelta(days=1)),
    ]
    later = AT + timedelta(days=1)
    assert [bonus_of(rules, e4, AT) for e4 in (999_900, 1_000_000, 4_999_900, 5_000_000, 50_000_000)] == [
        0, 50_000, 50_000, 400_000, 1_000_000,
    ]  # fmt: skip
    assert bonus_of(rules, 5_000_000, later) == 50_000
    assert bonus_of(rules, 5_000_000, AT - timedelta(seconds=1)) == 0
    assert bonus_of([BonusRule(3, 1, 0, 33_333, None, AT, None)], 1_000_100, AT) == 33_300  # whole fen


def test_it_is_asked_about_until_a_day_after_its_end_and_never_past_its_end_unasked() -> None:
    ends, at, step, asked = AT + timedelta(seconds=600), AT + timedelta(seconds=5), 0, []
    while True:
        step += 1
        due = next_query(step, at, expires_at=ends)
        if due is None:
            break
        assert due > at
        at = due
        asked.append((at - AT).total_seconds())
    assert asked[:8] == [15, 35, 75, 135, 255, 555, 600, 1200]
    assert asked[-1] >= 600 + 24 * 3600
    assert len(asked) < 200


REFUND = Refund(1, 2, 3, 4, 1, "k", "order", 100, "CNY", "", RefundState.requested, 0, "", "", AT)


@pytest.mark.parametrize(
    ("outcome", "told", "before", "after"),
    [
        (Outcome.accepted, Told.processing, "requested", "sent"),
        (Outcome.done, Told.processing, "unknown", "sent"),
        (Outcome.unknown, Told.unknown, "requested", "unknown"),
        (Outcome.unknown, Told.unknown, "sent", "unknown"),
        (Outcome.rate_limited, Told.unknown, "requested", "requested"),
        (Outcome.rate_limited, Told.unknown, "unknown", "unknown"),
        (Outcome.rate_limited, Told.unknown, "sent", "unknown"),
        (Outcome.refused_channel, Told.unknown, "unknown", "requested"),
        (Outcome.refused_channel, Told.unknown, "sent", "unknown"),
        (Outcome.refused_config, Told.unknown, "requested", "requested"),
    ],
)
def test_where_a_refund_stands_after_no_last_word(outcome: Outcome, told: Told, before: str, after: str) -> None:
    refund = msgspec.structs.replace(REFUND, state=RefundState(before))
    done = after_answer(refund, Refunded(outcome=outcome, state=told), AT)
    assert (done.state, done.tries) == (after, 1)


@pytest.mark.parametrize(("outcome", "after"), [(Outcome.refused_channel, "failed"), (Outcome.unknown, "abnormal")])
def test_a_person_sees_to_what_was_tried_too_often(outcome: Outcome, after: str) -> None:
    refund = msgspec.structs.replace(REFUND, tries=REFUND_TRIES_MAX - 1)
    assert after_answer(refund, Refunded(outcome=outcome), AT).state == after


def test_papers_that_run_out() -> None:
    every = [
        but(licence_until=date(2026, 12, 23)), but(channel_id=2, certificate_until=date(2026, 11, 1)),
        but(channel_id=3, licence_until=date(2026, 12, 24)), but(channel_id=4, licence_until=AT.date(), is_on=False),
    ]  # fmt: skip
    found = running_out(every, AT.date())
    assert [(one.channel_id, one.what) for one in found] == [(2, "certificate"), (1, "licence")]


@pytest.mark.parametrize(
    ("total_e4", "available_e4", "part_e4"),
    [
        (200_000, 123_000, 123_000), (200_000, 123_050, 123_000), (200_000, 0, 0), (200_000, -5, 0), (200_000, 99, 0),
        (200_000, 200_000, 0), (200_000, 999_999, 0), (200_050, 123_000, 122_950), (200_000, 199_999, 199_900),
    ],
)  # fmt: skip
def test_a_wallet_adds_so_much_that_the_rest_is_whole_fen(total_e4: int, available_e4: int, part_e4: int) -> None:
    assert payments.part_of(total_e4, available_e4) == part_e4
