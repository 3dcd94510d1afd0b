"""Hearing providers: a request is proved by its channel's own adapter, taken in its lane's batch, then answered.
When more come than can be taken soon they are set down first (``deferring``)."""

from __future__ import annotations

import hashlib
from ipaddress import ip_network

import msgspec

from kameng import channels
from kameng.channels import Ack, BadNotice, Incoming, Notice, NoticeKind
from kameng.kit import ids, logs, metrics
from kameng.kit.money import MINOR_E4
from kameng.kit.proxies import undressed
from kameng.payments.cashier import Cashier
from kameng.payments.errors import NoSuchChannel
from kameng.payments.looking import ask_back
from kameng.payments.messages import message_of
from kameng.payments.model import Fact, RefundFact, Told, id_of_number

EVENT_CHARS_MAX = 200
WAITING_MAX = 5_000
"""Notices that neither had their effect nor were set down: where the inbox is full or can't be written. Providers wait
some five seconds for an answer: beyond what is done in that time they hear at once that they are to tell it again,
instead of never and all the same again."""
log = logs.get_logger(__name__)


async def hear(cashier: Cashier, channel_id: int, incoming: Incoming, *, address: str) -> Ack:
    """What to answer. What its own effect did not follow is answered so that it comes again.

    ``NoSuchChannel`` if nobody listens there.
    """
    cashier.inbox.hearing += 1
    try:
        return await _hear(cashier, channel_id, incoming, address=address)
    finally:
        cashier.inbox.hearing -= 1


async def _hear(cashier: Cashier, channel_id: int, incoming: Incoming, *, address: str) -> Ack:
    adapter = await cashier.channels.adapter(channel_id)
    account = cashier.channels.accounts.get(channel_id)
    if adapter is None or account is None:
        raise NoSuchChannel
    if account.notify_from and not _is_from(address, account.notify_from):
        metrics.payment_notices.labels("other_address").inc()
        log.warning("a notice came from another address than this channel's", channel_id=channel_id, address=address)
        return adapter.acknowledge(is_taken=False)
    if cashier.inbox.waiting >= WAITING_MAX:
        metrics.payment_notices.labels("busy").inc()
        return adapter.acknowledge(is_taken=False)
    try:
        notice = await adapter.parse_notice(incoming)
    except BadNotice as error:
        metrics.payment_notices.labels("probe" if error.is_probe else "bad").inc()
        if not error.is_probe:
            log.warning("a notice proves nothing", channel_id=channel_id, reason=str(error)[:200])
        return adapter.acknowledge(is_taken=False)
    try:
        lane, told = await _lane_of(cashier, notice), _told(channel_id, notice)
        proved = await ask_back(cashier, lane, told) if channels.PROTOCOLS[account.protocol].needs_query else told
        if proved is None:
            metrics.payment_notices.labels("not_confirmed").inc()
            log.warning("a notice was not confirmed by its provider", channel_id=channel_id)
            return adapter.acknowledge(is_taken=False)
        if not cashier.knows(proved):
            proved = msgspec.structs.replace(proved, said=message_of(incoming))
        effect = await cashier.take_once(lane, proved)
    except Exception as error:
        metrics.payment_notices.labels("not_taken").inc()
        log.error("a notice was not taken", error=error, channel_id=channel_id)
        return adapter.acknowledge(is_taken=False)
    metrics.payment_notices.labels(effect).inc()
    return adapter.acknowledge(is_taken=True)


def _is_from(address: str, networks: tuple[str, ...]) -> bool:
    try:
        ip = undressed(address)
    except ValueError:
        return False
    return any(ip in ip_network(network) for network in networks)


async def _lane_of(cashier: Cashier, notice: Notice) -> int:
    """Where the payment lies that it names; what names none of ours is kept in the first lane."""
    number = id_of_number(notice.refund_no or notice.payment_no)
    lane = 0 if number is None else ids.lane_of(number)
    return lane if lane in await cashier.lane_numbers() else 0


def _told(channel_id: int, notice: Notice) -> Told:
    event_id = notice.event_id
    if not event_id or len(event_id) > EVENT_CHARS_MAX:
        event_id = hashlib.sha256(event_id.encode() or repr(notice).encode()).hexdigest()
    return Told(channel_id=channel_id, fact=_fact(channel_id, notice), event_id=event_id)


def _fact(channel_id: int, notice: Notice) -> Fact | RefundFact | None:
    amount_e4 = None if notice.amount_minor is None else notice.amount_minor * MINOR_E4
    if notice.kind is NoticeKind.payment:
        return Fact(
            payment_id=id_of_number(notice.payment_no) or 0, channel_id=channel_id, state=notice.state,
            amount_e4=amount_e4, currency=notice.currency, account_no=notice.account_no,
            provider_no=notice.provider_no, paid_at=notice.paid_at,
        )  # fmt: skip
    if notice.kind is NoticeKind.refund and notice.refund_state is not channels.RefundState.unknown:
        return RefundFact(
            refund_id=id_of_number(notice.refund_no) or 0, channel_id=channel_id, state=notice.refund_state,
            amount_e4=amount_e4,
        )  # fmt: skip
    return None
