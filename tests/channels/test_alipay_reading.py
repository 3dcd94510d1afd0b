"""What Alipay sends, read without it: certificates that it brings, notices, and bills as they are written."""

from __future__ import annotations

import base64
import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from kameng.channels import BadNotice, BillRefused, NoticeKind, RefundState, State, keys
from kameng.channels.alipay import bills, notices, signing
from kameng.channels.alipay.verifying import Verifier
from kameng.kit import clock

ROOT, MIDDLE, LEAF, STRANGER = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(4))
DAY = date(2026, 11, 22)


def issued(
    name: str, key: rsa.RSAPrivateKey, by: str, signer: rsa.RSAPrivateKey, *, is_authority: bool = True, days: int = 9
) -> x509.Certificate:
    now = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )


ROOT_CERTIFICATE = issued("root", ROOT, "root", ROOT)
MIDDLE_CERTIFICATE = issued("middle", MIDDLE, "root", ROOT)
GOOD = issued("alipay", LEAF, "middle", MIDDLE, is_authority=False)


class Fetching:
    def __init__(self, *chain: x509.Certificate) -> None:
        pem = "\n".join(x.public_bytes(serialization.Encoding.PEM).decode() for x in chain)
        self.content = base64.b64encode(pem.encode()).decode()
        self.asked: list[str] = []

    async def __call__(self, serial: str) -> str:
        self.asked.append(serial)
        return self.content


async def is_believed(leaf: x509.Certificate, *between: x509.Certificate) -> bool:
    fetching = Fetching(leaf, *between)
    verifier = Verifier({"old": STRANGER.public_key()}, [ROOT_CERTIFICATE], fetching)
    serial = signing.serial_of(leaf)
    believed = [await verifier.is_signed(b"text", keys.rsa_sha256(LEAF, b"text"), serial) for _ in range(2)]
    assert fetching.asked == [serial], "once a minute at most"
    assert len(set(believed)) == 1
    return believed[0]


async def test_a_new_certificate_is_believed_if_the_roots_vouch_for_it() -> None:
    assert await is_believed(GOOD, MIDDLE_CERTIFICATE) is True
    assert await is_believed(issued("alipay", LEAF, "root", ROOT, is_authority=False)) is True


@pytest.mark.parametrize(
    ("leaf", "between"),
    [(GOOD, ()), (issued("alipay", LEAF, "middle", STRANGER), (MIDDLE_CERTIFICATE,)),
     (GOOD, (issued("middle", MIDDLE, "root", STRANGER),)),
     (GOOD, (issued("middle", MIDDLE, "root", ROOT, is_authority=False),)),
     (issued("alipay", LEAF, "middle", MIDDLE, days=-1), (MIDDLE_CERTIFICATE,)),
     (issued("alipay", LEAF, "alipay", LEAF), ())],
    ids=["no way up", "forged", "forged between", "between is none", "expired", "by itself"],
)  # fmt: skip
async def test_certificates_that_nobody_vouches_for(
    leaf: x509.Certificate, between: tuple[x509.Certificate, ...]
) -> None:
    assert await is_believed(leaf, *between) is False


async def test_what_comes_is_what_was_asked_for() -> None:
    verifier = Verifier({}, [ROOT_CERTIFICATE], Fetching(GOOD, MIDDLE_CERTIFICATE))
    assert await verifier.is_signed(b"text", keys.rsa_sha256(LEAF, b"text"), "f" * 32) is False


FIELDS = {
    "notify_id": "N1", "out_trade_no": "KM1", "trade_no": "2026112222001", "trade_status": "TRADE_SUCCESS",
    "total_amount": "100.00", "receipt_amount": "99.00", "seller_id": "2088101", "gmt_payment": "2026-11-22 23:59:59",
}  # fmt: skip


def test_a_notice_says_what_was_to_be_paid() -> None:
    notice = notices.read(FIELDS)
    assert (notice.kind, notice.state, notice.amount_minor) == (NoticeKind.payment, State.paid, 10000)
    assert (notice.account_no, notice.event_id) == ("2088101", "N1")
    assert notice.paid_at == datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)


def test_closed_is_unpaid_or_given_back() -> None:
    unpaid = {name: value for name, value in FIELDS.items() if name != "gmt_payment"} | {"trade_status": "TRADE_CLOSED"}
    assert notices.read(unpaid).state is State.closed
    assert notices.state_of("TRADE_CLOSED", {"send_pay_date": "2026-11-22 23:59:59"}) is State.refunded
    assert notices.state_of("TRADE_FINISHED", {}) is State.paid
    assert notices.state_of("NEVER_HEARD_OF", {}) is State.unknown


def test_a_refund_is_told_with_the_sum_of_all() -> None:
    back = FIELDS | {"gmt_refund": "2026-11-23 10:00:00.123", "refund_fee": "70.00", "out_biz_no": "KM1R2"}
    notice = notices.read(back)
    assert (notice.kind, notice.refund_no, notice.refund_state, notice.amount_minor) == (
        NoticeKind.refund, "KM1R2", RefundState.done, None,
    )  # fmt: skip
    by_hand = {name: value for name, value in back.items() if name != "out_biz_no"}
    assert notices.read(by_hand).kind is NoticeKind.other


@pytest.mark.parametrize("name", ["notify_id", "out_trade_no", "trade_no", "trade_status", "total_amount"])
def test_a_notice_that_lacks_something(name: str) -> None:
    with pytest.raises(BadNotice, match=f"without {name}"):
        notices.read({key: value for key, value in FIELDS.items() if key != name})


HEAD = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
PAID = (
    "2026112222001\t,KM1\t,交易,京东E卡,2026-11-22 23:59:00,2026-11-22 23:59:59,,,,,*周(138****0000),100.00,"
    "99.00,0.00,0.00,0.00,1.00,0.00,,0.00,0.00,,-0.59,0.00,"
)
BACK = (
    "2026112222002\t,KM2\t,退款,京东E卡,2026-11-22 09:00:00,2026-11-22 10:00:00,,,,,*周(138****0000),-20.00,"
    "-20.00,0.00,0.00,0.00,0.00,0.00,,0.00,0.00,KM2R1\t,0.12,0.00,"
)
START = "#支付宝业务明细查询\n#账号：[20881010156]\n#起始日期：[2026年11月22日]\n#---业务明细列表---\n"
END = (
    "#---业务明细列表结束---\n#交易合计：1笔，商家实收共99.00元，商家优惠共1.00元\n"
    "#退款合计：1笔，商家实收退款共-20.00元，商家优惠退款共0.00元\n#导出时间：[2026年11月23日]\n"
)


def test_a_bill_as_alipay_writes_it() -> None:
    bill = bills.read_trades(f"{START}{HEAD}\n{PAID}\n{BACK}\n{END}", DAY)
    paid, back = bill.lines
    assert (paid.kind, paid.payment_no, paid.provider_no, paid.amount_minor, paid.fee_minor) == (
        NoticeKind.payment, "KM1", "2026112222001", 10000, 59,
    )  # fmt: skip
    assert paid.at == datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)
    assert (back.kind, back.payment_no, back.refund_no, back.amount_minor, back.fee_minor) == (
        NoticeKind.refund, "KM2", "KM2R1", 2000, -12,
    )  # fmt: skip
    assert (bill.payment_minor, bill.refund_minor) == (10000, 2000)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "not a whole bill"), (f"{START}{HEAD}\n{PAID}\n", "not a whole bill"),
     (f"{START}{HEAD}\n{PAID},more\n{END}", "another number of fields"),
     (f"{START}{HEAD}\n{PAID.replace('100.00', '1e2x')}\n{END}", "no amount in the column 订单金额"),
     (f"{START}{HEAD}\n{PAID.replace('交易', '转账')}\n{END}", "neither payment nor refund")],
)  # fmt: skip
def test_what_is_no_bill(text: str, reason: str) -> None:
    with pytest.raises(BillRefused, match=reason):
        bills.read_trades(text, DAY)


class GbkName(zipfile.ZipInfo):
    """Without the mark that a name in UTF-8 bears."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode("gbk"), self.flag_bits


def test_packed_with_names_in_gbk_and_the_sums_beside() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(GbkName("20881010156_20261122_业务明细(汇总).csv"), "总".encode("gbk"))
        archive.writestr(GbkName("20881010156_20261122_业务明细.csv"), "明细".encode("gbk"))
    raw = made.getvalue()
    assert bills.unpacked(raw) == "明细"
    with pytest.raises(BillRefused, match="can't be unpacked"):
        bills.unpacked(raw[:-30])
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w"):
        pass
    with pytest.raises(BillRefused, match="no table of details"):
        bills.unpacked(empty.getvalue())
