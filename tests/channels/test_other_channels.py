"""UnionPay, epay, the USDT gateways, Stripe and PayPal: what holds for each, call by call and fault by fault."""

from __future__ import annotations

import pytest
from counters import (
    ALL,
    BEPUSDT,
    CALLED,
    EPAY_V1,
    EPAY_V2,
    EPUSDT,
    GMPAY,
    PAYPAL,
    REFUNDING,
    STRIPE,
    STRIPE_WECHAT,
    UNIONPAY,
    Counter,
    Desk,
)  # fmt: skip
from providers import Providers, Till, until

from kameng.channels import (
    PROTOCOLS,
    Account,
    BadNotice,
    BillNotReady,
    Incoming,
    NoticeKind,
    Outcome,
    RefundState,
    State,
    open_channel,
)
from kameng.kit import clock

CAN_BE_OLD = (EPAY_V2, STRIPE, STRIPE_WECHAT, PAYPAL)
CAN_BE_ANOTHERS = (UNIONPAY, EPAY_V1, EPAY_V2, GMPAY)
TELLS_REFUNDS = (UNIONPAY, STRIPE, PAYPAL)
MAKES_BILLS = (UNIONPAY, EPAY_V1, EPAY_V2, STRIPE, PAYPAL)


def each(counters: tuple[Counter, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("counter", counters, ids=lambda one: f"{one.name}-{one.method}-{one.scene}")


@each(ALL)
async def test_from_the_code_to_the_money(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, begun = await desk.begun()
    number = await desk.number(payment)
    assert begun.provider_no in ("", number)
    waiting = await desk.channel.query(desk.reference(payment, number))
    assert (waiting.outcome, waiting.state) == (Outcome.done, State.waiting)
    assert await providers.tell("pay", payment_no=payment.payment_no) is True
    notice = (await till.heard())[0]
    assert (notice.kind, notice.payment_no) == (NoticeKind.payment, payment.payment_no)
    found = await desk.channel.query(desk.reference(payment, number))
    assert (found.outcome, found.state, found.currency) == (Outcome.done, State.paid, counter.currency)
    if counter is PAYPAL:  # its first notice says that it was approved; asking collected it
        assert notice.state is State.waiting
        notice = (await till.heard(2))[1]
    assert (notice.state, notice.amount_minor, notice.currency) == (State.paid, 1234, counter.currency)
    assert notice.provider_no == number
    assert found.amount_minor == (None if counter in (EPUSDT, GMPAY, BEPUSDT) else 1234)
    assert till.refused == []


@each(CALLED)
async def test_a_beginning_that_is_not_answered_is_unknown_and_begins_once(
    counter: Counter, providers: Providers, till: Till
) -> None:
    desk = await Desk.open(counter, providers, till)
    for what in ("lost", "error_after", "garbage"):
        payment = desk.payment()
        await providers.fault(what, "begin", payment)
        assert (await desk.channel.begin(payment)).outcome is Outcome.unknown
        assert (await providers.record(payment))["state"] == "waiting"
        again = await desk.channel.begin(payment)
        if counter not in (EPUSDT, GMPAY):  # these say only that the number was used: still unknown, never refused
            assert again.outcome is Outcome.accepted
        else:
            assert (again.outcome, again.code) == (Outcome.unknown, "10002")


@each(CALLED)
async def test_a_beginning_that_came_to_nothing(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    for what in ("outage", "error", "busy"):
        payment = desk.payment()
        await providers.fault(what, "begin", payment)
        assert (await desk.channel.begin(payment)).outcome is Outcome.unknown  # nobody can tell it from a lost answer
        assert await providers.ask("payments", f"?payment_no={payment.payment_no}") == []
    payment = desk.payment()
    await providers.fault("refuse", "begin", payment)
    refused = await desk.channel.begin(payment)
    assert refused.outcome is (Outcome.refused_config if counter.provider == "stripe" else Outcome.refused_channel)
    assert refused.shown is None


@each(CALLED)
async def test_who_is_not_there_was_not_asked(counter: Counter, providers: Providers, till: Till) -> None:
    """Nobody listens at that port: surely nothing was begun, so another channel may be tried."""
    channel = providers.open(counter.name, gateway="http://127.0.0.1:9")
    payment = (await Desk.open(counter, providers, till)).payment()
    begun = await channel.begin(payment)
    assert begun.outcome is Outcome.refused_channel
    reference = Desk(counter, providers, till, channel).reference(payment, "pi_1")
    assert (await channel.query(reference)).outcome is Outcome.rate_limited


@each((UNIONPAY, EPAY_V2))
async def test_an_answer_that_was_changed_on_the_way_is_no_answer(
    counter: Counter, providers: Providers, till: Till
) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.paid()
    await providers.fault("damaged", "query", payment)
    found = await desk.channel.query(await desk.referring(payment))
    assert (found.outcome, found.state, found.amount_minor) == (Outcome.unknown, State.unknown, None)
    other = desk.payment()
    await providers.fault("damaged", "begin", other)
    assert (await desk.channel.begin(other)).outcome is Outcome.unknown


@each(CALLED)
async def test_a_question_that_is_not_answered(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.begun()
    for what in ("outage", "error", "busy", "lost", "garbage"):
        await providers.fault(what, "query", payment, times=2)  # a GET that was cut is asked once more by itself
        found = await desk.channel.query(await desk.referring(payment))
        assert (found.outcome, found.state) == (Outcome.unknown, State.unknown), what
        await providers.http.delete(f"{providers.base}/_sim/faults")
    assert (await desk.channel.query(await desk.referring(payment))).state is State.waiting


@each(CALLED)
async def test_notices_that_prove_nothing(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.paid()
    flaws = ["forged", "damaged"]
    flaws += ["old"] if counter in CAN_BE_OLD else []
    flaws += ["wrong_account"] if counter in CAN_BE_ANOTHERS else []
    before = len(till.taken)
    for what in flaws:
        assert await providers.tell("notify", payment_no=payment.payment_no, what=what) is False
    assert [type(one) for one in till.refused] == [BadNotice] * len(flaws)
    assert await providers.tell("notify", payment_no=payment.payment_no) is True
    assert len(till.taken) == before + 1
    good = till.incoming[-1]
    first = await desk.channel.parse_notice(good)
    assert (await desk.channel.parse_notice(good)).event_id == first.event_id != ""
    for cut in (Incoming("POST", "", {}, b""), Incoming("GET", "a=1", {}, b""), Incoming("POST", "", {}, b"\xff{")):
        with pytest.raises(BadNotice):
            await desk.channel.parse_notice(cut)


@each(CALLED)
async def test_another_amount_is_told_as_it_is(counter: Counter, providers: Providers, till: Till) -> None:
    """What a signature proves is taken; whoever acts on it compares."""
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.paid()
    before = len(till.taken)
    assert await providers.tell("notify", payment_no=payment.payment_no, what="wrong_amount") is True
    await till.heard(before + 1)
    assert till.taken[-1].amount_minor == (2 if counter is PAYPAL else 1235)


@each(ALL)
async def test_a_notice_that_was_not_taken_comes_again(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.begun()
    till.is_shut = True
    assert await providers.tell("pay", payment_no=payment.payment_no) is True
    await until(lambda: len(till.incoming) >= 1)
    till.is_shut = False
    (notice,) = await till.heard()
    assert notice.payment_no == payment.payment_no


@each(REFUNDING)
async def test_a_refund_goes_once(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.paid()
    refund = await desk.refund(payment, notify_url=till.url)
    for what in ("lost", "garbage"):
        await providers.fault(what, "refund", payment if counter is not UNIONPAY else "*")
        assert (await desk.channel.refund(refund)).outcome is Outcome.unknown
    again = await desk.channel.refund(refund)
    assert again.outcome is (Outcome.unknown if counter is UNIONPAY else Outcome.done)  # "12": ask
    found = await desk.channel.refund_query(refund)
    assert (found.outcome, found.state, found.amount_minor) == (Outcome.done, RefundState.done, 1234)
    assert [x["amount_minor"] for x in (await providers.record(payment))["refunds"]] == [1234]
    more = await desk.channel.refund(await desk.refund(payment, number="2"))
    if counter is EPAY_V1:  # it has no number: the whole that went back is what was asked for
        assert more.outcome is Outcome.done
    else:
        assert (more.outcome, more.state) == (Outcome.refused_channel, RefundState.failed)
    assert len((await providers.record(payment))["refunds"]) == 1


@each(TELLS_REFUNDS)
async def test_a_refund_is_told(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.paid()
    refund = await desk.refund(payment, amount_minor=34, notify_url=till.url)
    refunded = await desk.channel.refund(refund)
    assert refunded.outcome is Outcome.done
    assert refunded.state is (RefundState.processing if counter is UNIONPAY else RefundState.done)
    await until(lambda: any(one.kind is NoticeKind.refund for one in till.taken))
    told = next(one for one in till.taken if one.kind is NoticeKind.refund)
    assert (told.refund_no, told.refund_state, told.amount_minor) == (refund.refund_no, RefundState.done, 34)
    still = await desk.channel.query(await desk.referring(payment))
    assert (still.state, still.amount_minor) == (State.paid, 1234)


@each(tuple(one for one in REFUNDING if one is not EPAY_V1))
async def test_parts_are_given_back(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.paid()
    for number, amount_minor in (("1", 1000), ("2", 234)):
        refund = await desk.refund(payment, amount_minor, number)
        assert (await desk.channel.refund(refund)).outcome is Outcome.done
        assert (await desk.channel.refund_query(refund)).amount_minor == amount_minor
    unasked = await desk.channel.refund_query(await desk.refund(payment, 1, "9"))
    assert unasked.state is RefundState.unknown


@each(MAKES_BILLS)
async def test_the_bill_of_a_day(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.paid()
    with_refund = counter not in (EPAY_V1, EPAY_V2)
    refund = await desk.refund(payment, 34)
    if with_refund:
        assert (await desk.channel.refund(refund)).outcome is Outcome.done
    day = clock.china_day()
    if counter in (STRIPE, PAYPAL):
        with pytest.raises(BillNotReady):
            await desk.channel.fetch_bill(day)
    is_made_later = counter in (STRIPE, PAYPAL)
    with clock.hold(clock.now_ms() + is_made_later * (86_400_000 + 5 * 3_600_000)):
        bill = await desk.channel.fetch_bill(day)
    ours = [line for line in bill.lines if payment.payment_no in (line.payment_no, line.refund_no[:16])]
    first = ours[0]
    assert (first.kind, first.amount_minor, first.payment_no) == (NoticeKind.payment, 1234, payment.payment_no)
    assert ours[0].fee_minor == {"unionpay": 5, "epay": 0, "stripe": 42, "paypal": 54}[counter.provider]
    assert clock.china_day_at(int(ours[0].at.timestamp() * 1000)) == day
    if with_refund:
        assert [(line.kind, line.amount_minor, line.refund_no) for line in ours[1:]] == [
            (NoticeKind.refund, 34, refund.refund_no)
        ]
    assert [line.at for line in bill.lines] == sorted(line.at for line in bill.lines)


@pytest.mark.parametrize("name", list(PROTOCOLS))
async def test_no_credential_is_shown_and_none_may_lack(name: str, providers: Providers) -> None:
    spec = PROTOCOLS[name]
    assert (spec.name, bool(spec.zh), bool(spec.en), bool(spec.offers)) == (name, True, True, True)
    for field in spec.fields:
        assert field.zh
        assert field.en
    secret = Account(name, {"key": "hidden-value"})
    assert "hidden" not in repr(secret)
    needed = next(field.name for field in spec.fields if field.is_needed)
    with pytest.raises(ValueError, match=f"^{needed}$"):
        open_channel(Account(name, {}), providers.client)
