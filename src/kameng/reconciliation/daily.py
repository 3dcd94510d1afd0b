"""The round made by the clock: bills asked for each morning until they are there, matched, their days closed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from kameng import channels, payments
from kameng.kit import clock, logs
from kameng.kit.db import Database
from kameng.kit.errors import Refusal
from kameng.reconciliation import fetching, matching, reporting, resolving, store
from kameng.reconciliation.model import ASKED_FOR_DAYS, ASKED_FROM_HOUR, BillState, Channel

log = logs.get_logger(__name__)

Adapters = Callable[[int], Awaitable[channels.Channel | None]]


async def make_round(db: Database, adapters: Adapters, *, large_e4: int) -> None:
    """Whatever is due now, channel by channel; what fails for one is left for the next round, and stops no other."""
    for channel in (await reporting.channels(db)).values():
        if not channels.PROTOCOLS[channel.protocol].bills:
            continue
        try:
            await _of_channel(db, channel, adapters, large_e4=large_e4)
        except (Refusal, OSError) as error:
            log.warning("a channel's bills are left for the next round", channel=channel.name, error=error)


async def _of_channel(db: Database, channel: Channel, adapters: Adapters, *, large_e4: int) -> None:
    today, at = clock.china_day(), clock.now()
    async with db.connection() as connection:
        since = today - timedelta(days=ASKED_FOR_DAYS)
        bills = {bill.day: bill for bill in await store.read_bills(connection, since, today, channel.channel_id)}
    first = min(bills, default=today - timedelta(days=1))
    for back in range(ASKED_FOR_DAYS, 0, -1):
        day = today - timedelta(days=back)
        bill = bills.get(day)
        if day < first or (bill is None and not _is_morning_over(at, back)):
            continue
        if bill is None or (bill.state is BillState.waiting and bill.next_at <= at):
            adapter = await adapters(channel.channel_id)
            if adapter is None:
                return
            bill = await fetching.fetch(db, channel, day, adapter)
        if bill.state is BillState.fetched:
            await matching.match(db, channel, day, large_e4=large_e4)
    await matching.close(db, channel, large_e4=large_e4)
    await resolving.clear(db, channel)


def _is_morning_over(at: datetime, back: int) -> bool:
    return back > 1 or at.astimezone(clock.CHINA).hour >= ASKED_FROM_HOUR


def booker(cashier: payments.Cashier) -> resolving.BookPayment:
    """Payments' own verb, for ``book``."""

    async def book(payment_id: int, amount_e4: int, provider_no: str, reason: str, actor_id: int) -> str:
        return await payments.confirm_payment(
            cashier, payment_id, amount_e4=amount_e4, provider_no=provider_no or f"bill:{payment_id}", reason=reason,
            actor_id=actor_id,
        )  # fmt: skip

    return book
