"""WeChat's bills of a day: the columns, the back-ticks, the sums at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from kameng.kit import clock
from kameng.sim.pay.books import Payment, Refund
from kameng.sim.pay.faults import Fault

_HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,"
    "代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,"
    "申请退款金额,费率备注"
)
_SUMS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
_FUND_HEAD = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
_FUND_SUMS = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
_RATE = Decimal("0.006")

Line = tuple[Payment, Refund | None]


def trades(appid: str, lines: Sequence[Line], flaw: Fault | None) -> str:
    rows: list[list[str]] = []
    paid, back, fees = 0, 0, Decimal(0)
    for payment, refund in spoiled(lines, flaw):
        fee = Decimal(payment.amount_minor if refund is None else -refund.amount_minor) / 100 * _RATE
        if flaw is not None and flaw.what == "wrong_fee" and not rows:
            fee += 1
        rows.append(_row(appid, payment, refund, fee))
        paid += payment.amount_minor if refund is None else 0
        back += refund.amount_minor if refund is not None else 0
        fees += fee
    sums = [str(len(rows)), _yuan(paid), _yuan(back), "0.00", f"{fees:.5f}", _yuan(paid), _yuan(back)]
    return _text(_HEAD, rows, _SUMS, sums)


def funds(lines: Sequence[Line], flaw: Fault | None) -> str:
    """Each payment and each refund moves the account once; the fee is in the same movement here."""
    rows: list[list[str]] = []
    into, out, balance = [0, 0], [0, 0], 0
    for payment, refund in spoiled(lines, flaw):
        amount = payment.amount_minor if refund is None else refund.amount_minor
        balance += amount if refund is None else -amount
        side = into if refund is None else out
        side[0], side[1] = side[0] + 1, side[1] + amount
        what = "交易" if refund is None else "退款"
        at_ms = payment.paid_at_ms if refund is None else refund.done_at_ms
        number = payment.provider_no if refund is None else refund.provider_refund_no
        rows.append([
            clock.china_time(at_ms)[:19], number, f"F{number}", what, what, "收入" if refund is None else "支出",
            _yuan(amount), _yuan(balance), "system", "", payment.payment_no if refund is None else refund.refund_no,
        ])  # fmt: skip
    sums = [str(len(rows)), str(into[0]), _yuan(into[1]), str(out[0]), _yuan(out[1])]
    return _text(_FUND_HEAD, rows, _FUND_SUMS, sums)


def spoiled(lines: Sequence[Line], flaw: Fault | None) -> list[Line]:
    """What the script wants of the first line: left out, doubled, another amount, or one that nobody knows."""
    made = list(lines)
    what = "" if flaw is None else flaw.what
    if what == "missing":
        return made[1:]
    if what == "duplicate":
        return [*made[:1], *made]
    if made and what == "wrong_amount":
        first, refund = made[0]
        made[0] = (replace(first, amount_minor=first.amount_minor + 1), refund)
    if made and what == "extra":
        made.append((replace(made[0][0], payment_no="STRANGER00000001", provider_no="4" * 28), None))
    return made


def _row(appid: str, payment: Payment, refund: Refund | None, fee: Decimal) -> list[str]:
    is_paid = refund is None
    at_ms = payment.paid_at_ms if refund is None else refund.done_at_ms
    paid, back = (payment.amount_minor, 0) if refund is None else (0, refund.amount_minor)
    return [
        clock.china_time(at_ms)[:19], appid, payment.account, "0", "", payment.provider_no, payment.payment_no,
        payment.payer, str(payment.extra.get("trade_type", "")), "SUCCESS" if is_paid else "REFUND", "OTHERS",
        payment.currency, _yuan(paid), "0.00", "0" if refund is None else refund.provider_refund_no,
        "0" if refund is None else refund.refund_no, _yuan(back), "0.00", "" if is_paid else "ORIGINAL",
        "" if is_paid else "SUCCESS", payment.subject, "", f"{fee:.5f}", "0.60%", _yuan(paid), _yuan(back), "",
    ]  # fmt: skip


def _text(head: str, rows: Sequence[Sequence[str]], sum_head: str, sums: Sequence[str]) -> str:
    lines = [",".join(f"`{_plain(field)}" for field in row) for row in (*rows, sums)]
    return "\r\n".join([head, *lines[:-1], sum_head, lines[-1], ""])


def _plain(field: str) -> str:
    return field.replace(",", " ").replace("\n", " ").replace('"', "'")


def _yuan(minor: int) -> str:
    return f"{Decimal(minor) / 100:.2f}"
