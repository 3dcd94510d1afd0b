"""Money: accounts, immutable transfers, holds, credit lines and statements, lane by lane."""

from kameng.ledger.clearing import CHANNEL, CHANNEL_FEE, open_channel_accounts
from kameng.ledger.crediting import set_credit_line
from kameng.ledger.errors import (
    BadAmount,
    BadLedgerEntry,
    CreditLineInUse,
    InsufficientBalance,
    LedgerRefused,
    NoSuchWallet,
    NotSettled,
)  # fmt: skip
from kameng.ledger.model import (
    HOUSE_ACCOUNT_MAX,
    HOUSE_NUMBERS,
    SUB_ACCOUNT,
    Account,
    Books,
    House,
    Leg,
    NewTransfer,
    Posting,
    Result,
    Transfer,
    house_account,
)  # fmt: skip
from kameng.ledger.overseeing import (
    HouseSum,
    TwoSided,
    Wallet,
    accounts_of,
    house_accounts,
    house_sums,
    postings_near,
    unbalanced,
    wallets,
)  # fmt: skip
from kameng.ledger.posting import (
    open_house,
    open_wallet,
    post_chain,
    post_linked,
    read_wallet,
    recharge,
    standing,
    transfer,
)  # fmt: skip
from kameng.ledger.store import (
    Posted,
    StatementLine,
    find_posting,
    moved_by_day,
    read_accounts,
    read_statement,
    read_sub_accounts,
    unsettled_of,
    write,
)  # fmt: skip
from kameng.ledger.sweeping import finish, open_sub_accounts, sweep

__all__ = [
    "CHANNEL", "CHANNEL_FEE",
    "HOUSE_ACCOUNT_MAX", "HOUSE_NUMBERS", "SUB_ACCOUNT", "Account", "BadAmount", "BadLedgerEntry", "Books",
    "CreditLineInUse", "House", "HouseSum", "InsufficientBalance", "LedgerRefused", "Leg", "NewTransfer",
    "NoSuchWallet", "NotSettled", "Posted", "Posting", "Result", "StatementLine", "Transfer", "TwoSided", "Wallet",
    "accounts_of", "find_posting", "finish", "house_account", "house_accounts", "house_sums", "moved_by_day",
    "open_channel_accounts", "open_house", "open_sub_accounts", "open_wallet", "post_chain", "post_linked",
    "postings_near", "read_accounts", "read_statement", "read_sub_accounts", "read_wallet", "recharge",
    "set_credit_line", "standing", "sweep", "transfer", "unbalanced", "unsettled_of", "wallets", "write",
]  # fmt: skip
