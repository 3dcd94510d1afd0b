"""A bank's batch file given out, and its result brought in: each line once, however often the file comes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kameng.finance import bank_files, payouts_store
from kameng.finance.bank_files import ResultLine
from kameng.finance.errors import BankReferenceUsed, NoSuchPayoutBatch
from kameng.finance.model import Payee, check_person
from kameng.finance.paying_out import AT_ONCE, IDS_EACH, check_reference, conclude, payee_of
from kameng.finance.payouts import Payout, PayoutState, id_of_number
from kameng.kit import audit, clock, crypto, ids, lanes
from kameng.kit.db import Connection, Database


class Taken(msgspec.Struct, frozen=True):
    """What became of a line of a result: ``paid``, ``failed``, ``waiting``, ``again`` (known before), and what a person
    has to see to: ``unknown`` (none of ours), ``amount`` (another one), ``differs`` (the other was booked before),
    ``reference`` (the bank's number paid another one)."""

    line: ResultLine
    effect: str

    @property
    def is_odd(self) -> bool:
        return self.effect in ("unknown", "amount", "differs", "reference")


async def bank_file(db: Database, ring: crypto.KeyRing, batch_id: int, form: str, *, actor_id: int) -> bytes:
    """The file of a batch, ``xlsx`` or ``csv``, made anew. Whoever takes it sees its payees: that is written down."""
    check_person(actor_id)
    found: list[tuple[Payout, Payee]] = []
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    for lane in numbers:
        async with db.connection() as connection:
            payouts = await payouts_store.payouts_of_batch(connection, lane, batch_id)
        if not payouts:
            continue
        async with db.transaction() as connection:
            passage = await lanes.pass_gate(connection, lane, id_count=len(payouts))
            found += [(one, await payee_of(connection, ring, lane, one.payout_id)) for one in payouts]
            lines = [
                audit.Line(line_id, one.org_id, actor_id, "withdrawal.reveal", one.payout_id, {"batch": str(batch_id)})
                for line_id, one in zip(passage.ids, payouts, strict=True)
            ]
            await audit.note(connection, lane, clock.now(), lines)
    if not found:
        raise NoSuchPayoutBatch
    return bank_files.write(sorted(found, key=lambda pair: pair[0].payout_id), form)


async def import_bank_result(db: Database, data: bytes, *, file_name: str = "", actor_id: int) -> list[Taken]:
    """A bank's result: what arrived and what came back is booked, each once; in the order of its lines."""
    check_person(actor_id)
    lines = bank_files.read(data, file_name)
    async with db.connection() as connection:
        known = frozenset(await lanes.lane_numbers(connection))
    by_lane: dict[int, list[ResultLine]] = {}
    taken: list[Taken] = []
    for line in lines:
        number = id_of_number(line.payout_no)
        if number is None or ids.lane_of(number) not in known:
            taken.append(Taken(line, "unknown"))
        else:
            by_lane.setdefault(ids.lane_of(number), []).append(line)
    for lane, some in sorted(by_lane.items()):
        for start in range(0, len(some), AT_ONCE):
            taken += await _take_in(db, lane, some[start : start + AT_ONCE], actor_id)
    return sorted(taken, key=lambda one: one.line.line_no)


async def _take_in(db: Database, lane: int, lines: Sequence[ResultLine], actor_id: int) -> list[Taken]:
    taken: list[Taken] = []
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=IDS_EACH * len(lines))
        numbers = [number for line in lines if (number := id_of_number(line.payout_no)) is not None]
        payouts = await payouts_store.read_payouts(connection, lane, numbers)
        for place, line in enumerate(lines):
            payout = payouts.get(id_of_number(line.payout_no) or 0)
            fresh_ids = passage.ids[place * IDS_EACH :][:IDS_EACH]
            taken.append(Taken(line, await _take_one(connection, lane, payout, line, fresh_ids, actor_id)))
    return taken


async def _take_one(
    connection: Connection, lane: int, payout: Payout | None, line: ResultLine, fresh_ids: Sequence[int], actor_id: int
) -> str:
    if payout is None or payout.method != "bank":
        return "unknown"
    if line.amount_e4 not in (None, payout.amount_e4):
        return "amount"
    if line.state == "waiting":
        return "waiting"
    state = PayoutState.done if line.state == "paid" else PayoutState.failed
    if payout.ended_at is not None:
        return "again" if payout.state is state else "differs"
    reference = line.serial or payout.payout_no
    if state is PayoutState.done:
        try:
            await check_reference(connection, reference)
        except BankReferenceUsed:
            return "reference"
    after = msgspec.structs.replace(
        payout, state=state, ended_by=actor_id, ended_at=clock.now(), code=line.reason[:100],
        provider_no=reference if state is PayoutState.done else line.serial,
    )  # fmt: skip
    await conclude(connection, lane, after, fresh_ids, note=line.reason or "银行退回 the bank sent it back")
    return line.state
