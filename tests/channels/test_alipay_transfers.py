"""Alipay's transfers: money of ours to somebody's account, over the true wire, with its faults."""

from __future__ import annotations

from typing import Any

import pytest
from providers import Providers, until

from kameng.channels import PROTOCOLS, Outcome, PaidOut, Payout, PayoutState
from kameng.channels.alipay import Alipay
from kameng.kit import clock

BY_KEY, BY_CERTIFICATE = "支付宝公钥模式商户", "支付宝证书模式商户"
_number = iter(range(10**6))


def a_payout(**changed: Any) -> Payout:
    known = {"payout_no": f"W{clock.now_ms()}{next(_number)}", "amount_minor": 9800, "account": "13812345678"}
    return Payout(**(known | {"name": "张小明", "title": "提现"} | changed))  # type: ignore[arg-type]


@pytest.fixture
def alipay(providers: Providers) -> Alipay:
    opened = providers.open(BY_CERTIFICATE)
    assert isinstance(opened, Alipay)
    return opened


async def made(providers: Providers, payout: Payout) -> list[str]:
    return [one["amount"] for one in await providers.ask("transfers") if one["number"] == payout.payout_no]


def told(answer: PaidOut) -> tuple[Outcome, PayoutState]:
    return answer.outcome, answer.state


def test_only_alipay_pays_out() -> None:
    assert [name for name, spec in PROTOCOLS.items() if spec.pays_out] == ["alipay"]


async def test_it_arrives_once_however_often_it_is_asked_for(providers: Providers, alipay: Alipay) -> None:
    payout = a_payout()
    first, again = await alipay.pay_out(payout), await alipay.pay_out(payout)
    assert told(first) == told(again) == (Outcome.done, PayoutState.done)
    assert first.provider_no == again.provider_no != ""
    found = await alipay.payout_query(payout)
    assert (found.outcome, found.state, found.amount_minor) == (Outcome.done, PayoutState.done, 9800)
    assert await made(providers, payout) == ["98.00"]
    assert "13812345678" not in repr(payout)


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"account": "nobody@example.cn"}, "PAYEE_NOT_EXIST"), ({"name": "别人"}, "PAYEE_USER_INFO_ERROR")],
)
async def test_a_payee_who_cant_take_it(
    providers: Providers, alipay: Alipay, changed: dict[str, str], code: str
) -> None:
    payout = a_payout(**changed)
    answer = await alipay.pay_out(payout)
    assert (answer.outcome, answer.code) == (Outcome.declined_user, code)
    assert told(await alipay.payout_query(payout)) == (Outcome.done, PayoutState.absent)
    assert await made(providers, payout) == []


async def test_the_same_number_for_another_sum_moves_nothing(providers: Providers, alipay: Alipay) -> None:
    payout = a_payout()
    await alipay.pay_out(payout)
    answer = await alipay.pay_out(Payout(payout_no=payout.payout_no, amount_minor=1, account="x@y.cn", name="张"))
    assert (answer.outcome, answer.code) == (Outcome.unknown, "BIZ_UNIQUE_EXCEPTION")
    assert await made(providers, payout) == ["98.00"]


@pytest.mark.parametrize(
    ("what", "is_done"),
    [("outage", False), ("error", False), ("lost", True), ("error_after", True), ("garbage", True), ("damaged", True)],
)
async def test_no_answer_is_unknown_and_asking_tells(
    providers: Providers, alipay: Alipay, what: str, is_done: bool
) -> None:
    payout = a_payout()
    await providers.fault(what, "pay_out", payout.payout_no)
    assert told(await alipay.pay_out(payout)) == (Outcome.unknown, PayoutState.unknown)
    state = PayoutState.done if is_done else PayoutState.absent
    assert told(await alipay.payout_query(payout)) == (Outcome.done, state)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("PAYER_BALANCE_NOT_ENOUGH", Outcome.rate_limited), ("SYSTEM_ERROR", Outcome.unknown),
     ("PERMIT_CHECK_PERM_LIMITED", Outcome.refused_config), ("NEVER_HEARD_OF", Outcome.unknown)],
)  # fmt: skip
async def test_our_own_troubles_are_not_the_payees(
    providers: Providers, alipay: Alipay, code: str, outcome: Outcome
) -> None:
    payout = a_payout()
    await providers.fault("refuse", "pay_out", payout.payout_no, code=code)
    answer = await alipay.pay_out(payout)
    assert (answer.outcome, answer.state) == (outcome, PayoutState.unknown)


@pytest.mark.parametrize(("what", "state"), [("slow", PayoutState.done), ("refuse", PayoutState.failed)])
async def test_what_is_in_process_ends_later(
    providers: Providers, alipay: Alipay, what: str, state: PayoutState
) -> None:
    payout = a_payout()
    await providers.fault(what, "settle", payout.payout_no, delay_s=0.5)
    assert told(await alipay.pay_out(payout)) == (Outcome.done, PayoutState.processing)
    ends_ms = clock.now_ms() + 600
    await until(lambda: clock.now_ms() > ends_ms)
    assert told(await alipay.payout_query(payout)) == (Outcome.done, state)


async def test_without_certificates_nothing_is_asked(providers: Providers) -> None:
    by_key = providers.open(BY_KEY)
    assert isinstance(by_key, Alipay)
    payout = a_payout()
    assert (await by_key.pay_out(payout)).outcome is Outcome.refused_config
    assert await made(providers, payout) == []
