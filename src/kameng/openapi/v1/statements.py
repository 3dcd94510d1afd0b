"""The caller's statements: what moved on the wallet by day, product or customer, as JSON or as a file for Excel."""

from __future__ import annotations

from datetime import date

from litestar import Response, get
from litestar.response import Stream
from msgspec import UNSET, UnsetType

from kameng import finance
from kameng.finance import BadFinanceRequest, Entry, Period, Section, Sums
from kameng.identity import Scope
from kameng.kit import clock, money
from kameng.openapi.errors import BadRequest
from kameng.openapi.intake import rate_headers
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import AnyRequest, Arrival, answer, arrival_of, signed
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.finance_model import (
    EntryBody,
    SectionBody,
    StatementsAnswer,
    StatementsFileQuery,
    StatementsQuery,
)
from kameng.openapi.v1.reading import query_of

CSV = "text/csv"


@get(
    "/api/v1/statements",
    guards=[signed],
    opt=says(
        operation="showStatements", tag="money", zh="对账单", en="Statements in sums",
        text="What moved on your wallet, added up by day, product or customer. Days are China's (UTC+8). "
        "Without dates: today so far.",
        scope=Scope.balance_read, query=StatementsQuery, refusals=(BadFinanceRequest,),
        replies=(Reply(200, StatementsAnswer, "Sections and their totals.", examples.STATEMENTS),),
    ),
)  # fmt: skip
async def show_statements(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    return answer(arrival, await _statement(arrival, query_of(arrival.query, StatementsQuery)))


@get(
    "/api/v1/statements.csv",
    guards=[signed],
    opt=says(
        operation="downloadStatements", tag="money", zh="下载对账单", en="Statements as a file",
        text="The same as CSV for Excel (UTF-8 with BOM), and line by line; sent as it is made, of any length.",
        scope=Scope.balance_read, query=StatementsFileQuery, refusals=(BadFinanceRequest,),
        replies=(Reply(200, str, "A CSV file.", examples.STATEMENTS_CSV, media_type=f"{CSV}; charset=utf-8"),),
    ),
)  # fmt: skip
async def show_statements_csv(request: AnyRequest) -> Stream:
    arrival = arrival_of(request)
    query = query_of(arrival.query, StatementsFileQuery)
    organisation, db = arrival.caller.organisation, arrival.parts.db
    period = _period(query.first, query.last)
    opening_e4 = await finance.opening_balance(db, period, organisation=organisation, currency=organisation.currency)
    found = finance.sections(db, period, query.by, organisation=organisation, currency=organisation.currency)
    name = f"statement-{query.by}-{period.first}-{period.last}.csv"
    headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{name}"'}
    for header, value in rate_headers(arrival.parts.authenticator, arrival.caller.key):
        headers[header.decode()] = value.decode()
    return Stream(finance.csv_of(found, opening_e4), media_type=CSV, headers=headers)


async def _statement(arrival: Arrival, query: StatementsQuery) -> StatementsAnswer:
    organisation, db = arrival.caller.organisation, arrival.parts.db
    period = _period(query.first, query.last)
    opening_e4 = await finance.opening_balance(db, period, organisation=organisation, currency=organisation.currency)
    sums, shown = Sums(opening_e4), []
    async for section in finance.sections(
        db, period, query.by, organisation=organisation, currency=organisation.currency
    ):
        sums.add(section)
        shown.append(_section(section))
    return StatementsAnswer(
        organisation.currency, query.by, str(period.first), str(period.last), period.is_final, shown,
        *map(money.format_e4, (sums.opening_e4, sums.in_e4, sums.refunded_e4, sums.out_e4, sums.closing_e4)),
    )  # fmt: skip


def _period(first: str | UnsetType, last: str | UnsetType) -> Period:
    until = clock.china_day() if last is UNSET else _day(last, "to")
    return finance.period_of(until if first is UNSET else _day(first, "from"), until)


def _day(text: str | UnsetType, field: str) -> date:
    assert isinstance(text, str)
    try:
        return finance.day_of(text)
    except ValueError:
        raise BadRequest("not a day", field=field, detail_zh="不是有效日期") from None


def _section(section: Section) -> SectionBody:
    balances = (section.opening_e4, section.closing_e4)
    opening, closing = (None if balance_e4 is None else money.format_e4(balance_e4) for balance_e4 in balances)
    return SectionBody(section.key, section.name, [_entry(entry) for entry in section.entries], opening, closing)


def _entry(entry: Entry) -> EntryBody:
    came, back = (0, entry.in_e4) if entry.is_refund else (entry.in_e4, 0)
    return EntryBody(entry.code, entry.count, *map(money.format_e4, (came, back, entry.out_e4)))
