"""What WeChat Pay sends, read without it: whose signature it is and how old, and bills as they are written."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from kameng.channels import BillRefused, NoticeKind, keys
from kameng.channels.calling import Answer
from kameng.channels.wechat import bills, signing
from kameng.channels.wechat.verifying import Verdict, Verifier
from kameng.kit import clock

NOW_MS = 1_764_000_000_000
API_KEY = b"0123" * 8
OURS, PLATFORM = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
KEY_ID = "PUB_KEY_ID_0119000001092026"
BODY = b'{"id":"1"}'


def headers(key: rsa.RSAPrivateKey, serial: str, body: bytes = BODY, *, age_s: int = 0) -> dict[str, str]:
    stamp = str(NOW_MS // 1000 - age_s)
    return {
        "wechatpay-timestamp": stamp, "wechatpay-nonce": "n", "wechatpay-serial": serial,
        "wechatpay-signature": keys.rsa_sha256(key, signing.answer_text(stamp, "n", body)),
    }  # fmt: skip


def listing(key: rsa.RSAPrivateKey, serial: str, *, api_key: bytes = API_KEY, days: int = 9) -> Answer:
    """The list of certificates as WeChat sends it, signed by the key that it lists."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign")])
    at = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int(serial, 16))
        .not_valid_before(at - timedelta(days=10))
        .not_valid_after(at + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    sealed = AESGCM(api_key).encrypt(b"123456789012", pem, b"certificate")
    body = json.dumps({"data": [{"serial_no": serial, "encrypt_certificate": {
        "algorithm": "AEAD_AES_256_GCM", "nonce": "123456789012", "associated_data": "certificate",
        "ciphertext": base64.b64encode(sealed).decode(),
    }}]}).encode()  # fmt: skip
    return Answer(200, body, headers=headers(key, serial, body))


class Fetching:
    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.times = 0

    async def __call__(self) -> Answer:
        self.times += 1
        return self.answer


async def judge(said: Mapping[str, str], fetching: Fetching | None = None, *, body: bytes = BODY) -> Verdict:
    verifier = Verifier(API_KEY, {KEY_ID: OURS.public_key()}, fetching or Fetching(Answer(0)))
    with clock.hold(NOW_MS):
        return await verifier.judge(said, body)


@pytest.mark.parametrize(
    ("age_s", "verdict"),
    [(0, Verdict.good), (299, Verdict.good), (300, Verdict.stale), (-299, Verdict.good), (-300, Verdict.stale)],
)
async def test_five_minutes(age_s: int, verdict: Verdict) -> None:
    assert await judge(headers(OURS, KEY_ID, age_s=age_s)) is verdict


async def test_the_serial_says_which_key() -> None:
    assert await judge(headers(PLATFORM, KEY_ID)) is Verdict.forged
    assert await judge(headers(OURS, "PUB_KEY_ID_OTHER")) is Verdict.stranger
    assert await judge(headers(OURS, KEY_ID), body=BODY + b" ") is Verdict.forged
    assert await judge({}) is Verdict.unsigned
    probe = headers(OURS, KEY_ID) | {"wechatpay-signature": "WECHATPAY/SIGNTEST/abc"}
    assert await judge(probe) is Verdict.probe
    assert await judge(headers(OURS, KEY_ID) | {"wechatpay-timestamp": "１７６４"}) is Verdict.stale


async def test_both_ways_at_once_while_a_merchant_moves() -> None:
    fetching = Fetching(listing(PLATFORM, "5157F09EFDC096DE"))
    assert await judge(headers(OURS, KEY_ID), fetching) is Verdict.good
    assert fetching.times == 0
    assert await judge(headers(PLATFORM, "5157F09EFDC096DE"), fetching) is Verdict.good
    assert fetching.times == 1


@pytest.mark.parametrize(
    "answer",
    [Answer(0), Answer(200, b"{}"), listing(PLATFORM, "5157F09EFDC096DE", api_key=b"f" * 32),
     listing(PLATFORM, "5157F09EFDC096DE", days=-1),
     Answer(200, listing(PLATFORM, "5157F09EFDC096DE").body, headers=headers(OURS, "5157F09EFDC096DE"))],
    ids=["nothing", "empty", "sealed for another key", "expired", "signed by another key"],
)  # fmt: skip
async def test_certificates_that_nobody_vouches_for(answer: Answer) -> None:
    assert await judge(headers(PLATFORM, "5157F09EFDC096DE"), Fetching(answer)) is Verdict.stranger


async def test_strangers_do_not_make_us_ask_without_end() -> None:
    fetching = Fetching(listing(PLATFORM, "5157F09EFDC096DE"))
    verifier = Verifier(API_KEY, {}, fetching)
    with clock.hold(NOW_MS):
        for number in range(20):
            assert await verifier.judge(headers(OURS, f"{number:X}"), BODY) is Verdict.stranger
        assert await verifier.judge(headers(PLATFORM, "5157F09EFDC096DE"), BODY) is Verdict.good, "it is still known"
    assert fetching.times == 1


HEAD = (
    "\ufeff交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,"
    "费率,订单金额,申请退款金额,费率备注"
)
SUMS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
PAID = (
    "`2026-11-22 23:59:59,`wx1,`1900000109,`0,`,`4200001,`KM1,`o1,`NATIVE,`SUCCESS,`OTHERS,`CNY,`99.00,`1.00,`0,`0,"
    "`0.00,`0.00,`,`,`京东E卡,`,`0.60000,`0.60%,`100.00,`0.00,`"
)
BACK = (
    "`2026-11-22 10:00:00,`wx1,`1900000109,`0,`,`4200002,`KM2,`o1,`NATIVE,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`5000001,"
    "`KM2R1,`20.00,`0.00,`ORIGINAL,`PROCESSING,`京东E卡,`,`-0.12000,`0.60%,`0.00,`20.00,`"
)
TAIL = "`2,`99.00,`20.00,`0.00,`0.48000,`100.00,`20.00"
DAY = date(2026, 11, 22)


def test_a_bill_as_wechat_writes_it() -> None:
    """A coupon of one yuan: what was ordered counts, not what the customer gave."""
    bill = bills.read_trades("\r\n".join([HEAD, PAID, BACK, SUMS, TAIL, ""]), DAY)
    paid, back = bill.lines
    assert (paid.kind, paid.payment_no, paid.provider_no, paid.amount_minor, paid.fee_minor, paid.refund_no) == (
        NoticeKind.payment, "KM1", "4200001", 10000, 60, "",
    )  # fmt: skip
    assert paid.at == datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)
    assert (back.kind, back.payment_no, back.refund_no, back.amount_minor, back.fee_minor, back.state) == (
        NoticeKind.refund, "KM2", "KM2R1", 2000, -12, "PROCESSING",
    )  # fmt: skip
    assert (bill.payment_minor, bill.refund_minor, bill.fee_minor) == (10000, 2000, 48)


def test_columns_are_found_by_name() -> None:
    """An old bill with fewer columns, in another order."""
    head = "交易时间,商户订单号,微信订单号,交易状态,货币种类,总金额,微信退款单号,商户退款单号,退款金额,手续费"
    row = "`2026-11-22 10:00:00,`KM1,`4200001,`REVOKED,`CNY,`0.00,`0,`0,`7.00,`0.00000"
    sums = "总交易单数,总交易额,总退款金额,总代金券或立减优惠退款金额,手续费总金额"
    bill = bills.read_trades("\n".join([head, row, sums, "`1,`0.00,`7.00,`0.00,`0.00000"]), DAY)
    assert [(x.kind, x.amount_minor, x.refund_no, x.state) for x in bill.lines] == [
        (NoticeKind.refund, 700, "", "REVOKED")
    ]
    assert (bill.payment_minor, bill.refund_minor) == (0, 700)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "not a whole bill"), (f"{HEAD}\n{PAID}", "not a whole bill"), (f"{HEAD}\n{PAID}\n{SUMS}", "not a whole bill"),
     (f"{HEAD}\n{PAID},`more\n{SUMS}\n{TAIL}", "another number of fields"),
     (f"{HEAD}\n{PAID.replace('100.00', '1e2x')}\n{SUMS}\n{TAIL}", "no amount in the column 订单金额"),
     (f"{HEAD}\n{PAID.replace('2026-11-22', 'yesterday')}\n{SUMS}\n{TAIL}", "a time that is none")],
)  # fmt: skip
def test_what_is_no_bill(text: str, reason: str) -> None:
    with pytest.raises(BillRefused, match=reason):
        bills.read_trades(text, DAY)
