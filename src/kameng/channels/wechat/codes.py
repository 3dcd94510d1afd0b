"""What WeChat Pay's codes mean, by call. 5xx never come here: they are unknown whatever they say.

Where two spellings are listed, WeChat's pages name both. What is in no line is unknown and logged once.
"""

from __future__ import annotations

from collections.abc import Mapping

from kameng.channels.coding import Codes, Rule
from kameng.channels.model import Outcome, RefundState, State

NO_BILL = ("NO_STATEMENT_EXIST", "STATEMENT_CREATING")


def _rules(call: str, outcome: Outcome, *codes: str) -> tuple[Rule, ...]:
    return tuple(Rule(call, code, outcome) for code in codes)


CODES = Codes("wechat", (
    *_rules("*", Outcome.done, "OK"),
    *_rules("*", Outcome.rate_limited, "FREQUENCY_LIMITED", "FREQUENCY_LIMIT_EXCEED", "RATELIMIT_EXCEEDED"),
    *_rules("*", Outcome.unknown, "SYSTEM_ERROR", "SYSTEMERROR", "BANK_ERROR", "BANKERROR"),
    *_rules("*", Outcome.refused_config, "SIGN_ERROR", "APPID_MCHID_NOT_MATCH", "APPID_NOT_EXIST", "MCH_NOT_EXISTS"),
    # of beginning
    *_rules("begin", Outcome.accepted, "USERPAYING", "USER_PAYING"),
    *_rules("begin", Outcome.unknown, "OUT_TRADE_NO_USED", "ORDERPAID", "ORDER_PAID"),
    Rule("begin", "INVALID_REQUEST", Outcome.unknown, "重复"),  # the number stands there with other contents
    *_rules("begin", Outcome.refused_config, "PARAM_ERROR", "INVALID_REQUEST", "OPENID_MISMATCH"),
    *_rules("begin", Outcome.refused_channel, "NO_AUTH", "NOAUTH", "RULE_LIMIT", "RULELIMIT", "TRADE_ERROR",
            "ACCOUNT_ERROR", "ACCOUNTERROR"),
    *_rules("begin", Outcome.refused_channel, "ORDER_CLOSED", "ORDERCLOSED"),  # another number would pass
    *_rules("begin", Outcome.declined_user, "NOT_ENOUGH", "NOTENOUGH", "AUTH_CODE_EXPIRE", "AUTHCODEEXPIRE",
            "AUTH_CODE_ERROR", "AUTH_CODE_INVALID", "NOTSUPORTCARD", "NOT_SUPPORT_CARD", "BUYER_MISMATCH",
            "USER_ACCOUNT_ABNORMAL"),
    # of asking
    *_rules("query", Outcome.done, "ORDER_NOT_EXIST", "ORDERNOTEXIST"),  # never taken on: see ``client.query``
    *_rules("query", Outcome.refused_config, "PARAM_ERROR", "INVALID_REQUEST", "NO_AUTH", "NOAUTH"),
    # of closing, and of revoking a payment by the customer's code
    *_rules("close", Outcome.paid, "ORDERPAID", "ORDER_PAID"),
    *_rules("close", Outcome.done, "ORDER_CLOSED", "ORDERCLOSED", "ORDER_REVERSED", "ORDER_NOT_EXIST", "ORDERNOTEXIST"),
    *_rules("close", Outcome.unknown, "INVALID_REQUEST", "TRADE_ERROR", "USERPAYING", "USER_PAYING"),
    *_rules("close", Outcome.refused_config, "PARAM_ERROR", "NO_AUTH", "NOAUTH"),
    # of giving back
    *_rules("refund", Outcome.rate_limited, "NOT_ENOUGH", "NOTENOUGH"),  # our own balance there: later
    Rule("refund", "INVALID_REQUEST", Outcome.unknown, "不一致"),  # this refund's number stands there
    *_rules("refund", Outcome.refused_channel, "INVALID_REQUEST", "RESOURCE_NOT_EXISTS", "ORDER_NOT_EXIST",
            "USER_ACCOUNT_ABNORMAL", "TRADE_OVERDUE", "RULE_LIMIT"),
    *_rules("refund", Outcome.refused_config, "PARAM_ERROR", "NO_AUTH", "NOAUTH"),
    *_rules("refund_query", Outcome.rate_limited, "RESOURCE_NOT_EXISTS", "REFUND_NOT_EXISTS", "ORDER_NOT_EXIST"),
    *_rules("refund_query", Outcome.refused_config, "PARAM_ERROR", "INVALID_REQUEST", "NO_AUTH", "NOAUTH"),
    # of bills: there was no trade, or it is being made
    *_rules("bill", Outcome.rate_limited, *NO_BILL),
    *_rules("bill", Outcome.refused_config, "PARAM_ERROR", "INVALID_REQUEST", "NO_AUTH", "NOAUTH"),
))  # fmt: skip

STATES: Mapping[str, State] = {
    "SUCCESS": State.paid, "REFUND": State.refunded, "NOTPAY": State.waiting, "USERPAYING": State.waiting,
    "ACCEPT": State.waiting, "CLOSED": State.closed, "REVOKED": State.closed, "PAYERROR": State.failed,
}  # fmt: skip
"""``REFUND`` is said of a part that went back as well: whoever has not delivered yet should not, and ask a person."""
REFUND_STATES: Mapping[str, RefundState] = {
    "SUCCESS": RefundState.done, "CLOSED": RefundState.failed, "PROCESSING": RefundState.processing,
    "ABNORMAL": RefundState.abnormal,
}  # fmt: skip
NOT_THERE = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST"})
