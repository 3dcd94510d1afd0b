"""打款: approved withdrawals are paid out, by a bank's batch file or by a transfer at a provider.

    wallet ──withdrawal──► suspense ──payout──► bank            it arrived
                              └──refund_withdrawal──► wallet    it surely did not, and will not

The hold is let go in the same chain that takes the money into suspense; there it stays until somebody outside says
what became of it. Nothing here calls a bank: the worker's calls are the payments' matter, a bank's file a person's.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kameng import ledger
from kameng.finance import payouts_store, store
from kameng.finance.errors import (
    BadFinanceRequest,
    BankReferenceUsed,
    NoSuchWithdrawal,
    PayoutNotOpen,
    SecondPersonNeeded,
    StepNotOpen,
)
from kameng.finance.model import PAYEE, STATES_ZH, Command, Payee, State, Withdrawal, check_person, check_text
from kameng.finance.payouts import PAYOUT_STATES_ZH, Batch, Payout, PayoutState
from kameng.finance.withdrawing import (
    EXTERNAL_REF_CHARS_MAX,
    NOTE_CHARS_MAX,
    gate_of,
    hold_legs,
    is_used,
    stepped,
    tell,
)
from kameng.kit import audit, clock, crypto, ids, jobs, lanes
from kameng.kit.db import Connection, Database
from kameng.ledger import House, Leg, house_account

PAYOUT_JOB = "payments.payout"
BATCH_MAX = 1000
AT_ONCE = 50
"""Withdrawals that one transaction takes on: its gate is held for milliseconds."""
BATCH_LANE = 0
ANYBODY = 0
"""Whoever acts when no person does."""
IDS_EACH = 8
"""Fresh numbers that one step takes at most: four legs, an event, an audit line, a notice, a job."""


async def send_by_alipay(db: Database, withdrawal_id: int, channel_id: int, *, actor_id: int) -> Payout:
    """An approved withdrawal to an Alipay account is sent by this channel; the worker does it from now on."""
    check_person(actor_id)
    async with db.transaction() as connection:
        passage = await gate_of(connection, withdrawal_id, id_count=IDS_EACH)
        one = await _approved(connection, passage.lane, withdrawal_id)
        _check_method(one, "alipay")
        made = _payout_of(one, "alipay", PayoutState.requested, actor_id, channel_id=channel_id)
        await _take_on(connection, passage.lane, one, made, passage.ids)
        await jobs.add(connection, passage.lane, [jobs.NewJob(PAYOUT_JOB, withdrawal_id)], passage.ids[-1:])
    return made


async def make_batch(db: Database, *, actor_id: int, limit: int = BATCH_MAX) -> Batch:
    """Every approved withdrawal to a bank account goes into one file, the oldest first; from now on they are sent.

    The lanes are taken on one after the other: what a crash leaves out waits for the next file.
    """
    check_person(actor_id)
    async with db.connection() as connection:
        found = [
            one
            for lane in await lanes.lane_numbers(connection)
            for one in await payouts_store.approved_for_bank(connection, lane, limit)
        ]
    wanted = sorted(found, key=lambda one: one.requested_at)[:limit]
    if not wanted:
        raise BadFinanceRequest("nothing is approved to be paid by bank", detail_zh="没有待打款的银行提现")
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, BATCH_LANE, id_count=2)
        batch = Batch(passage.ids[0], 0, 0, actor_id, clock.now())
        await payouts_store.insert_batch(connection, BATCH_LANE, batch)
        line = audit.Line(passage.ids[1], 0, actor_id, "payout.batch", batch.batch_id)
        await audit.note(connection, BATCH_LANE, clock.now(), [line])
    by_lane: dict[int, list[int]] = {}
    for one in wanted:
        by_lane.setdefault(ids.lane_of(one.withdrawal_id), []).append(one.withdrawal_id)
    made: list[Payout] = []
    for lane, numbers in sorted(by_lane.items()):
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            made += await _take_on_for_bank(db, lane, some, batch.batch_id, actor_id)
    batch = msgspec.structs.replace(batch, lines=len(made), amount_e4=sum(one.amount_e4 for one in made))
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, BATCH_LANE)
        await payouts_store.count_batch(connection, BATCH_LANE, batch)
    return batch


async def _take_on_for_bank(
    db: Database, lane: int, numbers: Sequence[int], batch_id: int, actor_id: int
) -> list[Payout]:
    """Those that are still approved."""
    made: list[Payout] = []
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=IDS_EACH * len(numbers))
        for place, number in enumerate(numbers):
            one = await store.read_withdrawal(connection, lane, number)
            if one is None or one.state is not State.approved:
                continue  # somebody else was faster
            payout = _payout_of(one, "bank", PayoutState.sent, actor_id, batch_id=batch_id)
            await _take_on(connection, lane, one, payout, passage.ids[place * IDS_EACH :][:IDS_EACH])
            made.append(payout)
    return made


async def _approved(connection: Connection, lane: int, withdrawal_id: int) -> Withdrawal:
    one = await store.read_withdrawal(connection, lane, withdrawal_id)
    if one is None:
        raise NoSuchWithdrawal
    return one


def _check_method(one: Withdrawal, method: str) -> None:
    if one.method != method:
        raise BadFinanceRequest("its payee is not there", field="method", detail_zh="收款方式与提现单不符")
    if one.currency != "CNY":
        raise BadFinanceRequest("only yuan are paid out", field="currency", detail_zh="仅人民币可打款")


def _payout_of(
    one: Withdrawal, method: str, state: PayoutState, actor_id: int, *, channel_id: int | None = None,
    batch_id: int | None = None,
) -> Payout:  # fmt: skip
    return Payout(
        one.withdrawal_id, one.org_id, method, channel_id, batch_id, one.amount_e4 - one.fee_e4, one.fee_e4,
        one.currency, state, 0, "", "", None, actor_id, clock.now(),
    )  # fmt: skip


async def _take_on(
    connection: Connection, lane: int, one: Withdrawal, payout: Payout, fresh_ids: Sequence[int]
) -> None:
    """The money goes from the wallet into suspense, and the withdrawal is being paid."""
    after = stepped(one, Command.send, payout.asked_by, note="", external_ref=None)
    suspense = house_account(House.suspense, one.currency)
    legs = hold_legs(one, "void")
    for code, amount_e4 in (("withdrawal", payout.amount_e4), ("withdrawal_fee", payout.fee_e4)):
        if amount_e4:
            key = f"payout:{payout.payout_id}:{code}"
            legs.append(Leg(key, one.org_id, suspense, amount_e4, code, one.withdrawal_id))
    ledger.standing(await ledger.post_chain(connection, lane, legs, fresh_ids[: len(legs)]))
    await store.set_withdrawal(connection, lane, after)
    await payouts_store.insert_payout(connection, lane, payout)
    await tell(connection, lane, after, Command.send.value, payout.asked_by, fresh_ids[4:7])


# what became of it -------------------------------------------------------------------------------------------


async def conclude(
    connection: Connection, lane: int, payout: Payout, fresh_ids: Sequence[int], *, note: str = ""
) -> None:
    """Write where a payout stands; one that ended moves its money, once. The caller holds the gate."""
    await payouts_store.set_payout(connection, lane, payout)
    if payout.state not in (PayoutState.done, PayoutState.failed):
        return
    before = await store.read_withdrawal(connection, lane, payout.payout_id)
    assert before is not None
    is_done, actor_id = payout.state is PayoutState.done, payout.ended_by or ANYBODY
    suspense = house_account(House.suspense, payout.currency)
    if is_done:
        parts = [(House.bank, payout.amount_e4, "payout"), (House.fees, payout.fee_e4, "payout_fee")]
        legs = [
            Leg(f"payout:{payout.payout_id}:{code}", suspense, house_account(house, payout.currency), amount_e4, code,
                payout.payout_id)
            for house, amount_e4, code in parts if amount_e4
        ]  # fmt: skip
    else:
        key = f"payout:{payout.payout_id}:back"
        legs = [Leg(key, suspense, payout.org_id, before.amount_e4, "refund_withdrawal", payout.payout_id)]
    ledger.standing(await ledger.post_chain(connection, lane, legs, fresh_ids[: len(legs)]))
    command = Command.pay if is_done else Command.fail
    reference = (payout.provider_no or payout.payout_no) if is_done else None
    after = stepped(before, command, actor_id, note="" if is_done else note, external_ref=reference)
    await store.set_withdrawal(connection, lane, after)
    await tell(connection, lane, after, command.value, actor_id, fresh_ids[2:5])


async def decide_payout(
    db: Database, withdrawal_id: int, *, reference: str = "", note: str = "", actor_id: int
) -> Payout:
    """A person's word: paid, with the bank's or provider's number, or not paid, with why. Of what a bank has in hand,
    and of what nobody could find out; above the limit not by whoever sent it."""
    check_person(actor_id)
    if reference:
        check_text(reference, EXTERNAL_REF_CHARS_MAX, "reference", "银行流水号")
    else:
        check_text(note, NOTE_CHARS_MAX, "note", "说明")
    async with db.transaction() as connection:
        passage = await gate_of(connection, withdrawal_id, id_count=IDS_EACH)
        payout, one = await _open_payout(connection, passage.lane, withdrawal_id)
        if payout.method != "bank" and payout.state is not PayoutState.abnormal:
            raise PayoutNotOpen(payout.state.value, detail_zh=PAYOUT_STATES_ZH[payout.state])
        if one.needs_second and payout.asked_by == actor_id:
            raise SecondPersonNeeded(field="by")
        await check_reference(connection, reference)
        after = msgspec.structs.replace(
            payout, state=PayoutState.done if reference else PayoutState.failed, ended_by=actor_id,
            ended_at=clock.now(), provider_no=reference or payout.provider_no,
        )  # fmt: skip
        await conclude(connection, passage.lane, after, passage.ids, note=note)
    return after


async def retry_payout(db: Database, withdrawal_id: int, *, actor_id: int) -> Payout:
    """What lay with a person is tried again, first by asking; with the number that it has."""
    check_person(actor_id)
    async with db.transaction() as connection:
        passage = await gate_of(connection, withdrawal_id, id_count=2)
        payout, one = await _open_payout(connection, passage.lane, withdrawal_id)
        if payout.state is not PayoutState.abnormal:
            raise PayoutNotOpen(payout.state.value, detail_zh=PAYOUT_STATES_ZH[payout.state])
        after = msgspec.structs.replace(payout, state=PayoutState.unknown, tries=0)
        await payouts_store.set_payout(connection, passage.lane, after)
        await jobs.add(connection, passage.lane, [jobs.NewJob(PAYOUT_JOB, withdrawal_id)], passage.ids[:1])
        line = audit.Line(passage.ids[1], one.org_id, actor_id, "payout.retry", withdrawal_id)
        await audit.note(connection, passage.lane, clock.now(), [line])
    return after


async def check_reference(connection: Connection, reference: str) -> None:
    if reference and await is_used(connection, reference):
        raise BankReferenceUsed(field="reference")


async def _open_payout(connection: Connection, lane: int, withdrawal_id: int) -> tuple[Payout, Withdrawal]:
    payout = (await payouts_store.read_payouts(connection, lane, [withdrawal_id])).get(withdrawal_id)
    one = await store.read_withdrawal(connection, lane, withdrawal_id)
    if one is None:
        raise NoSuchWithdrawal
    if payout is None or one.state is not State.paying:
        raise StepNotOpen(one.state.value, detail_zh=STATES_ZH[one.state])
    return payout, one


# looking -----------------------------------------------------------------------------------------------------


async def payouts_of(db: Database, withdrawal_ids: Sequence[int]) -> dict[int, Payout]:
    """Those that were paid out so, by withdrawal."""
    found: dict[int, Payout] = {}
    by_lane: dict[int, list[int]] = {}
    for number in withdrawal_ids:
        by_lane.setdefault(ids.lane_of(number), []).append(number)
    async with db.connection() as connection:
        for lane, numbers in by_lane.items():
            found |= await payouts_store.read_payouts(connection, lane, numbers)
    return found


async def list_batches(db: Database, *, limit: int = 20) -> list[Batch]:
    """Newest first."""
    async with db.connection() as connection:
        return await payouts_store.list_batches(connection, BATCH_LANE, limit)


async def payee_of(connection: Connection, ring: crypto.KeyRing, lane: int, withdrawal_id: int) -> Payee:
    """Whom to pay, in clear, for whoever pays."""
    found = await store.read_payee(connection, lane, withdrawal_id)
    if found is None:
        raise NoSuchWithdrawal
    return msgspec.json.decode(ring.open(PAYEE, withdrawal_id, found[1]), type=Payee)
