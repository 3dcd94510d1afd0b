"""The audit finds what it is there for: each test breaks one law by hand and expects that finding and no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count

import asyncpg
import msgspec
import pytest

from kameng import catalogue, documents, finance, identity, ledger, notices, orders, pricing, stock, suppliers
from kameng.finance import periods
from kameng.fulfilment import Answer
from kameng.kit import clock, db, events, lanes
from kameng.kit.crypto import KeyRing
from kameng.kit.working import Worker as JobWorker
from kameng.ops import auditing
from kameng.ops.embedded import Embedded
from kameng.ops.laws import LAWS
from kameng.orders import By, ShownOrder, Terms
from kameng.orders.model import Command
from kameng.pricing import Markup, Template
from laws.breaking import BREAKING, CARD_ORDER, CLEARING, LYING, MOVING, PHONE_ORDER, TELLING
from laws.bundles import bundle_of, gift, part
from laws.handwork import CLERK, PNG, answer, by_hand, refuse, take, task_of, work
from laws.lives import ask, ordered
from laws.paying import pay_through_channels
from laws.world import PHONE, Gateway, Merchant, World, cards_of, new_world, placed, together

Lived = tuple[str, KeyRing, bytes, str]
_copies = count(1)


@pytest.fixture(scope="module")
async def lived_in(postgres: Embedded, template_database: str) -> Lived:
    """A database in which everything happened once; its ring; the text of a card that was sold; an API secret."""
    await _sql(postgres.url, f"CREATE DATABASE lived_in TEMPLATE {template_database}")
    async with new_world(postgres.url_for("lived_in")) as world:
        sold, secret = await _live(world)
    return "lived_in", world.ring, sold, secret


async def _live(world: World) -> tuple[bytes, str]:
    await _close_a_month(world)
    await world.load(world.card, 40)
    await world.load(world.link, 10, lane=1)
    merchants = [await world.merchant(lane=lane) for lane in (0, 0, 1)]
    await world.merchant(lane=0, money_e4=0)
    nonce = identity.nonce_of(merchants[0].caller.key.key_id, b"n" * 16, 1_800_000_000)
    async with world.gateway() as gateway:
        answers = [await gateway.place(merchants[0].caller, "with-a-nonce", world.card, nonce=nonce)]
        for merchant in merchants:
            answers += await together(
                *(gateway.place(merchant.caller, f"cards-{n}", world.card, 2) for n in range(4)),
                *(gateway.place(merchant.caller, f"phone-{n}", world.phone) for n in range(3)),
                gateway.place(merchant.caller, "link", world.link),
                gateway.place(merchant.sandbox, "cards-0", world.card),
                gateway.place(merchant.sandbox, "phone-0", world.phone),
            )
        await gateway.place(merchants[0].caller, "cards-0", world.card, 2)  # again: its cards are revealed
    assert len(placed(answers)) == 31
    await _sell_below_agents(world)
    await _sell_special(world, merchants[0])
    first = merchants[0]
    for key, kind, amount_e4 in (("a", "hold", 500), ("b", "hold", 300), ("c", "hold", 200)):
        await _hold(world, first.org_id, amount_e4, key=key, kind=kind)
    holds = await world.rows("SELECT transfer_id, amount_e4 FROM transfer WHERE kind = 'hold' ORDER BY 1")
    async with world.db.transaction() as connection:
        await lanes.pass_gate(connection, 0, id_count=1)  # nobody has that id: ``breaking`` uses it
    await _hold(world, first.org_id, 500, key="d", kind="void", pending_id=holds[0][0])
    await _hold(world, first.org_id, 100, key="e", kind="post", pending_id=holds[1][0])
    await _visit_the_desk(world, first, merchants[1], merchants[2])
    await _live_on(world, merchants[2])
    await _sell_bundles(world)
    await _work_by_hand(world, first)
    await _listen(world, merchants[2])
    await _bring_a_file(world)
    await pay_through_channels(world, merchants[1])
    with clock.hold(clock.now_ms() + 365 * 86_400_000):
        assert await orders.archive(world.db, 1, clock.now() - timedelta(days=99)) > 0
    return cards_of(answers)[0], first.member.key.secret


async def _live_on(world: World, merchant: Merchant) -> None:
    """One order is refunded in part, one may be confirmed, one was paid through a channel, and one is awaited."""
    async with world.gateway(terms=Terms(reserve_share_percent=100)) as gateway:
        refunded = await ordered(gateway, merchant, world.link)
        await catalogue.set_sku(world.db, world.link.sku_id, {"confirm_days": 7})
        await ordered(gateway, merchant, world.link)
        await catalogue.set_sku(world.db, world.link.sku_id, {"confirm_days": 0})
        for ref in ("paid", "awaited"):
            awaited = await orders.await_payment(
                gateway.snapshot, await gateway.wish(merchant.caller, ref, world.link)
            )
            assert isinstance(awaited, ShownOrder)
            if ref == "paid":
                total_e4 = awaited.total_e4
                await ask(world, awaited.order_id, Command.pay, "alipay:1", by=By.staff, amount_e4=total_e4)
        await _return_a_guests_money(world, gateway, merchant)
    await ask(world, refunded.order_id, Command.refund, "part", by=By.staff, amount_e4=1)


async def _work_by_hand(world: World, merchant: Merchant) -> None:
    """Of three orders one was answered, one was refused, one is open; a sandbox's was played."""
    plain, _ = await by_hand(world)
    async with world.gateway() as gateway:
        made = [await ordered(gateway, merchant, plain) for _ in range(3)]
        await gateway.place(merchant.sandbox, "by-hand", plain)
    await work(world)
    with clock.hold(clock.now_ms() + 10_000):
        await work(world)
    for order in made[:2]:
        await take(world, CLERK, (await task_of(world, order.order_id)).task_id)
    cards = (stock.CardText("HAND-0001", "S3CRET-0001"),)
    await answer(world, CLERK, (await task_of(world, made[0].order_id)).task_id, Answer("已为您办理", cards, PNG))
    await refuse(world, CLERK, (await task_of(world, made[1].order_id)).task_id)


async def _return_a_guests_money(world: World, gateway: Gateway, shop: Merchant) -> None:
    wish = await gateway.wish(shop.caller, "guest", world.link)
    guest = orders.guest_from("li@guest.example", "secret1")
    order = await orders.await_payment(gateway.snapshot, wish, guest=guest)
    assert isinstance(order, ShownOrder)
    await ask(world, order.order_id, Command.pay, "alipay:2", by=By.staff, amount_e4=order.total_e4)
    await ask(world, order.order_id, Command.refund, "all", by=By.staff)
    await orders.book_return(world.db, order.order_id, reference="CMB-9", reason="paid out", actor_id=71)


async def _bring_a_file(world: World) -> None:
    """A supplier's file of one card, loaded and wiped; and a licence of his, kept."""
    one = (await world.merchant(money_e4=0, kind="supplier")).caller.organisation
    offered = await suppliers.offer(world.db, one, suppliers.NewOffer(9, "r", None, "b", "p", "s"), actor_id=5)
    sku_id = world.half_card.sku_id
    await suppliers.decide_offer(world.db, offered.offer_id, accept=True, sku_id=sku_id, actor_id=71)
    content = "卡号,密码\nFILED-0001,secret-filed-0001\n".encode()
    run = await suppliers.receive_cards(world.db, world.ring, one, sku_id, content, file_name="f.csv", actor_id=5)
    worker = JobWorker(world.db, suppliers.handlers(world.db, world.ring), lanes=world.lanes)
    await worker.work_once()
    await suppliers.confirm_run(world.db, one.org_id, run.run_id, actor_id=5)
    await worker.work_once()
    draft = documents.Draft("permit", "P-1", "issuer", clock.china_day(), None)
    await documents.submit(world.db, world.ring, one, draft, b"%PDF-1", file_name="p.pdf", actor_id=5)


async def _listen(world: World, merchant: Merchant) -> None:
    """One webhook that has not been sent what it is owed, and one that its owner disabled; somebody is told by mail."""
    policy = notices.Policy()
    urls = ("https://shop.example/a", "https://shop.example/b")
    made = [
        await notices.create_endpoint(world.db, world.ring, merchant.org_id, url=url, policy=policy) for url in urls
    ]
    disabled = made[1].endpoint
    await notices.change_endpoint(
        world.db, merchant.org_id, disabled.endpoint_id, policy=policy, state="disabled"
    )
    async with world.db.transaction() as connection:
        passage = await lanes.pass_gate(connection, merchant.lane, id_count=1)
        new = events.NewEvent(passage.ids[0], merchant.org_id, passage.ids[0], 1, "thing.happened", due=True)
        await events.emit(connection, merchant.lane, clock.now(), [new])
    await notices.subscribe(
        world.db, world.ring, merchant.org_id, topic="balance_low", channel="mail",
        address=notices.Address("ops@shop.example"), policy=policy,
    )  # fmt: skip


async def _sell_below_agents(world: World) -> None:
    """Once, below two agents; then what they earned is on its way to one of them and has reached the other."""
    agents = await world.agents(1, 0)
    await pricing.set_markup(world.db, Template(agents[0].org_id, "all", "", -1, Markup(10_000)))
    await pricing.set_markup(world.db, Template(agents[1].org_id, "all", "", -1, Markup(5_000)))
    buyer = await world.merchant(lane=0, parent=agents[1])
    async with world.gateway() as gateway:
        assert len(placed([await gateway.place(buyer.caller, "a", world.card)])) == 1
        await ledger.sweep(world.db, 0)
        assert len(placed([await gateway.place(buyer.caller, "b", world.card)])) == 1


async def _sell_bundles(world: World) -> None:
    """One that came whole from stock, one of which a part failed, and one of which a part is waited for."""
    whole = await bundle_of(world, part(world.card, 2), gift(world.card))
    mixed = await bundle_of(world, part(world.card), part(world.phone))
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        await ordered(gateway, merchant, whole)
        failed, _ = [await ordered(gateway, merchant, mixed) for _ in range(2)]
    await ask(world, failed.order_id, Command.fail_part, part_no=2)


async def _sell_special(world: World, merchant: Merchant) -> None:
    """One use of a reusable card, and a card that was chosen."""
    sku = world.half_card
    line = stock.CardLine(1, "REUSED-0001", "secret-reused-0001", None, None)
    await stock.load_cards(world.db, world.ring, [line], sku_id=sku.sku_id, file_name="r.txt", uses=3)
    await catalogue.set_sku(world.db, sku.sku_id, {"pickable": True})
    line = stock.CardLine(1, "CHOSEN-0001", "secret-chosen-0001", None, None, "CHOSEN-0001")
    await stock.load_cards(world.db, world.ring, [line], sku_id=sku.sku_id, file_name="p.txt")
    (shown,) = await stock.list_displayed(world.db, sku.sku_id, after_id=0, limit=9)
    async with world.gateway() as gateway:
        await gateway.snapshot.directory.key(merchant.caller.key.key_id)
        body = orders.OrderBody("chosen", str(sku.sku_id), card=str(shown.card_id))
        chosen = await gateway.queues.place(orders.wish_from(gateway.snapshot, merchant.caller, body))
        assert len(placed([await gateway.place(merchant.caller, "reused", sku), chosen])) == 2


async def _close_a_month(world: World) -> None:
    """What comes after it is of the next month."""
    await ledger.transfer(world.db, 0, CLEARING, 4, 5, key="early", code="correction", subject_id=0)
    month = periods.month_at(clock.china_day())
    with clock.hold(month.end_ms + 120_000):
        await finance.close_month(world.db, month, actor_id=71)


async def _visit_the_desk(world: World, first: Merchant, second: Merchant, third: Merchant) -> None:
    """Adjustments that are booked, and one that waits; withdrawals that are open, paid and refused."""
    terms = finance.Terms(adjustment_limit_e4=1000, withdrawal_limit_e4=10**12)
    payee = finance.Payee("bank", "张小明", "6222020012345678", "招商银行")
    for key, amount_e4 in (("x", 900), ("y", 5000)):
        await finance.adjust(
            world.db, second.org_id, amount_e4, key=key, reason="goodwill", note="n", terms=terms, actor_id=71
        )
    asked = [
        await finance.ask_withdrawal(
            world.db, world.ring, one.caller.organisation, 10_000, client_ref=ref, payee=payee, terms=terms, actor_id=0
        )
        for one, ref in ((first, "open"), (third, "paid"), (third, "refused"), (third, "arrived"), (third, "back"))
    ]
    await finance.approve_withdrawal(world.db, asked[1].withdrawal_id, actor_id=71)
    await finance.pay_withdrawal(world.db, asked[1].withdrawal_id, external_ref="CMB-1", actor_id=71)
    await finance.refuse_withdrawal(world.db, asked[2].withdrawal_id, note="no", actor_id=71)
    for one in asked[3:]:
        await finance.approve_withdrawal(world.db, one.withdrawal_id, actor_id=71)
    await finance.make_batch(world.db, actor_id=71)
    result = f"附言,处理结果,流水号\nW{asked[3].withdrawal_id},成功,CMB-2\nW{asked[4].withdrawal_id},退票,\n"
    await finance.import_bank_result(world.db, result.encode(), actor_id=71)


async def _hold(
    world: World, org_id: int, amount_e4: int, *, key: str, kind: str, pending_id: int | None = None
) -> None:
    await ledger.transfer(
        world.db, 0, org_id, CLEARING, amount_e4, key=key, code="withdrawal", subject_id=org_id, kind=kind,
        pending_id=pending_id,
    )  # fmt: skip


@pytest.fixture
async def copy(postgres: Embedded, lived_in: Lived) -> AsyncIterator[str]:
    name = f"copy_{next(_copies)}"
    await _sql(postgres.url, f"CREATE DATABASE {name} TEMPLATE {lived_in[0]} STRATEGY file_copy")
    yield name
    await _sql(postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


async def _sql(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


async def _audit(url: str, ring: KeyRing | None) -> auditing.Report:
    opened = await db.open_database(url)
    try:
        return await auditing.run(opened, ring, sample_per_lane=1000)
    finally:
        await opened.close()


async def test_a_platform_that_lived_is_clean_and_every_law_looked_at_something(
    postgres: Embedded, copy: str, lived_in: Lived, capsys: pytest.CaptureFixture[str]
) -> None:
    report = await _audit(postgres.url_for(copy), lived_in[1])
    assert report.broken == ()
    assert report.clean
    assert [finding.law for finding in report.findings if not finding.checked] == []
    counts = {finding.law: finding.checked for finding in report.findings}
    assert counts["orders_have_their_cards"] == 23
    assert (counts["cards_have_their_order"], counts["cards_delivered_once"]) == (40, 42)
    assert counts["cards_exist_once"] == 56
    assert counts["orders_have_one_sale"] == counts["sales_have_their_order"] == 48
    assert (counts["uses_are_counted"], counts["displayed_cards_were_chosen"]) == (1, 1)
    assert counts["splits_make_the_total"] == 3
    assert counts["margins_follow_their_split"] == 5
    assert counts["lanes_owe_each_other_the_same"] == 1
    assert counts["holds_resolve_once"] == 7
    assert counts["nonces_lie_in_drawers"] == 1
    assert counts["adjustments_are_booked_once"] == 2
    assert counts["withdrawals_follow_their_holds"] == 5
    assert counts["payouts_are_booked"] == 2
    assert counts["closed_months_stand"] == 2
    assert counts["no_order_rests"] == 14
    assert (counts["terms_have_their_job"], counts["reserved_cards_are_awaited"]) == (2, 1)
    assert (counts["refunds_went_back"], counts["commands_took_effect"]) == (4, 17)
    assert counts["bundles_have_their_parts"] == counts["parts_follow_their_order"] == 3
    assert (counts["parts_have_their_cards"], counts["parts_are_waited_for"]) == (6, 1)
    assert (counts["webhooks_pass_nothing_by"], counts["webhooks_say_why_they_rest"]) == (2, 3)
    assert counts["returns_are_booked_once"] == 2
    assert counts["payments_are_booked_once"] == counts["what_is_paid_was_paid_for"] == 5
    assert counts["agents_pay_what_they_collect"] == 1
    assert (counts["refunds_to_origin_are_booked"], counts["open_payments_are_looked_after"]) == (9, 3)
    assert counts["differences_go_back_to_their_origin"] == 1
    assert counts["epay_shops_are_told"] == counts["acknowledged_notices_are_done"] == 1
    assert counts["reveals_are_by_their_own"] == 1
    assert counts["passwords_are_wiped"] == 35
    assert counts["marks_find_accounts"] == 16
    assert counts["card_files_count_exactly"] == counts["kept_files_have_an_owner"] == 1
    notes = {finding.law: finding.note for finding in report.findings if finding.note}
    assert notes["samples_open"] == (
        "55 / 55 cards 卡密, 30 / 30 API secrets 密钥, 49 / 49 orders 订单, 2 / 2 answers 人工交付"
    )
    assert notes["no_clear_secret"] == f"159 values 个值 / {counts['no_clear_secret']} texts 段文本"
    auditing.print_report(report)
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "71 laws hold. 全部 71 条规则成立。"


@pytest.mark.parametrize(("laws", "breaking"), BREAKING, ids=[f"{i}-{laws}" for i, (laws, _) in enumerate(BREAKING)])
async def test_what_is_broken_is_found_and_nothing_else(
    postgres: Embedded, copy: str, lived_in: Lived, laws: str, breaking: str
) -> None:
    breaking = breaking.replace("{database}", copy)
    await _sql(postgres.url_for(copy), f"SET session_replication_role = replica; {breaking}")
    report = await _audit(postgres.url_for(copy), lived_in[1])
    assert {finding.law for finding in report.broken} == set(laws.split())
    assert not report.clean
    assert all(finding.examples for finding in report.broken)


@pytest.mark.parametrize(("what", "place", "telling"), TELLING)
async def test_what_stands_in_clear_is_found_wherever_it_is_written(
    postgres: Embedded, copy: str, lived_in: Lived, what: str, place: str, telling: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    card = msgspec.json.decode(lived_in[2])
    clear = {"phone": PHONE, "api_secret": lived_in[3], **card}[what]
    await _sql(postgres.url_for(copy), f"SET session_replication_role = replica; {telling.format(clear)}")
    report = await _audit(postgres.url_for(copy), lived_in[1])
    (finding,) = report.broken
    assert finding.law == "no_clear_secret"
    kind = {"phone": "account of order", "api_secret": "key"}.get(what, "card")
    assert all(one.startswith(kind) and f" in {place} " in one for one in finding.examples)
    auditing.print_report(report)
    said = capsys.readouterr().out
    assert clear not in said


async def test_what_a_merchant_writes_as_his_reference_is_his_own(
    postgres: Embedded, copy: str, lived_in: Lived
) -> None:
    """And a number inside a longer one is chance."""
    await _sql(
        postgres.url_for(copy),
        f"UPDATE orders SET client_ref = '{PHONE}' WHERE order_id = {CARD_ORDER};"
        f"UPDATE order_ref SET ref_key = substr(ref_key, 1, 8) || convert_to('{PHONE}', 'UTF8')"
        f" WHERE order_id = {CARD_ORDER};"
        f'UPDATE event SET data = \'{{"id": "7{PHONE}9"}}\' WHERE subject_id = {PHONE_ORDER}',
    )
    report = await _audit(postgres.url_for(copy), lived_in[1])
    assert not report.broken


@pytest.mark.parametrize(("state", "job"), MOVING)
async def test_an_order_with_what_its_state_asks_for_does_not_rest(
    postgres: Embedded, copy: str, lived_in: Lived, state: str, job: str
) -> None:
    await _sql(
        postgres.url_for(copy),
        f"UPDATE job SET {job} WHERE subject_id = {PHONE_ORDER};"
        f"UPDATE orders SET state = '{state}' WHERE order_id = {PHONE_ORDER}",
    )
    assert (await _audit(postgres.url_for(copy), lived_in[1])).broken == ()


async def test_without_the_ring_nothing_is_opened(postgres: Embedded, copy: str, lived_in: Lived) -> None:
    await _sql(postgres.url_for(copy), f"UPDATE card SET sealed = set_byte(sealed, 2, 9) WHERE card_id = {LYING}")
    report = await _audit(postgres.url_for(copy), None)
    assert report.clean
    assert len(report.findings) == 69
    await _sql(postgres.url_for(copy), f"UPDATE card SET sealed = set_byte(sealed, 0, 9) WHERE card_id = {LYING}")
    report = await _audit(postgres.url_for(copy), None)
    assert [finding.law for finding in report.broken] == ["secrets_are_sealed"]


def test_every_law_is_broken_by_some_test() -> None:
    broken = {law for laws, _ in BREAKING for law in laws.split()}
    told = {"no_clear_secret"} if TELLING else set()
    assert broken | told == {*LAWS, "samples_open", "no_clear_secret", "database_is_durable"}
