"""UnionPay's reconciliation file: base64 of deflate of a zip, with lines of fixed width in GBK.

``ZM`` are the transactions, ``ZME`` those with an error (disputes, corrections). The widths are those of the vendor's
own example program, which agree in several published copies of it; they are not checked against a true file, and no
specification was at hand: that is why they stand in two tables. Between two fields stands one blank. The file's day is
the day of settlement, from 23:00 to 23:00, so a line of the evening before is no error.
"""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

from kameng.channels.model import Bill, BillLine, BillRefused, NoticeKind
from kameng.kit import clock

BYTES_MAX = 256 * 1024 * 1024

ZM: Mapping[str, int] = {
    "code": 3, "acqInsCode": 11, "fwdInsCode": 11, "traceNo": 6, "txnTime": 10, "payCardNo": 19, "txnAmt": 12,
    "merCatCode": 4, "termType": 2, "queryId": 21, "oldPayType": 2, "orderId": 32, "payCardType": 2, "origTraceNo": 6,
    "origTxnTime": 10, "fee": 13, "settleAmt": 13, "payType": 4, "groupMerId": 15, "txnType": 2, "txnSubType": 2,
    "bizType": 6, "accType": 2, "billType": 4, "billNo": 32, "interactMode": 1, "origQryId": 21, "merId": 15,
    "splitMode": 1, "subMerId": 15, "subMerAbbr": 32, "splitAmt": 13, "clearingAmt": 13, "termId": 8,
    "merReserved": 32, "discountAmt": 13, "invoiceAmt": 13, "instalmentFee": 12, "instalments": 2, "medium": 1,
    "origOrderId": 32, "reserved": 98,
}  # fmt: skip
ZME: Mapping[str, int] = {
    "code": 3, "acqInsCode": 11, "fwdInsCode": 11, "traceNo": 6, "txnTime": 10, "payCardNo": 19, "txnAmt": 12,
    "merCatCode": 4, "termType": 2, "oldPayType": 2, "origTraceNo": 6, "origTxnTime": 10, "reason": 4, "origTxnAmt": 12,
    "fee": 13, "settleAmt": 13, "merId": 15, "subMerId": 15, "splitMode": 1, "errorFee": 12, "errorType": 2,
    "reserved": 135,
}  # fmt: skip
"""Names after the place of a field where no other was published; only ``txnAmt``, ``txnTime`` and ``code`` are used."""

_KINDS = {"01": NoticeKind.payment, "03": NoticeKind.payment, "04": NoticeKind.refund, "31": NoticeKind.refund}
"""By ``txnType``: paid, a pre-authorisation taken; given back, taken back on the same day."""


def read(content: str, day: date) -> Bill:
    """The file of a day. ``BillRefused`` for one that is damaged."""
    lines: list[BillLine] = []
    try:
        for name, data in _files(_inflate(base64.b64decode(content, validate=True))):
            if "ZM_" in name:
                lines += [_line(fields, day) for fields in cut(data, ZM) if fields["txnType"] in _KINDS]
    except (binascii.Error, ValueError, zlib.error, zipfile.BadZipFile, KeyError, NotImplementedError):
        raise BillRefused("the file is damaged") from None
    return Bill(day=day, lines=lines)


def errors(content: str) -> Sequence[Mapping[str, str]]:
    """The lines of ``ZME`` files, as they are: for a person to look at."""
    found: list[Mapping[str, str]] = []
    for name, data in _files(_inflate(base64.b64decode(content, validate=True))):
        if "ZME_" in name:
            found += cut(data, ZME)
    return found


def cut(data: bytes, widths: Mapping[str, int]) -> Iterator[dict[str, str]]:
    """Lines into fields, by bytes; the last may be shorter than it is wide."""
    needed = sum(widths.values()) + len(widths) - 1 - list(widths.values())[-1]
    for line in data.splitlines():
        if not line.strip():
            continue
        if len(line) < needed:
            raise ValueError("a line is too short")
        fields, left = {}, 0
        for name, width in widths.items():
            fields[name] = line[left : left + width].decode("gbk").strip()
            left += width + 1
        yield fields


def _line(fields: Mapping[str, str], day: date) -> BillLine:
    kind = _KINDS[fields["txnType"]]
    is_payment = kind is NoticeKind.payment
    return BillLine(
        kind=kind, payment_no=fields["orderId"] if is_payment else fields["origOrderId"],
        refund_no="" if is_payment else fields["orderId"], provider_no=fields["queryId"],
        amount_minor=int(fields["txnAmt"]), fee_minor=_signed(fields["fee"]), at=time_of(fields["txnTime"], day),
        state=fields["code"],
    )  # fmt: skip


def _signed(text: str) -> int:
    """``D000000000012``: we are debited, so the provider keeps it; with ``C`` it gives back."""
    amount = int(text[1:] or 0)
    return -amount if text.startswith("C") else amount


def time_of(text: str, near: date) -> datetime:
    """``MMDDhhmmss`` of China: it has no year, so it is the year that brings it nearest to a day."""
    month = int(text[:2])
    year = near.year + (1 if near.month == 12 and month == 1 else -1 if near.month == 1 and month == 12 else 0)
    at = datetime.strptime(f"{year}{text}", "%Y%m%d%H%M%S").replace(tzinfo=clock.CHINA)
    return at.astimezone(UTC)


def _inflate(data: bytes) -> bytes:
    machine = zlib.decompressobj()
    inflated = machine.decompress(data, BYTES_MAX)
    if machine.unconsumed_tail or not machine.eof:
        raise ValueError("too long, or cut off")
    return inflated


def _files(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(one.file_size for one in archive.infolist()) > BYTES_MAX:
            raise ValueError("too long")
        for one in archive.infolist():
            if not one.is_dir():
                yield one.filename, archive.read(one)
