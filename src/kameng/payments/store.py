"""The statements of payments, one thin function each. Callers hold the lane's gate when they write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from kameng.channels import Method, Scene, Shown
from kameng.kit import sql
from kameng.kit.db import Connection
from kameng.payments.model import (
    BonusRule,
    ChannelAccount,
    Kind,
    Origin,
    Payable,
    Payment,
    Refund,
    RefundState,
    State,
    TakenAs,
)

statements = sql.load("kameng.payments")


# channel accounts ------------------------------------------------------------------------------------------


async def every_channel(connection: Connection) -> list[ChannelAccount]:
    rows = await connection.fetch(statements.every_channel)
    return [
        ChannelAccount(
            **dict(row) | {"offers": tuple((m, s) for m, s in row["offers"]), "notify_from": tuple(row["notify_from"])}
        )
        for row in rows
    ]


async def every_credential(connection: Connection) -> list[tuple[int, int, str, bytes]]:
    """(channel, revision, protocol, sealed) each."""
    return [tuple(row) for row in await connection.fetch(statements.every_credential)]


async def insert_channel(connection: Connection, one: ChannelAccount) -> int | None:
    """Its number; None if the name is taken."""
    number: int | None = await connection.fetchval(
        statements.insert_channel, one.org_id, one.protocol, one.name, one.currency, one.account_no, list(one.offers),
        one.fee_ppm, one.fee_fixed_e4, one.least_e4, one.most_e4, one.day_most_e4, one.opens_min, one.closes_min,
        one.licence_until, one.certificate_until, list(one.notify_from), one.weight, one.made_at, one.day_target_e4,
    )  # fmt: skip
    return number


async def set_channel(connection: Connection, one: ChannelAccount, *, revision: int, at: datetime) -> bool:
    """Whether it was still as it had been read."""
    done = await connection.fetchval(
        statements.set_channel, one.channel_id, revision, one.name, list(one.offers), one.fee_ppm, one.fee_fixed_e4,
        one.least_e4, one.most_e4, one.day_most_e4, one.opens_min, one.closes_min, one.licence_until,
        one.certificate_until, list(one.notify_from), one.weight, one.is_on, one.account_no, at, one.day_target_e4,
    )  # fmt: skip
    return done is not None


async def set_credentials(connection: Connection, channel_id: int, sealed: bytes, at: datetime) -> bool:
    return await connection.fetchval(statements.set_credentials, channel_id, sealed, at) is not None


async def reseal_credentials(connection: Connection, channel_id: int, fresh: bytes, old: bytes) -> None:
    await connection.execute(statements.reseal_credentials, channel_id, fresh, old)


async def own_rules(connection: Connection, org_ids: Sequence[int]) -> dict[int, str]:
    """Of agents that collect themselves."""
    return dict(await connection.fetch(statements.own_rules, org_ids))


async def channel_rule(connection: Connection, org_id: int) -> str | None:
    found: str | None = await connection.fetchval(statements.channel_rule, org_id)
    return found


async def set_channel_rule(connection: Connection, org_id: int, rule: str, at: datetime, by: int) -> None:
    await connection.execute(statements.set_channel_rule, org_id, rule, at, by)


async def day_totals(connection: Connection, day: date) -> dict[int, int]:
    """What was begun through each channel that day."""
    return dict(await connection.fetch(statements.day_totals, day))


class ChannelDay(msgspec.Struct, frozen=True):
    """What went through a channel on a day of China."""

    channel_id: int
    day: date
    begun: int = 0
    begun_e4: int = 0
    paid: int = 0
    paid_e4: int = 0
    fee_e4: int = 0
    refunded_e4: int = 0


async def channel_days(connection: Connection, since: date) -> list[ChannelDay]:
    return [ChannelDay(*row) for row in await connection.fetch(statements.channel_days, since)]


async def add_to_days(connection: Connection, lane: int, days: Iterable[ChannelDay]) -> None:
    """``days`` name each channel and day once."""
    columns = [list(column) for column in zip(*map(msgspec.structs.astuple, days), strict=True)]
    if columns:
        await connection.execute(statements.add_to_days, lane, *columns)


# what is to be paid ----------------------------------------------------------------------------------------


async def read_payables(connection: Connection, lane: int, payable_ids: Iterable[int]) -> dict[int, Payable]:
    rows = await connection.fetch(statements.read_payables, lane, list(payable_ids))
    return {row["payable_id"]: _payable(row) for row in rows}


async def find_recharge(connection: Connection, lane: int, org_id: int, client_ref: str) -> Payable | None:
    row = await connection.fetchrow(statements.find_recharge, lane, org_id, client_ref)
    return None if row is None else _payable(row)


async def list_recharges(
    connection: Connection, lane: int, org_id: int, *, before_id: int, limit: int
) -> list[Payable]:
    return [_payable(row) for row in await connection.fetch(statements.list_recharges, lane, org_id, before_id, limit)]


def _payable(row: Any) -> Payable:
    payable_id, kind, *rest = row
    return Payable(payable_id, Kind(kind), *rest)


async def end_payables(connection: Connection, lane: int, at: datetime, ended: Mapping[int, int | None]) -> None:
    """Paid by the payment named, or closed."""
    await connection.execute(statements.end_payables, lane, at, *_ended(ended))


def _ended(ended: Mapping[int, int | None]) -> tuple[list[int], list[str], list[int | None]]:
    states = ["closed" if payment_id is None else "paid" for payment_id in ended.values()]
    return list(ended), states, list(ended.values())


# attempts --------------------------------------------------------------------------------------------------


async def read_payments(connection: Connection, lane: int, payment_ids: Iterable[int]) -> dict[int, Payment]:
    rows = await connection.fetch(statements.read_payments, lane, list(payment_ids))
    return {row["payment_id"]: _payment(row) for row in rows}


async def read_due(
    connection: Connection, lane: int, payment_ids: Iterable[int]
) -> tuple[dict[int, Payment], dict[int, Payable]]:
    """Attempts, and what they are to pay, by their ids."""
    rows = await connection.fetch(statements.read_due, lane, list(payment_ids))
    payments = {row[0]: _payment(row[:PAYMENT_COLUMNS]) for row in rows}
    return payments, {row[1]: _payable(row[PAYMENT_COLUMNS:]) for row in rows}


async def attempts_of(connection: Connection, lane: int, payable_ids: Sequence[int]) -> list[Payment]:
    return [_payment(row) for row in await connection.fetch(statements.attempts_of, lane, payable_ids)]


PAYMENT_COLUMNS = len(Payment.__struct_fields__)


def _payment(row: Any) -> Payment:
    (
        payment_id, payable_id, org_id, channel_id, attempt, method, scene, amount_e4, currency, fee_e4, state,
        taken_as, paid_e4, refunded_e4, provider_no, payer, code, shown, *rest,
    ) = row  # fmt: skip
    return Payment(
        payment_id, payable_id, org_id, channel_id, attempt, Method(method), Scene(scene), amount_e4, currency, fee_e4,
        State(state), None if taken_as is None else TakenAs(taken_as), paid_e4, refunded_e4, provider_no, payer, code,
        None if shown is None else msgspec.convert(shown, Shown), *rest,
    )  # fmt: skip


async def set_payments(
    connection: Connection, lane: int, some: Sequence[Payment], *, at: datetime | None = None,
    ended: Mapping[int, int | None] | None = None,
) -> None:  # fmt: skip
    """Attempts as they stand now; and with them, at a moment, what they ended, as ``end_payables``."""
    await connection.execute(
        statements.set_payments, lane, [p.payment_id for p in some], [p.state.value for p in some],
        [None if p.taken_as is None else p.taken_as.value for p in some], [p.paid_e4 for p in some],
        [p.provider_no for p in some], [p.payer for p in some], [p.code for p in some], [p.paid_at for p in some],
        [p.booked_at for p in some], [p.closed_at for p in some], [p.transfer_id for p in some],
        at, *_ended(ended or {}),
    )  # fmt: skip


async def add_refunded(connection: Connection, lane: int, back: Mapping[int, int]) -> None:
    """How much more of each payment was given back."""
    await connection.execute(statements.add_refunded, lane, list(back), list(back.values()))


# what providers told ---------------------------------------------------------------------------------------


class NewNotice(msgspec.Struct, frozen=True):
    """An event of a provider, and what came of it."""

    channel_id: int
    event_id: str
    kind: str
    payment_id: int | None
    refund_id: int | None
    effect: str
    facts: dict[str, Any]
    said: str | None
    """What it was, masked; None where it was no request."""


class Heard(msgspec.Struct, frozen=True):
    """An event of a provider as it stands in the inbox."""

    channel_id: int
    event_id: str
    kind: str
    refund_id: int | None
    effect: str
    facts: dict[str, Any]
    at: datetime
    said: str | None
    """What was sent, masked; None: it was not kept, or not for so long."""


async def known_events(connection: Connection, lane: int, events: Sequence[tuple[int, str]]) -> set[tuple[int, str]]:
    rows = await connection.fetch(statements.known_events, lane, [e[0] for e in events], [e[1] for e in events])
    return {(row["channel_id"], row["event_id"]) for row in rows}


async def insert_notices(connection: Connection, lane: int, at: datetime, some: Sequence[NewNotice]) -> None:
    columns = [list(column) for column in zip(*map(msgspec.structs.astuple, some), strict=True)]
    await connection.execute(statements.insert_notices, lane, at, *columns)


async def purge_messages(connection: Connection, lane: int, before: datetime, *, limit: int) -> int:
    return len(await connection.fetch(statements.purge_messages, lane, before, limit))


async def notices_of(
    connection: Connection, lane: int, payment_id: int, refund_ids: Iterable[int] = ()
) -> list[Heard]:
    rows = await connection.fetch(statements.notices_of, lane, payment_id, list(refund_ids))
    return [Heard(*row) for row in rows]


# refunds ---------------------------------------------------------------------------------------------------


async def read_refunds(connection: Connection, lane: int, refund_ids: Iterable[int]) -> dict[int, Refund]:
    rows = await connection.fetch(statements.read_refunds, lane, list(refund_ids))
    return {row["refund_id"]: refund_of(row) for row in rows}


async def refunds_of(connection: Connection, lane: int, payment_ids: Iterable[int]) -> list[Refund]:
    return [refund_of(row) for row in await connection.fetch(statements.refunds_of, lane, list(payment_ids))]


def refund_of(row: Any) -> Refund:
    origin = None if row["origin"] is None else msgspec.convert(row["origin"], Origin)
    return Refund(**dict(row) | {"state": RefundState(row["state"]), "origin": origin})


async def refunds_of_cases(connection: Connection, lane: int, case_ids: Iterable[int]) -> list[Refund]:
    return [refund_of(row) for row in await connection.fetch(statements.refunds_of_cases, lane, list(case_ids))]


async def set_by_hand(
    connection: Connection, lane: int, refund_id: int, hand_no: str, hand_by: int, at: datetime
) -> None:
    await connection.execute(statements.set_by_hand, lane, refund_id, hand_no, hand_by, at)


async def refund_by_key(connection: Connection, lane: int, key: str) -> Refund | None:
    row = await connection.fetchrow(statements.refund_by_key, lane, key)
    return None if row is None else refund_of(row)


async def refunds_on_desk(connection: Connection, lane: int, some: Sequence[Refund]) -> set[str]:
    """The numbers of those that a person has not settled yet."""
    rows = await connection.fetch(
        statements.refunds_on_desk, lane, [r.desk_id for r in some], [r.refund_no for r in some]
    )
    return {row["refund_no"] for row in rows}


async def insert_refunds(connection: Connection, lane: int, at: datetime, some: Sequence[Refund]) -> None:
    await connection.execute(
        statements.insert_refunds, lane, at, [r.refund_id for r in some], [r.payment_id for r in some],
        [r.payable_id for r in some], [r.org_id for r in some], [r.channel_id for r in some],
        [r.request_key for r in some], [r.cause for r in some], [r.amount_e4 for r in some],
        [r.currency for r in some], [r.reason for r in some], [r.case_id for r in some], [r.origin for r in some],
    )  # fmt: skip


async def set_refunds(connection: Connection, lane: int, some: Sequence[Refund]) -> None:
    await connection.execute(
        statements.set_refunds, lane, [r.refund_id for r in some], [r.state.value for r in some],
        [r.tries for r in some], [r.provider_refund_no for r in some], [r.code for r in some],
        [r.sent_at for r in some], [r.ended_at for r in some], [r.transfer_id for r in some],
    )  # fmt: skip


# bonuses ---------------------------------------------------------------------------------------------------


async def every_bonus(connection: Connection, at: datetime) -> list[BonusRule]:
    return [BonusRule(*row) for row in await connection.fetch(statements.every_bonus, at)]


async def insert_bonus(connection: Connection, rule: BonusRule, *, made_by: int) -> int:
    number: int = await connection.fetchval(
        statements.insert_bonus, rule.from_e4, rule.give_e4, rule.give_ppm, rule.most_e4, rule.starts_at, rule.ends_at,
        made_by,
    )  # fmt: skip
    return number


async def end_bonus(connection: Connection, bonus_id: int, at: datetime) -> bool:
    return await connection.fetchval(statements.end_bonus, bonus_id, at) is not None
