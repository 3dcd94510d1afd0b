"""Bills come in: asked of a provider, their lines put in the lane of the payment that each names, a line once for ever.

Lines are written without the lanes' gates: nothing reads them before their bill is settled, and whoever works on a bill
holds its row. A bill that is settled stands; another version of it is refused and noted, never mixed in.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from kameng import channels, payments
from kameng.channels import BillLine, NoticeKind
from kameng.kit import clock, ids, lanes, logs
from kameng.kit.db import Connection, Database
from kameng.kit.money import MINOR_E4
from kameng.reconciliation import store, untold
from kameng.reconciliation.errors import BadReconciliation, BillChanged
from kameng.reconciliation.model import Bill, BillState, Channel, Line, next_try, start_of

log = logs.get_logger(__name__)

KEY_CHARS_MAX = 120
EMPTY_AFTER_DAYS = 2
"""Some providers don't tell "none" from "not yet": after so long a day without payments of ours counts as empty."""
AROUND = timedelta(days=7)
"""How far from its bill's day a payment may have begun."""


async def fetch(db: Database, channel: Channel, day: date, adapter: channels.Channel) -> Bill:
    """Ask for a bill and keep it. Still ``waiting`` if there is none yet, with when it is asked for next."""
    at = clock.now()
    async with db.transaction() as connection:
        await store.expect_bill(connection, channel.channel_id, day, at)
    try:
        found = await adapter.fetch_bill(day)
    except channels.BillNotReady as error:
        if await _is_surely_empty(db, channel, day):
            return await keep(db, channel, channels.Bill(day=day, lines=[]))
        return await _not_there(db, channel, day, str(error) or "not ready")
    except channels.BillRefused as error:
        log.warning("a provider refuses its bill", channel=channel.name, day=str(day), said=str(error))
        return await _not_there(db, channel, day, str(error) or "refused")
    if found.day != day:
        return await _not_there(db, channel, day, f"the bill of {found.day} came instead")
    return await keep(db, channel, found)


async def keep(db: Database, channel: Channel, found: channels.Bill) -> Bill:
    """A bill as it came, in place of an earlier version that was not settled. ``BillChanged`` if one was."""
    async with db.transaction() as connection:
        await store.unhurried(connection)
        await store.expect_bill(connection, channel.channel_id, found.day, clock.now())
        stands = await store.lock_bill(connection, channel.channel_id, found.day)
        assert stands is not None
        numbers = await lanes.lane_numbers(connection)
        found = await untold.complete(connection, numbers, channel, found)
        digest = _digest(found.lines)
        if stands.digest == digest:
            return stands
        if await _is_settled(connection, numbers, stands):
            said = f"another version of {len(found.lines)} lines came after it was settled"
        else:
            bill = _bill(channel, found, digest)
            named = await _by_provider_no(connection, numbers, channel, found)
            lines = _lines(found, frozenset(numbers), named)
            await store.replace_lines(connection, numbers, channel.channel_id, found.day, lines)
            await store.set_fetched(connection, bill)
            return bill
        await store.note_odd(connection, channel.channel_id, found.day, said)
    raise BillChanged(said, detail_zh=f"对账完成后渠道又给出 {len(found.lines)} 行的另一版本")


async def _is_settled(connection: Connection, numbers: Sequence[int], bill: Bill) -> bool:
    """Whether any lane moved money by it."""
    if bill.state in (BillState.settled, BillState.closed):
        return True
    found = [await store.read_settlement(connection, lane, bill.channel_id, bill.day) for lane in numbers]
    return any(one is not None for one in found)


async def _not_there(db: Database, channel: Channel, day: date, said: str) -> Bill:
    async with db.transaction() as connection:
        bill = await store.lock_bill(connection, channel.channel_id, day)
        assert bill is not None
        await store.note_missing(connection, channel.channel_id, day, said[:300], next_try(bill.tries, clock.now()))
        found = await store.lock_bill(connection, channel.channel_id, day)
        assert found is not None
    return found


async def _is_surely_empty(db: Database, channel: Channel, day: date) -> bool:
    if clock.china_day() < day + timedelta(days=EMPTY_AFTER_DAYS):
        return False
    since, until = start_of(day - timedelta(days=1)), start_of(day + timedelta(days=2))
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            if await store.has_payments(connection, lane, channel.channel_id, since, until):
                return False
    return True


def _bill(channel: Channel, found: channels.Bill, digest: bytes) -> Bill:
    """With the sums of its lines, which have to be those that it says itself."""
    sums = {kind: sum(one.amount_minor for one in found.lines if one.kind is kind) for kind in NoticeKind}
    fee_minor = sum(one.fee_minor for one in found.lines)
    payment_minor, refund_minor = sums[NoticeKind.payment], sums[NoticeKind.refund]
    told = ((found.payment_minor, payment_minor), (found.refund_minor, refund_minor), (found.fee_minor, fee_minor))
    said = "" if all(one in (None, own) for one, own in told) else "its own sums are not those of its lines"
    for one in found.lines:
        if one.currency != channel.currency or one.amount_minor < 0:
            raise BadReconciliation(
                f"a line in {one.currency} or below zero", field="bill", detail_zh="账单含其他币种或负数金额的行"
            )
    at = clock.now()
    return Bill(
        channel.channel_id, found.day, BillState.fetched, len(found.lines), payment_minor * MINOR_E4,
        refund_minor * MINOR_E4, fee_minor * MINOR_E4, digest, 0, said, at, at, None, None,
    )  # fmt: skip


def _digest(lines: Sequence[BillLine]) -> bytes:
    """The same for the same lines in whatever order."""
    parts = sorted(
        f"{one.kind.value}|{one.provider_no}|{one.payment_no}|{one.refund_no}|{one.amount_minor}|{one.fee_minor}"
        for one in lines
    )
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).digest()


async def _by_provider_no(
    connection: Connection, numbers: Sequence[int], channel: Channel, found: channels.Bill
) -> dict[str, int]:
    """Payments of lines that bear no number of ours, by their provider's number."""
    wanted = [
        one.provider_no
        for one in found.lines
        if one.provider_no and one.kind is NoticeKind.payment and payments.id_of_number(one.payment_no) is None
    ]
    if not wanted:
        return {}
    first = ids.first_at(clock.china_start_ms(found.day - AROUND))
    last = ids.first_at(clock.china_start_ms(found.day + AROUND))
    named: dict[str, int] = {}
    for lane in numbers:
        named |= await store.find_by_provider_no(connection, lane, channel.channel_id, (first, last), wanted)
    return named


def _lines(found: channels.Bill, numbers: frozenset[int], named: dict[str, int]) -> Iterator[Line]:
    """Each in the lane of what it names; what names nothing of ours lies in the first lane."""
    home = min(numbers)
    times: Counter[str] = Counter()
    for one in found.lines:
        if one.kind is NoticeKind.other:
            continue
        is_refund = one.kind is NoticeKind.refund
        own = payments.id_of_number(one.refund_no if is_refund else one.payment_no)
        if own is None and not is_refund:
            own = named.get(one.provider_no)
        subject_id = own if own is not None and ids.lane_of(own) in numbers else 0
        lane = ids.lane_of(subject_id) if subject_id else home
        if not subject_id and is_refund:  # perhaps its payment is known
            paid = payments.id_of_number(one.payment_no)
            lane = ids.lane_of(paid) if paid is not None and ids.lane_of(paid) in numbers else home
        key = key_of(one)
        times[key] += 1
        line_key = key if times[key] == 1 else f"{key}#{times[key]}"
        yield Line(
            lane, line_key, one.kind.value, one.payment_no, one.refund_no, one.provider_no, subject_id,
            one.amount_minor * MINOR_E4, one.fee_minor * MINOR_E4, one.at, one.state,
        )  # fmt: skip


def key_of(line: BillLine) -> str:
    """What a line is known by, the same however often its bill is fetched."""
    key = f"{line.kind.value}:{line.provider_no}:{line.payment_no}:{line.refund_no}"
    if len(key) <= KEY_CHARS_MAX:
        return key
    return f"{line.kind.value}:{hashlib.blake2b(key.encode(), digest_size=20).hexdigest()}"
