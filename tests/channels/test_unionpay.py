"""UnionPay: what only it does."""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from counters import UNIONPAY, UNIONPAY_PAGE, Desk, later
from cryptography import x509
from providers import Providers, Till

from kameng.channels import (
    BadNotice,
    BillNotReady,
    BillRefused,
    Channel,
    NoticeKind,
    Outcome,
    RefundState,
    Scene,
    State,
)
from kameng.channels.unionpay import bills
from kameng.channels.unionpay.codes import CODES, refund_state_of, state_of
from kameng.kit import clock


@pytest.fixture
async def desk(providers: Providers, till: Till) -> Desk:
    return await Desk.open(UNIONPAY, providers, till)


async def test_a_page_is_a_signed_form(providers: Providers, till: Till) -> None:
    desk = await Desk.open(UNIONPAY_PAGE, providers, till)
    payment = desk.payment(subject="卡{a=1&b}")
    begun = await desk.channel.begin(payment)
    assert begun.shown is not None
    assert begun.shown.kind == "form"
    assert begun.shown.text == f"{providers.base}/unionpay/gateway/api/frontTransReq.do"
    fields = begun.shown.fields
    assert (fields["txnType"], fields["txnSubType"], fields["bizType"], fields["channelType"]) == (
        "01", "01", "000201", "07",
    )  # fmt: skip
    assert (fields["txnAmt"], fields["currencyCode"], fields["riskRateInfo"]) == (
        "1234",
        "156",
        "{commodityName=卡a1b}",
    )
    certificate = x509.load_pem_x509_certificate(providers.credentials(UNIONPAY.name)["certificate"].encode())
    assert fields["certId"] == str(certificate.serial_number)
    assert fields["payTimeout"] == payment.expires_at.astimezone(clock.CHINA).strftime("%Y%m%d%H%M%S")
    found = await desk.channel.query(desk.reference(payment))
    assert (found.outcome, found.state, found.code) == (Outcome.done, State.waiting, "34")


async def test_the_customers_code(desk: Desk) -> None:
    payment = desk.payment(scene=Scene.code, auth_code="6220000000000000001")
    begun = await desk.channel.begin(payment)
    assert (begun.outcome, begun.shown, begun.code) == (Outcome.accepted, None, "00")
    found = await desk.channel.query(desk.reference(payment))
    assert (found.state, found.provider_no, found.payer) == (State.paid, begun.provider_no, "6226****0048")
    poor = desk.payment(scene=Scene.code, auth_code="6220000000000000001")
    await desk.providers.fault("refuse", "pay", poor)
    assert (await desk.channel.begin(poor)).outcome is Outcome.declined_user


async def test_a_query_needs_the_time_of_the_order(desk: Desk) -> None:
    payment, _ = await desk.paid()
    at = desk.reference(payment)
    assert (await desk.channel.query(at)).state is State.paid
    other = desk.reference(
        desk.payment(payment_no=payment.payment_no, begun_at=payment.begun_at - timedelta(seconds=2))
    )
    assert (await desk.channel.query(other)).code == "34"


async def test_closing_is_waiting_for_the_end(desk: Desk) -> None:
    payment, _ = await desk.begun()
    reference = desk.reference(payment)
    assert (await desk.channel.close(reference)).outcome is Outcome.rate_limited
    with clock.hold(later(payment, minutes=9)):
        assert (await desk.channel.close(reference)).outcome is Outcome.rate_limited
    with clock.hold(later(payment, minutes=11)):
        assert (await desk.channel.close(reference)).outcome is Outcome.done
    await desk.pay(payment)
    with clock.hold(later(payment, minutes=11)):
        assert (await desk.channel.close(reference)).outcome is Outcome.paid
    await desk.providers.fault("error", "query", payment)
    assert (await desk.channel.close(reference)).outcome is Outcome.unknown


async def test_a_refund_finds_its_payment(desk: Desk) -> None:
    payment, _ = await desk.paid()
    refund = await desk.refund(payment)
    blind = msgspec.structs.replace(refund, provider_no="")
    await desk.providers.fault("error", "query", payment)
    later_on = await desk.channel.refund(blind)
    assert later_on.outcome is Outcome.rate_limited  # it was not asked for
    assert (await desk.providers.record(payment))["refunds"] == []
    assert (await desk.channel.refund(blind)).outcome is Outcome.done
    assert (await desk.channel.refund_query(refund)).state is RefundState.done
    nowhere = msgspec.structs.replace(refund, payment_no="KM99999999", provider_no="")
    assert (await desk.channel.refund(nowhere)).outcome is Outcome.refused_channel


async def test_a_refund_in_process_and_one_that_failed(desk: Desk, till: Till) -> None:
    payment, _ = await desk.paid()
    await desk.providers.fault("slow", "settle", payment, delay_s=0.3)
    refund = await desk.refund(payment, notify_url=till.url)
    assert (await desk.channel.refund(refund)).state is RefundState.processing
    assert (await desk.channel.refund_query(refund)).state is RefundState.processing
    (told,) = await till.heard()
    assert (told.kind, told.refund_state) == (NoticeKind.refund, RefundState.done)
    other, _ = await desk.paid()
    await desk.providers.fault("refuse", "settle", other)
    failed = await desk.refund(other)
    assert (await desk.channel.refund(failed)).outcome is Outcome.done  # 00: accepted only
    assert (await desk.channel.refund_query(failed)).state is RefundState.failed


async def _paid_notice(channel: Channel, desk: Desk) -> State:
    return (await channel.parse_notice(desk.till.incoming[-1])).state


async def test_whose_certificate_counts(desk: Desk, providers: Providers) -> None:
    payment, _ = await desk.paid()
    assert await providers.tell("notify", payment_no=payment.payment_no) is True
    assert await _paid_notice(desk.channel, desk) is State.paid
    given = providers.credentials(UNIONPAY.name)
    swapped = providers.open(UNIONPAY.name, root_certificate=given["middle_certificate"])
    with pytest.raises(BadNotice):
        await _paid_notice(swapped, desk)
    assert (await swapped.query(desk.reference(payment))).outcome is Outcome.unknown
    with clock.hold(clock.now_ms() + 4000 * 86_400_000), pytest.raises(BadNotice):  # all of them have ended by then
        await _paid_notice(desk.channel, desk)
    own = providers.open(UNIONPAY.name, middle_certificate=given["root_certificate"])
    with pytest.raises(BadNotice):  # signed by UnionPay, but not below what we hold
        await _paid_notice(own, desk)
    with pytest.raises(ValueError, match=r"^certificate$"):
        providers.open(UNIONPAY.name, certificate="no certificate")
    with pytest.raises(ValueError, match=r"^mode$"):
        providers.open(UNIONPAY.name, mode="play")


async def test_a_wrong_key_is_ours_to_mend(desk: Desk, providers: Providers, till: Till) -> None:
    other = providers.credentials("1002")["private_key"]
    wrong = await Desk.open(UNIONPAY, providers, till, private_key=other)
    assert (await wrong.channel.begin(wrong.payment())).outcome is Outcome.refused_config
    with pytest.raises(BillRefused, match="11"):
        await wrong.channel.fetch_bill(clock.china_day())


async def test_the_file_and_its_faults(desk: Desk) -> None:
    with pytest.raises(BillNotReady):
        await desk.channel.fetch_bill(clock.china_day() - timedelta(days=40))
    payment, _ = await desk.paid()
    await desk.providers.fault("duplicate", "lines", account=UNIONPAY.name)
    await desk.providers.fault("wrong_fee", "lines", account=UNIONPAY.name)
    bill = await desk.channel.fetch_bill(clock.china_day())
    assert len([line for line in bill.lines if line.payment_no == bill.lines[0].payment_no]) == 2
    assert bill.lines[0].fee_minor == bill.lines[1].fee_minor + 1
    mine = next(line for line in bill.lines if line.payment_no == payment.payment_no)
    assert (mine.provider_no, mine.state) == (await desk.number(payment), "S22")
    await desk.providers.fault("damaged", "bill", "*", provider="unionpay")
    with pytest.raises(BillRefused):
        await desk.channel.fetch_bill(clock.china_day())


def _content(*files: tuple[str, bytes]) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files:
            archive.writestr(name, data)
    return base64.b64encode(zlib.compress(packed.getvalue())).decode()


def _zm(**given: str) -> bytes:
    return b" ".join(given.get(name, "").encode("gbk").ljust(width) for name, width in bills.ZM.items())


def test_lines_of_fixed_width() -> None:
    """As the vendor's example program cuts them; a Chinese letter counts two."""
    assert (len(bills.ZM), sum(bills.ZM.values()), len(bills.ZME), sum(bills.ZME.values())) == (42, 566, 22, 318)
    line = _zm(
        code="S22", txnTime="1231235959", txnAmt="000000001234", queryId="2" * 21, orderId="A1", txnType="01",
        fee="D000000000005", subMerAbbr="卡盟小店", origOrderId="",
    )  # fmt: skip
    other = _zm(txnTime="0101000001", txnAmt="000000000034", orderId="R1", txnType="04", fee="C000000000001",
                origOrderId="A1")  # fmt: skip
    skipped = _zm(txnTime="0101000002", txnAmt="000000000001", orderId="Q", txnType="71", fee="D000000000000")
    bill = bills.read(_content(("INN26010188ZM_1", b"\r\n".join([line, other, skipped, b""]))), date(2026, 1, 1))
    first, second = bill.lines
    assert (first.kind, first.payment_no, first.amount_minor, first.fee_minor) == (NoticeKind.payment, "A1", 1234, 5)
    assert first.at == datetime(2025, 12, 31, 15, 59, 59, tzinfo=UTC)  # the evening before, of the year before
    assert (second.kind, second.payment_no, second.refund_no, second.fee_minor) == (NoticeKind.refund, "A1", "R1", -1)


@pytest.mark.parametrize(
    "content",
    [
        "", "no base64", base64.b64encode(b"no deflate").decode(), base64.b64encode(zlib.compress(b"no zip")).decode(),
        _content(("ZM_1", b"S22 too short")), _content(("ZM_1", _zm(txnAmt="x", txnType="01", txnTime="0101000000"))),
        _content(("ZM_1", _zm(txnAmt="1", txnType="01", txnTime="9901000000"))),
        base64.b64encode(zlib.compress(b"cut off" * 99)[:-9]).decode(),
    ],
    # Named, for a zip has the time in it when it was made: processes must agree on their tests.
    ids=["nothing", "no base64", "no deflate", "no zip", "short", "amount", "time", "cut off"],
)  # fmt: skip
def test_a_file_that_is_damaged(content: str) -> None:
    with pytest.raises(BillRefused):
        bills.read(content, date(2026, 1, 1))


def test_lines_with_errors_are_there_to_be_read() -> None:
    line = b" ".join(b"E74"[:width].ljust(width) for width in bills.ZME.values())
    (found,) = bills.errors(_content(("INN26010188ZME_1", line), ("INN26010188ZM_1", b"")))
    assert found["code"] == "E74"


def test_codes() -> None:
    """00 is accepted, never paid; what may have happened is never refused."""
    assert CODES.outcome("begin", "00") is Outcome.accepted
    for code in ("01", "03", "04", "05", "12", "34", "60"):
        assert CODES.outcome("begin", code) is Outcome.unknown
        assert CODES.outcome("refund", code) is Outcome.unknown
        assert state_of(code) is State.waiting
        assert refund_state_of(code) is RefundState.processing
    assert CODES.outcome("query", "34") is Outcome.done
    assert (state_of("00"), state_of("A6"), state_of("64"), state_of("")) == (
        State.paid, State.paid, State.failed, State.unknown,
    )  # fmt: skip
    assert CODES.outcome("begin", "31") is Outcome.refused_config
    assert CODES.outcome("begin", "33") is Outcome.refused_channel
    assert CODES.outcome("begin", "97") is Outcome.unknown
