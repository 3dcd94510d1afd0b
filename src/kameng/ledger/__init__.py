"""Money: accounts, immutable transfers, holds, credit lines and statements, lane by lane."""

from kameng.ledger.crediting import set_credit_line
from kameng.ledger.errors import (
    BadAmount,
    BadLedgerEntry,
    CreditLineInUse,
    InsufficientBalance,
    LedgerRefused,
    NoSuchWallet,
)  # fmt: skip
from kameng.ledger.model import (
    HOUSE_ACCOUNT_MAX,
    HOUSE_NUMBERS,
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
from kameng.ledger.store import StatementLine, read_accounts, read_statement, write

__all__ = [
    "HOUSE_ACCOUNT_MAX", "HOUSE_NUMBERS", "Account", "BadAmount", "BadLedgerEntry", "Books", "CreditLineInUse", "House",
    "InsufficientBalance", "LedgerRefused", "Leg", "NewTransfer", "NoSuchWallet", "Posting", "Result", "StatementLine",
    "Transfer", "house_account", "open_house", "open_wallet", "post_chain", "post_linked", "read_accounts",
    "read_statement", "read_wallet", "recharge", "set_credit_line", "standing", "transfer", "write",
]  # fmt: skip
