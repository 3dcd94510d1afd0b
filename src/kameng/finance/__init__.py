"""The finance desk: adjustments, withdrawals, low balances, statements, closed months."""

from kameng.finance import bank_tables as banking
from kameng.finance.adjusting import adjust, decide_adjustment, pending_adjustments
from kameng.finance.alerting import set_low_balance, watch_balances
from kameng.finance.bank_batches import Taken, bank_file, import_bank_result
from kameng.finance.bank_files import read as read_bank_result
from kameng.finance.closing import Closed, close_month, closed_months
from kameng.finance.errors import (
    BadBankResult,
    BadFinanceRequest,
    BankReferenceUsed,
    MonthNotOver,
    MonthOutOfTurn,
    NoSuchAdjustment,
    NoSuchPayoutBatch,
    NoSuchWithdrawal,
    PayoutNotOpen,
    RequestReused,
    SecondPersonNeeded,
    StepNotOpen,
)  # fmt: skip
from kameng.finance.founding import move_member, take_on
from kameng.finance.model import (
    PAYEE,
    REASONS,
    STATES_ZH,
    TRANSITIONS,
    Adjustment,
    Command,
    Entry,
    Payee,
    Section,
    State,
    Sums,
    Terms,
    Withdrawal,
    terms_of,
)  # fmt: skip
from kameng.finance.paying_out import (
    IDS_EACH,
    PAYOUT_JOB,
    conclude,
    decide_payout,
    list_batches,
    make_batch,
    payee_of,
    payouts_of,
    retry_payout,
    send_by_alipay,
)  # fmt: skip
from kameng.finance.payouts import PAYOUT_STATES_ZH, Batch, Payout, PayoutState, after_answer, next_try
from kameng.finance.payouts_store import read_payouts
from kameng.finance.periods import Period, month_of, period_of
from kameng.finance.stating import By, day_of, opening_balance, sections
from kameng.finance.tables import csv_of
from kameng.finance.withdrawing import (
    approve_withdrawal,
    ask_withdrawal,
    cancel_withdrawal,
    fail_withdrawal,
    find_withdrawal,
    is_used,
    list_withdrawals,
    pay_withdrawal,
    refuse_withdrawal,
    reseal,
    reveal_payee,
)  # fmt: skip

__all__ = [
    "IDS_EACH", "PAYEE", "PAYOUT_JOB", "PAYOUT_STATES_ZH", "REASONS", "STATES_ZH", "TRANSITIONS", "Adjustment",
    "BadBankResult", "BadFinanceRequest", "BankReferenceUsed", "Batch", "By", "Closed", "Command", "Entry",
    "MonthNotOver", "MonthOutOfTurn", "NoSuchAdjustment", "NoSuchPayoutBatch", "NoSuchWithdrawal", "Payee", "Payout",
    "PayoutNotOpen", "PayoutState", "Period", "RequestReused", "SecondPersonNeeded", "Section", "State", "StepNotOpen",
    "Sums", "Taken", "Terms", "Withdrawal", "adjust", "after_answer", "approve_withdrawal", "ask_withdrawal",
    "bank_file", "banking", "cancel_withdrawal", "close_month", "closed_months", "conclude", "csv_of", "day_of",
    "decide_adjustment", "decide_payout", "fail_withdrawal", "find_withdrawal", "import_bank_result", "is_used",
    "list_batches", "list_withdrawals", "make_batch", "month_of", "move_member", "next_try", "opening_balance",
    "pay_withdrawal", "payee_of", "payouts_of", "pending_adjustments", "period_of", "read_bank_result", "read_payouts",
    "refuse_withdrawal", "reseal", "retry_payout", "reveal_payee", "sections", "send_by_alipay", "set_low_balance",
    "take_on", "terms_of", "watch_balances",
]  # fmt: skip
