"""提现: an organisation asks for its money, staff approves, the bank transfer is written down with its number.

What is asked for is held on the wallet until it is paid or let go. Only own money goes out, never a credit line.
Above one person's limit two different persons approve. Nothing here calls a bank: ``paying_out`` sends money.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kameng import ledger, notices
from kameng.finance import store
from kameng.finance.errors import (
    BadFinanceRequest,
    BankReferenceUsed,
    NoSuchWithdrawal,
    RequestReused,
    SecondPersonNeeded,
    StepNotOpen,
)
from kameng.finance.model import (
    PAYEE,
    STATES_ZH,
    Command,
    Payee,
    State,
    Terms,
    Withdrawal,
    check_amount,
    check_payee,
    check_person,
    check_text,
    step,
)
from kameng.identity import Organisation
from kameng.kit import audit, clock, crypto, events, ids, lanes, money, resealing
from kameng.kit.db import Connection, Database
from kameng.kit.ids import ID_MAX
from kameng.kit.lanes import Passage
from kameng.kit.money import MINOR_E4
from kameng.ledger import House, InsufficientBalance, Leg

CLIENT_REF_CHARS_MAX = 64
NOTE_CHARS_MAX = 500
EXTERNAL_REF_CHARS_MAX = 100
DECIDED = frozenset({State.approved, State.refused, State.paid, State.failed})
"""Of which an organisation's contacts are told."""


async def ask_withdrawal(
    db: Database, ring: crypto.KeyRing, organisation: Organisation, amount_e4: int,
    *, client_ref: str, payee: Payee, terms: Terms, actor_id: int,
) -> Withdrawal:  # fmt: skip
    """Ask for own money; it is held from now on. The same reference again: the first one, as it stands."""
    check_text(client_ref, CLIENT_REF_CHARS_MAX, "client_ref", "外部单号")
    check_payee(payee)
    fee_e4 = _fee_of(amount_e4, terms)
    lane, org_id = organisation.lane, organisation.org_id
    digest = ring.fingerprint(b"withdrawal", b"%d\n%b" % (amount_e4, msgspec.json.encode(payee)))
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=5)
        stands = await store.find_withdrawal(connection, lane, org_id, client_ref)
        if stands is not None:
            if stands[0] != digest:
                raise RequestReused(field="client_ref")
            return stands[1]
        wallet = await ledger.read_wallet(connection, lane, org_id)
        own_e4 = wallet.posted_e4 - wallet.held_e4
        if amount_e4 > own_e4:
            own = money.format_e4(max(0, own_e4))
            raise InsufficientBalance(f"{own} are yours", field="amount", detail_zh=f"可提现金额 {own}")
        withdrawal_id, *hold_ids, event_id, audit_id = passage.ids
        wish = Withdrawal(
            withdrawal_id, org_id, client_ref, amount_e4, fee_e4, wallet.currency, payee.masked(),
            amount_e4 > terms.withdrawal_limit_e4, State.requested, 1, clock.now(), None, None, None, None, "", None,
            hold_ids[0], hold_ids[1] if fee_e4 else None, payee.method,
        )  # fmt: skip
        legs = hold_legs(wish, "hold")
        ledger.standing(await ledger.post_chain(connection, lane, legs, hold_ids[: len(legs)]))
        sealed = ring.seal(PAYEE, withdrawal_id, msgspec.json.encode(payee))
        await store.insert_withdrawal(connection, lane, wish, digest=digest, payee=sealed)
        await tell(connection, lane, wish, "request", actor_id, (event_id, audit_id))
    return wish


async def approve_withdrawal(db: Database, withdrawal_id: int, *, actor_id: int) -> Withdrawal:
    """Staff finds it good. Above the limit that takes two: the first leaves it ``checked``."""
    check_person(actor_id)
    return await _take_step(db, withdrawal_id, Command.approve, actor_id=actor_id)


async def refuse_withdrawal(db: Database, withdrawal_id: int, *, note: str, actor_id: int) -> Withdrawal:
    """Staff lets the money go back to the wallet; the organisation is told why."""
    check_person(actor_id)
    check_text(note, NOTE_CHARS_MAX, "note", "说明")
    return await _take_step(db, withdrawal_id, Command.refuse, actor_id=actor_id, note=note)


async def cancel_withdrawal(
    db: Database, organisation: Organisation, withdrawal_id: int, *, actor_id: int
) -> Withdrawal:
    """The organisation thinks better of it, as long as nothing is approved. Asked again: as it stands."""
    return await _take_step(db, withdrawal_id, Command.cancel, actor_id=actor_id, org_id=organisation.org_id)


async def pay_withdrawal(db: Database, withdrawal_id: int, *, external_ref: str, actor_id: int) -> Withdrawal:
    """The bank transfer was made: it is booked with the bank's number, which pays nothing else."""
    check_person(actor_id)
    check_text(external_ref, EXTERNAL_REF_CHARS_MAX, "reference", "银行流水号")
    return await _take_step(db, withdrawal_id, Command.pay, actor_id=actor_id, external_ref=external_ref)


async def fail_withdrawal(db: Database, withdrawal_id: int, *, note: str, actor_id: int) -> Withdrawal:
    """The bank did not take it, or sent it back: the money is the wallet's again."""
    check_person(actor_id)
    check_text(note, NOTE_CHARS_MAX, "note", "说明")
    return await _take_step(db, withdrawal_id, Command.fail, actor_id=actor_id, note=note)


async def find_withdrawal(db: Database, organisation: Organisation, withdrawal_id: int) -> Withdrawal:
    """One of the organisation's own."""
    async with db.connection() as connection:
        found = await store.read_withdrawal(connection, organisation.lane, withdrawal_id)
    if found is None or found.org_id != organisation.org_id:
        raise NoSuchWithdrawal
    return found


async def list_withdrawals(
    db: Database, *, org_id: int | None = None, state: str | None = None, before_id: int = ID_MAX, limit: int = 50
) -> list[Withdrawal]:
    """Newest first, below the id of the last one seen: of one organisation, or of all."""
    found: list[Withdrawal] = []
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection) if org_id is None else [ids.lane_of(org_id)]
        for lane in numbers:
            found += await store.list_withdrawals(
                connection, lane, org_id=org_id, state=state, before_id=before_id, limit=limit
            )
    return sorted(found, key=lambda one: -one.withdrawal_id)[:limit]


async def reveal_payee(db: Database, ring: crypto.KeyRing, withdrawal_id: int, *, actor_id: int) -> Payee:
    """Whom to pay; whoever looked is written down in the same transaction."""
    check_person(actor_id)
    lane = ids.lane_of(withdrawal_id)
    async with db.transaction() as connection:
        passage = await gate_of(connection, withdrawal_id, id_count=1)
        found = await store.read_payee(connection, lane, withdrawal_id)
        if found is None:
            raise NoSuchWithdrawal
        org_id, sealed = found
        payee = msgspec.json.decode(ring.open(PAYEE, withdrawal_id, sealed), type=Payee)
        line = audit.Line(passage.ids[0], org_id, actor_id, "withdrawal.reveal", withdrawal_id)
        await audit.note(connection, lane, clock.now(), [line])
    return payee


async def reseal(db: Database, ring: crypto.KeyRing, lane: int) -> int:
    """Seal every payee of a lane with the ring's current key; returns how many were not."""
    return await resealing.reseal(
        db, ring, lane, PAYEE, look=store.payees_under_other_keys, put=store.reseal_payees
    )


def _fee_of(amount_e4: int, terms: Terms) -> int:
    check_amount(amount_e4)
    fee_e4 = terms.fee_e4(amount_e4)
    if amount_e4 % MINOR_E4:
        raise BadFinanceRequest("amount: whole fen", field="amount", detail_zh="金额：最多两位小数")
    if fee_e4 >= amount_e4:
        fee = money.format_e4(fee_e4)
        raise BadFinanceRequest(
            f"amount: above the fee of {fee}", field="amount", detail_zh=f"金额：应大于手续费 {fee}"
        )
    return fee_e4


def hold_legs(one: Withdrawal, kind: str) -> list[Leg]:
    """Of its amount and of its fee: held, posted or let go, always the same two."""
    parts = [(House.bank, one.amount_e4 - one.fee_e4, "withdrawal", one.hold_id)]
    if one.fee_hold_id is not None:
        parts.append((House.fees, one.fee_e4, "withdrawal_fee", one.fee_hold_id))
    return [
        Leg(
            f"{code}:{one.withdrawal_id}:{kind}", one.org_id, ledger.house_account(house, one.currency), amount_e4,
            code, one.withdrawal_id, kind, None if kind == "hold" else hold_id,
        )
        for house, amount_e4, code, hold_id in parts
    ]  # fmt: skip


async def _take_step(
    db: Database, withdrawal_id: int, command: Command, *,
    actor_id: int, org_id: int | None = None, note: str = "", external_ref: str | None = None,
) -> Withdrawal:  # fmt: skip
    """One step, in a transaction of its own. With ``org_id``, only of that organisation's."""
    async with db.transaction() as connection:
        passage = await gate_of(connection, withdrawal_id, id_count=5)
        lane = passage.lane
        before = await store.read_withdrawal(connection, lane, withdrawal_id)
        if before is None or org_id not in (None, before.org_id):
            raise NoSuchWithdrawal
        if command is Command.cancel and before.state is State.cancelled:
            return before  # asked again
        if before.state is State.paying:  # its payout is what ends it
            raise StepNotOpen(before.state.value, detail_zh=STATES_ZH[before.state])
        if command is Command.approve and before.needs_second:
            command = _first_or_second(before, actor_id)
        after = stepped(before, command, actor_id, note=note, external_ref=external_ref)
        if external_ref is not None and await is_used(connection, external_ref):
            raise BankReferenceUsed(field="reference")
        if after.state in (State.paid, State.refused, State.cancelled, State.failed):
            legs = hold_legs(before, "post" if after.state is State.paid else "void")
            ledger.standing(await ledger.post_chain(connection, lane, legs, passage.ids[: len(legs)]))
        await store.set_withdrawal(connection, lane, after)
        await tell(connection, lane, after, command.value, actor_id, passage.ids[2:])
    return after


async def gate_of(connection: Connection, withdrawal_id: int, *, id_count: int) -> Passage:
    lane = ids.lane_of(withdrawal_id)
    if lane not in await lanes.lane_numbers(connection):  # the number was mistyped
        raise NoSuchWithdrawal
    return await lanes.pass_gate(connection, lane, id_count=id_count)


def _first_or_second(before: Withdrawal, actor_id: int) -> Command:
    if before.state is State.requested:
        return Command.check
    if before.state is State.checked and before.checked_by == actor_id:
        raise SecondPersonNeeded(field="by")
    return Command.approve


def stepped(
    before: Withdrawal, command: Command, actor_id: int, *, note: str, external_ref: str | None
) -> Withdrawal:
    """The withdrawal as the step leaves it; ``StepNotOpen`` if it can't take it."""
    state = step(before.state, command)
    who = {State.checked: "checked_by", State.approved: "approved_by"}
    more: dict[str, Any] = {who[state]: actor_id} if state in who else {}
    if state not in who and state is not State.paying:
        more = {"closed_by": actor_id, "closed_at": clock.now(), "note": note, "external_ref": external_ref}
    return msgspec.structs.replace(before, state=state, sequence=before.sequence + 1, **more)


async def is_used(connection: Connection, external_ref: str) -> bool:
    """In any lane. Within one the index has the last word; the audit looks over all."""
    for lane in await lanes.lane_numbers(connection):
        if await store.is_external_ref_used(connection, lane, external_ref):
            return True
    return False


async def tell(
    connection: Connection, lane: int, one: Withdrawal, act: str, actor_id: int, fresh_ids: Sequence[int]
) -> None:
    """The event, due to the organisation, the line that says who did it, and the notice of what was decided."""
    at = clock.now()
    told = {
        "client_ref": one.client_ref, "state": one.state.value, "amount": money.format_e4(one.amount_e4),
        "fee": money.format_e4(one.fee_e4), "note": one.note, "external_ref": one.external_ref,
    }  # fmt: skip
    new = events.NewEvent(
        fresh_ids[0], one.org_id, one.withdrawal_id, one.sequence, f"withdrawal.{one.state.value}", actor_id, told,
        due=await store.wants_events(connection, lane, one.org_id),
    )  # fmt: skip
    await events.emit(connection, lane, at, [new])
    line = audit.Line(fresh_ids[1], one.org_id, actor_id, f"withdrawal.{act}", one.withdrawal_id, told)
    await audit.note(connection, lane, at, [line])
    if one.state in DECIDED:
        facts = {
            "withdrawal": str(one.withdrawal_id), "amount": money.format_e4(one.amount_e4),
            "state": one.state.value, "state_zh": STATES_ZH[one.state],
        }  # fmt: skip
        notice = notices.Notice(one.org_id, "withdrawal_decided", f"{one.withdrawal_id}:{one.state}", facts)
        await notices.announce(connection, lane, [notice], fresh_ids[2:3])
