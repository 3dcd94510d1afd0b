"""The caller's wallet: what is in it, and every line that led there."""

from __future__ import annotations

from litestar import Response, get
from msgspec import UNSET

from kameng import ledger
from kameng.identity import Scope
from kameng.kit import clock, money
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import AnyRequest, Arrival, answer, arrival_of, signed
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.model import BalanceAnswer, LineBody, StatementAnswer, StatementQuery
from kameng.openapi.v1.reading import first_page, parse_cursor, query_of
from kameng.orders import ID_MAX


@get(
    "/api/v1/balance",
    guards=[signed],
    opt=says(
        operation="showBalance", tag="money", zh="查询余额", en="The balance",
        scope=Scope.balance_read, replies=(Reply(200, BalanceAnswer, "What your wallet holds.", examples.BALANCE),),
    ),
)  # fmt: skip
async def show_balance(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    return answer(arrival, await _balance(arrival))


@get(
    "/api/v1/statement",
    guards=[signed],
    opt=says(
        operation="listStatement", tag="money", zh="资金明细", en="The statement",
        text="Every line of your wallet with the balance after it, newest first.",
        scope=Scope.balance_read, query=StatementQuery,
        replies=(Reply(200, StatementAnswer, "A page of lines.", examples.STATEMENT),),
    ),
)  # fmt: skip
async def list_statement(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    return answer(arrival, await _lines(arrival, query_of(arrival.query, StatementQuery)))


async def _balance(arrival: Arrival) -> BalanceAnswer:
    organisation = arrival.caller.organisation
    async with arrival.parts.db.connection() as connection:
        wallet = (await ledger.read_accounts(connection, organisation.lane, [organisation.org_id]))[0]
    amounts = (wallet.posted_e4, wallet.held_e4, wallet.credit_line_e4, wallet.available_e4)
    return BalanceAnswer(wallet.currency, *map(money.format_e4, amounts))


async def _lines(arrival: Arrival, query: StatementQuery) -> StatementAnswer:
    organisation = arrival.caller.organisation
    before_id = ID_MAX if query.cursor is UNSET else parse_cursor(query.cursor)
    async with arrival.parts.db.connection() as connection:
        lines = await ledger.read_statement(
            connection, organisation.lane, organisation.org_id, before_id=before_id, limit=query.limit + 1
        )
    shown, next_cursor = first_page(lines, query.limit, lambda line: line.transfer_id)
    return StatementAnswer(organisation.currency, [_line(line) for line in shown], next_cursor)


def _line(line: ledger.StatementLine) -> LineBody:
    return LineBody(
        str(line.transfer_id), clock.rfc3339(line.at), line.kind, line.code, str(line.subject_id),
        money.format_e4(line.amount_e4), money.format_e4(line.balance_after_e4),
    )  # fmt: skip
