"""Sweeping: what agents earned in a lane goes to their wallets at home, and what they owe there comes back.

Between lanes it goes in two halves, each a transaction of one lane: it leaves through ``due_to`` and a row of
``sweep``, and arrives through ``due_from``. The row stays until it has arrived, and both transfers have one key: so a
run that was cut off anywhere is finished by the next, and nothing arrives twice. A debt is taken only from what a
wallet has of its own, never from its credit line.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec

from kameng.kit import clock, ids, lanes, logs
from kameng.kit.db import Connection, Database
from kameng.kit.money import AMOUNT_E4_MAX
from kameng.ledger import store
from kameng.ledger.model import DUE_FROM, DUE_TO, SUB_ACCOUNT, Account, Books, NewTransfer, Parcel, Result

CHUNK = 200
"""Accounts in one transaction: it holds a gate."""
CODE = "sweep"
CURRENCY = "CNY"
"""Nobody earns play money."""

log = logs.get_logger(__name__)


class _Wanted(msgspec.Struct, frozen=True):
    """A wish to move what an account has, up to ``most_e4``."""

    from_account: int
    to_lane: int
    to_account: int
    org_id: int
    most_e4: int


async def sweep(db: Database, lane: int) -> int:
    """Settle every sub-account of a lane with the wallets at home; how many were moved."""
    await finish(db, lane)
    moved, after_id = 0, 0
    while accounts := await _unsettled(db, lane, after_id):
        after_id = accounts[-1].account_id
        moved += await _send(db, lane, [_all_of(account) for account in accounts if account.posted_e4 > 0])
        owing = sorted((account for account in accounts if account.posted_e4 < 0), key=_home)
        for home, debtors in groupby(owing, key=_home):
            await finish(db, home)  # what is on its way already is not asked for again
            moved += await _send(db, home, await _debts(db, lane, [account.account_id for account in debtors]))
            await finish(db, home)
    await finish(db, lane)
    return moved


async def finish(db: Database, lane: int) -> None:
    """Let everything arrive that has left this lane."""
    is_more = True
    while is_more:
        async with db.connection() as connection:
            parcels = await store.read_sweeps(connection, lane, limit=CHUNK)
        is_more = False
        for to_lane, some in groupby(sorted(parcels, key=lambda p: p.to_lane), key=lambda p: p.to_lane):
            arrived = await _receive(db, lane, to_lane, list(some))
            async with db.transaction() as connection:
                await lanes.pass_gate(connection, lane)
                await store.delete_sweeps(connection, lane, [parcel.sweep_id for parcel in arrived])
            is_more = is_more or (bool(arrived) and len(parcels) == CHUNK)


async def open_sub_accounts(
    connection: Connection, lane: int, org_ids: Sequence[int], *, leg_count: int
) -> tuple[list[Account], list[int]]:
    """The sub-accounts of agents in this lane, opened where they are missing, and fresh ids for transfers.

    The caller holds the gate; it is passed once more, for ids.
    """
    found = await store.read_sub_accounts(connection, lane, org_ids)
    missing = sorted({*org_ids} - {account.org_id for account in found})
    passage = await lanes.pass_gate(connection, lane, id_count=len(missing) + leg_count)
    if missing:
        opened = [
            Account(account_id, org_id, SUB_ACCOUNT, CURRENCY, unbounded=True)
            for account_id, org_id in zip(passage.ids, missing, strict=False)
        ]
        await store.insert_accounts(connection, lane, opened)
        found += opened
    return found, passage.ids[len(missing) :]


async def _unsettled(db: Database, lane: int, after_id: int) -> list[Account]:
    async with db.connection() as connection:
        return await store.unsettled_sub_accounts(connection, lane, after_id=after_id, limit=CHUNK)


def _home(account: Account) -> int:
    return ids.lane_of(account.org_id)


def _all_of(account: Account) -> _Wanted:
    """To the wallet, which has its organisation's id."""
    return _Wanted(account.account_id, _home(account), account.org_id, account.org_id, AMOUNT_E4_MAX)


async def _debts(db: Database, lane: int, account_ids: Sequence[int]) -> list[_Wanted]:
    """What these sub-accounts of a lane still owe, from their wallets."""
    async with db.connection() as connection:
        accounts = await store.read_accounts(connection, lane, account_ids)
    return [
        _Wanted(account.org_id, lane, account.account_id, account.org_id, -account.posted_e4)
        for account in accounts
        if account.posted_e4 < 0
    ]


async def _send(db: Database, lane: int, wanted: Sequence[_Wanted]) -> int:
    """The first half: out of accounts of this lane. What stays in the lane needs no second."""
    if not wanted:
        return 0
    async with db.transaction() as connection:
        peers = sorted({one.to_lane for one in wanted} - {lane})
        passage = await lanes.pass_gate(connection, lane, id_count=len(peers) + 2 * len(wanted))
        sides = [one.from_account for one in wanted] + [one.to_account for one in wanted if one.to_lane == lane]
        due = await _due_accounts(connection, lane, [(peer, CURRENCY) for peer in peers], DUE_TO, passage.ids)
        books = Books([*await store.read_accounts(connection, lane, sides), *due.values()])
        parcels: list[Parcel] = []
        keys: dict[str, int] = {}
        fresh = iter(passage.ids[len(peers) :])
        for one in wanted:
            account = books.accounts[one.from_account]
            amount_e4 = min(one.most_e4, account.posted_e4 - account.held_e4)
            transfer_id, sweep_id = next(fresh), next(fresh)
            parcel = Parcel(lane, sweep_id, one.to_lane, one.to_account, CURRENCY, amount_e4, one.org_id)
            through = one.to_account if one.to_lane == lane else due[one.to_lane, CURRENCY].account_id
            if amount_e4 > 0 and _posted(books, parcel, transfer_id, one.from_account, through):
                keys[parcel.key] = transfer_id
                parcels += [parcel] if one.to_lane != lane else []
        if keys:
            await store.insert_keys(connection, lane, keys)
            await store.insert_sweeps(connection, lane, clock.now(), parcels)
            await store.write(connection, lane, clock.now(), books)
    return len(keys)


async def _receive(db: Database, lane: int, to_lane: int, parcels: Sequence[Parcel]) -> list[Parcel]:
    """The second half, in the lane where they arrive; those that are there now, or were before."""
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, to_lane, id_count=1 + len(parcels))
        known = await store.find_keys(connection, to_lane, [parcel.key for parcel in parcels])
        fresh = [parcel for parcel in parcels if parcel.key not in known]
        due = await _due_accounts(connection, to_lane, [(lane, CURRENCY)], DUE_FROM, passage.ids)
        accounts = await store.read_accounts(connection, to_lane, [parcel.to_account for parcel in fresh])
        books = Books([*accounts, *due.values()])
        through = due[lane, CURRENCY].account_id
        keys = {
            parcel.key: transfer_id
            for parcel, transfer_id in zip(fresh, passage.ids[1:], strict=False)
            if _posted(books, parcel, transfer_id, through, parcel.to_account)
        }
        if keys:
            await store.insert_keys(connection, to_lane, keys)
            await store.write(connection, to_lane, clock.now(), books)
    return [parcel for parcel in parcels if parcel.key in known or parcel.key in keys]


def _posted(books: Books, parcel: Parcel, transfer_id: int, debit: int, credit: int) -> bool:
    """A closed wallet takes nothing: its money waits where it is."""
    result = books.post(NewTransfer(transfer_id, debit, credit, parcel.amount_e4, CODE, parcel.org_id))
    if result is not Result.created:
        log.error("a sweep was refused", result=result.value, sweep_id=parcel.sweep_id, org_id=parcel.org_id)
    return result is Result.created


async def _due_accounts(
    connection: Connection, lane: int, pairs: Sequence[tuple[int, str]], code: str, fresh_ids: Sequence[int]
) -> dict[tuple[int, str], Account]:
    """The accounts of a lane with others, by lane and currency; opened with the first ids where they are missing."""
    found = await store.read_due_accounts(connection, lane, [peer for peer, _ in pairs], code)
    missing = {
        (peer, currency): Account(account_id, 0, code, currency, unbounded=True)
        for (peer, currency), account_id in zip(pairs, fresh_ids, strict=False)
        if (peer, currency) not in found
    }
    if missing:
        await store.insert_due_accounts(connection, lane, code, missing)
    return found | missing
