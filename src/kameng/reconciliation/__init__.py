"""Reconciliation 对账: providers' bills and bank statements beside payments and the ledger, and what does not match."""

from kameng.reconciliation.crediting import (
    Imported,
    assign_credit,
    credit_candidates,
    finish,
    ignore_credit,
    import_statement,
    list_credits,
    teller_of,
)  # fmt: skip
from kameng.reconciliation.daily import booker, make_round
from kameng.reconciliation.errors import (
    BadReconciliation,
    BadStatement,
    BillChanged,
    BillNotThere,
    CaseNotOpen,
    NoSuchCase,
    SecondResolverNeeded,
)  # fmt: skip
from kameng.reconciliation.fetching import fetch, keep
from kameng.reconciliation.matching import close, match
from kameng.reconciliation.model import Act, Bill, BillState, Case, CaseState, Channel, Kind, Line
from kameng.reconciliation.reporting import Day, channels, days, owed, report
from kameng.reconciliation.resolving import (
    Choice,
    book,
    candidates,
    clear,
    decide,
    find_case,
    list_cases,
    resolve,
    take,
)
from kameng.reconciliation.store import Candidate, Credit

__all__ = [
    "Act", "BadReconciliation", "BadStatement", "Bill", "BillChanged", "BillNotThere", "BillState", "Candidate", "Case",
    "CaseNotOpen", "CaseState", "Channel", "Choice", "Credit", "Day", "Imported", "Kind", "Line", "NoSuchCase",
    "SecondResolverNeeded", "assign_credit", "book", "booker", "candidates", "channels", "clear", "close",
    "credit_candidates", "days", "decide", "fetch", "find_case", "finish", "ignore_credit", "import_statement", "keep",
    "list_cases", "list_credits", "make_round", "match", "owed", "report", "resolve", "take", "teller_of",
]  # fmt: skip
