"""What the demo's reconciliation desk has to show: a bill of yesterday, most of which agrees, and some does not."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from kameng import channels, finance, identity, payments, reconciliation
from kameng.channels import BillLine, Method, NoticeKind, Scene
from kameng.identity import Organisation
from kameng.kit import clock, ids, settings
from kameng.ops import demo_paying, seeding
from kameng.ops.opening import Platform
from kameng.payments import Fact, Payer, Payment, Told

YUAN_MINOR = 100
AGREEING, FEE_APART, MORE, UNTOLD = 200, 100, 80, 50
"""Recharges in yuan: one that agrees, one with another fee, one of which the bill says more, one nobody told of."""
STRANGE_YUAN = 30
AWAY = timedelta(days=1)


async def fill(platform: Platform, org_id: int) -> None:
    """Once: recharges of an organisation through the demo's first channel, and their bill."""
    every = (await reconciliation.channels(platform.db)).values()
    channel = next(one for one in every if one.name == demo_paying.ACCOUNTS[0][1])
    day = clock.china_day() - AWAY
    if await reconciliation.days(platform.db, day, day, channel_id=channel.channel_id):
        return
    async with platform.db.connection() as connection:
        organisation = await identity.find_organisation(connection, org_id)
    assert organisation is not None
    noon = datetime.combine(day, time(12), clock.CHINA)
    cashier = payments.Cashier(platform.db, platform.ring, public_url=settings.base_url(platform.settings))
    try:
        lines = await _lines(cashier, organisation, noon, channel.channel_id)
    finally:
        await cashier.close()
    async with platform.db.transaction() as connection:
        numbers = [payments.id_of_number(one.payment_no) for one in lines]
        await connection.execute(
            seeding.statements.age_payments, organisation.lane, [n for n in numbers if n is not None], AWAY.days
        )
    await reconciliation.keep(platform.db, channel, channels.Bill(day=day, lines=lines))
    large_e4 = finance.terms_of(platform.settings).adjustment_limit_e4
    await reconciliation.match(platform.db, channel, day, large_e4=large_e4)


async def _lines(
    cashier: payments.Cashier, organisation: Organisation, noon: datetime, channel_id: int
) -> list[BillLine]:
    """What the provider says; of all but one, we were told too."""
    told = [await _begun(cashier, organisation, yuan, channel_id) for yuan in (AGREEING, FEE_APART, MORE, UNTOLD)]
    for minute, payment in enumerate(told[:-1]):
        fact = Fact(
            payment_id=payment.payment_id, channel_id=payment.channel_id, state=channels.State.paid,
            amount_e4=payment.amount_e4, currency=payment.currency, provider_no=_provider_no(noon, minute),
            paid_at=noon + timedelta(minutes=minute),
        )  # fmt: skip
        lane = ids.lane_of(payment.payment_id)
        await cashier.notices.submit(lane, Told(channel_id=payment.channel_id, fact=fact))
    fees = [payment.fee_e4 // 100 for payment in told]
    fees[1] += 20
    amounts = [payment.amount_e4 // 100 for payment in told]
    amounts[2] += YUAN_MINOR // 2
    numbers = [payment.payment_no for payment in told]
    return [
        BillLine(
            kind=NoticeKind.payment, payment_no=number, provider_no=_provider_no(noon, minute), amount_minor=amount,
            fee_minor=fee, at=noon + timedelta(minutes=minute),
        )
        for minute, (number, amount, fee) in enumerate(
            zip([*numbers, f"YK{noon:%Y%m%d}000918"], [*amounts, STRANGE_YUAN * YUAN_MINOR], [*fees, 18], strict=True)
        )
    ]  # fmt: skip


async def _begun(cashier: payments.Cashier, organisation: Organisation, yuan: int, channel_id: int) -> Payment:
    begun = await payments.begin_recharge(
        cashier, organisation, yuan * 10_000, client_ref=f"DEMO-BILL-{yuan}", method=Method.wechat, scene=Scene.qr,
        payer=Payer(channel_id=channel_id),
    )  # fmt: skip
    return begun.payment


def _provider_no(noon: datetime, minute: int) -> str:
    return f"42000024{minute:02}{noon:%Y%m%d}{minute:012}"
