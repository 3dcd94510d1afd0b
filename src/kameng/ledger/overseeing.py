"""What the platform's staff reads in the books: accounts of an organisation or the house, postings of one subject."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from kameng.kit import lanes
from kameng.kit.db import Connection, Database
from kameng.ledger import store
from kameng.ledger.model import Account

NEAR_IDS = 3 << 22
"""What one transaction writes lies within three milliseconds' worth of ids."""


class TwoSided(msgspec.Struct, frozen=True):
    """A transfer with both its sides."""

    transfer_id: int
    at: datetime
    kind: str
    code: str
    debit_account: int
    credit_account: int
    amount_e4: int


async def postings_near(connection: Connection, lane: int, subject_id: int, event_ids: Iterable[int]) -> list[TwoSided]:
    """What was posted for a subject by the transactions that dealt these ids, oldest first."""
    found: dict[int, TwoSided] = {}
    for from_id, before_id in _spans(event_ids):
        rows = await connection.fetch(store.statements.transfers_between, lane, subject_id, from_id, before_id)
        found.update({row["transfer_id"]: TwoSided(*row) for row in rows})
    return [found[transfer_id] for transfer_id in sorted(found)]


def _spans(event_ids: Iterable[int]) -> list[tuple[int, int]]:
    """Around each id; spans that touch are one."""
    spans: list[tuple[int, int]] = []
    for event_id in sorted(event_ids):
        from_id, before_id = max(0, event_id - NEAR_IDS), event_id + NEAR_IDS
        if spans and spans[-1][1] >= from_id:
            spans[-1] = spans[-1][0], before_id
        else:
            spans.append((from_id, before_id))
    return spans


async def house_accounts(connection: Connection, lane: int) -> list[Account]:
    return [Account(*row) for row in await connection.fetch(store.statements.house_accounts, lane)]


async def accounts_of(connection: Connection, lane: int, org_id: int) -> list[Account]:
    """Of an organisation in a lane: its wallet at home, a sub-account elsewhere."""
    return [Account(*row) for row in await connection.fetch(store.statements.accounts_of, lane, org_id)]


class Wallet(msgspec.Struct, frozen=True):
    """A wallet in a list, with whose it is."""

    account_id: int
    name: str
    kind: str
    currency: str
    posted_e4: int
    held_e4: int
    credit_line_e4: int

    @property
    def available_e4(self) -> int:
        return self.posted_e4 - self.held_e4 + self.credit_line_e4


async def wallets(db: Database, *, currency: str = "CNY", after_id: int = 0, limit: int = 50) -> list[Wallet]:
    """Wallets of all lanes by number, beyond the last one seen."""
    found: list[Wallet] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            rows = await connection.fetch(store.statements.wallets_after, lane, after_id, currency, limit)
            found += [Wallet(*row) for row in rows]
    return sorted(found, key=lambda one: one.account_id)[:limit]


class HouseSum(msgspec.Struct, frozen=True):
    """What the house's accounts of one code come to, over all lanes."""

    code: str
    currency: str
    posted_e4: int


async def house_sums(db: Database) -> list[HouseSum]:
    """The house's accounts, lanes together."""
    sums: dict[tuple[str, str], int] = {}
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            for account in await house_accounts(connection, lane):
                key = account.currency, account.code
                sums[key] = sums.get(key, 0) + account.posted_e4
    return [HouseSum(code, currency, sums[currency, code]) for currency, code in sorted(sums)]


async def unbalanced(db: Database) -> list[tuple[int, str]]:
    """(lane, currency) whose accounts don't sum to nought: the first law of the books, looked at quickly."""
    async with db.connection() as connection:
        return [
            (lane, row[0])
            for lane in await lanes.lane_numbers(connection)
            for row in await connection.fetch(store.statements.unbalanced, lane)
        ]
