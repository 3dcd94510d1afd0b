"""The router in its place: what it hears, how processes share it, what stands with an attempt, what people set."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from kameng import notices, payments, routing
from kameng.channels import Method, Scene
from kameng.kit import clock
from kameng.payments import BadRule, Cashier, NoChannel, NoSuchRule, Payer, PaymentUnknown, Router, steering
from kameng.routing import Request, Rule, When
from laws.world import Merchant, World
from payments.bank import PROTOCOL, Bank, open_bank
from payments.counter import TERMS, Counter

_numbers = count(1)
ASKED = Request(payment_id=0, method="wechat", scene="qr", amount_minor=10_000)


@pytest.fixture
async def other(counter: Counter) -> AsyncIterator[Bank]:
    """A second provider, with channel 2."""
    async with open_bank() as bank:
        number = await payments.add_channel(
            counter.world.db, counter.world.ring, protocol=PROTOCOL, name="other bank", account_no="M-1", actor_id=7,
            credentials={"base": bank.base, "secret": bank.secret},
        )  # fmt: skip
        await payments.switch_channel(counter.world.db, number, on=True, reason="open", actor_id=7)
        assert (counter.channel, number) == (1, 2)
        counter.cashier.router = Router(random.Random(7))
        counter.forget()
        yield bank


async def begin(cashier: Cashier, merchant: Merchant, ref: str = "", **more: Any) -> payments.Begin:
    """A recharge of a hundred yuan."""
    return await payments.begin_recharge(
        cashier, merchant.caller.organisation, 1_000_000, client_ref=ref or f"r-{next(_numbers)}",
        method=Method.wechat, scene=Scene.qr, payer=Payer(**more),
    )  # fmt: skip


def a_cashier(world: World, seed: int = 1) -> Cashier:
    router = Router(random.Random(seed))
    return Cashier(world.db, world.ring, public_url="https://kameng.test", terms=TERMS, router=router)


def creates(bank: Bank) -> int:
    return sum(call == "begin" for call, _ in bank.calls)


async def test_no_create_begins_after_the_second_failure_came_back(counter: Counter, other: Bank) -> None:
    merchant = await counter.world.merchant()
    other.begins = ["refused_channel"] * 500
    begun = await asyncio.gather(*(begin(counter.cashier, merchant) for _ in range(120)))
    begun += [await begin(counter.cashier, merchant) for _ in range(20)]
    assert {one.payment.channel_id for one in begun} == {1}
    heard = [(note.what, note.outcome) for note in counter.cashier.router._unsent]
    of_other = {note.payment_id for note in counter.cashier.router._unsent if note.channel_id == 2}
    failures, late = 0, 0
    for note in counter.cashier.router._unsent:
        failures += note.what == "ended" and note.payment_id in of_other
        late += note.what == "began" and note.channel_id == 2 and failures >= 2
    assert failures >= 2, heard
    assert late == 0
    assert creates(other) == failures
    left = await counter.world.scalar("SELECT count(*) FROM payment WHERE channel_id = 2 AND code = 'left'")
    chosen = await counter.world.scalar("SELECT count(*) FROM payment WHERE channel_id = 2")
    assert chosen == failures + left  # chosen before, and never called
    await counter.check()


async def test_what_one_process_hears_the_others_know(counter: Counter, other: Bank) -> None:
    world, merchant = counter.world, await counter.world.merchant()
    first, second = a_cashier(world), a_cashier(world, 2)
    for cashier in (first, second):
        await cashier.router.share(world.db)
    other.begins = ["refused_channel"] * 2
    while other.begins:
        await begin(first, merchant)
    assert second.router.learner.breaker(2, clock.now_ms()) == "closed"
    for cashier in (first, second):
        await cashier.router.share(world.db)
    assert second.router.learner.breaker(2, clock.now_ms()) == "open"
    assert {(await begin(second, merchant)).payment.channel_id for _ in range(10)} == {1}
    paid = (await begin(second, merchant)).payment
    counter.bank.pay(paid.payment_no)
    assert (await payments.hear(first, 1, counter.bank.notice(paid.payment_no), address="127.0.0.1")).status == 200
    assert paid.payment_id not in first.router.learner.state.flights  # its beginning is not heard of yet
    for cashier in (second, first, second):
        await cashier.router.share(world.db)
    for cashier in (first, second):
        assert cashier.router.learner.state.flights[paid.payment_id].paid_ms > 0
    assert await world.scalar("SELECT count(*) FROM routing_memory") == 1
    third = a_cashier(world, 3)  # a process that starts later
    await third.router.share(world.db)
    assert third.router.learner.breaker(2, clock.now_ms()) == "open"
    assert third.router.learner.state.flights.keys() == second.router.learner.state.flights.keys()
    sheets = await world.scalar("SELECT count(*) FROM routing_sheet")
    for cashier in (first, second, third):
        await cashier.router.share(world.db)
        await cashier.close()
    assert await world.scalar("SELECT count(*) FROM routing_sheet") == sheets  # nothing new, nothing written


async def test_a_memory_of_another_version_is_left_alone(counter: Counter) -> None:
    world = counter.world
    await world.execute("INSERT INTO routing_memory VALUES (0, 'nonsense', 5, now())")
    cashier = a_cashier(world)
    await cashier.router.share(world.db)
    assert cashier.router.learner.state.pools == {}
    await cashier.close()


async def test_a_provider_that_hangs_is_left_before_it_answers(counter: Counter, other: Bank) -> None:
    router = counter.cashier.router
    merchant = await counter.world.merchant()
    await begin(counter.cashier, merchant)  # a book is there
    at_ms = clock.now_ms()
    with clock.hold(at_ms):
        for number in (101, 102):
            router.began(number, routing.Choice(channel_id=2, way="score", considered=()), ASKED)
    with clock.hold(at_ms + 1_999):
        router.look()
        assert router.learner.breaker(2, at_ms + 1_999) == "closed"
    with clock.hold(at_ms + 2_001):
        router.look()
        assert [(one.what, one.channel_id) for one in router.news] == [("opened", 2)]
        assert {(await begin(counter.cashier, merchant)).payment.channel_id for _ in range(5)} == {1}
    assert creates(other) <= 1


async def test_every_decision_is_kept_and_comes_out_the_same_again(counter: Counter, other: Bank) -> None:
    world, merchant = counter.world, await counter.world.merchant()
    other.begins = ["refused_channel", "accepted", "unknown"]
    attempts: list[int] = []
    for turn in range(25):
        if turn == 10:
            await payments.change_channel(world.db, 2, weight=50, day_most_e4=100_000_000, actor_id=7)
            counter.forget()
        with contextlib.suppress(PaymentUnknown):
            await begin(counter.cashier, merchant)
    rows = await world.rows("SELECT payment_id, channel_id FROM payment ORDER BY payment_id")
    for row in rows:
        found = await payments.find_decision(world.db, row["payment_id"])
        assert found.is_replayed
        assert found.logged.choice.channel_id == row["channel_id"]
        assert found.logged.request.payment_id == row["payment_id"]
        attempts.append(found.logged.choice.revision)
    assert len(rows) >= 26
    assert len(set(attempts)) == 2  # a book for each content, not for each payment
    assert sum([await payments.estimate(world.db, lane) for lane in world.lanes]) == len(rows)
    assert sum([await payments.estimate(world.db, lane) for lane in world.lanes]) == 0
    found = await payments.find_decision(world.db, rows[0]["payment_id"])
    assert 0 < (found.logged.propensity or 0) < 1
    await world.execute("UPDATE payment SET decision = jsonb_set(decision, '{choice,seed}', '1')")
    again = [(await payments.find_decision(world.db, row["payment_id"])).is_replayed for row in rows]
    assert False in again


async def test_asked_again_it_is_another_channel_and_only_one_is_paid(counter: Counter, other: Bank) -> None:
    merchant = await counter.world.merchant()
    first = (await begin(counter.cashier, merchant, "again")).payment
    assert (await begin(counter.cashier, merchant, "again")).payment == first  # shown again
    second = (await begin(counter.cashier, merchant, "again", is_elsewhere=True)).payment
    assert {first.channel_id, second.channel_id} == {1, 2}
    banks = {1: counter.bank, 2: other}
    banks[first.channel_id].closes = ["rate_limited"]
    await counter.work()
    assert (await counter.payment(first)).state == "waiting"  # not to be closed yet
    for one in (second, first):
        banks[one.channel_id].pay(one.payment_no)
        notice = banks[one.channel_id].notice(one.payment_no)
        assert await counter.hear(notice, channel=one.channel_id) == 200
    await counter.work()
    assert [(await counter.payment(one)).state for one in (first, second)] == ["refunded", "paid"]
    third = (await begin(counter.cashier, merchant, "third")).payment
    fourth = (await begin(counter.cashier, merchant, "third", is_elsewhere=True)).payment
    await counter.work()
    assert [(await counter.payment(one)).state for one in (third, fourth)] == ["closed", "waiting"]
    fifth = (await begin(counter.cashier, merchant, "third", is_elsewhere=True)).payment
    assert fifth.channel_id in (1, 2)  # both were tried: one of them once more
    await counter.world.assert_clean()


async def test_refused_everywhere_whoever_asks_again_is_not_sent_away(counter: Counter, other: Bank) -> None:
    merchant = await counter.world.merchant()
    counter.bank.begins, other.begins = ["refused_channel"], ["refused_channel"]
    with pytest.raises(NoChannel) as refused:
        await begin(counter.cashier, merchant, "again")
    assert (refused.value.code, refused.value.status) == ("no_payment_channel", 503)
    assert (await begin(counter.cashier, merchant, "again")).payment.attempt == 3


async def test_a_days_limit_counts_what_began_a_moment_ago(counter: Counter, other: Bank) -> None:
    await payments.change_channel(counter.world.db, 2, day_most_e4=2_000_000, actor_id=7)
    rule = Rule(name="first 2", act="groups", groups=((2,), (1,)))
    await payments.add_rule(counter.world.db, rule, actor_id=7)
    counter.forget()
    merchant = await counter.world.merchant()
    begun = await asyncio.gather(*(begin(counter.cashier, merchant) for _ in range(6)))
    assert sorted(one.payment.channel_id for one in begun) == [1, 1, 1, 1, 2, 2]


async def test_rules_in_their_order_and_a_dry_run(counter: Counter, other: Bank) -> None:
    db, cashier = counter.world.db, counter.cashier
    big = When(methods=("wechat",), amount_min_minor=50_000)
    pin = await payments.add_rule(db, Rule(name="big to 2", act="pin", channels=(2,), when=big), actor_id=7)
    small = Rule(name="others to 1", act="pin", channels=(1,))
    last = await payments.add_rule(db, small, actor_id=7)
    counter.forget()
    large = Request(payment_id=0, method="wechat", scene="qr", amount_minor=50_000)
    told = await payments.why(cashier, large)
    assert (told.logged.choice.channel_id, told.logged.choice.way, told.logged.choice.rule) == (2, "pin", "big to 2")
    assert routing.explain(told.logged.choice, "zh", told.names)[0] == "选择 other bank：规则指定（big to 2）。"
    assert (await payments.why(cashier, ASKED)).logged.choice.channel_id == 1
    await payments.move_rule(db, last, by=-5, actor_id=7)
    counter.forget()
    assert [one.rule_id for one in (await payments.find_routing(db)).rules] == [last, pin]
    assert (await payments.why(cashier, large)).logged.choice.channel_id == 1
    await payments.change_rule(db, last, Rule(name="not 1", act="refuse", channels=(1,)), actor_id=7)
    counter.forget()
    refused = (await payments.why(cashier, ASKED)).logged.choice
    assert (refused.channel_id, refused.considered[0].left_out, refused.considered[0].rule) == (
        2, "rule_refuses", "not 1",
    )  # fmt: skip
    for number in (last, pin):
        await payments.end_rule(db, number, reason="over", actor_id=7)
    with pytest.raises(NoSuchRule):
        await payments.end_rule(db, pin, reason="over", actor_id=7)
    assert (await payments.find_routing(db)).rules == []
    acts = await counter.world.rows("SELECT act FROM audit_line WHERE act LIKE 'routing.%' ORDER BY audit_id")
    assert [row["act"].removeprefix("routing.rule.") for row in acts] == ["add", "add", "move", "change", "end", "end"]
    assert creates(counter.bank) + creates(other) == 0  # nobody was sent anywhere


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (Rule(name="", act="refuse", channels=(1,)), "name"),
        (Rule(name="x", act="refuse"), "channels"),
        (Rule(name="x", act="pin", channels=(1, 1)), "channels"),
        (Rule(name="x", act="only", channels=(9,)), "channel"),
        (Rule(name="x", act="groups", groups=((1,), ())), "channels"),
        (Rule(name="x", act="split", shares=((1, 10_001),)), "shares"),
        (Rule(name="x", act="pin", channels=(1,), when=When(methods=("cash",))), "methods"),
        (Rule(name="x", act="pin", channels=(1,), when=When(amount_min_minor=2, amount_max_minor=1)), "amount"),
        (Rule(name="x", act="pin", channels=(1,), when=When(hours=((60, 60),))), "hours"),
        (Rule(name="x", act="pin", channels=(1,), when=When(bins=("62x",))), "bins"),
    ],
)
async def test_rules_that_cant_be(counter: Counter, rule: Rule, field: str) -> None:
    with pytest.raises(BadRule) as refused:
        await payments.add_rule(counter.world.db, rule, actor_id=7)
    assert refused.value.field == field
    assert await counter.world.scalar("SELECT count(*) FROM routing_rule") == 0


async def test_the_switch_between_learning_weights_and_order(counter: Counter, other: Bank) -> None:
    db, merchant = counter.world.db, await counter.world.merchant()
    await payments.change_channel(db, 2, weight=0, actor_id=7)
    await payments.set_policy(db, {"mode": "weights"}, reason="try", actor_id=7)
    counter.forget()
    assert {(await begin(counter.cashier, merchant)).payment.channel_id for _ in range(5)} == {1}
    await payments.change_channel(db, 2, weight=100, actor_id=7)
    await payments.set_policy(db, {"mode": "order", "fee_weight": 0.5}, reason="try", actor_id=7)
    counter.forget()
    told = (await payments.why(counter.cashier, ASKED)).logged.choice
    assert (told.channel_id, told.way, told.is_learned) == (1, "order", False)
    assert (await payments.find_routing(db)).policy.fee_weight == 0.5
    for changes in ({"mode": "best"}, {"spread": 1.0}, {"fee_weight": 2.0}):
        with pytest.raises(BadRule):
            await payments.set_policy(db, changes, reason="try", actor_id=7)


async def test_staff_is_told_of_channels_that_are_left_and_back(counter: Counter, other: Bank) -> None:
    world, cashier = counter.world, counter.cashier
    for topic in ("channel_left", "channel_back", "channels_ill"):
        await notices.subscribe(
            world.db, world.ring, notices.STAFF, topic=topic, channel="mail",
            address=notices.Address("ops@shop.example"), policy=notices.Policy(http=True),
        )  # fmt: skip
    await cashier.channels.refresh()
    at_ms = clock.now_ms()
    with clock.hold(at_ms):
        for number in (1, 2, 3, 4):
            channel_id = 2 if number < 3 else 1
            cashier.router.began(number, routing.Choice(channel_id=channel_id, way="score", considered=()), ASKED)
            cashier.router.ended(number, "refused_channel")
            if number == 2:
                await payments.tell_news(world.db, place=cashier)
                assert await told(world) == ["channel_left"]
        await payments.tell_news(world.db, place=cashier)
        assert await told(world) == ["channel_left", "channel_left", "channels_ill"]
    with clock.hold(at_ms + 31_000):
        for _ in range(3):
            cashier.router.tested(2, "accepted")
        await payments.tell_news(world.db, place=cashier)
        assert await told(world) == ["channel_left", "channel_left", "channels_ill", "channel_back"]
        await payments.tell_news(world.db, place=cashier)
    assert len(await told(world)) == 4


async def told(world: World) -> list[str]:
    rows = await world.rows("SELECT payload FROM job WHERE kind = 'notices.announce' ORDER BY job_id")
    return [row["payload"]["topic"] for row in rows]


async def test_a_person_tries_a_channel_and_sees_each_answer(counter: Counter, other: Bank) -> None:
    steps = await payments.probe_channel(counter.cashier, 2, actor_id=7)
    assert [(one.call, one.outcome, one.state) for one in steps] == [
        ("begin", "accepted", ""), ("query", "done", "waiting"), ("close", "done", ""),
    ]  # fmt: skip
    assert [(kept.amount_minor, kept.state) for kept in other.payments.values()] == [(1, "closed")]
    (number,) = other.payments
    line = await counter.world.rows("SELECT data FROM audit_line WHERE act = 'channel.try'")
    assert line[0]["data"] == {"number": number}
    assert await counter.world.scalar("SELECT count(*) FROM payment") == 0
    other.begins = ["refused_channel", "refused_config"]
    steps = await payments.probe_channel(counter.cashier, 2, actor_id=7)
    assert [(one.call, one.outcome) for one in steps] == [("begin", "refused_channel")]
    assert counter.cashier.router.learner.breaker(2, clock.now_ms()) == "closed"
    await payments.probe_channel(counter.cashier, 2, actor_id=7)
    assert counter.cashier.router.learner.breaker(2, clock.now_ms()) == "open"  # nothing works until it is mended


async def test_a_channel_that_was_left_comes_back_without_a_customer(counter: Counter, other: Bank) -> None:
    merchant, cashier = await counter.world.merchant(), counter.cashier
    other.begins = ["refused_channel"] * 3
    while len(other.begins) > 1:
        await begin(cashier, merchant)
    at_ms, tried = clock.now_ms(), creates(other)
    await payments.revive(counter.world.db, place=cashier)  # it is open still
    assert creates(other) == tried
    with clock.hold(at_ms + 31_000):
        for _ in range(3):
            await payments.revive(counter.world.db, place=cashier)
        assert creates(other) == tried + 1  # it failed, and waits twice as long
        assert cashier.router.learner.breaker(2, clock.now_ms()) == "open"
    with clock.hold(at_ms + 31_000 + 61_000):
        for _ in range(3):
            await payments.revive(counter.world.db, place=cashier)
        assert creates(other) == tried + 4
        assert cashier.router.learner.breaker(2, clock.now_ms()) == "closed"
    assert creates(counter.bank) == await counter.world.scalar("SELECT count(*) FROM payment WHERE channel_id = 1")


async def test_how_channels_are(counter: Counter, other: Bank) -> None:
    merchant = await counter.world.merchant()
    await payments.change_channel(counter.world.db, 1, day_most_e4=90_000_000, actor_id=7)
    counter.forget()
    other.begins = ["refused_channel"] * 2
    begun = []
    while other.begins or len(begun) < 8:  # after its first failure a channel that little is known of is seldom taken
        begun.append((await begin(counter.cashier, merchant)).payment)
    many = len(begun)
    assert await counter.paid(begun[-1]) == 200
    one, two = await payments.channel_health(counter.cashier)
    assert (one.state, two.state) == ("well", "open")
    assert (one.hour.begun, one.hour.paid, one.left_e4) == (many, 1, 90_000_000 - many * 1_000_000)
    assert (two.hour.begun, two.hour.failed, two.left_e4) == (2, 2, None)
    assert (one.today.begun, one.today.paid, one.share) == (many, 1, many / (many + 2))
    (fault,) = await payments.channel_faults(counter.world.db, 2)
    assert (fault.state, fault.code, fault.times) == ("failed", "", 2)
    assert await payments.channel_faults(counter.world.db, 1) == []


async def test_its_round_shares_by_itself(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "ROUND_S", 0.01)
    monkeypatch.setattr(steering, "SHARE_S", 0.01)
    merchant = await counter.world.merchant()
    cashier = a_cashier(counter.world)
    cashier.start()
    await begin(cashier, merchant)
    for _ in range(500):
        if await counter.world.scalar("SELECT count(*) FROM routing_memory"):
            break
        await asyncio.sleep(0.01)
    await cashier.close()
    assert await counter.world.scalar("SELECT count(*) FROM routing_sheet") >= 1
    assert await counter.world.scalar("SELECT count(*) FROM routing_memory") == 1
