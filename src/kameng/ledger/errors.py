"""The ledger's refusals."""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotFound


class LedgerRefused(Conflict):
    """The ledger refused the transfer; the detail names the law."""

    code = "ledger_refused"
    zh = "账务规则不允许此笔转账，详情见说明。"


class InsufficientBalance(Conflict):
    """The wallet holds too little for this; recharge it and send the same reference again."""

    code = "insufficient_balance"
    retry = "same_key"
    zh = "钱包余额不足，请充值后使用相同单号重试。"


class BadAmount(BadInput):
    """The amount must be a decimal above zero with at most four places."""

    code = "bad_amount"
    zh = "金额必须大于 0，且最多四位小数。"


class BadLedgerEntry(BadInput):
    """This can't be entered in the ledger; the detail says which field is wrong and how."""

    code = "bad_ledger_entry"
    zh = "该笔账务无法录入，错误字段及原因见说明。"


class CreditLineInUse(Conflict):
    """The credit line can't be narrowed below what is used of it."""

    code = "credit_line_in_use"
    zh = "授信额度不能低于已使用的额度。"


class NoSuchWallet(NotFound):
    """There is no such wallet."""

    code = "no_such_wallet"
    zh = "没有这个钱包。"


class NotSettled(Conflict):
    """Money is still to be settled with this organisation; it is done within minutes, then try again."""

    code = "not_settled"
    zh = "该商户尚有未结算资金，通常几分钟内结清，请稍后重试。"
