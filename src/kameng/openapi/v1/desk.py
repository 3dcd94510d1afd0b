"""What an organisation asks of the platform's staff, and is told by it: withdrawals, and changes of its prices."""

from __future__ import annotations

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import UNSET

from kameng import finance, pricing
from kameng.finance import BadFinanceRequest, NoSuchWithdrawal, Payee, RequestReused, StepNotOpen, Withdrawal
from kameng.identity import Scope
from kameng.kit import clock, money
from kameng.ledger import InsufficientBalance
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import AnyRequest, answer, arrival_of, signed, spend
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.finance_model import (
    PriceChangeBody,
    PriceChangesAnswer,
    PriceChangesQuery,
    WithdrawalBody,
    WithdrawalsAnswer,
    WithdrawalsQuery,
    WithdrawalView,
)  # fmt: skip
from kameng.openapi.v1.reading import body_of, cursor_of, first_page, id_of, parse_cursor, query_of
from kameng.orders import ID_MAX

WITHDRAWAL_ID = {"withdrawal_id": "The withdrawal's id."}


@post(
    "/api/v1/withdrawals",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="askWithdrawal", tag="money", zh="申请提现", en="Ask for a withdrawal",
        text="Of your own money, never of a credit line. It is held on your wallet until it is paid or let go. "
        "The same `client_ref` with the same content is answered with the same withdrawal, as it stands.",
        scope=Scope.wallet_withdraw, write=True, body=WithdrawalBody, body_example=examples.WITHDRAWAL_BODY,
        refusals=(BadFinanceRequest, RequestReused, InsufficientBalance),
        replies=(Reply(200, WithdrawalView, "It stands, and its money is held.", examples.WITHDRAWAL),),
    ),
)  # fmt: skip
async def ask_withdrawal(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    sent = body_of(arrival.body, _decoder)
    await spend(arrival)
    parts, caller, payee = arrival.parts, arrival.caller, sent.payee
    asked = await finance.ask_withdrawal(
        parts.db, parts.snapshot.ring, caller.organisation, money.parse_e4(sent.amount), client_ref=sent.client_ref,
        payee=Payee(payee.method, payee.name, payee.account, payee.bank), terms=finance.terms_of(parts.settings),
        actor_id=caller.key.key_id,
    )  # fmt: skip
    return answer(arrival, _view(asked))


@get(
    "/api/v1/withdrawals",
    guards=[signed],
    opt=says(
        operation="listWithdrawals", tag="money", zh="提现列表", en="Your withdrawals",
        text="Newest first.", scope=Scope.balance_read, query=WithdrawalsQuery,
        replies=(Reply(200, WithdrawalsAnswer, "A page of withdrawals.", examples.WITHDRAWALS),),
    ),
)  # fmt: skip
async def list_withdrawals(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    query = query_of(arrival.query, WithdrawalsQuery)
    found = await finance.list_withdrawals(
        arrival.parts.db, org_id=arrival.caller.organisation.org_id,
        state=None if query.state is UNSET else query.state,
        before_id=ID_MAX if query.cursor is UNSET else parse_cursor(query.cursor), limit=query.limit + 1,
    )  # fmt: skip
    shown, next_cursor = first_page(found, query.limit, lambda one: one.withdrawal_id)
    return answer(arrival, WithdrawalsAnswer([_view(one) for one in shown], next_cursor))


@get(
    "/api/v1/withdrawals/{withdrawal_id:str}",
    guards=[signed],
    opt=says(
        operation="findWithdrawal", tag="money", zh="单笔提现", en="One withdrawal",
        scope=Scope.balance_read, path=WITHDRAWAL_ID, refusals=(NoSuchWithdrawal,),
        replies=(Reply(200, WithdrawalView, "As it stands.", examples.WITHDRAWAL),),
    ),
)  # fmt: skip
async def find_withdrawal(request: AnyRequest, withdrawal_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    found = await finance.find_withdrawal(arrival.parts.db, arrival.caller.organisation, _id(withdrawal_id))
    return answer(arrival, _view(found))


@post(
    "/api/v1/withdrawals/{withdrawal_id:str}/cancel",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="cancelWithdrawal", tag="money", zh="撤回提现", en="Take a withdrawal back",
        text="As long as it is not approved. Takes no body. Signed like a write.",
        scope=Scope.wallet_withdraw, write=True, path=WITHDRAWAL_ID, refusals=(NoSuchWithdrawal, StepNotOpen),
        replies=(Reply(200, WithdrawalView, "Its money is yours again.", examples.CANCELLED),),
    ),
)  # fmt: skip
async def cancel_withdrawal(request: AnyRequest, withdrawal_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    await spend(arrival)
    caller = arrival.caller
    done = await finance.cancel_withdrawal(
        arrival.parts.db, caller.organisation, _id(withdrawal_id), actor_id=caller.key.key_id
    )
    return answer(arrival, _view(done))


@get(
    "/api/v1/prices/changes",
    guards=[signed],
    opt=says(
        operation="listPriceChanges", tag="goods", zh="调价记录", en="Changes of your prices",
        text="Newest first: every change that moved what you pay. Your level counts as it is now. "
        "Who buys from an agent sees what he pays his agent, as far as the last 2,000 changes go that may concern him.",
        scope=Scope.catalogue_read, query=PriceChangesQuery,
        replies=(Reply(200, PriceChangesAnswer, "A page of changes.", examples.PRICE_CHANGES),),
    ),
)  # fmt: skip
async def list_price_changes(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    query = query_of(arrival.query, PriceChangesQuery)
    organisation = arrival.caller.organisation
    before_id = ID_MAX if query.cursor is UNSET else parse_cursor(query.cursor)
    chain = arrival.parts.snapshot.directory.chain_of(organisation).links
    if chain:  # the platform's prices are his seller's cost: they are followed down to his own
        buyer = pricing.Buyer(organisation.org_id, organisation.level, chain)
        page = await pricing.list_moves_below(arrival.parts.db, buyer, before_id=before_id, limit=query.limit)
    else:
        page = await pricing.list_moves(
            arrival.parts.db, org_id=organisation.org_id, level=organisation.level, before_id=before_id,
            limit=query.limit,
        )  # fmt: skip
    next_cursor = None if page.next_id is None else cursor_of(page.next_id)
    return answer(arrival, PriceChangesAnswer([_change(move) for move in page.moves], next_cursor))


_decoder = msgspec.json.Decoder(WithdrawalBody)


def _id(text: str) -> int:
    return id_of(text, NoSuchWithdrawal)


def _view(one: Withdrawal) -> WithdrawalView:
    return WithdrawalView(
        str(one.withdrawal_id), one.client_ref, money.format_e4(one.amount_e4), money.format_e4(one.fee_e4),
        one.currency, one.payee_shown, one.state.value, one.sequence, clock.rfc3339(one.requested_at),
        None if one.closed_at is None else clock.rfc3339(one.closed_at), one.note, one.external_ref,
    )  # fmt: skip


def _change(move: pricing.Move) -> PriceChangeBody:
    is_tier = move.why.startswith("tier:")
    before, after = (
        None if is_tier or price_e4 is None else money.format_e4(price_e4)
        for price_e4 in (move.before_e4, move.after_e4)
    )
    off = (move.before_e4, move.after_e4) if is_tier else (None, None)
    return PriceChangeBody(
        str(move.change_id), clock.rfc3339(move.at), str(move.sku_id), move.why, before, after, *off
    )
