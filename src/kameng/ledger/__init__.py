"""Money: accounts, immutable transfers, holds, credit lines and statements, lane by lane."""

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
from kameng.ledger.posting import open_house, open_wallet, post_linked, recharge, transfer
from kameng.ledger.store import (
    StatementLine,
    read_accounts,
    read_statement,
    read_sub_accounts,
    unsettled_of,
    write,
)  # fmt: skip
from kameng.ledger.sweeping import finish, open_sub_accounts, sweep

__all__ = [
    "HOUSE_ACCOUNT_MAX", "HOUSE_NUMBERS", "SUB_ACCOUNT", "Account", "BadAmount", "BadLedgerEntry", "Books",
    "CreditLineInUse", "House", "InsufficientBalance", "LedgerRefused", "Leg", "NewTransfer", "NoSuchWallet",
    "NotSettled", "Posting", "Result", "StatementLine", "Transfer", "finish", "house_account", "open_house",
    "open_sub_accounts", "open_wallet", "post_linked", "read_accounts", "read_statement", "read_sub_accounts",
    "recharge", "set_credit_line", "sweep", "transfer", "unsettled_of", "write",
]  # fmt: skip
