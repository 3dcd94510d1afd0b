"""Suppliers: files of cards on their way to the shelf, what they bring and offer, and how well they deliver."""

from kameng.suppliers.errors import (
    BadCardFile,
    BadOffer,
    NoSuchOffer,
    NoSuchRun,
    NotSupplied,
    OfferDecided,
    RunNotOpen,
    TooManyOffers,
    TooManyRuns,
)  # fmt: skip
from kameng.suppliers.measuring import days_of, measure, measure_day
from kameng.suppliers.model import (
    FILE_BYTES_MAX,
    OPEN,
    CardRun,
    Day,
    NewOffer,
    Offer,
    OfferState,
    Quality,
    RunLine,
    RunState,
    Supplied,
    add_up,
)  # fmt: skip
from kameng.suppliers.offering import (
    decide_offer,
    find_offer,
    list_decided_offers,
    list_offers,
    list_waiting_offers,
    offer,
    withdraw_offer,
)  # fmt: skip
from kameng.suppliers.receiving import (
    confirm_run,
    drop_run,
    find_run,
    list_runs,
    receive_cards,
    run_lines,
    run_reasons,
)  # fmt: skip
from kameng.suppliers.running import handlers, tidy_runs
from kameng.suppliers.supplying import agreed_cost, may_load, supplied

__all__ = [
    "FILE_BYTES_MAX", "OPEN", "BadCardFile", "BadOffer", "CardRun", "Day", "NewOffer", "NoSuchOffer", "NoSuchRun",
    "NotSupplied", "Offer", "OfferDecided", "OfferState", "Quality", "RunLine", "RunNotOpen", "RunState", "Supplied",
    "TooManyOffers", "TooManyRuns", "add_up", "agreed_cost", "confirm_run", "days_of", "decide_offer", "drop_run",
    "find_offer", "find_run", "handlers", "list_decided_offers", "list_offers", "list_runs", "list_waiting_offers",
    "may_load", "measure", "measure_day", "offer", "receive_cards", "run_lines", "run_reasons", "supplied",
    "tidy_runs", "withdraw_offer",
]  # fmt: skip
