"""The finance desk's refusals."""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotFound


class BadFinanceRequest(BadInput):
    """The finance desk can't take this; the detail says which field is wrong and how."""

    code = "bad_finance_request"
    zh = "该笔财务申请无法受理，错误字段及原因见说明。"


class NoSuchAdjustment(NotFound):
    """There is no such adjustment."""

    code = "no_such_adjustment"
    zh = "没有这笔加款或扣款。"


class NoSuchWithdrawal(NotFound):
    """There is no such withdrawal."""

    code = "no_such_withdrawal"
    zh = "没有这笔提现。"


class RequestReused(Conflict):
    """This reference stands for a request with other content; use a new one."""

    code = "request_reused"
    status = 422
    retry = "new_key"
    zh = "该单号已用于内容不同的申请，请更换单号。"


class SecondPersonNeeded(Conflict):
    """Somebody else has to decide this: it is above the limit of one person."""

    code = "second_person_needed"
    zh = "金额超过单人限额，须由另一人复核。"


class StepNotOpen(Conflict):
    """In its present state it can't take this step; the detail names the state."""

    code = "step_not_open"
    zh = "当前状态不允许此操作，状态见说明。"


class BankReferenceUsed(Conflict):
    """This bank reference paid another withdrawal already."""

    code = "bank_reference_used"
    zh = "该银行流水号已用于另一笔提现。"


class MonthNotOver(Conflict):
    """Only a month that is over can be closed."""

    code = "month_not_over"
    zh = "仅可结账已结束的月份。"


class MonthOutOfTurn(Conflict):
    """An earlier month has to be closed first; the detail names it."""

    code = "month_out_of_turn"
    zh = "须先结账更早的月份，见说明。"


class PayoutNotOpen(Conflict):
    """Nobody decides this payout by hand now: its provider is still being asked; the detail names the state."""

    code = "payout_not_open"
    zh = "该笔打款正由系统处理或查询，暂不可人工处理，状态见说明。"


class BadBankResult(BadInput):
    """This is no result of a bank's batch file that can be read; the detail names each line. Nothing was taken on."""

    code = "bad_bank_result"
    zh = "银行回盘文件无法导入，出错行见说明；未导入任何内容。"


class NoSuchPayoutBatch(NotFound):
    """There is no such bank's file."""

    code = "no_such_payout_batch"
    zh = "没有这个银行批量文件。"
