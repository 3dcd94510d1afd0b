"""Alipay's bills of a day: a zip of two GBK files with GBK names, the details and the sums."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from kameng.kit import clock
from kameng.sim.pay.books import Payment, Refund
from kameng.sim.pay.faults import Fault

_HEAD = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
_FUND_HEAD = (
    "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,"
    "业务类型,备注"
)
_LINE = "#-----------------------------------------{}------------------------------------"
_RATE = Decimal("0.006")

Line = tuple[Payment, Refund | None]


def trades(seller_id: str, day: str, lines: Sequence[Line], flaw: Fault | None) -> bytes:
    rows, sums = [], {"交易": [0, 0], "退款": [0, 0]}
    for number, (payment, refund) in enumerate(_spoiled(lines, flaw)):
        minor = payment.amount_minor if refund is None else -refund.amount_minor
        fee = -Decimal(minor) / 100 * _RATE
        if flaw is not None and flaw.what == "wrong_fee" and number == 0:
            fee -= 1
        rows.append(_row(payment, refund, _yuan(minor), f"{fee:.2f}"))
        side = sums["交易" if refund is None else "退款"]
        side[0], side[1] = side[0] + 1, side[1] + minor
    (paid, paid_minor), (back, back_minor) = sums["交易"], sums["退款"]
    tail = [
        f"#交易合计：{paid}笔，商家实收共{_yuan(paid_minor)}元，商家优惠共0.00元",
        f"#退款合计：{back}笔，商家实收退款共{_yuan(back_minor)}元，商家优惠退款共0.00元",
    ]
    return _zipped(seller_id, day, "业务明细", _HEAD, rows, tail)


def funds(seller_id: str, day: str, lines: Sequence[Line], flaw: Fault | None) -> bytes:
    rows, balance = [], 0
    for payment, refund in _spoiled(lines, flaw):
        minor = payment.amount_minor if refund is None else -refund.amount_minor
        balance += minor
        at_ms = payment.paid_at_ms if refund is None else refund.done_at_ms
        number = payment.provider_no if refund is None else refund.provider_refund_no
        rows.append([
            f"F{number}\t", f"{payment.provider_no}\t", f"{payment.payment_no}\t", payment.subject,
            clock.china_time(at_ms)[:19], "sim***@example.com", _yuan(max(minor, 0)), _yuan(min(minor, 0)),
            _yuan(balance), "支付宝", "在线支付" if refund is None else "交易退款", "",
        ])  # fmt: skip
    return _zipped(seller_id, day, "账务明细", _FUND_HEAD, rows, [])


def _spoiled(lines: Sequence[Line], flaw: Fault | None) -> list[Line]:
    """What the script wants of the first line."""
    what = "" if flaw is None else flaw.what
    first, rest = list(lines[:1]), list(lines[1:])
    if what == "missing":
        return rest
    if what == "duplicate":
        return first + first + rest
    if first and what == "wrong_amount":
        payment, refund = first[0]
        return [(replace(payment, amount_minor=payment.amount_minor + 1), refund), *rest]
    if first and what == "extra":
        return [*first, *rest, (replace(first[0][0], payment_no="STRANGER00000001", provider_no="2" * 28), None)]
    return first + rest


def _row(payment: Payment, refund: Refund | None, amount: str, fee: str) -> list[str]:
    at_ms = payment.paid_at_ms if refund is None else refund.done_at_ms
    return [
        f"{payment.provider_no}\t", f"{payment.payment_no}\t", "交易" if refund is None else "退款", payment.subject,
        clock.china_time(payment.begun_at_ms)[:19], clock.china_time(at_ms)[:19], "", "", "", "",
        "*小周(sim***@example.com)", amount, amount, "0.00", "0.00", "0.00", "0.00", "0.00", "", "0.00", "0.00",
        "" if refund is None else f"{refund.refund_no}\t", fee, "0.00", "",
    ]  # fmt: skip


def _zipped(
    seller_id: str, day: str, what: str, head: str, rows: Sequence[Sequence[str]], tail: Sequence[str]
) -> bytes:
    compact = day.replace("-", "")
    start = [
        f"#支付宝{what}查询",
        f"#账号：[{seller_id}0156]",
        f"#起始日期：[{day} 00:00:00]   终止日期：[{day} 24:00:00]",
    ]
    table = [",".join(field.replace(",", " ").replace("\n", " ") for field in row) for row in rows]
    lines = [*start, _LINE.format(f"{what}列表"), head, *table, _LINE.format(f"{what}列表结束"), *tail,
             f"#导出时间：[{day} 09:00:00]", ""]  # fmt: skip
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        names = (f"{seller_id}0156_{compact}_{what}(汇总).csv", f"{seller_id}0156_{compact}_{what}.csv")
        archive.writestr(_GbkName(names[0]), f"#支付宝{what}汇总查询\r\n".encode("gbk"))
        archive.writestr(_GbkName(names[1]), "\r\n".join(lines).encode("gbk", "replace"))
    return made.getvalue()


class _GbkName(zipfile.ZipInfo):
    """A name in GBK, without a mark that says so: as Alipay writes it."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - zipfile's own name
        return self.filename.encode("gbk"), self.flag_bits


def _yuan(minor: int) -> str:
    return f"{Decimal(minor) / 100:.2f}"
