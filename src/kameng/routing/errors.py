"""The refusals of routing."""

from kameng.kit.errors import TryLater


class NoChannel(TryLater):
    """No payment channel takes this now; try another way to pay, or later."""

    code = "no_payment_channel"
    zh = "暂无可用的支付通道，请更换支付方式或稍后重试。"
