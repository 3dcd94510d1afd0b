"""The money of payments: which transfers bring it in, set it aside and give it back. Pure.

    channel ──channel_payment──► clearing ──► what it pays: an order's sale, a wallet's recharge
    channel_fee ──channel_fee──► channel            what the provider keeps of it
    clearing ──collection──► wallet, ──collection_fee──► fees      what came for somebody's own shop
    clearing ──stray_payment──► suspense ──channel_refund──► channel       what goes back to its origin

A channel's account shows what its provider still has of ours. An order's own transfers are orders' matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from kameng import ledger
from kameng.ledger import CHANNEL, CHANNEL_FEE, Account, Books, House, NewTransfer, Result, house_account
from kameng.payments.deciding import SET_ASIDE, Plan, View
from kameng.payments.model import INTO_WALLET, Fact, Payable, Payment, Refund, RefundState, TakenAs

IDS_EACH = 4
"""Transfers that one payment or refund makes at most here."""
STANDS = (Result.created, Result.exists)


def accounts_needed(view: View, plan: Plan) -> tuple[list[int], list[tuple[int, str]]]:
    """House accounts and wallets, and the channels and currencies of others."""
    payments = [view.payments[payment_id] for payment_id in plan.booked]
    refunds = [view.refunds[refund_id] for refund_id in plan.refunds]
    channels = {(one.channel_id, one.currency) for one in payments}
    channels |= {(one.channel_id, one.currency) for one in refunds}
    currencies = {currency for _, currency in channels}
    houses = (House.clearing, House.suspense, House.cashback, House.fees)
    wallets = {payment.org_id for payment in payments if payment.taken_as in INTO_WALLET}
    numbers = [house_account(house, currency) for house in houses for currency in currencies]
    return [*numbers, *sorted(wallets)], sorted(channels)


def post(
    view: View, plan: Plan, books: Books, channels: Mapping[tuple[int, str], Account], fresh: Iterator[int],
    facts: Mapping[int, Fact],
) -> None:  # fmt: skip
    """Everything that a plan moves, but for what orders move themselves."""
    for payment_id in plan.booked:
        payment = view.payments[payment_id]
        transfer_id = _come_in(books, payment, channels, fresh)
        payment = msgspec.structs.replace(payment, transfer_id=transfer_id)
        payable = view.payables[payment.payable_id]
        if payment.taken_as in INTO_WALLET and not _credit(books, payable, fresh):
            payment = msgspec.structs.replace(payment, taken_as=TakenAs.mismatch)  # the wallet is closed
            plan.desk.append((SET_ASIDE, payment_id, facts[payment_id]))
        if payment.taken_as in (TakenAs.mismatch, TakenAs.late, TakenAs.double):
            _set_aside(books, payment, fresh)
        view.payments[payment_id] = payment
    for refund_id, before in plan.refunds.items():
        refund = view.refunds[refund_id]
        if refund.state is RefundState.done and before is not RefundState.done:
            view.refunds[refund_id] = _go_back(books, refund, channels, fresh)


def _come_in(books: Books, payment: Payment, channels: Mapping[tuple[int, str], Account], fresh: Iterator[int]) -> int:
    assert payment.paid_e4 is not None
    channel = channels[payment.channel_id, CHANNEL].account_id
    clearing = house_account(House.clearing, payment.currency)
    transfer_id = next(fresh)
    _must(books, NewTransfer(transfer_id, channel, clearing, payment.paid_e4, "channel_payment", payment.payment_id))
    if payment.fee_e4:
        keeps = channels[payment.channel_id, CHANNEL_FEE].account_id
        _must(books, NewTransfer(next(fresh), keeps, channel, payment.fee_e4, "channel_fee", payment.payment_id))
    return transfer_id


def _credit(books: Books, payable: Payable, fresh: Iterator[int]) -> bool:
    """A recharge with its bonus, a collection with what the house keeps of it: both or neither."""
    clearing, net_e4 = house_account(House.clearing, payable.currency), payable.amount_e4 - payable.fee_e4
    chain = [NewTransfer(next(fresh), clearing, payable.org_id, net_e4, payable.kind.value, payable.payable_id)]
    if payable.fee_e4:
        fees = house_account(House.fees, payable.currency)
        chain.append(NewTransfer(next(fresh), clearing, fees, payable.fee_e4, "collection_fee", payable.payable_id))
    if payable.bonus_e4:
        giver = house_account(House.cashback, payable.currency)
        chain.append(NewTransfer(next(fresh), giver, payable.org_id, payable.bonus_e4, "bonus", payable.payable_id))
    return all(result in STANDS for result in books.post_linked(chain))


def _set_aside(books: Books, payment: Payment, fresh: Iterator[int]) -> None:
    assert payment.paid_e4 is not None
    clearing, suspense = (house_account(house, payment.currency) for house in (House.clearing, House.suspense))
    new = NewTransfer(next(fresh), clearing, suspense, payment.paid_e4, "stray_payment", payment.payment_id)
    _must(books, new)


def _go_back(books: Books, refund: Refund, channels: Mapping[tuple[int, str], Account], fresh: Iterator[int]) -> Refund:
    suspense = house_account(House.suspense, refund.currency)
    channel = channels[refund.channel_id, CHANNEL].account_id
    transfer_id = next(fresh)
    _must(books, NewTransfer(transfer_id, suspense, channel, refund.amount_e4, "channel_refund", refund.subject_id))
    return msgspec.structs.replace(refund, transfer_id=transfer_id)


def _must(books: Books, new: NewTransfer) -> None:
    """Between accounts of the house, which may turn either way."""
    result = books.post(new)
    if result not in STANDS:
        raise ledger.LedgerRefused(result.value, detail_zh=result.zh)
