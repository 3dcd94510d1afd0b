"""Searching by whom an order is for: a phone, an account, an identity number, by its keyed hash; and revealing it.

A buyer finds his own orders, staff those of everybody; both see accounts masked. In clear they are shown by
``reveal_account`` alone, which leaves an audit line, and without their password even there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from kameng import catalogue
from kameng.identity import Caller
from kameng.kit import audit, clock, crypto, ids, lanes, privacy
from kameng.kit.db import Database
from kameng.kit.ids import ID_MAX
from kameng.kit.privacy import DataClass
from kameng.orders import private_store
from kameng.orders.errors import AccountNotOpened, BadReason, NoAccount, OrderNotFound
from kameng.orders.finding import Page, page_of
from kameng.orders.showing import masked_account, open_account
from kameng.orders.snapshot import Snapshot
from kameng.orders.store import OrderRow

REASON_CHARS_MAX = 500
TYPED_CHARS_MIN = 5
"""What is shorter stands in any sentence."""


class TargetOrder(msgspec.Struct, frozen=True):
    """An order as staff find it: whose it is, and for whom."""

    order_id: int
    org_id: int
    client_ref: str
    sku_id: int
    quantity: int
    total_e4: int
    state: str
    placed_at: datetime
    account: dict[str, str] | None


async def find_by_target(
    snapshot: Snapshot, caller: Caller, text: str, *, before_id: int = ID_MAX, limit: int = 50
) -> Page:
    """The caller's orders for a phone, account, e-mail or identity number, typed as people type them."""
    organisation = caller.organisation
    marks = catalogue.marks_of_text(snapshot.ring, text)
    async with snapshot.db.connection() as connection:
        rows = await private_store.find_marked(
            connection, organisation.lane, organisation.org_id, marks, before_id=before_id, limit=limit + 1
        )
        return await page_of(connection, snapshot, organisation, rows, limit)


async def search(
    db: Database, ring: crypto.KeyRing, text: str, *, classes: Iterable[DataClass] = privacy.SEARCHABLE, limit: int = 50
) -> list[TargetOrder]:
    """Everybody's orders for somebody, newest first, at most so many of each lane. For staff."""
    marks = catalogue.marks_of_text(ring, text, classes)
    found: list[OrderRow] = []
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    for lane in numbers:
        found += await marked_rows(db, lane, None, marks, before_id=ID_MAX, limit=limit)
    found.sort(key=lambda row: row.placed_at, reverse=True)
    return [target_order(row, masked_account(ring, row.order_id, row.account)) for row in found]


async def marked_rows(
    db: Database, lane: int, org_id: int | None, marks: Sequence[bytes], *, before_id: int, limit: int
) -> list[OrderRow]:
    async with db.connection() as connection:
        return await private_store.find_marked(connection, lane, org_id, marks, before_id=before_id, limit=limit)


def target_order(row: OrderRow, account: dict[str, str] | None) -> TargetOrder:
    return TargetOrder(
        row.order_id, row.org_id, row.client_ref, row.sku_id, row.quantity, row.total_e4, row.state, row.placed_at,
        account,
    )  # fmt: skip


async def reveal_account(
    db: Database, ring: crypto.KeyRing, order_id: int, *, reason: str, actor_id: int = 0
) -> dict[str, str]:
    """An order's account in clear, without its password; writes who asked and why, in the same transaction."""
    lane = ids.lane_of(order_id)
    async with db.connection() as connection:
        if lane not in await lanes.lane_numbers(connection):
            raise OrderNotFound(field="order")
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        found = await private_store.read_account(connection, lane, order_id)
        if found is None:
            raise OrderNotFound(field="order")
        org_id, sealed = found
        if sealed is None:
            raise NoAccount(field="order")
        try:
            account = open_account(ring, order_id, sealed)
        except crypto.Unsealable:
            raise AccountNotOpened(field="order") from None
        check_reason(reason, account.values())
        line = audit.Line(passage.ids[0], org_id, actor_id, "order.account.reveal", order_id, {"reason": reason})
        await audit.note(connection, lane, clock.now(), [line])
    return shown_in_clear(account)


def shown_in_clear(account: dict[str, str]) -> dict[str, str]:
    """Passwords are for the supplier alone."""
    return {
        field: privacy.HIDDEN if catalogue.data_class_of(field) == "password" else value
        for field, value in account.items()
    }


def check_reason(reason: str, private: Iterable[str]) -> None:
    """``BadReason`` unless it says something, and nothing of what it is about: audit lines stay in clear for ever."""
    if not (reason.strip() and len(reason) <= REASON_CHARS_MAX and reason.isprintable()):
        raise BadReason(
            f"1 to {REASON_CHARS_MAX} printable characters", field="reason",
            detail_zh=f"应为 1 至 {REASON_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    if any(len(value) >= TYPED_CHARS_MIN and value in reason for value in private):
        raise BadReason(
            "without the number itself, which is never kept in clear", field="reason",
            detail_zh="请勿写出号码本身，号码不以明文保存",
        )  # fmt: skip
