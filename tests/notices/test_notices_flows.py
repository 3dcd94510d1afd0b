"""What happens reaches whoever subscribed, and guests: once, in their language, over true protocols."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from desk import LOOPBACK
from standins import StandIn, stand_in

from kameng import finance, identity, notices, orders, stock
from kameng.kit import clock, jobs, lanes
from kameng.kit.crypto import KeyMaterial, KeyRing, key_number_of
from kameng.kit.jobs import NewJob
from kameng.kit.working import Limits, Worker
from kameng.notices import (
    STAFF,
    Address,
    BadMessage,
    Channels,
    MailSettings,
    NoSuchSubscription,
    Sender,
    SmsSettings,
    TooManySubscribers,
    messages,
)  # fmt: skip
from kameng.ops import telling
from kameng.orders import Reach, ShownOrder, Terms
from kameng.orders.model import Command
from laws.lives import ask
from laws.world import Gateway, Merchant, World

TERMS = Terms(reserve_share_percent=100, reserve_buyer_max=10)
CARD_E4 = 985_000
OPS = "ops@shop.example"


@asynccontextmanager
async def post_office(world: World) -> AsyncIterator[tuple[StandIn, Worker]]:
    """A mail server on loopback, and the worker of everything that tells."""
    async with stand_in("mail") as post, Sender(LOOPBACK, timeout_s=1.0) as sender:
        mail = MailSettings("127.0.0.1", post.port, "off", "", "", "k@kameng.example")
        channels = Channels(sender, mail=mail, sms=SmsSettings("", "", "", ""))
        handlers = [
            *orders.handlers(world.ring, TERMS, Reach(frozenset({"mail"}), "https://shop.example")),
            *notices.handlers(world.db, world.ring, channels, LOOPBACK),
        ]
        yield post, Worker(world.db, handlers, lanes=world.lanes, limits=Limits(attempts_max=3))


async def work(worker: Worker) -> None:
    while await worker.work_once():
        pass


async def subscribe(world: World, org_id: int, topic: str, to: str = OPS, language: str = "zh") -> int:
    return await notices.subscribe(
        world.db, world.ring, org_id, topic=topic, channel="mail", address=Address(to), policy=LOOPBACK,
        language=language,
    )  # fmt: skip


async def guest_order(
    gateway: Gateway, shop: Merchant, ref: str, contact: str = "Li@guest.example", language: str = "zh"
) -> ShownOrder:
    """A guest's card, unpaid."""
    wish = await gateway.wish(shop.caller, ref, gateway.snapshot.catalogue.skus[await _card_of(gateway)], 1)
    wish = msgspec.structs.replace(wish, key=orders.key_of_guest(shop.caller.organisation))
    guest = orders.guest_from(contact, "secret1", language=language)
    answer = await orders.await_payment(gateway.snapshot, wish, guest=guest)
    assert isinstance(answer, ShownOrder), answer
    return answer


async def _card_of(gateway: Gateway) -> int:
    return next(sku.sku_id for sku in gateway.snapshot.catalogue.skus.values() if sku.list_price_e4 == CARD_E4)


async def pay(world: World, order_id: int, reference: str) -> None:
    await ask(world, order_id, Command.pay, reference, amount_e4=CARD_E4, terms=TERMS)


async def test_a_guest_is_told_what_became_of_his_order_and_no_secret(world: World) -> None:
    shop = await world.merchant()
    await world.load(world.card, 3)
    async with post_office(world) as (post, worker), world.gateway(terms=TERMS) as gateway:
        order = await guest_order(gateway, shop, "a")
        await work(worker)
        assert await post.seen() == []  # nothing to tell of an order that nobody paid
        await pay(world, order.order_id, "alipay:1")
        await work(worker)
        await ask(world, order.order_id, Command.refund, "r1", by=orders.By.staff)
        await work(worker)
        english = await guest_order(gateway, shop, "b", "Li@guest.example", "en")
        await pay(world, english.order_id, "alipay:2")
        member = await gateway.place(shop.caller, "wallet", world.card)
        assert isinstance(member, ShownOrder)  # members have webhooks
        await work(worker)
        seen = await post.seen()
    assert [(mail["to"], mail["subject"], mail["body"].strip()) for mail in seen] == [
        ("li@guest.example", "订单已发货",
         f"您的订单 {order.order_id} 已完成。请凭订单号和查询密码在 https://shop.example 查看。"),
        ("li@guest.example", "订单已退款", f"您的订单 {order.order_id} 退款 98.5000，将原路退回。"),
        ("li@guest.example", "Your order is there",
         f"Your order {english.order_id} is there. See it at https://shop.example with its number and your query"
         " password."),
    ]  # fmt: skip
    rows = str([dict(row) for row in await world.rows("SELECT * FROM message")])
    assert "secret" not in rows
    assert "guest.example" not in rows.replace("l***@guest.example", "")
    assert await world.scalar("SELECT count(*) FROM job WHERE kind = 'guests.tell'") == 0
    await world.assert_clean()


async def test_a_guest_nobody_can_write_to_leaves_nothing_on_the_desk(world: World) -> None:
    shop = await world.merchant()
    await world.load(world.card, 2)
    async with post_office(world) as (post, worker), world.gateway(terms=TERMS) as gateway:
        for ref, contact in (("a", "13800000000"), ("b", "wechat-li")):  # no SMS here; no address at all
            order = await guest_order(gateway, shop, ref, contact)
            await pay(world, order.order_id, f"alipay:{ref}")
        await work(worker)
        assert await post.seen() == []
    assert await world.scalar("SELECT count(*) FROM message") == 0
    assert await world.scalar("SELECT count(*) FROM job") == 0


async def test_a_mail_that_is_refused_or_lost_is_not_sent_again_by_itself(world: World) -> None:
    shop = await world.merchant()
    await world.load(world.card, 2)
    async with post_office(world) as (post, worker), world.gateway(terms=TERMS) as gateway:
        for mode, ref in (("never", "a"), ("silent", "b")):
            await post.mode(mode)
            order = await guest_order(gateway, shop, ref)
            await pay(world, order.order_id, f"alipay:{ref}")
            await work(worker)
        await post.mode("ok")
        await world.execute("UPDATE job SET due_at = due_at - interval '1 day'")
        await work(worker)
        assert len(await post.seen()) == 1  # the one whose answer was lost
        async with world.db.connection() as connection:
            desk = await jobs.desk(connection, shop.lane)
        assert [(job.kind, job.state) for job in desk] == [("notices.send", "dead"), ("notices.send", "unknown")]
        assert "guest.example" not in str(desk)
        async with world.db.transaction() as connection:
            await lanes.pass_gate(connection, shop.lane)
            await jobs.retry(connection, shop.lane, [job.job_id for job in desk], even_unknown=True)
        await work(worker)
        assert len(await post.seen()) == 3


async def test_a_low_balance_is_told_once_in_each_language(world: World) -> None:
    merchant, other = await world.merchant(), await world.merchant()
    await subscribe(world, merchant.org_id, "balance_low", "zh@shop.example")
    await subscribe(world, merchant.org_id, "balance_low", "en@shop.example", "en")
    await subscribe(world, merchant.org_id, "webhook_disabled", "no@shop.example")
    await subscribe(world, other.org_id, "balance_low", "other@shop.example")
    await finance.set_low_balance(world.db, merchant.org_id, 2 * 10**10)
    async with post_office(world) as (post, worker):
        for _ in range(2):  # it fell, rose, and fell again within the hour
            assert await finance.watch_balances(world.db, merchant.lane) == 1
            await work(worker)
            await world.execute("UPDATE balance_alert SET is_low = false")
        told = {mail["to"]: (mail["subject"], mail["body"].strip()) for mail in await post.seen()}
        assert len(await post.seen()) == 2
        assert told == {
            "zh@shop.example": ("余额不足提醒", "您的可用余额为 1000000.0000，低于提醒线 2000000.0000。"),
            "en@shop.example": (
                "Your balance is low", "You have 1000000.0000 available, less than the line of 2000000.0000."
            ),
        }  # fmt: skip
        with clock.hold(clock.now_ms() + 3_700_000):
            assert await finance.watch_balances(world.db, merchant.lane) == 1
            await work(worker)
        assert len(await post.seen()) == 4


async def test_a_withdrawal_a_key_and_a_webhook(world: World) -> None:
    merchant = await world.merchant()
    for topic in ("withdrawal_decided", "key_expiring", "webhook_disabled"):
        await subscribe(world, merchant.org_id, topic)
    payee = finance.Payee("bank", "李雷", "6222020200112233445", "工商银行")
    asked = await finance.ask_withdrawal(
        world.db, world.ring, merchant.caller.organisation, 500_000, client_ref="w", payee=payee,
        terms=finance.Terms(10**9, 10**9), actor_id=1,
    )  # fmt: skip
    await finance.refuse_withdrawal(world.db, asked.withdrawal_id, note="账户不符", actor_id=71)
    key = merchant.member.key
    await world.execute("UPDATE api_key SET expires_at = '2031-01-10' WHERE key_id = $1", key.key_id)
    made = await notices.create_endpoint(
        world.db, world.ring, merchant.org_id, url="https://shop.example/", policy=LOOPBACK
    )
    await notices.subscribing.disable_endpoint(world.db, made.endpoint, reason="gone")
    async with post_office(world) as (post, worker):
        await work(worker)
        with clock.hold(1_925_000_000_000):  # 2031-01-01
            assert sum([await telling.watch_keys(world.db, lane) for lane in world.lanes]) == 1
            assert await telling.watch_keys(world.db, merchant.lane) == 1  # the next day's look
            await work(worker)
        bodies = sorted(mail["body"].strip() for mail in await post.seen())
    name = identity.format_key_id(key.key_id, sandbox=False)
    assert bodies == sorted([
        f"您的提现 {asked.withdrawal_id}（50.0000）状态为：已拒绝。",
        f"您的 webhook {made.endpoint.endpoint_id} 已停用，原因：gone。修复后请在平台重新启用。",
        f"您的 API 密钥 {name} 将于 2031-01-10 00:00 UTC 到期，请及时轮换。",
    ])  # fmt: skip


async def test_staff_is_told_of_low_stock_and_of_the_desk(world: World) -> None:
    for topic in ("stock_low", "desk_opened", "desk_overdue", "work_failed", "audit_broken"):
        await subscribe(world, STAFF, topic)
    await world.load(world.card, 1)
    await stock.set_low_stock(world.db, world.card.sku_id, 2)
    assert await stock.watch_stock(world.db) == 1
    async with post_office(world) as (post, worker):
        await work(worker)
        assert [mail["body"].strip() for mail in await post.seen()] == [
            f"商品 {world.card.sku_id} 库存为 1，低于预警线 2。"
        ]
        await lay(world, "orders.verify", "orders.verify", "orders.decide", "notices.send")
        assert await notices.watch_desk(world.db, 0) == 3  # a message that failed does not tell of itself
        assert await notices.watch_desk(world.db, 0) == 0
        with clock.hold(clock.now_ms() + 31 * 60_000):
            assert await notices.watch_desk(world.db, 0) == 3
            assert await notices.watch_desk(world.db, 0) == 0
            await work(worker)
        await world.execute(
            "INSERT INTO timetable (name, next_at, last_error) VALUES ('risk.purge', now(), 'ValueError: x')"
        )
        await notices.watch_work(world.db)
        await notices.watch_work(world.db)
        await work(worker)
        assert sorted(mail["body"].strip() for mail in (await post.seen())[1:]) == [
            "人工处理台新增 3 项：orders.decide × 1, orders.verify × 2。",
            "人工处理台有 3 项超过 30 分钟未处理：orders.decide × 1, orders.verify × 2。",
            "定时任务 risk.purge 运行失败。请运行 kameng doctor 查看。",
        ]
    assert [(one.template, one.shown) for one in await notices.told(world.db, STAFF)] == [
        ("work_failed", "o***@shop.example"), ("desk_overdue", "o***@shop.example"),
        ("desk_opened", "o***@shop.example"), ("stock_low", "o***@shop.example"),
    ]  # fmt: skip


async def test_what_comes_back_to_the_desk_is_told_again(world: World) -> None:
    await subscribe(world, STAFF, "desk_opened")
    await lay(world, "orders.verify")

    async def told_when(state: str) -> list[str]:
        """What a look says of a job that is in this state since now."""
        await world.execute("UPDATE job SET state = $1, due_at = $2 WHERE kind = 'orders.verify'", state, clock.now())
        await world.execute("DELETE FROM job WHERE kind = 'notices.announce'")
        await notices.watch_desk(world.db, 0)
        rows = await world.rows("SELECT payload FROM job WHERE kind = 'notices.announce'")
        return [row["payload"]["topic"] for row in rows]

    assert await told_when("dead") == ["desk_opened"]
    assert await told_when("dead") == []
    assert await told_when("waiting") == []  # somebody let it be tried again
    assert await told_when("unknown") == ["desk_opened"]
    with clock.hold(clock.now_ms() + 31 * 60_000):
        assert await notices.watch_desk(world.db, 0) == 1  # overdue
        assert await notices.watch_desk(world.db, 0) == 0
        assert await told_when("dead") == ["desk_opened"]  # it was tried again between two looks


async def lay(world: World, *kinds: str) -> None:
    async with world.db.transaction() as connection:
        passage = await lanes.pass_gate(connection, 0, id_count=len(kinds))
        for kind, job_id in zip(kinds, passage.ids, strict=True):
            await jobs.lay_on_desk(connection, 0, job_id, NewJob(kind, job_id), error="x")


async def test_whoever_is_sent_too_much_is_told_later(world: World) -> None:
    merchant = await world.merchant()
    await subscribe(world, merchant.org_id, "stock_low")
    told = [
        notices.Notice(merchant.org_id, "stock_low", str(n), {"sku": str(n), "on_hand": "1", "line": "2"})
        for n in range(7)
    ]  # fmt: skip
    for notice in told:
        await notices.announce_now(world.db, merchant.lane, notice)
    async with post_office(world) as (post, worker):
        await work(worker)
        assert len(await post.seen()) == 5  # a minute
        with clock.hold(clock.now_ms() + 121_000):
            await work(worker)
            assert len(await post.seen()) == 7
    assert await world.scalar("SELECT count(*) FROM job") == 0


async def test_who_is_told_is_sealed_shown_masked_and_taken_off(world: World) -> None:
    merchant, other = await world.merchant(), await world.merchant()
    first = await subscribe(world, merchant.org_id, "balance_low")
    assert await subscribe(world, merchant.org_id, "balance_low", language="en") == first
    (one,) = await notices.subscriptions(world.db, merchant.org_id)
    assert (one.channel, one.shown, one.language) == ("mail", "o***@shop.example", "en")
    for table in ("notice_subscription", "audit_line"):
        assert OPS not in str([dict(row) for row in await world.rows(f"SELECT * FROM {table}")])
    with pytest.raises(NoSuchSubscription):
        await notices.unsubscribe(world.db, other.org_id, first)
    keys = {1: b"\x01" * 32, 2: b"\x02" * 32}
    old, new = (KeyRing(KeyMaterial(current, keys, b"\x03" * 32)) for current in (1, 2))
    await world.execute(
        "UPDATE notice_subscription SET address = $1", old.seal(messages.ADDRESS, first, b'{"to":"ops@shop.example"}')
    )
    assert await notices.reseal(world.db, new, 1) == 0
    assert await notices.reseal(world.db, new, 0) == 1
    sealed = await world.scalar("SELECT address FROM notice_subscription")
    assert (key_number_of(sealed), new.open(messages.ADDRESS, first, sealed)) == (2, b'{"to":"ops@shop.example"}')
    assert await notices.unsubscribe(world.db, merchant.org_id, first) == "balance_low"
    assert await notices.subscriptions(world.db, merchant.org_id) == []
    for n in range(10):
        await subscribe(world, merchant.org_id, "balance_low", f"{n}@shop.example")
    with pytest.raises(TooManySubscribers):
        await subscribe(world, merchant.org_id, "balance_low", "11@shop.example")
    assert len(await notices.subscriptions(world.db, merchant.org_id)) == 10


async def test_a_robot_s_new_secret_takes_the_place_of_the_old(world: World) -> None:
    for secret in ("SEC1", "SEC2"):
        subscription_id = await notices.subscribe(
            world.db, world.ring, STAFF, topic="desk_opened", channel="dingtalk",
            address=Address("https://127.0.0.1/robot", secret), policy=LOOPBACK,
        )  # fmt: skip
    (row,) = await world.rows("SELECT subscription_id, address FROM notice_subscription")
    assert row["subscription_id"] == subscription_id
    opened = msgspec.json.decode(world.ring.open(messages.ADDRESS, subscription_id, row["address"]), type=Address)
    assert opened == Address("https://127.0.0.1/robot", "SEC2")


@pytest.mark.parametrize(
    ("org", "topic", "channel", "to", "field"),
    [
        ("staff", "balance_low", "mail", OPS, "topic"), ("own", "desk_opened", "mail", OPS, "topic"),
        ("own", "test", "mail", OPS, "topic"), ("own", "balance_low", "pigeon", OPS, "channel"),
        ("own", "balance_low", "mail", "no mailbox", "target"), ("own", "balance_low", "sms", "abc", "target"),
        ("own", "balance_low", "dingtalk", "https://10.0.0.1/robot", "target"),
        ("own", "balance_low", "mail", "a@b.example\nBcc: c@d", "target"), ("none", "balance_low", "mail", OPS,
                                                                            "organisation"),
    ],
)  # fmt: skip
async def test_subscriptions_that_are_none(
    world: World, org: str, topic: str, channel: str, to: str, field: str
) -> None:
    merchant = await world.merchant()
    org_id = {"staff": STAFF, "own": merchant.org_id, "none": merchant.org_id + (1 << 22)}[org]
    with pytest.raises(BadMessage) as refused:
        await notices.subscribe(
            world.db, world.ring, org_id, topic=topic, channel=channel, address=Address(to), policy=LOOPBACK
        )
    assert refused.value.field == field
    assert await world.scalar("SELECT count(*) FROM notice_subscription") == 0


def test_every_topic_has_its_template_and_every_template_both_languages() -> None:
    assert notices.TOPICS.keys() <= notices.TEMPLATES.keys()
    for template in notices.TEMPLATES.values():
        assert all((template.title_zh, template.title_en, template.zh, template.en, template.sms))
    assert len({template.sms for template in notices.TEMPLATES.values()}) == len(notices.TEMPLATES)
