"""Kameng as an epay site 易支付: an organisation's other shops pay through the house's channels, into its wallet."""

from kameng.epay.answering import Call, Reply, answer, is_path
from kameng.epay.errors import BadEpayAccount, EpayClosed, NoEpayAccount, NoSuchTrade
from kameng.epay.keeping import (
    KINDS,
    REASON_CHARS_MAX,
    Given,
    Overseen,
    account_at,
    bar_account,
    change_account,
    find_account,
    list_accounts,
    open_account,
    oversee_accounts,
    reseal,
    rotate_keys,
)
from kameng.epay.model import Account, Day, Page, Trade, fee_of, state_of
from kameng.epay.site import PAGES, PATH, SWITCH, Site
from kameng.epay.telling import handlers, tell_again
from kameng.epay.trading import back_of, find_trade, give_back, list_trades, read_days, read_one, trade_at

__all__ = [
    "KINDS", "PAGES", "PATH", "REASON_CHARS_MAX", "SWITCH", "Account", "BadEpayAccount", "Call", "Day",
    "EpayClosed", "Given", "NoEpayAccount", "NoSuchTrade", "Overseen", "Page", "Reply", "Site", "Trade",
    "account_at", "answer", "back_of", "bar_account", "change_account", "fee_of", "find_account", "find_trade",
    "give_back", "handlers", "is_path", "list_accounts", "list_trades", "open_account", "oversee_accounts",
    "read_days", "read_one", "reseal", "rotate_keys", "state_of", "tell_again", "trade_at",
]  # fmt: skip
