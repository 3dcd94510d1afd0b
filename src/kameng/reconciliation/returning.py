"""A difference's money back to where it came from: money that the provider has and nobody here knows, or has twice.

The payer gets what he paid, so what the provider kept of it is a fee of ours. The refund is payments' own, tried under
one number until it is there or a person's; only then is the difference resolved, and its suspense empty.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kameng import payments
from kameng.kit import clock, ids
from kameng.kit.db import Connection
from kameng.ledger import Leg
from kameng.payments import Origin, Refund, RefundState
from kameng.reconciliation import store
from kameng.reconciliation.errors import BadReconciliation
from kameng.reconciliation.matching import Accounts, between
from kameng.reconciliation.model import Act, Case, CaseState, Kind, Line


async def legs_of(connection: Connection, case: Case, accounts: Accounts) -> list[Leg]:
    """So that all of what was paid lies in suspense. Refused for what no provider could give back."""
    _, gross_e4 = await _line_of(connection, case)
    return between(
        f"bill_case:{case.case_id}:refund", accounts.fee, accounts.suspense, gross_e4 - case.suspense_e4, "bill_fee",
        case.case_id,
    )  # fmt: skip


async def begin(connection: Connection, case: Case) -> Case:
    """The refund that its provider is asked for from now on; under the gate."""
    line, gross_e4 = await _line_of(connection, case)
    refund = await payments.return_to_origin(
        connection, ids.lane_of(case.case_id), case_id=case.case_id, channel_id=case.channel_id,
        currency=case.currency, amount_e4=gross_e4, reason=case.reason,
        origin=Origin(line.payment_no, line.provider_no, line.amount_e4, line.at),
    )  # fmt: skip
    return msgspec.structs.replace(case, state=CaseState.returning, detail={"refund_id": str(refund.refund_id)})


async def _line_of(connection: Connection, case: Case) -> tuple[Line, int]:
    """The bill's line, and what was paid of it beyond our books, its fee included."""
    line = await store.read_line(connection, ids.lane_of(case.case_id), case.channel_id, case.day, case.line_key)
    if line is None or case.line_kind != "payment" or not (line.payment_no or line.provider_no):
        raise BadReconciliation(
            "act: the bill names no payment to give back", field="act", detail_zh="处理方式：账单中没有可退的交易"
        )
    gross_e4 = line.amount_e4 - (case.book_e4 if case.kind is Kind.amount else 0)
    if gross_e4 <= 0:
        raise BadReconciliation(
            "act: nothing more was paid", field="act", detail_zh="处理方式：渠道没有多收的款项"
        )  # fmt: skip
    return line, gross_e4


async def ended(connection: Connection, lane: int, cases: Sequence[Case]) -> list[Case]:
    """Of differences whose money is on its way back, those where it is there; resolved. By a person's word too."""
    going = {one.case_id: one for one in cases if one.state is CaseState.returning}
    if not going:
        return []
    refunds = await payments.refunds_of_cases(connection, lane, list(going))
    return [_resolved(one, refunds[number]) for number, one in going.items() if _is_there(refunds.get(number))]


def _is_there(refund: Refund | None) -> bool:
    return refund is not None and (refund.state is RefundState.done or refund.hand_no is not None)


def _resolved(case: Case, refund: Refund) -> Case:
    detail = dict(case.detail or {}) | ({"reference": refund.hand_no} if refund.hand_no else {})
    return msgspec.structs.replace(
        case, state=CaseState.resolved, act=Act.refund, resolved_at=refund.ended_at or clock.now(), detail=detail,
        transfer_id=refund.transfer_id,
    )  # fmt: skip
