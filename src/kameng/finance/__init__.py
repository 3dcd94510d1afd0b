"""The finance desk: adjustments, withdrawals, low balances, statements, closed months."""

from kameng.finance.adjusting import adjust, decide_adjustment, pending_adjustments
from kameng.finance.alerting import set_low_balance, watch_balances
from kameng.finance.closing import Closed, close_month, closed_months
from kameng.finance.errors import (
    BadFinanceRequest,
    BankReferenceUsed,
    MonthNotOver,
    MonthOutOfTurn,
    NoSuchAdjustment,
    NoSuchWithdrawal,
    RequestReused,
    SecondPersonNeeded,
    StepNotOpen,
)  # fmt: skip
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
from kameng.finance.periods import Period, month_of, period_of
from kameng.finance.stating import By, day_of, opening_balance, sections
from kameng.finance.tables import csv_of
from kameng.finance.withdrawing import (
    approve_withdrawal,
    ask_withdrawal,
    cancel_withdrawal,
    fail_withdrawal,
    find_withdrawal,
    list_withdrawals,
    pay_withdrawal,
    refuse_withdrawal,
    reseal,
    reveal_payee,
)  # fmt: skip

__all__ = [
    "PAYEE", "REASONS", "STATES_ZH", "TRANSITIONS", "Adjustment", "BadFinanceRequest", "BankReferenceUsed", "By",
    "Closed", "Command", "Entry", "MonthNotOver", "MonthOutOfTurn", "NoSuchAdjustment", "NoSuchWithdrawal", "Payee",
    "Period", "RequestReused", "SecondPersonNeeded", "Section", "State", "StepNotOpen", "Sums", "Terms", "Withdrawal",
    "adjust", "approve_withdrawal", "ask_withdrawal", "cancel_withdrawal", "close_month", "closed_months", "csv_of",
    "day_of", "decide_adjustment", "fail_withdrawal", "find_withdrawal", "list_withdrawals", "month_of",
    "opening_balance", "pay_withdrawal", "pending_adjustments", "period_of", "refuse_withdrawal", "reseal",
    "reveal_payee", "sections", "set_low_balance", "terms_of", "watch_balances",
]  # fmt: skip
