"""WeChat Pay's bills: CSV, each field behind a back-tick, amounts in yuan, the sums in the last two lines. Pure.

Columns are found by their names: which there are depends on the kind of bill and on its age.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date

from kameng.channels.amounts import minor_of
from kameng.channels.billing import named_rows, time_of
from kameng.channels.model import Bill, BillLine, BillRefused, FundBill, FundLine, NoticeKind

_BACK = frozenset({"REFUND", "REVOKED"})
"""What is given back. A revoked payment stands there twice: as it was paid, and as it was taken back."""


def read_trades(text: str, day: date) -> Bill:
    """``BillRefused`` for what is no bill of trades."""
    rows, summary = _split(text, "总交易单数")
    return Bill(
        day=day, lines=[_trade(row) for row in rows],
        payment_minor=_amount(summary, "订单总金额", "总交易额"),
        refund_minor=_amount(summary, "申请退款总金额", "退款总金额", "总退款金额"),
        fee_minor=_fee(summary["手续费总金额"]) if "手续费总金额" in summary else None,
    )  # fmt: skip


def read_funds(text: str, day: date) -> FundBill:
    """The movements of the account's own money."""
    rows, _ = _split(text, "资金流水总笔数")
    lines = []
    for row in rows:
        amount_minor = _needed(row, "收支金额(元)", "收支金额（元）")
        lines.append(FundLine(
            provider_no=row.get("资金流水单号", ""), trade_no=row.get("微信支付业务单号", ""),
            reference=row.get("业务凭证号", ""), kind=row.get("业务类型", "") or row.get("业务名称", ""),
            amount_minor=-amount_minor if row.get("收支类型") == "支出" else amount_minor,
            balance_minor=_amount(row, "账户结余(元)", "账户结余（元）"), at=time_of(row.get("记账时间", "")),
        ))  # fmt: skip
    return FundBill(day=day, lines=lines)


def _trade(row: Mapping[str, str]) -> BillLine:
    state, refund_no = row.get("交易状态", ""), row.get("商户退款单号", "").strip("0")
    is_back = state in _BACK or bool(row.get("微信退款单号", "").strip("0"))
    amounts = ("申请退款金额", "退款金额") if is_back else ("订单金额", "应结订单金额", "总金额")
    return BillLine(
        kind=NoticeKind.refund if is_back else NoticeKind.payment, payment_no=row.get("商户订单号", ""),
        refund_no=row["商户退款单号"] if is_back and refund_no else "", provider_no=row.get("微信订单号", ""),
        amount_minor=_needed(row, *amounts), fee_minor=_fee(row.get("手续费", "")),
        currency=row.get("货币种类") or "CNY", at=time_of(row.get("交易时间", "")),
        state=(row.get("退款状态") if is_back else "") or state,
    )  # fmt: skip


def _split(text: str, sum_head: str) -> tuple[Sequence[Mapping[str, str]], Mapping[str, str]]:
    """The rows by their column's names, and the summary."""
    table = [[field.lstrip("`").strip() for field in row] for row in csv.reader(text.lstrip("\ufeff").splitlines())]
    table = [row for row in table if any(row)]
    at = next((n for n, row in enumerate(table) if row[0] == sum_head), None)
    if at is None or at == 0 or len(table) != at + 2:
        raise BillRefused("not a whole bill of WeChat Pay")
    return named_rows(table[0], table[1:at]), dict(zip(table[at], table[at + 1], strict=False))


def _needed(row: Mapping[str, str], *names: str) -> int:
    amount_minor = _amount(row, *names)
    if amount_minor is None:
        raise BillRefused(f"no amount in the column {names[0]}")
    return amount_minor


def _amount(row: Mapping[str, str], *names: str) -> int | None:
    """Of the first column that is there."""
    return next((minor_of(row[name]) for name in names if name in row), None)


def _fee(text: str) -> int:
    """The provider's fee: five decimals, below zero where it gives back."""
    is_back = text.startswith("-")
    amount = minor_of(text.lstrip("-") or "0", places=5)
    if amount is None:
        raise BillRefused("a fee that is no amount")
    minor = (amount + 500) // 1000
    return -minor if is_back else minor
