"""``kameng order`` from a shell: what the staff does with one order."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from command import fetch, kameng

from kameng import catalogue, ledger, orders, stock
from kameng.identity import Caller, parse_key_id
from kameng.kit import crypto, db, ids, lanes
from kameng.ops.embedded import Embedded
from kameng.orders import OrderBody, ShownOrder

CARD, PHONE = 100118, "13812345678"
WHY = ("--reason", "顾客来电 17")
BUNDLE = """场景,品牌,商品,规格,类型,面值,成本,标价,下单表单,地区,备注
营销,礼包,客服礼包,1,bundle,900,0,900,,全国,
"""


@pytest.fixture(scope="module")
def placed(server: Embedded, shop: dict[str, str]) -> dict[str, str]:
    """Orders: two of a card, a top-up, a card that awaits its payment, and a bundle of a card and a top-up."""
    return asyncio.run(_place(server, shop))


async def _place(server: Embedded, shop: dict[str, str]) -> dict[str, str]:
    ring = crypto.KeyRing(crypto.KeyFile(server.data_dir.parent / "keyring.json").load())
    database = await db.open_database(server.url)
    org_id = int(shop["org"])
    await ledger.recharge(database, ids.lane_of(org_id), org_id, 10**8, key="orders")
    cards = [stock.CardLine(line, f"8614{line:08d}", f"S-{line:08d}", None, None) for line in range(1, 10)]
    await stock.load_cards(database, ring, cards, sku_id=CARD, file_name="orders.txt")
    bundle_id = await _make_bundle(database)
    snapshot = orders.Snapshot(database, ring, orders.Terms(reserve_share_percent=100))
    await snapshot.start()
    key = await snapshot.directory.key(parse_key_id(shop["key"])[0])
    assert key is not None
    caller = Caller(key, snapshot.directory.organisations[org_id], "127.0.0.1")
    phone = next(sku for sku in snapshot.catalogue.skus.values() if sku.form == "phone" and sku.kind == "topup")
    async with database.connection() as connection:
        queues = orders.Lanes(snapshot, await lanes.lane_numbers(connection))
    queues.start()

    def wish(ref: str, sku_id: int, quantity: int, account: dict[str, str]) -> orders.Wish:
        return orders.wish_from(snapshot, caller, OrderBody(ref, str(sku_id), quantity, account))

    answers: dict[str, Any] = {
        "cards": await queues.place(wish("cards", CARD, 2, {})),
        "phone": await queues.place(wish("phone", phone.sku_id, 1, {"phone": PHONE})),
        "bundle": await queues.place(wish("bundle", bundle_id, 1, {"phone": PHONE})),
        "awaited": await orders.await_payment(snapshot, wish("awaited", CARD, 1, {})),
    }
    await queues.stop()
    await database.close()
    for answer in answers.values():
        assert isinstance(answer, ShownOrder), answer
    return {name: str(answer.order_id) for name, answer in answers.items()}


async def _make_bundle(database: db.Database) -> int:
    await catalogue.import_file(database, BUNDLE.encode())
    async with database.connection() as connection:
        skus = list((await catalogue.load(connection, None, 1 << 40)).skus.values())
    bundle = next(sku.sku_id for sku in skus if sku.kind == "bundle")
    phone = next(sku.sku_id for sku in skus if sku.form == "phone" and sku.kind == "topup")
    parts = [catalogue.WantedPart(CARD, 1, 7000), catalogue.WantedPart(phone, 1, 3000)]
    await catalogue.set_parts(database, bundle, parts)
    await catalogue.set_sku(database, bundle, {"state": "on_sale"})
    return bundle


def state_of(server: Embedded, order: str) -> tuple[object, ...]:
    (row,) = fetch(server, "SELECT state, refunded_e4 FROM orders WHERE order_id = $1", int(order))
    return row


def test_money_goes_back_and_cards_are_replaced(server: Embedded, data: Path, placed: dict[str, str]) -> None:
    order = placed["cards"]
    refund = ["order", "refund", order, "--amount", "1.5", "--key", "ticket-17", *WHY]
    done = kameng(data, *refund)
    assert (done.returncode, done.stdout) == (0, f"{order}: delivered，已退 refunded 1.5000\n"), done.stderr
    again = kameng(data, *refund)
    assert again.stdout == f"{order}: delivered，已退 refunded 1.5000（此前已执行 it was done before）\n"
    ((card_ids,),) = fetch(server, "SELECT card_ids FROM orders WHERE order_id = $1", int(order))
    done = kameng(data, "order", "replace", order, "--cards", str(card_ids[1]), *WHY)  # type: ignore[index]
    assert done.returncode == 0, done.stderr
    ((after,),) = fetch(server, "SELECT card_ids FROM orders WHERE order_id = $1", int(order))
    assert (after[0] == card_ids[0], after[1] == card_ids[1]) == (True, False)  # type: ignore[index]
    refused = kameng(data, "order", "replace", order, "--cards", "4711", *WHY)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "所列卡密不属于该订单" in refused.stderr
    shown = kameng(data, "order", "show", order).stdout
    assert f"{order}: delivered，" in shown
    assert "order.refunded_in_part 0 顾客来电 17" in shown
    assert "order.replaced 0 顾客来电 17" in shown
    assert kameng(data, "order", "settle", order, *WHY).stdout == f"{order}: settled，已退 refunded 1.5000\n"
    refused = kameng(data, "order", "refund", order, "--amount", "1")
    assert refused.returncode == 2  # no reason
    lines = fetch(server, "SELECT act FROM audit_line WHERE subject_id = $1 ORDER BY audit_id", int(order))
    assert lines == [("order.refund",), ("order.swap",), ("order.settle",)]


def test_the_parts_of_a_bundle_end_one_by_one(server: Embedded, data: Path, placed: dict[str, str]) -> None:
    order = placed["bundle"]
    shown = kameng(data, "order", "show", order).stdout
    assert f"  第 1 项 part 1: delivered，商品 SKU {CARD} × 1 (secret)，价值 worth 630.0000，卡密 cards " in shown
    assert "  第 2 项 part 2: waiting，" in shown
    done = kameng(data, "order", "fail", order, "--part", "2", *WHY)
    assert done.stdout == f"{order}: settled，已退 refunded 270.0000\n", done.stderr
    refused = kameng(data, "order", "deliver", order, "--part", "2", *WHY)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "第 2 项当前状态为 refunded" in refused.stderr
    assert "没有这一项" in kameng(data, "order", "fail", placed["cards"], "--part", "1", *WHY).stderr
    done = kameng(data, "order", "refund", order, "--part", "1", *WHY)
    assert done.stdout == f"{order}: refunded，已退 refunded 900.0000\n", done.stderr


def test_held_and_decided(server: Embedded, data: Path, placed: dict[str, str]) -> None:
    order = placed["phone"]
    for arguments, state in (
        (["hold", order], "held"), (["decide", order, "release"], "fulfilling"), (["doubt", order], "review"),
        (["resubmit", order], "fulfilling"), (["hold", order], "held"), (["decide", order, "refuse"], "refunded"),
    ):  # fmt: skip
        done = kameng(data, "order", *arguments, *WHY)
        assert done.stdout.startswith(f"{order}: {state}，"), done
    refused = kameng(data, "order", "deliver", order, *WHY)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "订单当前状态为 refunded" in refused.stderr
    assert PHONE not in kameng(data, "order", "show", order).stdout


def test_a_payment_is_confirmed_once(server: Embedded, data: Path, placed: dict[str, str]) -> None:
    order = placed["awaited"]
    ((total_e4,),) = fetch(server, "SELECT total_e4 FROM orders WHERE order_id = $1", int(order))
    amount = f"{int(str(total_e4)) / 10_000:.4f}"
    paid = ["order", "confirm-payment", order, "--amount", amount, "--channel", "alipay", "--number", "2026", *WHY]
    for said in ("", "（此前已执行 it was done before）"):
        done = kameng(data, *paid)
        assert (done.returncode, done.stdout) == (0, f"{order}: delivered，已退 refunded 0.0000{said}\n"), done.stderr
    assert state_of(server, order) == ("delivered", 0)
    assert fetch(server, "SELECT count(*) FROM transfer WHERE transfer_id = $1", int(order)) == [(1,)]
    nobody = kameng(data, "order", "show", "4096")
    assert (nobody.returncode, "没有找到该订单" in nobody.stderr) == (1, True)
    assert kameng(data, "audit").returncode == 0


def test_only_what_waits_for_a_guest_is_returned(server: Embedded, data: Path, placed: dict[str, str]) -> None:
    refused = kameng(data, "order", "returned", placed["cards"], "--reference", "CMB-1", *WHY)
    assert (refused.returncode, "没有待退回的款项" in refused.stderr) == (1, True), refused.stderr
    assert fetch(server, "SELECT count(*) FROM payment_return") == [(0,)]
