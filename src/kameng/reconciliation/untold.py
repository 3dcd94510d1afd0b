"""What a protocol's bill has no word for: fees as they were reckoned, refunds as their provider's answers said.

Of epay's list of orders nothing better is to be had. Left out, each would be a difference: a fee that was not taken,
money given back that no bill has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby

import msgspec

from kameng import channels, payments
from kameng.channels import BillLine, NoticeKind
from kameng.kit import ids
from kameng.kit.db import Connection
from kameng.kit.money import MINOR_E4
from kameng.reconciliation.model import Channel, start_of
from kameng.reconciliation.store import statements


async def complete(
    connection: Connection, numbers: Sequence[int], channel: Channel, found: channels.Bill
) -> channels.Bill:
    """The bill, and what it can't tell of payments and refunds of ours; as it came if it tells both."""
    lines = list(found.lines)
    if not found.tells_fees:
        lines = await _with_fees(connection, numbers, channel, lines)
    if not found.tells_refunds:
        lines += await _refunds(connection, numbers, channel, found)
    return msgspec.structs.replace(found, lines=lines)


async def _with_fees(
    connection: Connection, numbers: Sequence[int], channel: Channel, lines: Sequence[BillLine]
) -> list[BillLine]:
    named = [payments.id_of_number(one.payment_no) for one in lines if one.kind is NoticeKind.payment]
    fees: dict[int, int] = {}
    for lane, some in groupby(sorted((n for n in named if n is not None), key=ids.lane_of), key=ids.lane_of):
        if lane in numbers:
            fees |= dict(await connection.fetch(statements.reckoned_fees, lane, channel.channel_id, list(some)))
    return [_with_fee(one, fees) for one in lines]


def _with_fee(line: BillLine, fees: Mapping[int, int]) -> BillLine:
    fee_e4 = fees.get(payments.id_of_number(line.payment_no) or 0, 0)
    if line.kind is not NoticeKind.payment or not fee_e4:
        return line
    return msgspec.structs.replace(line, fee_minor=round(fee_e4 / MINOR_E4))


async def _refunds(
    connection: Connection, numbers: Sequence[int], channel: Channel, found: channels.Bill
) -> list[BillLine]:
    since, until = start_of(found.day), start_of(found.day + timedelta(days=1))
    return [
        BillLine(
            kind=NoticeKind.refund, payment_no=payments.number_of(row["payment_id"]),
            refund_no=payments.refund_number_of(row["refund_id"]), amount_minor=row["amount_e4"] // MINOR_E4,
            at=row["ended_at"], state="answered",
        )
        for lane in numbers
        for row in await connection.fetch(statements.done_refunds, lane, channel.channel_id, since, until)
    ]  # fmt: skip
