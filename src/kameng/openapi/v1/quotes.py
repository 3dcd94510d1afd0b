"""Quotes: what an order would cost now, and how that came about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from litestar import Response, post

from kameng import catalogue
from kameng.identity import Scope
from kameng.kit import money
from kameng.kit.errors import Refusal
from kameng.openapi.problems import problem_of
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import AnyRequest, Arrival, answer, arrival_of, signed
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.goods import sku_named
from kameng.openapi.v1.model import (
    QUOTES_MAX,
    QuoteAnswer,
    QuoteBodies,
    QuoteBody,
    QuoteRow,
    QuotesAnswer,
    StepBody,
)  # fmt: skip
from kameng.openapi.v1.reading import body_of
from kameng.orders import BadQuantity, NotOnSale, ShopClosed
from kameng.pricing import BelowCost, Step, steps_of


@post(
    "/api/v1/quotes",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="askQuotes", tag="goods", zh="询价", en="Ask for prices",
        text=f"One `{{sku, quantity}}`, or a list of at most {QUOTES_MAX}, each answered on its own. "
        "Changes nothing, so it is signed like a read (±30 s).",
        scope=Scope.catalogue_read, body=QuoteBody | QuoteBodies, body_example=examples.QUOTE_BODY,
        refusals=(catalogue.UnknownSku, NotOnSale, BadQuantity, BelowCost, ShopClosed),
        replies=(Reply(200, (QuoteAnswer, QuotesAnswer), "The price now, and how it came about.", examples.QUOTE),),
    ),
)  # fmt: skip
async def ask_quotes(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    sent = body_of(arrival.body, _quotes_decoder)
    if isinstance(sent, QuoteBody):
        return answer(arrival, _quoted(arrival, sent))
    return answer(arrival, QuotesAnswer(list(_rows(arrival, sent))))


_quotes_decoder: msgspec.json.Decoder[QuoteBody | list[QuoteBody]] = msgspec.json.Decoder(QuoteBody | QuoteBodies)


def _quoted(arrival: Arrival, sent: QuoteBody) -> QuoteAnswer:
    """The price, or the refusal that an order of this would meet."""
    snapshot, organisation = arrival.parts.snapshot, arrival.caller.organisation
    sku = sku_named(snapshot, sent.sku)
    if not sku.on_sale:
        raise NotOnSale(field="sku")
    if not sku.allows(sent.quantity):
        raise BadQuantity(sku.allowed_quantities, field="quantity", detail_zh=sku.allowed_quantities_zh)
    quote = snapshot.quote(organisation, sku, sent.quantity)
    if not snapshot.directory.chain_of(organisation).is_open:
        raise ShopClosed(field="sku")
    if quote.below_cost:
        raise BelowCost(field="sku")
    return QuoteAnswer(
        sent.sku, sent.quantity, organisation.currency, money.format_e4(quote.unit_price_e4),
        money.format_e4(quote.unit_price_e4 * sent.quantity), steps_shown(steps_of(quote.trace)),
    )  # fmt: skip


def steps_shown(steps: Iterable[Step]) -> list[StepBody]:
    return [StepBody(step.rule, money.format_e4(step.unit_price_e4)) for step in steps]


def _rows(arrival: Arrival, sent: list[QuoteBody]) -> Iterator[QuoteRow]:
    for index, body in enumerate(sent):
        try:
            yield QuoteRow(index, 200, quote=_quoted(arrival, body))
        except Refusal as refusal:
            yield QuoteRow(index, refusal.status, problem=problem_of(refusal))
