"""Money: accounts, immutable transfers, holds, credit lines and statements, lane by lane."""

from kameng.ledger.errors import BadAmount, InsufficientBalance, LedgerRefused
from kameng.ledger.model import (
    HOUSE_ACCOUNT_MAX,
    HOUSE_NUMBERS,
    Account,
    Books,
    House,
    NewTransfer,
    Result,
    Transfer,
    house_account,
)  # fmt: skip
from kameng.ledger.posting import open_house, open_wallet, recharge, transfer
from kameng.ledger.store import StatementLine, read_accounts, read_statement, set_credit_line, write

__all__ = [
    "HOUSE_ACCOUNT_MAX", "HOUSE_NUMBERS", "Account", "BadAmount", "Books", "House", "InsufficientBalance",
    "LedgerRefused", "NewTransfer", "Result", "StatementLine", "Transfer", "house_account", "open_house",
    "open_wallet", "read_accounts", "read_statement", "recharge", "set_credit_line", "transfer", "write",
]  # fmt: skip
