"""What payments refuse."""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotFound, TryLater


class BadPayment(BadInput):
    """This can't be paid like that; the field says what is wrong."""

    code = "bad_payment"
    zh = "付款内容有误，请检查所指字段。"


class BadChannel(BadInput):
    """A payment channel can't be like that; the field says what is wrong."""

    code = "bad_channel"
    zh = "支付通道设置有误，请检查所指字段。"


class BadRule(BadInput):
    """A routing rule can't be like that; the field says what is wrong."""

    code = "bad_rule"
    zh = "路由规则填写有误，请检查所指字段。"


class NoSuchRule(NotFound):
    """There is no such routing rule, or it has ended."""

    code = "no_such_rule"
    zh = "没有这条路由规则，或已停用。"


class NoSuchPayment(NotFound):
    """There is no such payment."""

    code = "no_such_payment"
    zh = "没有这笔付款。"


class NoSuchChannel(NotFound):
    """There is no such payment channel."""

    code = "no_such_channel"
    zh = "没有这个支付通道。"


class NotPayable(Conflict):
    """Nothing is to be paid here any more; look at the order."""

    code = "not_payable"
    zh = "当前无需付款，请查看订单状态。"


class RechargeReused(Conflict):
    """This reference stands for another recharge; use a new one."""

    code = "recharge_reused"
    status = 422
    retry = "new_key"
    zh = "该单号已用于另一笔充值，请更换单号。"


class RefundReused(Conflict):
    """This reference stands for another refund; use a new one."""

    code = "refund_reused"
    status = 422
    retry = "new_key"
    zh = "该退款单号已用于另一笔退款，请更换单号。"


class TooManyAttempts(Conflict):
    """It was tried too often to pay this; place a new order."""

    code = "too_many_attempts"
    status = 422
    zh = "付款尝试次数过多，请重新下单。"


class NotRefundableNow(Conflict):
    """No more of this payment can be given back to where it came from."""

    code = "nothing_to_give_back"
    status = 422
    zh = "该笔付款已无可原路退回的金额。"


class PaymentUnknown(TryLater):
    """The provider did not answer; it is asked, and no money is lost. Look at the payments in a moment."""

    code = "payment_unknown"
    outcome = "unknown"
    retry = "query_first"
    zh = "支付渠道未应答，系统正在查询，请稍后查看付款状态。"


class NotByHand(Conflict):
    """This refund waits for nobody: its provider did it, is at it, or somebody booked it already."""

    code = "refund_not_by_hand"
    status = 422
    zh = "该退款无需人工处理：渠道已退、正在处理，或已登记。"


class NotCollecting(Conflict):
    """Only an agent that collects itself has payment channels of its own."""

    code = "not_collecting"
    zh = "仅自收款代理可使用自己的支付通道。"
