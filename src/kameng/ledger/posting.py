"""Posting by key: recharges, adjustments, and holds, each with one effect however often it is asked for.

A chain of legs stands or falls together. It is decided by ``Books`` under its lane's gate, so between its read and
its commit nobody else touches the lane's accounts.
"""

from __future__ import annotations

from collections.abc import Sequence

from kameng.kit import audit, clock, lanes
from kameng.kit.db import Connection, Database
from kameng.ledger import store
from kameng.ledger.errors import BadAmount, BadLedgerEntry, InsufficientBalance, LedgerRefused, NoSuchWallet
from kameng.ledger.model import (
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

KEY_CHARS_MAX = 200
REASON_CHARS_MAX = 500
BONUS_KEY = "bonus:"
"""What the key of a recharge's bonus begins with; the receipt's own number follows."""
STANDS = (Result.created, Result.exists)


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


async def recharge(
    db: Database, lane: int, org_id: int, amount_e4: int,
    *, key: str, bonus_e4: int = 0, reason: str = "", actor_id: int = 0,
) -> Transfer:  # fmt: skip
    """Credit a wallet from clearing, and with what the house gives on top: both or neither.

    The same key again returns the first transfer and moves nothing. Money that is given away has a reason.
    """
    check_text(key, KEY_CHARS_MAX - len(BONUS_KEY), "key", "凭证号")
    if reason or bonus_e4:
        check_text(reason, REASON_CHARS_MAX, "reason", "原因")
    if bonus_e4 < 0:
        raise BadAmount("not below zero", field="bonus", detail_zh="赠送金额不能为负")
    async with db.transaction() as connection:
        wallet = await read_wallet(connection, lane, org_id)
    legs = [Leg(key, house_account(House.clearing, wallet.currency), org_id, amount_e4, "recharge", org_id)]
    if bonus_e4:
        giver = house_account(House.cashback, wallet.currency)
        legs.append(Leg(BONUS_KEY + key, giver, org_id, bonus_e4, "bonus", org_id))
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=len(legs) + 1)
        postings = await post_chain(connection, lane, legs, passage.ids[:-1])
        done = standing(postings)
        if postings[0].result is Result.created:
            data = {"key": key, "amount_e4": amount_e4, "bonus_e4": bonus_e4, "reason": reason}
            line = audit.Line(passage.ids[-1], org_id, actor_id, "wallet.recharge", done.transfer_id, data)
            await audit.note(connection, lane, clock.now(), [line])
    return done


async def transfer(
    db: Database, lane: int, debit_account: int, credit_account: int, amount_e4: int,
    *, key: str, code: str, subject_id: int, kind: str = "posted", pending_id: int | None = None,
) -> Transfer:  # fmt: skip
    """One keyed transfer in a transaction of its own; ``LedgerRefused`` names the law it broke."""
    leg = Leg(key, debit_account, credit_account, amount_e4, code, subject_id, kind, pending_id)
    return standing(await post_linked(db, lane, [leg]))


async def post_linked(db: Database, lane: int, legs: Sequence[Leg]) -> list[Posting]:
    """All of a chain or none, in a transaction of its own; one posting for each leg.

    Asked again, every leg ``exists``. Where only some do, they belong to another chain: these say ``exists``, the
    others ``linked_event_failed``, and nothing moves.
    """
    for leg in legs:
        check_text(leg.key, KEY_CHARS_MAX, "key", "凭证号")
    if len({leg.key for leg in legs}) < len(legs):
        raise BadLedgerEntry("key: each leg has its own", field="key", detail_zh="凭证号：每笔分录应各不相同")
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=len(legs))
        return await post_chain(connection, lane, legs, passage.ids)


async def post_chain(
    connection: Connection, lane: int, legs: Sequence[Leg], fresh_ids: Sequence[int]
) -> list[Posting]:
    """All of a chain or none, in the caller's transaction, which holds the gate; its ids, one for each leg.

    What refuses it is told by ``standing``; a caller that wrote already rolls back then.
    """
    known = await store.find_keys(connection, lane, [leg.key for leg in legs])
    chain = [
        NewTransfer(
            known.get(leg.key, fresh_id), leg.debit_account, leg.credit_account, leg.amount_e4, leg.code,
            leg.subject_id, leg.kind, leg.pending_id,
        )
        for leg, fresh_id in zip(legs, fresh_ids, strict=True)
    ]  # fmt: skip
    holds = [new.pending_id for new in chain if new.pending_id is not None]
    sides = {leg.debit_account for leg in legs} | {leg.credit_account for leg in legs}
    books = Books(
        await store.read_accounts(connection, lane, sides),
        await store.read_transfers(connection, lane, [*(new.transfer_id for new in chain), *holds]),
        await store.read_resolutions(connection, lane, holds) if holds else None,
    )
    results = books.post_linked(chain)
    if {*results} == {*STANDS}:  # a part of it stands already, as another chain
        return [
            Posting(result, books.known[new.transfer_id])
            if result is Result.exists
            else Posting(Result.linked_event_failed)
            for new, result in zip(chain, results, strict=True)
        ]
    if Result.created in results:
        ids = [new.transfer_id for new in chain]
        await store.insert_keys(connection, lane, dict(zip((leg.key for leg in legs), ids, strict=True)))
        await store.write(connection, lane, clock.now(), books)
    return [
        Posting(result, books.known[new.transfer_id] if result in STANDS else None)
        for new, result in zip(chain, results, strict=True)
    ]


def standing(postings: Sequence[Posting]) -> Transfer:
    """The first transfer of a chain that stands; else the refusal that its culprit earned."""
    culprits = [posting.result for posting in postings if posting.result is not Result.linked_event_failed]
    if len(culprits) < len(postings) or culprits[0] not in STANDS:
        if culprits[0] is Result.exceeds_credits:
            raise InsufficientBalance
        raise LedgerRefused(culprits[0].value, detail_zh=culprits[0].zh)
    first = postings[0].transfer
    assert first is not None
    return first


async def read_wallet(connection: Connection, lane: int, org_id: int) -> Account:
    """The wallet of an organisation; ``NoSuchWallet`` if it has none here."""
    found = await store.read_accounts(connection, lane, [org_id])
    if not found or found[0].code != "wallet":
        raise NoSuchWallet(str(org_id), field="organisation")
    return found[0]


def check_text(text: str, chars_max: int, field: str, zh: str) -> None:
    if not (text.strip() and len(text) <= chars_max and text.isprintable()):
        raise BadLedgerEntry(
            f"{field}: 1 to {chars_max} printable characters", field=field,
            detail_zh=f"{zh}：应为 1 至 {chars_max} 个可见字符",
        )  # fmt: skip
