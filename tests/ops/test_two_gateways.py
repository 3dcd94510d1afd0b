"""Two gateways on one database, as on two machines: a reference is one order, a limit one limit, stock one stock."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
from command import Service, kameng

from kameng import identity, stock
from kameng.catalogue import Sku
from kameng.identity import ALL_SCOPES, IssuedKey
from kameng.kit import crypto, db
from kameng.openapi.intake import PLACE
from kameng.ops.embedded import Embedded
from kameng.stock import CardLine
from running import Seed, seeded, signed_headers

__all__ = ["seeded"]

PARALLEL = 200
WITHIN_S = 60


class Pair(msgspec.Struct, frozen=True):
    """Everything that serves, and a gateway alone, both on one database."""

    seed: Seed
    url: str
    whole: Service
    alone: Service

    def port(self, number: int) -> int:
        return urlsplit((self.whole, self.alone)[number % 2].told.url).port or 0

    async def value(self, query: str, *arguments: Any) -> Any:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    def is_clean(self) -> bool:
        done = kameng(self.seed.data_dir, "audit", KAMENG_DATABASE_URL=self.url)
        assert done.returncode == 0, done.stdout + done.stderr
        return True


@pytest.fixture(scope="module")
async def pair(postgres: Embedded, seeded: tuple[str, Seed]) -> AsyncIterator[Pair]:
    template, seed = seeded
    name = f"pair_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(postgres.url)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    await connection.close()
    url = postgres.url_for(name)
    served = ("serve", "--port", "0", "--plain-http")
    with (
        Service(seed.data_dir, *served, KAMENG_DATABASE_URL=url) as whole,
        Service(seed.data_dir, *served, "--role", "gateway", KAMENG_DATABASE_URL=url) as alone,
    ):
        for service in (whole, alone):
            await asyncio.to_thread(service.await_said, "Kameng is running")
        yield Pair(seed, url, whole, alone)
        assert [await asyncio.to_thread(service.stop) for service in (alone, whole)] == [0, 0]


async def answers_to(pair: Pair, orders: Sequence[tuple[IssuedKey, bytes]]) -> list[tuple[int, dict[str, Any]]]:
    """All sent at once; who is told that a gateway is busy sends the same again, as he is told to."""
    answers = await send_at_once(pair, orders)
    while busy := [n for n, (_, answer) in enumerate(answers) if answer.get("code") == "busy"]:
        for n, answer in zip(busy, await send_at_once(pair, [orders[n] for n in busy]), strict=True):
            answers[n] = answer
    return answers


async def send_at_once(pair: Pair, orders: Sequence[tuple[IssuedKey, bytes]]) -> list[tuple[int, dict[str, Any]]]:
    """Each on a connection of its own, by turns to one gateway and to the other; all were open before any is sent."""
    async with asyncio.timeout(WITHIN_S):
        lines = [await asyncio.open_connection("127.0.0.1", pair.port(number)) for number in range(len(orders))]
        for (_, writer), (key, body) in zip(lines, orders, strict=True):
            signed = signed_headers(key, "POST", PLACE, "", body)["authorization"]
            head = f"POST {PLACE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: {signed}\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answers = [await reader.read() for reader, _ in lines]
        for _, writer in lines:
            writer.close()
    return [(int(answer.split(b" ", 2)[1]), json.loads(answer.partition(b"\r\n\r\n")[2])) for answer in answers]


def order(ref: str, sku: Sku) -> bytes:
    return msgspec.json.encode({"client_ref": ref, "sku": str(sku.sku_id)})


def told(answers: Iterable[tuple[int, dict[str, Any]]]) -> Counter[str]:
    """How often each thing was answered: the code of a refusal, or the status."""
    return Counter(answer.get("code", str(status)) for status, answer in answers)


async def test_each_serves_in_its_role(pair: Pair) -> None:
    assert set(pair.whole.told.children) == {"gateway", "worker+scheduler"}
    assert set(pair.alone.told.children) == {"gateway"}
    assert pair.port(0) != pair.port(1)


async def test_a_reference_sent_to_both_at_once_is_one_order(pair: Pair) -> None:
    key, deep = pair.seed.shop.key, pair.seed.goods.deep
    before = await pair.value("SELECT count(*) FROM orders")
    for n in range(10):
        body = order(f"both-{n}", deep)
        (status, first), (other_status, second) = await send_at_once(pair, [(key, body)] * 2)
        assert sorted((status, other_status)) == [200, 201]
        assert {**first, "replayed": True} == {**second, "replayed": True}
    assert await pair.value("SELECT count(*) FROM orders") == before + 10
    # Other content of the same reference is refused, wherever the first went.
    one, other = order("both-x", deep), order("both-x", pair.seed.goods.card)
    assert told(await send_at_once(pair, [(key, one), (key, other)])) == {"201": 1, "reference_reused": 1}
    assert pair.is_clean()


async def test_ten_cards_are_sold_ten_times_by_both_together(pair: Pair) -> None:
    """To buyers of both lanes."""
    bare, seed = pair.seed.goods.bare, pair.seed
    opened = await db.open_database(pair.url)
    ring = crypto.KeyRing(crypto.KeyFile(seed.data_dir / "keyring.json").load())
    cards = [CardLine(n, f"BOTH{n:08d}", f"SECRET-{n:04d}", None, None) for n in range(1, 11)]
    await stock.load_cards(opened, ring, cards, sku_id=bare.sku_id, file_name="ten.txt")
    await opened.close()
    keys = [seed.shop.key, seed.shop.key, seed.other.key, seed.other.key]
    answers = await answers_to(pair, [(keys[n % 4], order(f"ten-{n}", bare)) for n in range(PARALLEL)])
    assert told(answers) == {"201": 10, "sold_out": PARALLEL - 10}
    sold = sorted(card["number"] for status, answer in answers if status == 201 for card in answer["cards"])
    assert sold == [f"BOTH{n:08d}" for n in range(1, 11)]
    assert await pair.value("SELECT count(*) FROM orders WHERE sku_id = $1", bare.sku_id) == 10
    assert pair.is_clean()


async def test_a_limit_of_ten_orders_is_ten_on_both_together(pair: Pair) -> None:
    """A key's daily money is for ten orders; the references are all different."""
    shop, deep = pair.seed.shop.organisation, pair.seed.goods.deep
    opened = await db.open_database(pair.url)
    ring = crypto.KeyRing(crypto.KeyFile(pair.seed.data_dir / "keyring.json").load())
    async with opened.transaction() as connection:
        key = await identity.issue_key(
            connection, ring, shop, name="ten", scopes=ALL_SCOPES, daily_limit_e4=10 * deep.list_price_e4
        )
    await opened.close()
    posted = "SELECT posted_e4 FROM account WHERE account_id = $1"
    before_e4 = await pair.value(posted, shop.org_id)
    answers = await answers_to(pair, [(key, order(f"limit-{n}", deep)) for n in range(PARALLEL)])
    assert told(answers) == {"201": 10, "daily_limit_exceeded": PARALLEL - 10}
    assert before_e4 - await pair.value(posted, shop.org_id) == 10 * deep.list_price_e4
    assert pair.is_clean()
