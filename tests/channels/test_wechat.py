"""WeChat Pay: every call, both ways of knowing WeChat's signature, every fault of the wire, every notice."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from providers import Providers, Till, a_payment, reference_of, refund_of, sold, until

from kameng.channels import (
    Account,
    BadNotice,
    Channel,
    Method,
    NoticeKind,
    Outcome,
    Payment,
    RefundState,
    Scene,
    State,
    open_channel,
)

BY_KEY, BY_CERTIFICATE = "微信公钥模式商户", "微信平台证书模式商户"
CODE = "130061098828009406"


@pytest.fixture(params=[BY_KEY, BY_CERTIFICATE])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def channel(providers: Providers, name: str, till: Till) -> Channel:
    till.channel = providers.open(name)
    return till.channel


def wechat(till: Till, scene: Scene = Scene.qr, **changed: Any) -> Payment:
    return a_payment(Method.wechat, scene, notify_url=till.url, **changed)


async def test_from_the_code_to_the_money(providers: Providers, channel: Channel, till: Till) -> None:
    payment = wechat(till)
    begun = await channel.begin(payment)
    assert begun.outcome is Outcome.accepted
    assert begun.shown is not None
    assert begun.shown.kind == "qr"
    waiting = await channel.query(reference_of(payment))
    assert (waiting.outcome, waiting.state, waiting.amount_minor) == (Outcome.done, State.waiting, 1234)
    assert await providers.tell("pay", payment_no=payment.payment_no) is True
    (notice,) = await till.heard()
    record = await providers.record(payment)
    assert (notice.kind, notice.payment_no, notice.state) == (NoticeKind.payment, payment.payment_no, State.paid)
    assert (notice.amount_minor, notice.currency, notice.account_no) == (1234, "CNY", record["account"])
    assert notice.provider_no == record["provider_no"]
    found = await channel.query(reference_of(payment))
    assert (found.outcome, found.state, found.amount_minor, found.currency) == (Outcome.done, State.paid, 1234, "CNY")
    assert found.paid_at == notice.paid_at
    assert found.paid_at is not None
    assert found.paid_at.utcoffset() == timedelta(0)
    assert found.payer == record["payer"]


async def test_where_the_customer_is_led(channel: Channel, till: Till, providers: Providers) -> None:
    wap = await channel.begin(wechat(till, Scene.wap, return_url="https://shop.example/o/1?x=2"))
    assert wap.shown is not None
    assert wap.shown.kind == "redirect"
    assert wap.shown.text.endswith("&redirect_url=https%3A%2F%2Fshop.example%2Fo%2F1%3Fx%3D2")
    payment = wechat(till, Scene.jsapi, payer_id="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")
    jsapi = await channel.begin(payment)
    assert jsapi.shown is not None
    fields = json.loads(jsapi.shown.text)
    assert sorted(fields) == ["appId", "nonceStr", "package", "paySign", "signType", "timeStamp"]
    prepay_id = (await providers.record(payment))["extra"]["prepay_id"]
    assert fields["package"] == f"prepay_id={prepay_id}"


@pytest.mark.parametrize(
    ("auth_code", "outcome", "state"),
    [(CODE, Outcome.paid, State.paid), ("130061098828009401", Outcome.accepted, State.waiting),
     ("130061098828009402", Outcome.declined_user, State.closed), ("9", Outcome.declined_user, State.closed)],
)  # fmt: skip
async def test_the_customers_code(channel: Channel, till: Till, auth_code: str, outcome: Outcome, state: State) -> None:
    payment = wechat(till, Scene.code, auth_code=auth_code)
    assert (await channel.begin(payment)).outcome is outcome
    assert (await channel.query(reference_of(payment))).state is state


async def test_a_code_that_waits_is_paid_or_revoked(providers: Providers, channel: Channel, till: Till) -> None:
    slow = wechat(till, Scene.code, auth_code="130061098828009401")
    await channel.begin(slow)
    assert (await channel.close(reference_of(slow))).outcome is Outcome.done
    assert (await channel.query(reference_of(slow))).state is State.closed
    paid = wechat(till, Scene.code, auth_code="130061098828009401")
    await channel.begin(paid)
    await providers.tell("pay", payment_no=paid.payment_no)
    assert (await channel.close(reference_of(paid))).outcome is Outcome.paid
    assert (await providers.record(paid))["refunds"] == [], "what was paid is not revoked"
    await channel.refund(refund_of(paid, 34))
    assert (await channel.close(reference_of(paid))).outcome is Outcome.paid
    assert [x["amount_minor"] for x in (await providers.record(paid))["refunds"]] == [34], "nor what is left of it"


async def test_closing(providers: Providers, channel: Channel, till: Till) -> None:
    payment = wechat(till)
    await channel.begin(payment)
    young = await channel.close(reference_of(payment, age=timedelta(minutes=4)))
    assert young.outcome is Outcome.rate_limited
    assert await providers.calls(payment) == ["begin"], "WeChat was not asked"
    await providers.tell("age", payment_no=payment.payment_no, by_s=600)
    assert (await channel.close(reference_of(payment))).outcome is Outcome.done
    assert (await channel.close(reference_of(payment))).outcome is Outcome.done
    assert (await channel.query(reference_of(payment))).state is State.closed
    assert (await channel.begin(payment)).outcome is Outcome.refused_channel
    paid = wechat(till)
    await channel.begin(paid)
    await providers.tell("pay", payment_no=paid.payment_no)
    assert (await channel.close(reference_of(paid))).outcome is Outcome.paid
    assert (await channel.close(reference_of(wechat(till)))).outcome is Outcome.done, "nobody knows it"


async def test_closed_and_paid_all_the_same(providers: Providers, channel: Channel, till: Till) -> None:
    payment = wechat(till)
    await channel.begin(payment)
    await providers.tell("age", payment_no=payment.payment_no, by_s=600)
    await channel.close(reference_of(payment))
    await providers.tell("pay", payment_no=payment.payment_no, is_closed_too=True)
    (notice,) = await till.heard()
    assert (notice.state, notice.amount_minor) == (State.paid, 1234)


async def paid(providers: Providers, channel: Channel, till: Till) -> Payment:
    return await sold(providers, channel, till, Method.wechat)


async def test_refunds(providers: Providers, channel: Channel, till: Till) -> None:
    payment = await paid(providers, channel, till)
    part = refund_of(payment, 234, reason="退一部分", notify_url=till.url)
    first = await channel.refund(part)
    assert (first.outcome, first.state, first.amount_minor) == (Outcome.done, RefundState.processing, 234)
    again = await channel.refund(part)
    assert (again.outcome, again.state) == (Outcome.done, RefundState.done)
    assert again.provider_refund_no == first.provider_refund_no
    (notice,) = await till.heard()
    assert (notice.kind, notice.refund_no, notice.refund_state) == (NoticeKind.refund, part.refund_no, RefundState.done)
    assert (notice.amount_minor, notice.provider_no) == (234, first.provider_refund_no)
    assert (await channel.refund_query(part)).state is RefundState.done
    whole = await channel.refund(refund_of(payment, 1234, "2"))
    assert (whole.outcome, whole.state) == (Outcome.refused_channel, RefundState.failed)
    record = await providers.record(payment)
    assert [x["amount_minor"] for x in record["refunds"]] == [234]
    unheard = await channel.refund_query(refund_of(payment, 10, "3"))
    assert (unheard.outcome, unheard.state) == (Outcome.rate_limited, RefundState.unknown)


@pytest.mark.parametrize(("what", "state"), [("refuse", RefundState.failed), ("abnormal", RefundState.abnormal)])
async def test_refunds_that_fail_later(
    providers: Providers, channel: Channel, till: Till, what: str, state: RefundState
) -> None:
    payment = await paid(providers, channel, till)
    await providers.fault(what, "settle", payment)
    refund = refund_of(payment, notify_url=till.url)
    assert (await channel.refund(refund)).outcome is Outcome.done
    (notice,) = await till.heard()
    assert notice.refund_state is state
    assert (await channel.refund_query(refund)).state is state


async def test_a_refund_without_money_is_tried_later(providers: Providers, channel: Channel, till: Till) -> None:
    payment = await paid(providers, channel, till)
    await providers.fault("refuse", "refund", payment, code="NOT_ENOUGH")
    assert (await channel.refund(refund_of(payment))).outcome is Outcome.rate_limited
    assert (await channel.refund(refund_of(payment))).outcome is Outcome.done


@pytest.mark.parametrize("what", ["outage", "error", "busy", "error_after", "lost", "garbage", "damaged"])
async def test_beginning_with_an_answer_that_tells_nothing(
    providers: Providers, channel: Channel, till: Till, what: str
) -> None:
    payment = wechat(till)
    await providers.fault(what, "begin", payment)
    begun = await channel.begin(payment)
    assert (begun.outcome, begun.shown) == (Outcome.unknown, None)
    again = await channel.begin(payment)
    assert again.outcome is Outcome.accepted, "the same number again"
    assert len(await providers.ask("payments", f"?payment_no={payment.payment_no}")) == 1


@pytest.mark.parametrize("what", ["error_after", "lost", "garbage", "damaged"])
async def test_a_refund_that_may_have_been_done(providers: Providers, channel: Channel, till: Till, what: str) -> None:
    payment = await paid(providers, channel, till)
    await providers.fault(what, "refund", payment)
    refund = refund_of(payment)
    first = await channel.refund(refund)
    assert (first.outcome, first.state) == (Outcome.unknown, RefundState.unknown)
    assert (await channel.refund_query(refund)).state is RefundState.done
    assert len((await providers.record(payment))["refunds"]) == 1


async def test_a_slow_answer_is_waited_for(providers: Providers, channel: Channel, till: Till) -> None:
    payment = wechat(till)
    await providers.fault("slow", "begin", payment, delay_s=0.2)
    assert (await channel.begin(payment)).outcome is Outcome.accepted


async def test_nobody_there(providers: Providers, till: Till, name: str) -> None:
    channel = providers.open(name, gateway="http://127.0.0.1:9")
    payment = wechat(till)
    assert (await channel.begin(payment)).outcome is Outcome.refused_channel
    assert (await channel.query(reference_of(payment))).outcome is Outcome.rate_limited
    assert (await channel.refund(refund_of(payment))).outcome is Outcome.rate_limited


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("NO_AUTH", Outcome.refused_channel), ("RULE_LIMIT", Outcome.refused_channel),
     ("TRADE_ERROR", Outcome.refused_channel), ("ACCOUNT_ERROR", Outcome.refused_channel),
     ("PARAM_ERROR", Outcome.refused_config), ("INVALID_REQUEST", Outcome.refused_config),
     ("APPID_MCHID_NOT_MATCH", Outcome.refused_config), ("SIGN_ERROR", Outcome.refused_config),
     ("ORDER_CLOSED", Outcome.refused_channel), ("OUT_TRADE_NO_USED", Outcome.unknown),
     ("SYSTEM_ERROR", Outcome.unknown), ("BANK_ERROR", Outcome.unknown), ("FREQUENCY_LIMITED", Outcome.rate_limited),
     ("NEVER_HEARD_OF", Outcome.unknown)],
)  # fmt: skip
async def test_codes_of_beginning(providers: Providers, till: Till, code: str, outcome: Outcome) -> None:
    channel, payment = providers.open(BY_KEY), wechat(till)
    await providers.fault("refuse", "begin", payment, code=code, message="说明")
    begun = await channel.begin(payment)
    assert begun.outcome is outcome
    if outcome is not Outcome.unknown:
        assert (begun.code, begun.message) == (code, "说明")


async def test_a_number_that_stands_with_other_contents(channel: Channel, till: Till) -> None:
    payment = wechat(till)
    await channel.begin(payment)
    other = wechat(till, payment_no=payment.payment_no, amount_minor=1)
    assert (await channel.begin(other)).outcome is Outcome.unknown


async def test_what_was_never_taken_on_waits(channel: Channel, till: Till) -> None:
    found = await channel.query(reference_of(wechat(till)))
    assert (found.outcome, found.state, found.code) == (Outcome.done, State.waiting, "ORDER_NOT_EXIST")


async def test_another_currency_is_not_begun(channel: Channel, till: Till) -> None:
    assert (await channel.begin(wechat(till, currency="USD"))).outcome is Outcome.refused_config
    assert (await channel.begin(wechat(till, Scene.page))).outcome is Outcome.refused_config


async def test_keys_that_are_not_ours(providers: Providers, till: Till) -> None:
    theirs = providers.credentials(BY_CERTIFICATE)
    wrong = providers.open(BY_KEY, private_key=theirs["private_key"])
    begun = await wrong.begin(wechat(till))
    assert (begun.outcome, begun.code) == (Outcome.refused_config, "SIGN_ERROR")
    deaf = providers.open(BY_KEY, public_key=theirs_public(providers))
    assert (await deaf.begin(wechat(till))).outcome is Outcome.unknown, "an answer signed by somebody else"


def theirs_public(providers: Providers) -> str:
    from cryptography.hazmat.primitives import serialization

    own = providers.credentials(BY_KEY)["private_key"].encode()
    public = serialization.load_pem_private_key(own, None).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("private_key", "no key"), ("api_v3_key", "short"), ("public_key", ""), ("public_key_id", ""),
     ("gateway", "http://pay.example"), ("mchid", ""), ("gateway", "ftp://127.0.0.1")],
)  # fmt: skip
def test_credentials_that_can_not_be(providers: Providers, field: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}$"):
        providers.open(BY_KEY, **{field: value})


def test_an_account_shows_nothing(providers: Providers) -> None:
    given = providers.credentials(BY_KEY)
    account = Account("wechat", given)
    shown = repr(account) + repr(open_channel(account, providers.client))
    assert [name for name in ("private_key", "api_v3_key") if given[name] in shown] == []


@pytest.mark.parametrize(
    ("what", "reason"),
    [("forged", "the signature is wrong"), ("damaged", "the signature is wrong"), ("old", "the stamp is not of now"),
     ("probe", "a probe: the signature is meant to be wrong"), ("wrong_account", "another merchant's")],
)  # fmt: skip
async def test_notices_that_prove_nothing(
    providers: Providers, channel: Channel, till: Till, what: str, reason: str
) -> None:
    payment = await paid(providers, channel, till)
    assert await providers.tell("notify", payment_no=payment.payment_no, what=what) is False
    assert till.taken == []
    (bad,) = till.refused
    assert isinstance(bad, BadNotice)
    assert (str(bad), bad.is_probe) == (reason, what == "probe")


async def test_notices_of_other_amounts_say_so(providers: Providers, channel: Channel, till: Till) -> None:
    """The signature is right: whoever takes it compares."""
    payment = await paid(providers, channel, till)
    await providers.tell("notify", payment_no=payment.payment_no, what="wrong_amount")
    await providers.tell("notify", payment_no=payment.payment_no, what="wrong_currency")
    assert [(x.amount_minor, x.currency) for x in till.taken] == [(1235, "CNY"), (1234, "USD")]


async def test_a_notice_that_stays_without_an_answer_comes_again(
    providers: Providers, channel: Channel, till: Till
) -> None:
    till.is_shut = True
    payment = wechat(till)
    await channel.begin(payment)
    await providers.tell("pay", payment_no=payment.payment_no)
    await until(lambda: len(till.incoming) >= 3)
    till.is_shut = False
    (notice,) = await till.heard()
    ids = {json.loads(x.body)["id"] for x in till.incoming}
    assert ids == {notice.event_id}, "each repeat bears the same number"


async def test_a_notice_twice_and_one_late(providers: Providers, channel: Channel, till: Till) -> None:
    payment = wechat(till)
    await channel.begin(payment)
    await providers.fault("duplicate", "notice", payment)
    await providers.tell("pay", payment_no=payment.payment_no)
    first, second = await till.heard(2)
    assert first == second
    till.taken.clear()
    late = wechat(till)
    await channel.begin(late)
    await providers.fault("late", "notice", late, delay_s=0.2)
    await providers.tell("pay", payment_no=late.payment_no)
    refund = refund_of(late, notify_url=till.url)
    await channel.refund(refund)
    notices = await till.heard(2)
    assert [x.kind for x in notices] == [NoticeKind.refund, NoticeKind.payment], "out of order"


async def test_a_person_presses_pay(providers: Providers, channel: Channel, till: Till) -> None:
    payment = wechat(till)
    begun = await channel.begin(payment)
    assert begun.shown is not None
    async with aiohttp.ClientSession() as phone:
        async with phone.get(begun.shown.text) as page:
            text = await page.text()
        assert ["微信支付" in text, "12.34" in text, "京东E卡 100元" in text, "确认付款" in text] == [True] * 4
        async with phone.post(begun.shown.text, data={"press": "cancel"}) as page:
            assert "已取消，尚未付款" in await page.text()
        async with phone.post(begun.shown.text, data={"press": "pay"}) as page:
            assert "支付成功" in await page.text()
    assert [x.state for x in await till.heard()] == [State.paid]
