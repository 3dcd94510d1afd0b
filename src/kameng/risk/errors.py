"""Risk's refusals. To a buyer they say what to do, never which signal spoke; to an operator which field is wrong."""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotAllowed, NotFound, TryLater


class RiskRefused(NotAllowed):
    """This order is not accepted; ask the platform's support if you believe it should be."""

    code = "risk_refused"
    zh = "该订单未通过风控，如有疑问请联系平台客服。"


class VelocityExceeded(TryLater):
    """Too many orders of this kind in a short time; send the same reference again later."""

    code = "velocity_exceeded"
    status = 429
    zh = "短时间内同类订单过多，请稍后使用相同单号重试。"


class ShareUsed(Conflict):
    """Each buyer may have only so many of this sale."""

    code = "share_used"
    zh = "已达到本场抢购的每人限购数量。"


class BadRiskSettings(BadInput):
    """The list entry or the limit is wrong."""

    code = "risk_settings_wrong"
    zh = "名单或限额设置不正确。"


class NoSuchRule(NotFound):
    """There is no rule of this name."""

    code = "risk_rule_unknown"
    zh = "没有此名称的限额规则。"


class NoSuchListing(NotFound):
    """This is not on the list."""

    code = "risk_listing_unknown"
    zh = "名单中没有此项。"
