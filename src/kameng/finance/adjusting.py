"""加款/扣款: staff books on a wallet, with a reason; above one person's limit a second one decides.

Asked for with a key: one key, one adjustment, one transfer. Taking money never passes below the credit line, whoever
approves it: a wallet is no receivable here.
"""

from __future__ import annotations

import msgspec

from kameng import ledger
from kameng.finance import store
from kameng.finance.errors import BadFinanceRequest, NoSuchAdjustment, RequestReused, SecondPersonNeeded, StepNotOpen
from kameng.finance.model import REASONS, Adjustment, Terms, check_amount, check_person, check_text
from kameng.kit import audit, clock, events, ids, lanes, money
from kameng.kit.db import Connection, Database
from kameng.kit.lanes import Passage

KEY = "adjustment:"
"""What the key of an adjustment's transfer begins with; the request's own key follows."""
KEY_CHARS_MAX = 100
NOTE_CHARS_MAX = 500
_SAME = ("org_id", "amount_e4", "reason", "note", "evidence", "requested_by")


async def adjust(
    db: Database, org_id: int, amount_e4: int,
    *, key: str, reason: str, note: str, evidence: str = "", terms: Terms, actor_id: int,
) -> Adjustment:  # fmt: skip
    """Ask to book: done at once up to the limit, above it ``pending``. The same key again: the first one."""
    _check(amount_e4, key=key, reason=reason, note=note, evidence=evidence, actor_id=actor_id)
    lane = ids.lane_of(org_id)
    needs_second = abs(amount_e4) > terms.adjustment_limit_e4
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=6)
        at = clock.now()
        wish = Adjustment(
            passage.ids[0], org_id, amount_e4, reason, note, evidence, key, needs_second, "pending", actor_id, at
        )
        stands = await store.find_adjustment(connection, lane, key)
        if stands is not None:
            if any(getattr(stands, name) != getattr(wish, name) for name in _SAME):
                raise RequestReused(field="key")
            return stands
        await ledger.read_wallet(connection, lane, org_id)
        if not needs_second:
            transfer_id = await _book(connection, wish, passage.ids[1])
            wish = msgspec.structs.replace(wish, state="executed", decided_at=at, transfer_id=transfer_id)
        await store.insert_adjustment(connection, lane, wish)
        await _tell(connection, passage, wish, ["requested"] if needs_second else ["requested", "executed"], actor_id)
    return wish


async def decide_adjustment(
    db: Database, adjustment_id: int, *, approve: bool, note: str = "", actor_id: int
) -> Adjustment:
    """A second person books a pending adjustment, or refuses it. One that can't be booked stays pending."""
    check_person(actor_id)
    check_text(note, NOTE_CHARS_MAX, "note", "说明", may_be_empty=approve)
    lane = ids.lane_of(adjustment_id)
    async with db.transaction() as connection:
        if lane not in await lanes.lane_numbers(connection):  # the number was mistyped
            raise NoSuchAdjustment(str(adjustment_id), detail_zh=str(adjustment_id))
        passage = await lanes.pass_gate(connection, lane, id_count=6)
        stands = await store.read_adjustment(connection, lane, adjustment_id)
        if stands is None:
            raise NoSuchAdjustment(str(adjustment_id), detail_zh=str(adjustment_id))
        if stands.state != "pending":
            raise StepNotOpen(stands.state, detail_zh="已执行" if stands.state == "executed" else "已拒绝")
        if stands.requested_by == actor_id:
            raise SecondPersonNeeded(field="by")
        transfer_id = await _book(connection, stands, passage.ids[1]) if approve else None
        done = msgspec.structs.replace(
            stands, state="executed" if approve else "refused", decided_by=actor_id, decided_at=clock.now(),
            decision_note=note, transfer_id=transfer_id,
        )  # fmt: skip
        await store.decide_adjustment(connection, lane, done)
        await _tell(connection, passage, done, [done.state], actor_id, sequence=2)
    return done


async def pending_adjustments(db: Database, *, limit: int = 1000) -> list[Adjustment]:
    """What waits for a second person, oldest first."""
    async with db.connection() as connection:
        found = [
            adjustment
            for lane in await lanes.lane_numbers(connection)
            for adjustment in await store.pending_adjustments(connection, lane, limit)
        ]
    return sorted(found, key=lambda one: one.adjustment_id)[:limit]


async def _book(connection: Connection, wish: Adjustment, transfer_id: int) -> int:
    """The transfer, under the request's own key."""
    lane = ids.lane_of(wish.org_id)
    wallet = await ledger.read_wallet(connection, lane, wish.org_id)
    house = ledger.house_account(REASONS[wish.reason][0], wallet.currency)
    debit, credit = (house, wish.org_id) if wish.amount_e4 > 0 else (wish.org_id, house)
    leg = ledger.Leg(
        KEY + wish.request_key, debit, credit, abs(wish.amount_e4), "adjustment", wish.adjustment_id
    )
    return ledger.standing(await ledger.post_chain(connection, lane, [leg], [transfer_id])).transfer_id


async def _tell(
    connection: Connection, passage: Passage, wish: Adjustment, states: list[str], actor_id: int, *, sequence: int = 1
) -> None:
    """Events, due to the organisation once money moved; and the line that says who did it, and why."""
    lane, at = passage.lane, clock.now()
    wants_events = await store.wants_events(connection, lane, wish.org_id)
    told = {"amount": money.format_e4(wish.amount_e4), "reason": wish.reason}
    new = [
        events.NewEvent(
            passage.ids[2 + n], wish.org_id, wish.adjustment_id, sequence + n, f"adjustment.{state}", actor_id, told,
            due=wants_events and state == "executed",
        )
        for n, state in enumerate(states)
    ]  # fmt: skip
    await events.emit(connection, lane, at, new)
    data = {
        "adjustment": str(wish.adjustment_id), "amount_e4": wish.amount_e4, "reason": wish.reason, "note": wish.note,
        "evidence": wish.evidence, "key": wish.request_key, "decision_note": wish.decision_note,
    }  # fmt: skip
    lines = [
        audit.Line(passage.ids[4 + n], wish.org_id, actor_id, f"adjustment.{state}", wish.adjustment_id, data)
        for n, state in enumerate(states)
    ]
    await audit.note(connection, lane, at, lines)


def _check(amount_e4: int, *, key: str, reason: str, note: str, evidence: str, actor_id: int) -> None:
    check_amount(abs(amount_e4))
    check_person(actor_id)
    check_text(key, KEY_CHARS_MAX, "key", "申请单号")
    if reason not in REASONS:
        choice = ", ".join(REASONS)
        raise BadFinanceRequest(
            f"reason: one of {choice}", field="reason", detail_zh=f"原因：应为 {choice} 之一"
        )
    check_text(note, NOTE_CHARS_MAX, "note", "说明")
    check_text(evidence, NOTE_CHARS_MAX, "evidence", "凭证", may_be_empty=True)
