"""Risk's refusals. They say what to do, never which signal spoke."""

from __future__ import annotations

from kameng.kit.errors import NotAllowed, TryLater


class RiskRefused(NotAllowed):
    """This order is not accepted; ask the platform's support if you believe it should be."""

    code = "risk_refused"
    zh = "该订单未通过风控，如有疑问请联系平台客服。"


class VelocityExceeded(TryLater):
    """Too many orders of this kind in a short time; send the same reference again later."""

    code = "velocity_exceeded"
    status = 429
    zh = "短时间内同类订单过多，请稍后使用相同单号重试。"
