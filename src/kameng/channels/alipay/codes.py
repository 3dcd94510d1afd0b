"""What Alipay's codes mean, by call: the code, or the sub-code where the business failed.

A sub-code is looked for inside what came, for Alipay itself writes some with typing errors (``AQC.…``). What is in no
line is unknown and logged once.
"""

from __future__ import annotations

from collections.abc import Mapping

from kameng.channels.coding import Codes, Rule
from kameng.channels.model import Outcome, PayoutState, State


def _rules(call: str, outcome: Outcome, *codes: str) -> tuple[Rule, ...]:
    return tuple(Rule(call, code, outcome) for code in codes)


_RULES = (
    *_rules("*", Outcome.done, "10000"),
    *_rules("*", Outcome.unknown, "20000", "SYSTEM_ERROR", "unknow-error", "aop."),
    *_rules("*", Outcome.rate_limited, "40005", "call-limited"),
    *_rules("*", Outcome.refused_config, "20001", "40001", "40002", "40003", "40006"),
    *_rules("*", Outcome.refused_config, "INVALID_PARAMETER", "ACCESS_FORBIDDEN", "PARTNER_ERROR", "invalid-signature"),
    # of beginning
    *_rules("begin", Outcome.accepted, "10003"),
    *_rules("begin", Outcome.unknown, "TRADE_HAS_SUCCESS", "CONTEXT_INCONSISTENT"),
    *_rules("begin", Outcome.refused_channel, "TRADE_HAS_CLOSE", "TOTAL_FEE_EXCEED", "EXIST_FORBIDDEN_WORD",
            "SELLER_BEEN_BLOCKED", "PAYMENT_REQUEST_HAS_RISK", "MOBILE_PAYMENT_SWITCH_OFF", "TRADE_SETTLE_ERROR",
            "SECONDARY_MERCHANT_STATUS_ERROR", "BEYOND_PER_RECEIPT_RESTRICTION", "NOW_TIME_AFTER_EXPIRE_TIME_ERROR"),
    *_rules("begin", Outcome.declined_user, "PAYMENT_AUTH_CODE_INVALID", "BUYER_BALANCE_NOT_ENOUGH",
            "BUYER_BANKCARD_BALANCE_NOT_ENOUGH", "ERROR_BALANCE_PAYMENT_DISABLE", "BUYER_SELLER_EQUAL",
            "TRADE_BUYER_NOT_MATCH", "BUYER_ENABLE_STATUS_FORBID", "PULL_MOBILE_CASHIER_FAIL", "PAYMENT_FAIL",
            "BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR", "ERROR_BUYER_CERTIFY_LEVEL_LIMIT",
            "NO_PAYMENT_INSTRUMENTS_AVAILABLE"),
    # of asking: before the customer scans, Alipay knows nothing of it
    *_rules("query", Outcome.done, "TRADE_NOT_EXIST"),
    # of closing and cancelling
    *_rules("close", Outcome.done, "TRADE_NOT_EXIST", "TRADE_HAS_CLOSE"),
    *_rules("close", Outcome.paid, "TRADE_HAS_SUCCESS"),
    *_rules("close", Outcome.unknown, "TRADE_STATUS_ERROR", "REASON_TRADE_STATUS_INVALID",
            "REASON_ILLEGAL_STATUS"),  # paid or over: a query tells
    # of giving back
    *_rules("refund", Outcome.rate_limited, "SELLER_BALANCE_NOT_ENOUGH", "REFUND_CHARGE_ERROR"),
    *_rules("refund", Outcome.unknown, "DISCORDANT_REPEAT_REQUEST"),  # this refund's number stands there
    *_rules("refund", Outcome.refused_channel, "TRADE_NOT_EXIST", "REFUND_AMT_NOT_EQUAL_TOTAL", "TRADE_HAS_FINISHED",
            "REASON_TRADE_REFUND_FEE_ERR", "REASON_TRADE_BEEN_FREEZEN", "TRADE_STATUS_ERROR", "TRADE_NOT_ALLOW_REFUND",
            "BUYER_NOT_EXIST", "BUYER_ERROR", "REFUND_FEE_ERROR", "ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND"),
    *_rules("refund_query", Outcome.rate_limited, "TRADE_NOT_EXIST", "REFUND_NOT_EXIST"),
    # of paying out: what the payee's account can't take is refused for good, what is our own waits
    *_rules("pay_out", Outcome.declined_user, "PAYEE_NOT_EXIST", "PAYEE_USER_INFO_ERROR", "PAYEE_ACC_OCUPIED",
            "PAYEE_ACCOUNT_STATUS_ERROR", "PAYEE_USERINFO_STATUS_ERROR", "PAYEE_CERTIFY_LEVEL_LIMIT",
            "PAYEE_ACCOUNT_NOT_EXSIT", "RELEASE_USER_FORBBIDEN_RECIEVE", "PAYEE_TRUSTEESHIP_ACC_OVER_LIMIT",
            "PAYER_PAYEE_CANNOT_SAME", "CARD_BIN_ERROR"),
    *_rules("pay_out", Outcome.rate_limited, "PAYER_BALANCE_NOT_ENOUGH", "BALANCE_IS_NOT_ENOUGH", "EXCEED_LIMIT",
            "SECURITY_CHECK_FAILED", "CALL_LIMITED", "MONEY_PAY_CLOSED"),
    *_rules("pay_out", Outcome.refused_config, "PERMIT_", "PERM_AML_NOT_REALNAME", "PAYER_STATUS_ERROR",
            "PAYER_USER_INFO_ERROR", "PAYER_CERTIFY_CHECK_FAIL", "NO_ACCOUNT_RECEIVE_PERMISSION",
            "NO_PERMISSION_ACCOUNT", "ILLEGAL_OPERATION", "PRODUCT_NOT_SIGN", "MEMO_REQUIRED"),
    *_rules("pay_out", Outcome.unknown, "BIZ_UNIQUE_EXCEPTION", "REQUEST_PROCESSING", "TRANSFER_ERROR"),
    *_rules("payout_query", Outcome.done, "ORDER_NOT_EXIST"),
    # of bills: there was no trade, or it is being made
    *_rules("bill", Outcome.rate_limited, "NO_BILL_DATA", "BILL_NOT_EXIST", "EMPTY_DATA_WITH_BILL_FILE"),
    *_rules("bill", Outcome.refused_config, "INVAILID_ARGUMENTS", "INVALID_ARGUMENTS", "NOT_SUPPORT"),
)  # fmt: skip
CODES = Codes("alipay", _RULES)
_SUBCODES = sorted({rule.code for rule in _RULES if not rule.code.isdecimal()}, key=len, reverse=True)
"""The longest first, for some names are parts of others."""

STATES: Mapping[str, State] = {
    "WAIT_BUYER_PAY": State.waiting, "TRADE_SUCCESS": State.paid, "TRADE_FINISHED": State.paid,
}  # fmt: skip
"""``TRADE_CLOSED`` is said of what was never paid, and of what went back as a whole: the amounts tell."""

PAYOUT_STATES: Mapping[str, PayoutState] = {
    "SUCCESS": PayoutState.done, "DEALING": PayoutState.processing, "WAIT_PAY": PayoutState.processing,
    "FAIL": PayoutState.failed, "CLOSED": PayoutState.failed, "REFUND": PayoutState.failed,
}  # fmt: skip
"""``REFUND``: the money came back to us."""


def meaning(call: str, code: str, sub_code: str) -> Outcome:
    """``40004`` alone says nothing: it is the sub-code that counts. Everywhere else it is the code."""
    if code != "40004":
        return CODES.outcome(call, code)
    return CODES.outcome(call, next((name for name in _SUBCODES if name in sub_code), sub_code))
