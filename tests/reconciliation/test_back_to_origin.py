"""Money of a difference goes back to where it came from, by its provider or by hand; then it is resolved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kameng import payments, reconciliation
from kameng.channels import Bill, BillLine, NoticeKind
from kameng.kit import clock, ids
from kameng.reconciliation import Act, BadReconciliation, Case, CaseNotOpen, Channel, Choice
from laws.world import World
from payments.bank import PROTOCOL, Kept
from payments.counter import Counter, open_counter

LARGE_E4 = 10**9
CHOICE = Choice(Act.refund, "nobody here knows it")


@pytest.fixture
async def counter(world: World) -> AsyncIterator[Counter]:
    async with open_counter(world) as opened:
        yield opened


async def stray(counter: Counter, number: str = "X-9", *, provider_no: str = "PX-9") -> tuple[Channel, Case]:
    """Ten yuan that the bank took for us, and only its bill tells of."""
    counter.bank.payments[number] = Kept(1000, "paid", 1000)
    channel = Channel(counter.channel, "bank", PROTOCOL, "CNY")
    line = BillLine(
        kind=NoticeKind.payment, payment_no=number, provider_no=provider_no, amount_minor=1000, fee_minor=6,
        at=clock.now() - timedelta(days=1),
    )  # fmt: skip
    day = clock.china_day() - timedelta(days=1)
    await reconciliation.keep(counter.world.db, channel, Bill(day=day, lines=[line]))
    await reconciliation.match(counter.world.db, channel, day, large_e4=LARGE_E4)
    (case,) = await reconciliation.list_cases(counter.world.db)
    return channel, case


async def resolve(counter: Counter, case: Case, *, limit_e4: int = LARGE_E4, choice: Choice = CHOICE) -> Case:
    return await reconciliation.resolve(counter.world.db, case.case_id, choice, limit_e4=limit_e4, actor_id=7)


async def found(counter: Counter, case: Case) -> Case:
    return (await reconciliation.find_case(counter.world.db, case.case_id))[0]


async def test_what_nobody_knows_goes_back_whole_and_the_next_bill_agrees(counter: Counter) -> None:
    channel, case = await stray(counter)
    assert (case.suspense_e4, Act.refund in case.choices) == (99_400, True)
    going = await resolve(counter, case)
    assert (going.state, going.transfer_id) == ("returning", None)
    assert (await counter.houses())["suspense"] == 100_000  # what the provider kept is a fee of ours
    with pytest.raises(CaseNotOpen):
        await resolve(counter, case)
    assert await reconciliation.clear(counter.world.db, channel) == 0
    assert (await reconciliation.report(counter.world.db, case.day)).startswith(b"PK")
    await counter.work()
    assert counter.bank.payments["X-9"].refunds[f"R{(going.detail or {})['refund_id']}"]["amount"] == 1000
    assert await reconciliation.clear(counter.world.db, channel) == 1
    done = await found(counter, case)
    assert (done.state, done.act, done.transfer_id is None) == ("resolved", "refund", False)
    assert "suspense" not in await counter.houses()
    refund_no = f"R{(done.detail or {})['refund_id']}"
    line = BillLine(
        kind=NoticeKind.refund, payment_no="X-9", refund_no=refund_no, provider_no="PX-9", amount_minor=1000,
        at=clock.now(),
    )  # fmt: skip
    await reconciliation.keep(counter.world.db, channel, Bill(day=clock.china_day(), lines=[line]))
    await reconciliation.match(counter.world.db, channel, clock.china_day(), large_e4=LARGE_E4)
    assert await reconciliation.list_cases(counter.world.db) == []
    await counter.world.assert_clean()


async def test_what_the_provider_wont_give_back_a_person_does(counter: Counter) -> None:
    channel, case = await stray(counter)
    counter.bank.refund_states = ["failed"]
    refund_id = int(((await resolve(counter, case)).detail or {})["refund_id"])
    await counter.work()
    assert await counter.desk() == ["payments.mismatch"]
    assert await reconciliation.clear(counter.world.db, channel) == 0
    for _ in range(2):
        back = await payments.book_by_hand(counter.world.db, refund_id, hand_no="CMB-9", reason="by bank", actor_id=7)
    assert (back.hand_no, back.state) == ("CMB-9", "failed")
    assert await counter.desk() == []
    with pytest.raises(payments.NotByHand):
        await payments.book_by_hand(counter.world.db, refund_id, hand_no="CMB-10", reason="again", actor_id=7)
    assert await reconciliation.clear(counter.world.db, channel) == 1
    assert (await found(counter, case)).detail == {"refund_id": str(refund_id), "reference": "CMB-9"}
    assert "suspense" not in await counter.houses()
    await counter.world.assert_clean()


async def test_above_ones_limit_a_second_person_lets_it_go(counter: Counter) -> None:
    _, case = await stray(counter)
    assert (await resolve(counter, case, limit_e4=1)).state == "asked"
    assert await counter.world.scalar("SELECT count(*) FROM payment_refund") == 0
    done = await reconciliation.decide(counter.world.db, case.case_id, agree=True, actor_id=8)
    assert (done.state, done.second_id) == ("returning", 8)
    await counter.work()
    await counter.world.assert_clean()


async def test_what_no_provider_could_give_back_is_refused(counter: Counter) -> None:
    _, case = await stray(counter, "", provider_no="")
    with pytest.raises(BadReconciliation) as refused:
        await resolve(counter, case)
    assert refused.value.field == "act"
    assert await counter.world.scalar("SELECT count(*) FROM payment_refund") == 0
    assert (await found(counter, case)).state == "open"
    assert ids.lane_of(case.case_id) == 0
    await counter.world.assert_clean()
