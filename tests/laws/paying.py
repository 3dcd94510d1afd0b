"""Payments in the life of a small platform, for the audit: one of each kind, through a bank on loopback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec

from kameng import epay, identity, ledger, orders, payments, reconciliation
from kameng.channels import Bill, BillLine, Method, NoticeKind, Scene
from kameng.channels.epay.signing import md5_sign
from kameng.kit import clock, ids, switches
from kameng.kit.working import Limits, Worker
from kameng.notices import Policy, Sender
from kameng.orders import ShownOrder
from kameng.payments import Cashier, Payer
from laws.world import Gateway, Merchant, World
from payments.bank import PROTOCOL, Bank, open_bank

Paid = Callable[[payments.Payment], Awaitable[None]]


async def pay_through_channels(world: World, merchant: Merchant) -> None:
    """A recharge with its bonus, paid twice and given back once; one that is open; an order half from a wallet; what
    the merchant's own shop collects, and gives back in part; and the bill of the day before, with payments that nobody
    knows, one of them on its way back."""
    cashier = Cashier(
        world.db, world.ring, public_url="https://kameng.test", reach=Policy.of("on", ["127.0.0.0/8"])
    )
    organisation = merchant.caller.organisation
    async with open_bank() as bank, world.gateway() as gateway:
        channel_id = await payments.add_channel(
            world.db, world.ring, protocol=PROTOCOL, name="loopback", account_no="M-1", fee_ppm=6000,
            credentials={"base": bank.base, "secret": bank.secret}, actor_id=7,
        )  # fmt: skip
        await payments.switch_channel(world.db, channel_id, on=True, reason="open", actor_id=7)
        await payments.add_bonus(world.db, from_e4=1_000_000, give_e4=50_000, actor_id=7)

        async def paid(payment: payments.Payment) -> None:
            bank.pay(payment.payment_no)
            ack = await payments.hear(cashier, channel_id, bank.notice(payment.payment_no), address="127.0.0.1")
            assert ack.status == 200

        async def recharge(ref: str, method: Method) -> payments.Payment:
            begun = await payments.begin_recharge(
                cashier, organisation, 1_000_000, client_ref=ref, method=method, scene=Scene.qr, payer=Payer()
            )
            return begun.payment

        first, second = await recharge("RC-1", Method.wechat), await recharge("RC-1", Method.alipay)
        for one in (first, second):
            await paid(one)
        await recharge("RC-2", Method.wechat)
        wish = await gateway.wish(merchant.caller, "by-channel", world.phone, phone="13712345678")
        order = await orders.await_payment(gateway.snapshot, wish)
        assert isinstance(order, ShownOrder)
        begun = await payments.begin_order(
            cashier, organisation, order.order_id, method=Method.wechat, scene=Scene.qr, payer=Payer(),
            wallet_e4=6_500,
        )  # fmt: skip
        await paid(begun.payment)
        await _collect(world, merchant, cashier, paid)
        every = [*payments.handlers(cashier), *epay.handlers(world.db, world.ring, Sender(Policy()))]
        kinds = (orders.ORIGIN_JOB, "payments.refund", payments.COLLECTED_JOB)
        handlers = [one for one in every if one.kind in kinds]
        worker = Worker(world.db, handlers, lanes=world.lanes, limits=Limits(attempts_max=1))
        while await worker.work_once():
            pass
        assert (await payments.find_payment(cashier, second.payment_id)).state == "refunded"
        await _pay_an_agent(world, gateway, cashier, bank)
    await cashier.close()
    await _bill_a_stranger(world, channel_id)


async def _tell_again_in_a_storm(
    cashier: Cashier, channel_id: int, bank: Bank, payment: payments.Payment
) -> None:
    """It is set down, and has no effect yet; so late that it is young whenever the audit looks."""
    notice = bank.notice(payment.payment_no, event_id="again")
    cashier.inbox.is_open = True
    with clock.hold(clock.now_ms() + 86_400_000):
        assert (await payments.hear(cashier, channel_id, notice, address="127.0.0.1")).status == 200


async def _pay_an_agent(world: World, gateway: Gateway, cashier: Cashier, bank: Bank) -> None:
    """A top-up, bought of an agent that collects itself, through its own channel."""
    (agent,) = await world.agents(1)
    await ledger.recharge(world.db, agent.lane, agent.org_id, 2_000_000, key="collects")
    me = await identity.set_terms(world.db, agent.org_id, {"self_collected": True}, reason="合同")
    customer = await world.merchant(parent=agent, money_e4=0)
    channel_id = await payments.add_own_channel(
        world.db, world.ring, me, protocol=PROTOCOL, name="own", account_no="M-1", actor_id=7,
        credentials={"base": bank.base, "secret": bank.secret},
    )  # fmt: skip
    await payments.switch_channel(world.db, channel_id, on=True, reason="open", actor_id=7)
    cashier.channels._read_at_s = float("-inf")
    wish = await gateway.wish(customer.caller, "own", world.phone, phone="13712345679")
    order = await orders.await_payment(gateway.snapshot, wish)
    assert isinstance(order, ShownOrder)
    begun = await payments.begin_order(
        cashier, customer.caller.organisation, order.order_id, method=Method.wechat, scene=Scene.qr, payer=Payer()
    )
    bank.pay(begun.payment.payment_no)
    ack = await payments.hear(cashier, channel_id, bank.notice(begun.payment.payment_no), address="127.0.0.1")
    assert ack.status == 200
    await _tell_again_in_a_storm(cashier, channel_id, bank, begun.payment)


async def _collect(world: World, merchant: Merchant, cashier: Cashier, paid: Paid) -> None:
    site, organisation = epay.Site(cashier, policy=Policy(), fee_ppm=6000), merchant.caller.organisation
    trade_id = await _wish_as_a_shop(world, merchant, site)
    (collected,) = await payments.find_payments(cashier, organisation, trade_id)
    await paid(collected)
    trade = await epay.trade_at(site, trade_id)
    await epay.give_back(site, organisation, trade, 20_000, out_refund_no="RF-1")


async def _wish_as_a_shop(world: World, merchant: Merchant, site: epay.Site) -> int:
    await switches.flip(world.db, epay.SWITCH, on=True, reason="open", actor_id=7)
    given = await epay.open_account(world.db, world.ring, merchant.caller.organisation, fee_ppm=6000, actor_id=7)
    wish = {
        "pid": str(given.account.pid), "type": "wxpay", "out_trade_no": "S-1", "notify_url": "https://shop.example/n",
        "name": "VIP", "money": "10.00", "clientip": "203.0.113.9", "device": "pc",
    }  # fmt: skip
    fields = wish | {"sign": md5_sign(wish, given.md5_key), "sign_type": "MD5"}
    said = await epay.answer(site, epay.Call("mapi.php", fields))
    return ids.parse(msgspec.json.decode(said.body)["trade_no"])


async def _bill_a_stranger(world: World, channel_id: int) -> None:
    day = clock.china_day() - timedelta(days=1)
    at = datetime(day.year, day.month, day.day, 12, tzinfo=clock.CHINA)
    lines = [
        BillLine(
            kind=NoticeKind.payment, payment_no=f"K{n}", provider_no=f"P-{n}", amount_minor=1_000, fee_minor=6, at=at
        )
        for n in (4711, 4712)
    ]
    channel = reconciliation.Channel(channel_id, "loopback", PROTOCOL, "CNY")
    await reconciliation.keep(world.db, channel, Bill(day=day, lines=lines))
    await reconciliation.match(world.db, channel, day, large_e4=10_000_000)
    case = (await reconciliation.list_cases(world.db))[-1]
    choice = reconciliation.Choice(reconciliation.Act.refund, "nobody here knows it")
    await reconciliation.resolve(world.db, case.case_id, choice, limit_e4=10_000_000, actor_id=7)
