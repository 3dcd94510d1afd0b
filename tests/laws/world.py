"""A small platform on a real PostgreSQL: merchants, goods, cards, and gateways that place orders in one process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec

from kameng import catalogue, identity, ledger, orders, stock
from kameng.catalogue import Sku
from kameng.identity import Caller, IssuedKey
from kameng.kit import crypto, db
from kameng.kit.crypto import KeyMaterial, KeyRing
from kameng.kit.db import Database
from kameng.ops import auditing, founding
from kameng.orders import Answer, Lanes, OrderBody, ShownOrder, Snapshot, Terms, Wish

CSV = """场景,品牌,商品,规格,类型,面值,成本,标价,下单表单,地区,备注
游戏,网易,网易一卡通,100,secret,100,95,98.5,,全国,
游戏,网易,网易一卡通,50,secret,50,47,49,,全国,
话费,移动,移动话费,100,topup,100,98,99.65,phone,全国,
营销,星巴克,星巴克券,30,link,30,25,28,,全国,
"""
MONEY_E4 = 10**10
PHONE = "13812345678"
_numbers = count(1)


@dataclass
class Merchant:
    member: founding.Member
    caller: Caller
    sandbox: Caller

    @property
    def lane(self) -> int:
        return self.caller.organisation.lane

    @property
    def org_id(self) -> int:
        return self.caller.organisation.org_id


@dataclass
class World:
    url: str
    db: Database
    ring: KeyRing
    lanes: list[int]
    card: Sku
    half_card: Sku
    phone: Sku
    link: Sku
    cards_made: count[int] = field(default_factory=lambda: count(1))

    async def merchant(
        self, *, lane: int | None = None, money_e4: int = MONEY_E4, level: int = 0, scopes: Any = identity.ALL_SCOPES,
        credit_line_e4: int = 0, kind: str = "merchant", parent: Merchant | None = None,
    ) -> Merchant:
        """A merchant with money; with ``lane``, in that one; with ``parent``, under that agent."""
        parent_id = None if parent is None else parent.org_id
        while True:
            member = await founding.found_member(
                self.db, self.ring, f"{kind} {next(_numbers)}", kind=kind, level=level, scopes=scopes,
                credit_line_e4=credit_line_e4, parent_id=parent_id,
            )  # fmt: skip
            if lane is None or member.organisation.lane == lane:
                break
        if money_e4:
            org_id = member.organisation.org_id
            await ledger.recharge(self.db, member.organisation.lane, org_id, money_e4, key=f"first:{org_id}")
        caller = await self.caller(member.key, member.organisation)
        return Merchant(member, caller, await self.caller(member.sandbox_key, member.sandbox))

    async def agents(self, *lanes: int) -> list[Merchant]:
        """Agents without money, each under the one before, in these lanes."""
        chain: list[Merchant] = []
        for lane in lanes:
            chain.append(
                await self.merchant(lane=lane, money_e4=0, kind="agent", parent=chain[-1] if chain else None)
            )
        return chain

    async def caller(self, key: IssuedKey, organisation: identity.Organisation) -> Caller:
        directory = identity.Directory(self.db, self.ring)
        found = await directory.key(key.key_id)
        assert found is not None
        return Caller(found, organisation, "127.0.0.1")

    async def key(self, merchant: Merchant, **settings: Any) -> Caller:
        """One more key of a merchant."""
        async with self.db.transaction() as connection:
            issued = await identity.issue_key(
                connection, self.ring, merchant.caller.organisation, name="another", **settings
            )
        return await self.caller(issued, merchant.caller.organisation)

    async def load(self, sku: Sku, card_count: int, *, lane: int | None = None) -> None:
        """Cards on the shelf; with ``lane``, all of them there."""
        before = "https://redeem.example.com/" if sku.kind == "link" else ""
        lines = [
            stock.CardLine(line, f"WY{n:012d}", f"{before}secret-{n:012d}", None, None)
            for line, n in zip(range(1, card_count + 1), self.cards_made, strict=False)
        ]
        report = await stock.load_cards(self.db, self.ring, lines, sku_id=sku.sku_id, file_name="made.txt")
        assert report.loaded == card_count
        if lane is not None:
            await self.gather(sku, lane)

    async def gather(self, sku: Sku, lane: int) -> None:
        """Bring every card of a SKU to one lane."""
        for _ in range(1000):
            elsewhere = await self.scalar(
                "SELECT coalesce(sum(on_hand), 0)::bigint FROM allotment WHERE sku_id = $1 AND lane <> $2",
                sku.sku_id, lane,
            )  # fmt: skip
            if not elsewhere:
                return
            await stock.steal(self.db, lane, sku.sku_id, elsewhere)
        raise AssertionError("cards did not move")

    @asynccontextmanager
    async def gateway(
        self, *, url: str | None = None, batch_max: int = 512, target_s: float = 30, terms: Terms | None = None
    ) -> AsyncIterator[Gateway]:
        """What one gateway process has: a snapshot of its own, and its queues at work."""
        own = await db.open_database(url or self.url, size=2 * len(self.lanes) + 4)
        snapshot = Snapshot(own, self.ring, terms)
        await snapshot.start()
        queues = Lanes(snapshot, self.lanes, batch_max=batch_max, target_s=target_s)
        queues.start()
        try:
            yield Gateway(snapshot, queues)
        finally:
            await queues.stop()
            await own.close()

    async def scalar(self, statement: str, *arguments: Any) -> Any:
        async with self.db.connection() as connection:
            return await connection.fetchval(statement, *arguments)

    async def rows(self, statement: str, *arguments: Any) -> list[Any]:
        async with self.db.connection() as connection:
            return list(await connection.fetch(statement, *arguments))

    async def execute(self, statement: str, *arguments: Any) -> None:
        async with self.db.connection() as connection:
            await connection.execute(statement, *arguments)

    async def assert_clean(self) -> None:
        report = await auditing.run(self.db, self.ring, sample_per_lane=50)
        assert [(finding.law, finding.examples) for finding in report.broken] == []


@dataclass
class Gateway:
    snapshot: Snapshot
    queues: Lanes

    async def wish(self, caller: Caller, ref: str, sku: Sku, quantity: int = 1, **more: Any) -> Wish:
        """A wish as the door makes it; ``phone`` fills the form, ``nonce`` and ``group`` go through."""
        await self.snapshot.directory.key(caller.key.key_id)
        phone, price = more.pop("phone", PHONE), more.pop("max_price", None)
        account = {"phone": phone} if sku.form == "phone" else {}
        body = OrderBody(ref, str(sku.sku_id), quantity, account, price)
        return orders.wish_from(self.snapshot, caller, body, **more)

    async def place(self, caller: Caller, ref: str, sku: Sku, quantity: int = 1, **more: Any) -> Answer:
        return await self.queues.place(await self.wish(caller, ref, sku, quantity, **more))

    async def place_many(self, wishes: Sequence[Wish]) -> list[Answer]:
        return await self.queues.place_many(wishes)


def placed(answers: Sequence[Answer]) -> list[ShownOrder]:
    return [answer for answer in answers if isinstance(answer, ShownOrder)]


def codes(answers: Sequence[Answer]) -> dict[str, int]:
    """How many answers of each kind: ``placed``, ``replayed``, or a refusal's code."""
    found: dict[str, int] = {}
    for answer in answers:
        name = ("replayed" if answer.replayed else "placed") if isinstance(answer, ShownOrder) else answer.reason.code
        found[name] = found.get(name, 0) + 1
    return found


def cards_of(answers: Sequence[Answer]) -> list[bytes]:
    return [card.text or b"" for answer in placed(answers) for card in answer.cards]


def ring() -> KeyRing:
    return crypto.KeyRing(KeyMaterial(current=1, keys={1: os.urandom(32)}, hash_key=os.urandom(32)))


@asynccontextmanager
async def new_world(url: str, *, lanes: int = 2, is_founded: bool = False) -> AsyncIterator[World]:
    """A platform in a migrated, empty database; or in a copy of one in which it was founded."""
    opened = await db.open_database(url)
    try:
        if not is_founded:
            await founding.open_platform(opened, lane_count=lanes)
            report = await catalogue.import_file(opened, CSV.encode())
            assert (report.created, report.refused) == (4, ())
        async with opened.connection() as connection:
            skus = (await catalogue.load(connection, None, 1)).skus.values()
        named = {(sku.product, sku.spec): sku for sku in skus}
        yield World(
            url, opened, ring(), list(range(lanes)), named["网易一卡通", "100"], named["网易一卡通", "50"],
            named["移动话费", "100"], named["星巴克券", "30"],
        )  # fmt: skip
    finally:
        await opened.close()


async def change_price(world: World, sku: Sku, list_price_e4: int) -> None:
    await catalogue.change_sku(world.db, msgspec.structs.replace(sku, list_price_e4=list_price_e4))


async def together(*calls: Any) -> list[Any]:
    return list(await asyncio.gather(*calls))
