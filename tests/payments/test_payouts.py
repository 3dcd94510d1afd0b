"""打款: withdrawals paid out through Alipay's simulator, with its faults; suspense until it is known, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from channels.providers import Providers, on_their_own, until
from kameng import finance, payments
from kameng.finance import Payee, PayoutNotOpen, SecondPersonNeeded, State, StepNotOpen, Terms, Withdrawal
from kameng.kit import clock
from kameng.payments import NoSuchChannel
from laws.world import Merchant, World
from payments.counter import Counter

YUAN = 10_000
TERMS = Terms(adjustment_limit_e4=0, withdrawal_limit_e4=500 * YUAN, fee_per_mille=6, fee_least_e4=2 * YUAN)
ANN, BOB = 71, 72
PAYEE = Payee("alipay", "张小明", "13812345678")
NAME = "支付宝证书模式商户"


@pytest.fixture(scope="module")
async def providers() -> AsyncIterator[Providers]:
    async with on_their_own() as started:
        yield started


@pytest.fixture
async def alipay(counter: Counter, providers: Providers) -> int:
    number = await payments.add_channel(
        counter.world.db, counter.world.ring, protocol="alipay", name=NAME, credentials=providers.credentials(NAME),
        actor_id=7,
    )  # fmt: skip
    await payments.switch_channel(counter.world.db, number, on=True, reason="open", actor_id=7)
    counter.forget()
    return number


async def approved(
    world: World, merchant: Merchant, yuan: int = 100, *, payee: Payee = PAYEE, ref: str = "W-1"
) -> Withdrawal:
    one = await finance.ask_withdrawal(
        world.db, world.ring, merchant.caller.organisation, yuan * YUAN, client_ref=ref, payee=payee, terms=TERMS,
        actor_id=5,
    )  # fmt: skip
    for person in (ANN, BOB) if one.needs_second else (ANN,):
        await finance.approve_withdrawal(world.db, one.withdrawal_id, actor_id=person)
    return one


async def wallet(world: World, merchant: Merchant) -> tuple[int, int]:
    row = (await world.rows("SELECT posted_e4, held_e4 FROM account WHERE account_id = $1", merchant.org_id))[0]
    return row[0] // YUAN, row[1] // YUAN


async def stands(counter: Counter, one: Withdrawal) -> tuple[str, str]:
    """Of the payout, and of its withdrawal."""
    payout = (await finance.payouts_of(counter.world.db, [one.withdrawal_id]))[one.withdrawal_id]
    state = await counter.world.scalar("SELECT state FROM withdrawal WHERE withdrawal_id = $1", one.withdrawal_id)
    return payout.state.value, state


async def later(counter: Counter, *, first: int = 1) -> None:
    """Some minutes: Alipay takes no call whose stamp is a quarter of an hour away."""
    for minute in range(first, 12, 2):
        await counter.work(minutes=minute)


async def transfers(providers: Providers, one: Withdrawal) -> list[str]:
    return [x["amount"] for x in await providers.ask("transfers") if x["number"] == f"W{one.withdrawal_id}"]


async def test_it_waits_in_suspense_and_arrives(counter: Counter, providers: Providers, alipay: int) -> None:
    world = counter.world
    merchant = await world.merchant(lane=1, money_e4=300 * YUAN)
    one = await approved(world, merchant)
    sent = await payments.send_withdrawal(world.db, one.withdrawal_id, alipay, actor_id=ANN)
    assert (sent.state, sent.amount_e4, sent.fee_e4) == ("requested", 98 * YUAN, 2 * YUAN)
    assert await wallet(world, merchant) == (200, 0)
    assert (await counter.houses())["suspense"] == 100 * YUAN
    for act in (
        payments.send_withdrawal(world.db, one.withdrawal_id, alipay, actor_id=ANN),
        finance.pay_withdrawal(world.db, one.withdrawal_id, external_ref="B-1", actor_id=ANN),
        finance.fail_withdrawal(world.db, one.withdrawal_id, note="no", actor_id=ANN),
        finance.cancel_withdrawal(world.db, merchant.caller.organisation, one.withdrawal_id, actor_id=5),
    ):
        with pytest.raises(StepNotOpen):
            await act
    await world.assert_clean()
    await counter.work()
    assert await stands(counter, one) == ("done", "paid")
    houses = await counter.houses()
    assert (houses["bank"], houses["fees"], houses.get("suspense")) == (98 * YUAN, 2 * YUAN, None)
    assert await transfers(providers, one) == ["98.00"]
    found = await finance.find_withdrawal(world.db, merchant.caller.organisation, one.withdrawal_id)
    assert (found.state, found.external_ref) == (State.paid, (await providers.ask("transfers"))[-1]["provider_no"])
    told = [row["kind"] for row in await world.rows("SELECT kind FROM event WHERE subject_id = $1 ORDER BY event_id",
                                                    one.withdrawal_id)]  # fmt: skip
    assert told == [f"withdrawal.{state}" for state in ("requested", "approved", "paying", "paid")]
    assert "payments.payout" not in await counter.waiting()
    await world.assert_clean()


async def test_a_payee_who_cant_take_it_has_the_money_back(counter: Counter, providers: Providers, alipay: int) -> None:
    merchant = await counter.world.merchant(lane=0, money_e4=300 * YUAN)
    one = await approved(counter.world, merchant, payee=Payee("alipay", "别人", "13812345678"))
    await payments.send_withdrawal(counter.world.db, one.withdrawal_id, alipay, actor_id=ANN)
    await counter.work()
    assert await stands(counter, one) == ("failed", "failed")
    assert await wallet(counter.world, merchant) == (300, 0)
    found = await finance.find_withdrawal(counter.world.db, merchant.caller.organisation, one.withdrawal_id)
    assert "PAYEE_USER_INFO_ERROR" in found.note
    assert await transfers(providers, one) == []
    assert await counter.houses() == {"clearing": -300 * YUAN}
    await counter.world.assert_clean()


@pytest.mark.parametrize("what", ["lost", "error_after", "garbage", "error", "outage"])
async def test_no_answer_is_asked_about_and_paid_once(
    counter: Counter, providers: Providers, alipay: int, what: str
) -> None:
    merchant = await counter.world.merchant(lane=0, money_e4=300 * YUAN)
    one = await approved(counter.world, merchant)
    await providers.fault(what, "pay_out", f"W{one.withdrawal_id}")
    await payments.send_withdrawal(counter.world.db, one.withdrawal_id, alipay, actor_id=ANN)
    await counter.work()
    assert await stands(counter, one) == ("unknown", "paying")
    assert await wallet(counter.world, merchant) == (200, 0)
    await counter.world.assert_clean()
    await later(counter)
    assert await stands(counter, one) == ("done", "paid")
    assert await transfers(providers, one) == ["98.00"]
    await counter.world.assert_clean()


@pytest.mark.parametrize(("fault", "ended"), [("slow", ("done", "paid")), ("refuse", ("failed", "failed"))])
async def test_what_is_in_process_ends_by_its_providers_word(
    counter: Counter, providers: Providers, alipay: int, fault: str, ended: tuple[str, str]
) -> None:
    merchant = await counter.world.merchant(lane=0, money_e4=300 * YUAN)
    one = await approved(counter.world, merchant)
    await providers.fault(fault, "settle", f"W{one.withdrawal_id}", delay_s=1.5)
    await payments.send_withdrawal(counter.world.db, one.withdrawal_id, alipay, actor_id=ANN)
    await counter.work()
    assert await stands(counter, one) == ("sent", "paying")
    ends_ms = clock.now_ms() + 1600
    await until(lambda: clock.now_ms() > ends_ms)
    await later(counter)
    assert await stands(counter, one) == ended
    assert await wallet(counter.world, merchant) == ((200, 0) if ended[0] == "done" else (300, 0))
    await counter.world.assert_clean()


async def test_our_own_empty_account_is_a_persons_matter_after_some_hours(
    counter: Counter, providers: Providers, alipay: int
) -> None:
    world = counter.world
    merchant = await world.merchant(lane=0, money_e4=2000 * YUAN)
    one = await approved(world, merchant, 600)
    await providers.fault("refuse", "pay_out", f"W{one.withdrawal_id}", code="PAYER_BALANCE_NOT_ENOUGH", times=0)
    await payments.send_withdrawal(world.db, one.withdrawal_id, alipay, actor_id=ANN)
    await counter.work()
    with pytest.raises(PayoutNotOpen):
        await payments.decide_payout(world.db, one.withdrawal_id, note="no", actor_id=BOB)
    for hour in range(1, 20):
        await counter.work(minutes=hour * 60)
    assert await stands(counter, one) == ("abnormal", "paying")
    assert await counter.desk() == ["payments.payout_stuck"]
    await world.assert_clean()
    async with providers.http.delete(f"{providers.base}/_sim/faults"):
        pass
    await payments.retry_payout(world.db, one.withdrawal_id, actor_id=ANN)
    assert await counter.desk() == []
    await later(counter, first=0)
    assert await stands(counter, one) == ("done", "paid")
    await world.assert_clean()


@pytest.mark.parametrize("is_paid", [True, False])
async def test_a_person_decides_what_nobody_could_find_out(
    counter: Counter, providers: Providers, alipay: int, is_paid: bool
) -> None:
    world = counter.world
    merchant = await world.merchant(lane=0, money_e4=2000 * YUAN)
    one = await approved(world, merchant, 600)
    await payments.send_withdrawal(world.db, one.withdrawal_id, alipay, actor_id=ANN)
    await world.execute("UPDATE payout SET state = 'abnormal'")
    await world.execute("DELETE FROM job WHERE kind = 'payments.payout'")
    word: dict[str, Any] = {"reference": "A-1"} if is_paid else {"note": "not there"}
    with pytest.raises(SecondPersonNeeded):
        await payments.decide_payout(world.db, one.withdrawal_id, **word, actor_id=ANN)
    await payments.decide_payout(world.db, one.withdrawal_id, **word, actor_id=BOB)
    assert await stands(counter, one) == (("done", "paid") if is_paid else ("failed", "failed"))
    assert await wallet(world, merchant) == ((1400, 0) if is_paid else (2000, 0))
    with pytest.raises(StepNotOpen):
        await payments.decide_payout(world.db, one.withdrawal_id, note="again", actor_id=BOB)
    await world.assert_clean()


async def test_only_a_channel_of_the_house_that_pays_out_does(counter: Counter, alipay: int) -> None:
    merchant = await counter.world.merchant(lane=0, money_e4=300 * YUAN)
    one = await approved(counter.world, merchant)
    with pytest.raises(NoSuchChannel):
        await payments.send_withdrawal(counter.world.db, one.withdrawal_id, counter.channel, actor_id=ANN)
    await payments.switch_channel(counter.world.db, alipay, on=False, reason="off", actor_id=7)
    with pytest.raises(NoSuchChannel):
        await payments.send_withdrawal(counter.world.db, one.withdrawal_id, alipay, actor_id=ANN)
    await payments.switch_channel(counter.world.db, alipay, on=True, reason="on", actor_id=7)
    by_bank = await approved(
        counter.world, merchant, payee=Payee("bank", "张", "6222020012345678", "支付宝"), ref="W-2"
    )
    with pytest.raises(finance.BadFinanceRequest):
        await payments.send_withdrawal(counter.world.db, by_bank.withdrawal_id, alipay, actor_id=ANN)
    assert await wallet(counter.world, merchant) == (300, 200)


async def test_a_lost_worker_leaves_a_payout_that_is_only_asked_about(
    counter: Counter, providers: Providers, alipay: int
) -> None:
    """Its job was left ``sending``, and its call did arrive."""
    world = counter.world
    merchant = await world.merchant(lane=0, money_e4=300 * YUAN)
    one = await approved(world, merchant)
    await payments.send_withdrawal(world.db, one.withdrawal_id, alipay, actor_id=ANN)
    await providers.fault("lost", "pay_out", f"W{one.withdrawal_id}")
    await world.execute(
        "UPDATE job SET state = 'sending', lease_token = 1, lease_until = $1 WHERE kind = 'payments.payout'",
        clock.now(),
    )
    await counter.work(minutes=1)
    assert await stands(counter, one) == ("requested", "paying")  # it was not there: the same number again
    await counter.work(minutes=2)
    assert await stands(counter, one) == ("unknown", "paying")
    await later(counter, first=3)
    assert await stands(counter, one) == ("done", "paid")
    assert await transfers(providers, one) == ["98.00"]
    await world.assert_clean()
