"""The demo that ``kameng run`` shows: goods, cards made up in code, a merchant with money, and signed orders."""

from __future__ import annotations

import http.client
import json
import secrets
import ssl
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kameng import access, catalogue, finance, identity, ledger, orders, risk, shops, stock
from kameng.catalogue import Sku
from kameng.identity import ApiKey, Caller, Organisation
from kameng.kit import clock, ids, lanes, money
from kameng.kit.db import Database
from kameng.kit.errors import Fault
from kameng.kit.settings import Settings
from kameng.ops import demo_shops, demo_supplier, founding, running, seeding
from kameng.ops.opening import Platform

NAME = f"{seeding.NAME} Demo"
WALLET_E4 = 1_000_000 * 10_000
"""As much as a sandbox has: the sample orders cost 138,942.46."""
POCKET_E4 = 10_000 * 10_000
"""What the demo's agent and customer begin with."""
NAMES = {
    "platform": "运营小明", "merchant": "商户小李", "agent": "代理小王", "supplier": "供货商小陈",
    "customer": "顾客小周",
}  # fmt: skip
FACES = {
    "platform": "运营 Operator", "merchant": "商户 Merchant", "agent": "代理 Agent   ", "supplier": "供货 Supplier",
    "customer": "顾客 Customer",
}  # fmt: skip
CARDS_EACH = 20
CARDS_OF_THE_SAMPLE = {("京东E卡", "100"): 500}
"""Product and spec; examples/data/orders_merchant.xlsx orders 428 of them, and some are left to play with."""
BUNDLE = """场景,品牌,商品,规格,类型,面值,成本,标价,下单表单,地区,备注
视频会员,礼包,追剧大礼包,腾讯视频年卡+芒果TV年卡,bundle,456,0,337.90,,全国,加赠京东E卡50
"""
BUNDLE_NAME = ("追剧大礼包", "腾讯视频年卡+芒果TV年卡")
BUNDLE_PARTS = ((("腾讯视频年卡", "238"), None), (("芒果TV年卡", "218"), None), (("京东E卡", "50"), 0))
BUNDLE_DISCOUNT_E4 = 50_000
"""5 % off; the gift costs the house what that leaves."""
FLASH = """场景,品牌,商品,规格,类型,面值,成本,标价,下单表单,地区,备注
游戏,网易一卡通,网易一卡通（限时抢购）,30,secret,30,28.80,28.88,,全国,
生活权益,京东E卡,京东E卡（限时抢购）,100,secret,100,96.50,97.00,,全国,
"""
FLASH_NAMES = (("网易一卡通（限时抢购）", "30"), ("京东E卡（限时抢购）", "100"))
"""The first begins at once, the second a day later; each lasts a month."""
FLASH_LASTS, FLASH_LATER, FLASH_EACH = timedelta(days=30), timedelta(days=1), 2
WINDOW = {
    "tagline": "卡密秒发，充值秒到", "notice": "演示店铺：所有卡密均为虚构，仅供体验。",
    "contact": "客服电话 400-000-0000（演示）",
}  # fmt: skip
BOUGHT = 12
"""SKUs of which the demo's merchant bought a card already, so that his pages have something to show."""
PLACE = "/api/v1/orders"
TIMEOUT_S = 15.0


class Demo(msgspec.Struct, frozen=True):
    """The demo merchant with its keys, as they stand in ``demo.json``. ``sku``: a card that is cheap."""

    organisation: str
    key: str
    secret: str
    sandbox_key: str
    sandbox_secret: str
    sku: str = ""
    people: dict[str, DemoPerson] = {}
    """By the kind of organisation they are owners of."""


class DemoPerson(msgspec.Struct, frozen=True):
    sign_in: str
    password: str


class Signed(msgspec.Struct, frozen=True):
    """An order ready to be sent within five minutes."""

    url: str
    authorization: str
    body: bytes


def file_of(chosen: Settings) -> Path:
    return chosen.data_dir / "demo.json"


def read(chosen: Settings) -> Demo:
    """The demo merchant; ``Fault`` where there is none."""
    try:
        return msgspec.json.decode(file_of(chosen).read_bytes(), type=Demo)
    except FileNotFoundError:
        raise Fault(
            f"There is no demo merchant in {chosen.data_dir}: `kameng run` makes one.\n"
            f"{chosen.data_dir} 中没有演示商户：运行 `kameng run` 即会创建。"
        ) from None


async def ensure(platform: Platform) -> Demo:
    """The demo, made by the first run and the same ever after. A platform in earnest gets none."""
    file = file_of(platform.settings)
    if file.exists():
        demo = read(platform.settings)
        if demo.sku and await _stands(platform, demo):
            return demo
    async with platform.db.connection() as connection:
        if await connection.fetchval(
            seeding.statements.is_in_earnest, seeding.NAME, list(seeding.FILE_NAMES)
        ):
            raise Fault(
                "This platform has merchants or cards of its own, and demo goods must not be sold among them:"
                " use `kameng serve`.\n"
                "该平台已有真实商户或卡密，不能混入演示商品：请使用 `kameng serve`。"
            )
    return await _make(platform, file)


async def _make(platform: Platform, file: Path) -> Demo:
    db, ring = platform.db, platform.ring
    await seeding.seed_catalogue(db)
    member = await founding.found_member(db, ring, NAME)
    org = member.organisation
    await ledger.recharge(db, org.lane, org.org_id, WALLET_E4, key=f"demo:{org.org_id}")
    await _make_bundle(db)
    assert not (await catalogue.import_file(db, FLASH.encode())).refused
    on_sale = [sku for sku in await seeding.read_skus(db) if sku.from_stock]
    async with db.connection() as connection:
        on_hand = await stock.on_hand_everywhere(connection)
    counts = {sku.sku_id: CARDS_OF_THE_SAMPLE.get((sku.product, sku.spec), CARDS_EACH) for sku in on_sale}
    empty = [sku for sku in on_sale if on_hand.get(sku.sku_id, 0) < counts[sku.sku_id]]
    bought = [sku for sku in empty if sku.kind == "secret" and not sku.form][:BOUGHT]
    counts.update({sku.sku_id: counts[sku.sku_id] + 1 for sku in bought})
    await seeding.seed_shelves(db, ring, empty, counts, file_name="demo")
    await _buy(platform, org, bought)
    cheapest = min((sku for sku in on_sale if not sku.form), key=lambda sku: sku.list_price_e4)
    demo = Demo(
        str(org.org_id),
        identity.format_key_id(member.key.key_id, sandbox=False),
        member.key.secret,
        identity.format_key_id(member.sandbox_key.key_id, sandbox=True),
        member.sandbox_key.secret,
        str(cheapest.sku_id),
        await _make_people(platform, org),
    )
    await _make_work_for_operators(platform, org, int(demo.sku))
    seeding.write_private(file, msgspec.json.format(msgspec.json.encode(demo)))
    return demo


async def _buy(platform: Platform, merchant: Organisation, skus: Sequence[Sku]) -> None:
    """A card of each of these for the merchant, by the queue of his lane; his wallet has as much as before."""
    snapshot = orders.Snapshot(platform.db, platform.ring, orders.terms_of(platform.settings))
    await snapshot.start()
    async with platform.db.connection() as connection:
        queues = orders.Lanes(snapshot, await lanes.lane_numbers(connection))
    key = ApiKey(0, merchant.org_id, frozenset(), None, None, (), 1, None, "active", None)
    bodies = [orders.OrderBody(f"DEMO-{n:04}", str(sku.sku_id)) for n, sku in enumerate(skus, 1)]
    wishes = [orders.wish_from(snapshot, Caller(key, merchant, "127.0.0.1"), body) for body in bodies]
    queues.start()
    answers = await queues.place_many(wishes)
    await queues.stop()
    placed = [answer for answer in answers if isinstance(answer, orders.ShownOrder) and not answer.replayed]
    spent_e4 = sum(order.total_e4 for order in placed)
    if spent_e4:
        await ledger.recharge(
            platform.db, merchant.lane, merchant.org_id, spent_e4, key=f"demo:bought:{merchant.org_id}"
        )


async def _make_people(platform: Platform, merchant: Organisation) -> dict[str, DemoPerson]:
    """Somebody who signs in for each face: operator, merchant, agent, supplier, customer."""
    db, ring = platform.db, platform.ring
    agent = (await founding.found_member(db, ring, f"{seeding.NAME} 分站", kind="agent")).organisation
    supplier = (await founding.found_member(db, ring, f"{seeding.NAME} 供货商", kind="supplier")).organisation
    guest = await founding.found_member(db, ring, f"{seeding.NAME} 顾客", kind="customer")
    customer = guest.organisation
    for buyer in (agent, customer):
        await ledger.recharge(db, buyer.lane, buyer.org_id, POCKET_E4, key=f"demo:{buyer.org_id}")
    await demo_supplier.furnish(platform, supplier, guest)
    made = {}
    house = await founding.found_house(db)
    await _make_window(db, house)
    for one in (house, merchant, agent, supplier, customer):
        person = DemoPerson(f"{one.kind}@demo.kameng", secrets.token_urlsafe(9))
        person_id = await identity.enrol(db, sign_in=person.sign_in, name=NAMES[one.kind])
        await access.set_password(db, person_id, person.password, actor_id=0)
        await identity.join(db, one, person_id, "owner")
        made[one.kind] = person
    await demo_shops.furnish(platform, agent, made["agent"].password)
    return made


async def _make_window(db: Database, house: Organisation) -> None:
    """What the shop says of itself, and two flash sales."""
    await shops.set_shop(db, house.org_id, actor_id=0, **WINDOW)
    skus = {(sku.product, sku.spec): sku for sku in await seeding.read_skus(db)}
    for name, later in zip(FLASH_NAMES, (timedelta(0), FLASH_LATER), strict=True):
        starts_at = clock.now() + later
        await shops.plan_sale(
            db, skus[name].sku_id, starts_at=starts_at, ends_at=starts_at + FLASH_LASTS, buyer_max=FLASH_EACH
        )


async def _make_work_for_operators(platform: Platform, merchant: Organisation, sku_id: int) -> None:
    """Something on the operators' desks: a withdrawal and an adjustment to decide, a SKU that is low, a listing."""
    db, ring, chosen = platform.db, platform.ring, platform.settings
    owner = await identity.find_by_sign_in(db, "platform@demo.kameng")
    assert owner is not None
    await stock.set_low_stock(db, sku_id, 10 * CARDS_EACH, actor_id=owner.person_id)
    await finance.adjust(
        db, merchant.org_id, 2 * chosen.adjustment_limit_yuan * money.E4, key="demo", reason="recharge_missing",
        note="银行到账未入账", evidence="20261123-0001", terms=finance.terms_of(chosen), actor_id=owner.person_id,
    )  # fmt: skip
    payee = finance.Payee("bank", "演示商户", "6222020200112233445", "工商银行")
    await finance.ask_withdrawal(
        db, ring, merchant, 500 * money.E4, client_ref="demo", payee=payee, terms=finance.terms_of(chosen), actor_id=0
    )
    await risk.set_listing(
        db, "ip", "203.0.113.0/24", "review", reason="演示：来自该网段的订单需人工审核", actor_id=owner.person_id
    )


async def _make_bundle(db: Database) -> None:
    """One bundle of cards, with a gift: it comes in the answer to its order like any card."""
    report = await catalogue.import_file(db, BUNDLE.encode())
    assert not report.refused
    skus = {(sku.product, sku.spec): sku for sku in await seeding.read_skus(db)}
    bundle = skus[BUNDLE_NAME]
    parts = [catalogue.WantedPart(skus[name].sku_id, share_e4=share_e4) for name, share_e4 in BUNDLE_PARTS]
    await catalogue.set_parts(db, bundle.sku_id, parts, discount_percent_e4=BUNDLE_DISCOUNT_E4)
    await catalogue.set_sku(db, bundle.sku_id, {"state": "on_sale"})


async def _stands(platform: Platform, demo: Demo) -> bool:
    """The file may be left over from another database."""
    key_id = identity.parse_key_id(demo.key)[0]
    async with platform.db.connection() as connection:
        rows = await connection.fetch(seeding.statements.standing_keys, [ids.lane_of(key_id)], [key_id])
    return bool(rows)


# orders ----------------------------------------------------------------------------------------------------


def sign(
    demo: Demo, url: str, *, sku: str = "", quantity: int = 1, client_ref: str = "", sandbox: bool = False
) -> Signed:
    """An order of the demo merchant, signed now."""
    client_ref = client_ref or f"demo-{secrets.token_hex(6)}"
    body = msgspec.json.encode({"client_ref": client_ref, "sku": sku or demo.sku, "quantity": quantity})
    key, secret = (demo.sandbox_key, demo.sandbox_secret) if sandbox else (demo.key, demo.secret)
    authorization = identity.authorization(
        key, secret.encode(), method="POST", path=PLACE.encode(), query=b"", ts_s=int(time.time()),
        nonce=secrets.token_hex(12).encode(), body=body,
    )  # fmt: skip
    return Signed(url + PLACE, authorization, body)


def as_curl(order: Signed) -> str:
    """A command to paste. It holds no secret, and works once: its nonce is spent then."""
    is_tls = order.url.startswith("https:")
    return (
        f"curl {'-k ' if is_tls else ''}{order.url} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f"  -H 'Authorization: {order.authorization}' \\\n"
        f"  -d '{order.body.decode()}'"
    )


def send(order: Signed, chosen: Settings) -> tuple[int, Any]:
    """Send it to this machine's gateway; status and decoded answer."""
    parts = urlsplit(order.url)
    connection: http.client.HTTPConnection = (
        http.client.HTTPSConnection(parts.netloc, timeout=TIMEOUT_S, context=_trust(chosen))
        if parts.scheme == "https"
        else http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    )
    headers = {"Content-Type": "application/json", "Authorization": order.authorization}
    try:
        connection.request("POST", parts.path, order.body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except OSError as error:
        raise Fault(
            f"{parts.netloc} does not answer ({error}): is `kameng run` or `kameng serve` running?\n"
            f"{parts.netloc} 没有响应：`kameng run` 或 `kameng serve` 在运行吗？"
        ) from None
    finally:
        connection.close()


def _trust(chosen: Settings) -> ssl.SSLContext:
    """Our own certificate is trusted by what it is, the operator's like any other."""
    own = chosen.data_dir / "tls" / "certificate.pem"
    return ssl.create_default_context(cafile=None if chosen.tls_certificate else str(own))


def gateway_url(chosen: Settings) -> str:
    """Where the gateway of this data folder answers; ``Fault`` when none runs."""
    for one in running.all_of(chosen.data_dir):
        if one.url:
            return one.url
    raise Fault(
        f"No gateway runs for {chosen.data_dir}: start it with `kameng run` or `kameng serve`.\n"
        f"{chosen.data_dir} 没有正在运行的网关：请用 `kameng run` 或 `kameng serve` 启动。"
    )
