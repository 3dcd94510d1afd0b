"""Posting by key: recharges, adjustments, and holds, each with one effect however often it is asked for."""

from __future__ import annotations

from kameng.kit import clock, lanes
from kameng.kit.db import Connection, Database
from kameng.ledger import store
from kameng.ledger.errors import InsufficientBalance, LedgerRefused
from kameng.ledger.model import HOUSE_NUMBERS, Account, Books, House, NewTransfer, Result, Transfer, house_account


async def open_house(connection: Connection, lane: int) -> None:
    """The house accounts of a lane, for money and for play money."""
    await store.insert_accounts(
        connection, lane,
        [
            Account(house_account(code, currency), 0, code.value, currency, unbounded=True)
            for code in HOUSE_NUMBERS
            for currency in ("CNY", "XTS")
        ],
    )  # fmt: skip


async def open_wallet(
    connection: Connection, lane: int, org_id: int, *, currency: str, credit_line_e4: int = 0
) -> None:
    """An organisation's wallet; its account id is the organisation's id."""
    wallet = Account(org_id, org_id, "wallet", currency, credit_line_e4=credit_line_e4)
    await store.insert_accounts(connection, lane, [wallet])


async def recharge(db: Database, lane: int, org_id: int, amount_e4: int, *, key: str) -> Transfer:
    """Credit a wallet from clearing. The same key again returns the first transfer and moves nothing."""
    async with db.transaction() as connection:
        wallet = (await store.read_accounts(connection, lane, [org_id]))[0]
    return await transfer(
        db, lane, house_account(House.clearing, wallet.currency), org_id, amount_e4,
        key=key, code="recharge", subject_id=org_id,
    )  # fmt: skip


async def transfer(
    db: Database, lane: int, debit_account: int, credit_account: int, amount_e4: int,
    *, key: str, code: str, subject_id: int, kind: str = "posted", pending_id: int | None = None,
) -> Transfer:  # fmt: skip
    """One keyed transfer in a transaction of its own; ``LedgerRefused`` names the law it broke."""
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        known_id = await store.find_key(connection, lane, key)
        transfer_id = passage.ids[0] if known_id is None else known_id
        new = NewTransfer(transfer_id, debit_account, credit_account, amount_e4, code, subject_id, kind, pending_id)
        pending = [] if pending_id is None else [pending_id]
        books = Books(
            await store.read_accounts(connection, lane, [debit_account, credit_account]),
            await store.read_transfers(connection, lane, [transfer_id, *pending]),
            await store.read_resolutions(connection, lane, pending) if pending else None,
        )
        result = books.post(new)
        if result is Result.exceeds_credits:
            raise InsufficientBalance
        if result not in (Result.created, Result.exists):
            raise LedgerRefused(result.value)
        if result is Result.created:
            await store.insert_key(connection, lane, key, transfer_id)
            await store.write(connection, lane, clock.now(), books)
        return books.known[transfer_id]
