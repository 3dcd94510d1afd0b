"""自收款通道: an agent's customers pay its own account; its wallet pays the house, or the money goes back by itself."""

from __future__ import annotations

import msgspec
import pytest

from kameng import identity, ledger, payments
from kameng.catalogue import Sku
from kameng.channels import Method, Scene
from kameng.identity import Organisation
from kameng.payments import BadChannel, NoChannel, NoSuchChannel, NotCollecting, Payment, PaymentUnknown
from laws.world import Merchant
from payments.bank import PROTOCOL
from payments.counter import CARD_E4, Counter

YUAN = 10_000
QR = (Method.wechat, Scene.qr)


class Shop(msgspec.Struct):
    """An agent that collects itself, a customer of it, and its own channel."""

    agent: Merchant
    me: Organisation
    customer: Merchant
    channel: int


async def open_shop(counter: Counter, *, money_e4: int = 500 * YUAN) -> Shop:
    world = counter.world
    (agent,) = await world.agents(1)
    if money_e4:
        await ledger.recharge(world.db, agent.lane, agent.org_id, money_e4, key=f"first:{agent.org_id}")
    me = await identity.set_terms(world.db, agent.org_id, {"self_collected": True}, reason="合同")
    customer = await world.merchant(parent=agent, money_e4=0)
    await world.load(world.card, 5, lane=agent.lane)
    channel = await payments.add_own_channel(
        world.db, world.ring, me, protocol=PROTOCOL, name="my own", account_no="M-1", fee_ppm=6000,
        credentials={"base": counter.bank.base, "secret": counter.bank.secret}, actor_id=9,
    )  # fmt: skip
    await payments.switch_channel(world.db, channel, on=True, reason="open", actor_id=9)
    counter.forget()
    return Shop(agent, me, customer, channel)


async def wallet(counter: Counter, merchant: Merchant) -> int:
    return int(await counter.world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", merchant.org_id))


async def buy(counter: Counter, shop: Shop, sku: Sku | None = None) -> Payment:
    order = await counter.order(shop.customer, sku)
    return (await counter.begin(shop.customer, order.order_id)).payment


async def channel_e4(counter: Counter, number: int) -> int:
    return int(
        await counter.world.scalar(
            "SELECT coalesce(sum(posted_e4), 0)::bigint FROM account WHERE channel_id = $1", number
        )
    )


async def test_its_customer_pays_it_and_its_wallet_pays_the_house(counter: Counter) -> None:
    shop = await open_shop(counter)
    payment = await buy(counter, shop)
    assert (payment.channel_id, payment.fee_e4) == (shop.channel, 0)
    assert await counter.paid(payment) == 200
    assert await counter.state(payment.payable_id) == "delivered"
    assert await wallet(counter, shop.agent) == 500 * YUAN - CARD_E4
    assert await channel_e4(counter, shop.channel) == 0
    assert await counter.paid_again(payment) == 200  # told again: nothing more
    assert await wallet(counter, shop.agent) == 500 * YUAN - CARD_E4
    await counter.world.assert_clean()


async def test_what_goes_back_is_the_wallets_again(counter: Counter) -> None:
    shop = await open_shop(counter)
    payment = await buy(counter, shop)
    await counter.paid(payment)
    paid_e4 = payment.amount_e4
    assert await wallet(counter, shop.agent) == 500 * YUAN - paid_e4
    await payments.refund_to_origin(counter.cashier, payment.payment_id, key="back", reason="sorry", actor_id=7)
    await counter.work()
    assert (await counter.payment(payment)).state == "refunded"
    assert await wallet(counter, shop.agent) == 500 * YUAN
    assert await channel_e4(counter, shop.channel) == 0
    await counter.world.assert_clean()


async def test_without_balance_it_sells_nothing(counter: Counter) -> None:
    shop = await open_shop(counter, money_e4=CARD_E4 - 1)
    order = await counter.order(shop.customer)
    with pytest.raises(NoChannel):
        await counter.begin(shop.customer, order.order_id)
    ways = await payments.ways_to_pay(
        counter.cashier, shop.customer.caller.organisation, CARD_E4, agent_id=shop.agent.org_id
    )
    assert ways == frozenset()
    assert counter.bank.calls == []


async def test_what_the_wallet_does_not_cover_any_more_goes_back_by_itself(counter: Counter) -> None:
    """Two payments of which its wallet covers one: whoever says so, an agent can't spend more than it has."""
    shop = await open_shop(counter, money_e4=CARD_E4 + 1)
    first, second = await buy(counter, shop), await buy(counter, shop)
    assert await counter.paid(first) == 200
    assert await counter.paid(second) == 200
    assert await counter.state(first.payable_id) == "delivered"
    assert await counter.state(second.payable_id) == "awaiting_payment"
    assert (await counter.payment(second)).taken_as == "late"
    await counter.work()
    assert (await counter.payment(second)).state == "refunded"
    assert await wallet(counter, shop.agent) == 1
    assert await channel_e4(counter, shop.channel) == 0
    await counter.work(minutes=60)
    assert await counter.state(second.payable_id) == "expired"
    await counter.world.assert_clean()


async def test_the_houses_channels_come_after_its_own_if_the_shop_says_so(counter: Counter) -> None:
    shop = await open_shop(counter)
    db = counter.world.db
    assert await payments.own_rule_of(db, shop.me) == "only"
    await payments.switch_channel(db, shop.channel, on=False, reason="off", actor_id=9)
    counter.forget()
    order = await counter.order(shop.customer)
    with pytest.raises(NoChannel):
        await counter.begin(shop.customer, order.order_id)
    with pytest.raises(BadChannel):
        await payments.set_own_rule(db, shop.me, "never", actor_id=9)
    await payments.set_own_rule(db, shop.me, "first", actor_id=9)
    counter.forget()
    payment = (await counter.begin(shop.customer, order.order_id)).payment
    assert payment.channel_id == counter.channel
    await counter.paid(payment)
    assert await counter.state(order.order_id) == "delivered"
    assert await wallet(counter, shop.agent) == 500 * YUAN  # the house collected this one
    await payments.switch_channel(db, shop.channel, on=True, reason="on", actor_id=9)
    counter.forget()
    assert (await buy(counter, shop)).channel_id == shop.channel
    counter.bank.begins = ["refused_channel"]
    assert (await buy(counter, shop)).channel_id == counter.channel
    await counter.world.assert_clean()


async def test_only_its_own_customers_orders_go_there(counter: Counter) -> None:
    shop = await open_shop(counter)
    stranger = await counter.world.merchant(lane=1)
    order = await counter.order(stranger)
    assert (await counter.begin(stranger, order.order_id)).payment.channel_id == counter.channel
    begun = await counter.recharge(shop.customer, 100 * YUAN)  # a recharge is the house's money
    assert begun.payment.channel_id == counter.channel
    ways = await payments.ways_to_pay(counter.cashier, stranger.caller.organisation, CARD_E4)
    assert QR in ways


async def test_only_who_collects_itself_has_channels_and_sees_its_own(counter: Counter) -> None:
    shop = await open_shop(counter)
    db, ring = counter.world.db, counter.world.ring
    (other,) = await counter.world.agents(0)
    them = other.caller.organisation
    with pytest.raises(NotCollecting):
        await payments.add_own_channel(db, ring, them, protocol=PROTOCOL, name="x", credentials={}, actor_id=9)
    with pytest.raises(NotCollecting):
        await payments.set_own_rule(db, them, "first", actor_id=9)
    assert await payments.own_channels(db, them) == []
    with pytest.raises(NoSuchChannel):
        await payments.own_channel(db, them, shop.channel)
    with pytest.raises(NoSuchChannel):
        await payments.own_channel(db, shop.me, counter.channel)
    assert [one.channel_id for one in await payments.own_channels(db, shop.me)] == [shop.channel]
    them = await identity.set_terms(db, other.org_id, {"self_collected": True}, reason="合同")
    await payments.add_own_channel(  # the same name is another's
        db, ring, them, protocol=PROTOCOL, name="my own", actor_id=9,
        credentials={"base": counter.bank.base, "secret": "x"},
    )  # fmt: skip


async def test_its_account_leads_nowhere_but_to_the_public_internet(counter: Counter) -> None:
    shop = await open_shop(counter)
    order = await counter.order(shop.customer)
    strict = payments.Cashier(counter.world.db, counter.world.ring, public_url="https://kameng.test")
    with pytest.raises(PaymentUnknown):
        await payments.begin_order(
            strict, shop.customer.caller.organisation, order.order_id, method=Method.wechat, scene=Scene.qr,
            payer=payments.Payer(),
        )  # fmt: skip
    await strict.close()
    assert counter.bank.calls == []
