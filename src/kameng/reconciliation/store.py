"""The statements of reconciliation, one thin function each. Callers hold the gate where money or cases change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import islice

import msgspec

from kameng.kit import copying, sql
from kameng.kit.db import Connection
from kameng.reconciliation.model import Act, Bill, BillState, Case, CaseState, Channel, Judged, Kind, Line, Totals

statements = sql.load("kameng.reconciliation")

ROWS_AT_ONCE = 50_000
_LINES = copying.Rows(
    "bill_line",
    {"lane": "h", "channel_id": "i", "day": "i", "subject_id": "q", "amount_e4": "q", "fee_e4": "q", "at": "q"},
    ["line_key", "kind", "payment_no", "refund_no", "provider_no", "said"],
)
_FIRST_DAY = date(2000, 1, 1)


async def unhurried(connection: Connection) -> None:
    """For the rest of a transaction that reads a day whole: hashed, never row by row, for as long as it takes."""
    await connection.execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;"
        " SET LOCAL plan_cache_mode = auto; SET LOCAL work_mem = '256MB'; SET LOCAL enable_nestloop = off"
    )


# bills -------------------------------------------------------------------------------------------------------


async def read_channels(connection: Connection) -> dict[int, Channel]:
    return {row["channel_id"]: Channel(*row) for row in await connection.fetch(statements.read_channels)}


async def expect_bill(connection: Connection, channel_id: int, day: date, at: datetime) -> None:
    await connection.execute(statements.expect_bill, channel_id, day, at)


async def lock_bill(connection: Connection, channel_id: int, day: date) -> Bill | None:
    row = await connection.fetchrow(statements.lock_bill, channel_id, day, timeout=3600)
    return None if row is None else _bill(row)


async def read_bills(connection: Connection, first: date, last: date, channel_id: int | None = None) -> list[Bill]:
    return [_bill(row) for row in await connection.fetch(statements.read_bills, first, last, channel_id)]


def _bill(row: Iterable[object]) -> Bill:
    channel_id, day, state, *rest = row
    return Bill(channel_id, day, BillState(state), *rest)  # type: ignore[arg-type]


async def note_missing(connection: Connection, channel_id: int, day: date, said: str, next_at: datetime) -> None:
    await connection.execute(statements.note_missing, channel_id, day, said, next_at)


async def note_odd(connection: Connection, channel_id: int, day: date, said: str) -> None:
    await connection.execute(statements.note_odd, channel_id, day, said)


async def set_fetched(connection: Connection, bill: Bill) -> None:
    await connection.execute(
        statements.set_fetched, bill.channel_id, bill.day, bill.lines, bill.payment_e4, bill.refund_e4, bill.fee_e4,
        bill.digest, bill.said, bill.fetched_at,
    )  # fmt: skip


async def set_settled(connection: Connection, channel_id: int, day: date, at: datetime) -> None:
    await connection.execute(statements.set_settled, channel_id, day, at)


async def set_closed(connection: Connection, channel_id: int, day: date, at: datetime) -> None:
    await connection.execute(statements.set_closed, channel_id, day, at)


# lines -------------------------------------------------------------------------------------------------------


async def replace_lines(
    connection: Connection, lanes: Iterable[int], channel_id: int, day: date, lines: Iterable[Line]
) -> None:
    """The lines of a bill in place of those that were there; they are nobody's business before it is settled."""
    for lane in lanes:
        await connection.execute(statements.forget_lines, lane, channel_id, day, timeout=600)
    rest, day_number = iter(lines), (day - _FIRST_DAY).days
    while some := list(islice(rest, ROWS_AT_ONCE)):
        await _LINES.append(
            connection,
            (
                (
                    one.lane, channel_id, day_number, one.subject_id, one.amount_e4, one.fee_e4,
                    copying.timestamp(one.at), one.line_key.encode(), one.kind.encode(), one.payment_no.encode(),
                    one.refund_no.encode(), one.provider_no.encode(), one.said.encode(),
                )
                for one in some
            ),
        )  # fmt: skip


async def find_by_provider_no(
    connection: Connection, lane: int, channel_id: int, ids: tuple[int, int], numbers: Sequence[str]
) -> dict[str, int]:
    """Payments dealt between two ids, by their provider's numbers."""
    return dict(await connection.fetch(statements.find_by_provider_no, lane, channel_id, *ids, numbers))


async def has_payments(connection: Connection, lane: int, channel_id: int, since: datetime, until: datetime) -> bool:
    found: bool = await connection.fetchval(statements.has_payments, lane, channel_id, since, until)
    return found


async def read_line(connection: Connection, lane: int, channel_id: int, day: date, line_key: str) -> Line | None:
    row = await connection.fetchrow(statements.read_line, lane, channel_id, day, line_key)
    return None if row is None else Line(*row)


async def name_line(
    connection: Connection, lane: int, channel_id: int, day: date, line_key: str, payment_id: int
) -> None:
    await connection.execute(statements.name_line, lane, channel_id, day, line_key, payment_id)


# matching ----------------------------------------------------------------------------------------------------


async def judge_bill(connection: Connection, lane: int, channel_id: int, day: date) -> tuple[Totals, list[str]]:
    """All lines of a bill in a lane: their sums, and the keys of those that don't agree."""
    rows = await connection.fetch(statements.judge_bill, lane, channel_id, day, timeout=3600)
    totals = Totals(
        sum(row["lines"] for row in rows), sum(row["payment_e4"] for row in rows),
        sum(row["refund_e4"] for row in rows), sum(row["net_e4"] for row in rows),
        sum(row["gap_e4"] for row in rows if row["line_key"] is None),
    )  # fmt: skip
    return totals, sorted(row["line_key"] for row in rows if row["line_key"] is not None)


async def judge_lines(
    connection: Connection, lane: int, channel_id: int, day: date, keys: Sequence[str]
) -> list[Judged]:
    rows = await connection.fetch(statements.subjects_of_lines, lane, channel_id, day, keys)
    subjects = [row["subject_id"] for row in rows]
    rows = await connection.fetch(statements.judge_lines, lane, channel_id, day, subjects, keys)
    return [
        Judged(
            **dict(row) | {"verdict": None if row["verdict"] is None else Kind(row["verdict"])}
        )
        for row in rows
    ]  # fmt: skip


class Settlement(msgspec.Struct, frozen=True):
    """What a bill moved in a lane."""

    lines: int
    differences: int
    payment_e4: int
    refund_e4: int
    net_e4: int
    fee_e4: int
    left_keys: tuple[str, ...]


async def read_settlement(connection: Connection, lane: int, channel_id: int, day: date) -> Settlement | None:
    row = await connection.fetchrow(statements.read_settlement, lane, channel_id, day)
    return None if row is None else Settlement(*row.values())


async def insert_settlement(
    connection: Connection, lane: int, channel_id: int, day: date, totals: Totals, left_keys: Sequence[str],
    at: datetime,
) -> None:  # fmt: skip
    await connection.execute(
        statements.insert_settlement, lane, channel_id, day, totals.lines, len(left_keys), totals.payment_e4,
        totals.refund_e4, totals.net_e4, totals.fee_e4, list(left_keys), at,
    )  # fmt: skip


async def set_left(
    connection: Connection, lane: int, channel_id: int, day: date, left_keys: Sequence[str], *, fee_e4: int
) -> None:
    await connection.execute(statements.set_left, lane, channel_id, day, list(left_keys), fee_e4)


class DaySettled(msgspec.Struct, frozen=True):
    """Of one lane."""

    channel_id: int
    day: date
    lines: int
    differences: int
    net_e4: int
    fee_e4: int


async def sum_settlements(connection: Connection, lane: int, first: date, last: date) -> list[DaySettled]:
    return [DaySettled(*row) for row in await connection.fetch(statements.sum_settlements, lane, first, last)]


class Missing(msgspec.Struct, frozen=True):
    """What the books have and no bill has."""

    subject_id: int
    payment_id: int
    book_e4: int
    gap_e4: int


class Window(msgspec.Struct, frozen=True):
    """Where to look for what a day's bill lacks: booked between two moments, paid before a third on one of ``days``, in
    bills of the days ``first`` to ``last``."""

    since: datetime
    until: datetime
    paid_before: datetime
    days: tuple[date, ...]
    first: date
    last: date


async def missing(connection: Connection, lane: int, channel_id: int, window: Window) -> dict[str, list[Missing]]:
    """Payments and refunds, by the kind of line that they should have."""
    asked = [list(one) if isinstance(one, tuple) else one for one in msgspec.structs.astuple(window)]
    return {
        kind: [Missing(*row) for row in await connection.fetch(statement, lane, channel_id, *asked, timeout=3600)]
        for kind, statement in (("payment", statements.missing_payments), ("refund", statements.missing_refunds))
    }


async def arrived(
    connection: Connection, lane: int, channel_id: int, subject_ids: Sequence[int]
) -> set[tuple[str, int]]:
    rows = await connection.fetch(statements.arrived, lane, channel_id, list(subject_ids))
    return {(row["kind"], row["subject_id"]) for row in rows}


# cases -------------------------------------------------------------------------------------------------------


async def insert_cases(connection: Connection, lane: int, cases: Sequence[Case]) -> None:
    """New ones, all of one channel and day."""
    first = cases[0]
    await connection.execute(
        statements.insert_cases, lane, first.channel_id, first.day, first.currency, first.opened_at,
        [c.case_id for c in cases], [c.line_key for c in cases], [c.line_kind for c in cases],
        [c.kind.value for c in cases], [c.subject_id for c in cases], [c.payment_id for c in cases],
        [c.bill_e4 for c in cases], [c.book_e4 for c in cases], [c.suspense_e4 for c in cases],
        [c.rest_e4 for c in cases], [c.due_at for c in cases],
    )  # fmt: skip


async def read_cases(connection: Connection, lane: int, case_ids: Sequence[int]) -> dict[int, Case]:
    rows = await connection.fetch(statements.read_cases, lane, list(case_ids))
    return {row["case_id"]: _case(row) for row in rows}


async def open_cases(connection: Connection, lane: int, *, channel_id: int | None = None, limit: int) -> list[Case]:
    return [_case(row) for row in await connection.fetch(statements.open_cases, lane, channel_id, limit)]


async def cases_of_day(connection: Connection, lane: int, channel_id: int, day: date, *, limit: int) -> list[Case]:
    return [_case(row) for row in await connection.fetch(statements.cases_of_day, lane, channel_id, day, limit)]


def _case(row: object) -> Case:
    values = dict(row)  # type: ignore[call-overload]
    act = values["act"]
    return Case(
        **values
        | {"kind": Kind(values["kind"]), "state": CaseState(values["state"]), "act": None if act is None else Act(act)}
    )


class Count(msgspec.Struct, frozen=True):
    """Differences of one kind, of one channel's day, in one lane."""

    channel_id: int
    day: date
    kind: str
    cases: int
    waiting: int
    suspense_e4: int | None


async def count_cases(connection: Connection, lane: int, first: date, last: date) -> list[Count]:
    return [Count(*row) for row in await connection.fetch(statements.count_cases, lane, first, last)]


async def set_case(connection: Connection, lane: int, case: Case) -> None:
    await connection.execute(
        statements.set_case, lane, case.case_id, case.kind.value, case.book_e4, case.suspense_e4, case.rest_e4,
        case.state.value, case.owner_id, None if case.act is None else case.act.value, case.detail, case.reason,
        case.asked_by, case.second_id, case.resolved_at, case.transfer_id, case.subject_id, case.payment_id,
    )  # fmt: skip


class Candidate(msgspec.Struct, frozen=True):
    """A payment that a line may be of: for a person to judge, never more."""

    payment_id: int
    payment_no: str
    method: str
    amount_e4: int
    begun_at: datetime
    state: str


async def candidates(
    connection: Connection, lane: int, channel_id: int, ids: tuple[int, int], amount_e4: int
) -> list[Candidate]:
    rows = await connection.fetch(statements.candidates, lane, channel_id, *ids, amount_e4)
    return [Candidate(*row) for row in rows]


async def channel_sums(connection: Connection, lane: int) -> dict[int, int]:
    """What each channel's provider owes us, as the ledger has it."""
    return dict(await connection.fetch(statements.channel_sums, lane))


# bank statements ---------------------------------------------------------------------------------------------


class Credit(msgspec.Struct, frozen=True):
    """Money that came in by bank transfer, as a statement tells it."""

    credit_id: int
    channel_id: int
    line_key: str
    at: datetime
    amount_e4: int
    payer: str
    remark: str
    reference: str
    state: str = "waiting"
    payment_id: int | None = None
    settled_e4: int = 0
    imported_at: datetime | None = None
    decided_by: int | None = None
    reason: str = ""


class Referred(msgspec.Struct, frozen=True):
    """A payment whose payer was shown a code."""

    reference: str
    payment_id: int
    channel_id: int
    amount_e4: int
    state: str
    is_booked: bool


async def find_references(connection: Connection, lane: int, references: Sequence[str]) -> list[Referred]:
    return [Referred(*row) for row in await connection.fetch(statements.find_references, lane, references)]


async def known_credits(connection: Connection, lane: int, channel_id: int, keys: Sequence[str]) -> set[str]:
    return {row["line_key"] for row in await connection.fetch(statements.known_credits, lane, channel_id, keys)}


async def insert_credits(
    connection: Connection, lane: int, channel_id: int, at: datetime, some: Sequence[Credit]
) -> None:
    await connection.execute(
        statements.insert_credits, lane, channel_id, at, [c.credit_id for c in some], [c.line_key for c in some],
        [c.at for c in some], [c.amount_e4 for c in some], [c.payer for c in some], [c.remark for c in some],
        [c.reference for c in some], [c.payment_id for c in some],
    )  # fmt: skip


async def waiting_credits(
    connection: Connection, lane: int, *, channel_id: int | None = None, limit: int
) -> list[Credit]:
    return [Credit(*row) for row in await connection.fetch(statements.waiting_credits, lane, channel_id, limit)]


async def read_credits(connection: Connection, lane: int, credit_ids: Sequence[int]) -> dict[int, Credit]:
    rows = await connection.fetch(statements.read_credits, lane, list(credit_ids))
    return {row["credit_id"]: Credit(*row) for row in rows}


async def booked_e4(connection: Connection, lane: int, payment_ids: Sequence[int]) -> dict[int, int]:
    return dict(await connection.fetch(statements.booked_e4, lane, list(payment_ids)))


async def set_credit(connection: Connection, lane: int, credit: Credit) -> None:
    await connection.execute(
        statements.set_credit, lane, credit.credit_id, credit.state, credit.payment_id, credit.settled_e4,
        credit.decided_by, credit.reason,
    )  # fmt: skip


async def taken_payments(connection: Connection, lane: int, payment_ids: Sequence[int]) -> set[int]:
    rows = await connection.fetch(statements.taken_payments, lane, list(payment_ids))
    return {row["payment_id"] for row in rows}
