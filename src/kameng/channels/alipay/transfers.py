"""Alipay's transfers (转账到支付宝账户): money of ours to somebody's account. Alipay wants certificates for it.

The same number is the same transfer, whatever was answered before. Only a status says that it arrived: an answer
without one says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from kameng.channels.alipay.codes import PAYOUT_STATES
from kameng.channels.amounts import decimal_of, minor_of
from kameng.channels.model import Outcome, PaidOut, Payout, PayoutState

TITLE_CHARS_MAX = 60
KIND: Mapping[str, str] = {"product_code": "TRANS_ACCOUNT_NO_PWD", "biz_scene": "DIRECT_TRANSFER"}


class Gateway(Protocol):
    """Whoever signs for an app and reads what Alipay signed."""

    @property
    def has_certificates(self) -> bool: ...

    async def send(self, what: str, method: str, asked: Mapping[str, Any]) -> tuple[Mapping[str, Any], Outcome]: ...


async def pay_out(gateway: Gateway, payout: Payout) -> PaidOut:
    if payout.currency != "CNY" or not gateway.has_certificates:
        return PaidOut(outcome=Outcome.refused_config, code="not_by_certificate", message="yuan, with certificates")
    asked = {
        **KIND, "out_biz_no": payout.payout_no, "trans_amount": decimal_of(payout.amount_minor),
        "order_title": payout.title[:TITLE_CHARS_MAX],
        "payee_info": {"identity": payout.account, "identity_type": "ALIPAY_LOGON_ID", "name": payout.name},
    }  # fmt: skip
    said, outcome = await gateway.send("pay_out", "alipay.fund.trans.uni.transfer", asked)
    return _read(payout, said, outcome)


async def payout_query(gateway: Gateway, payout: Payout) -> PaidOut:
    asked = {**KIND, "out_biz_no": payout.payout_no}
    said, outcome = await gateway.send("payout_query", "alipay.fund.trans.common.query", asked)
    return _read(payout, said, outcome)


def _read(payout: Payout, said: Mapping[str, Any], outcome: Outcome) -> PaidOut:
    code, message = _text(said, "sub_code") or _text(said, "code"), _text(said, "sub_msg") or _text(said, "msg")
    state, status = PayoutState.unknown, _text(said, "status")
    if outcome is Outcome.done and "ORDER_NOT_EXIST" in code:
        state = PayoutState.absent
    elif outcome is Outcome.done and _text(said, "out_biz_no") == payout.payout_no:
        state = PAYOUT_STATES.get(status, PayoutState.unknown)
        code, message = _text(said, "error_code") or status, _text(said, "fail_reason") or message
    elif outcome is Outcome.done:
        outcome, code = Outcome.unknown, "another transfer's answer"
    number = _text(said, "order_id") or _text(said, "pay_fund_order_id")
    return PaidOut(
        outcome=outcome, state=state, amount_minor=minor_of(said.get("trans_amount")) if said else None,
        provider_no=number, code=code, message=message,
    )  # fmt: skip


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value[:500] if isinstance(value, str) else ""
