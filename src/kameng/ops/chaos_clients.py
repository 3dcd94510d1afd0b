"""The clients of ``kameng chaos``: they sign, order, and repeat whatever got no answer; and what they were told."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import Counter
from itertools import count
from typing import Any

import msgspec

from kameng import identity
from kameng.identity import IssuedKey

SECRET_MARK = "chaos-secret-"  # noqa: S105 - what every secret of this storm begins with
ANSWER_TIMEOUT_S = 15.0
PLACE, BULK = "/api/v1/orders", "/api/v1/orders/bulk"
SENT_AGAIN_PER_CENT = 10
Order = tuple[int, tuple[str, ...]]
RefKey = tuple[int, str]


class Goods(msgspec.Struct, frozen=True):
    """Who buys what."""

    keys: list[tuple[int, IssuedKey]]
    card_sku: str
    phone_sku: str


class Ledger:
    """What clients were told: orders by organisation and reference, refusals, and answers that contradict."""

    def __init__(self) -> None:
        self.orders: dict[RefKey, Order] = {}
        self.refused: dict[RefKey, str] = {}
        self.answers: Counter[str] = Counter()
        self.faults: list[str] = []

    def acknowledge(self, key: RefKey, order: dict[str, Any]) -> None:
        told = int(order["id"]), tuple(sorted(card["number"] for card in order.get("cards", ())))
        before = self.orders.setdefault(key, told)
        if before != told:
            self.faults.append(f"{key} was {before} and then {told}")


class Client:
    """One connection's worth of orders, one after the other."""

    def __init__(self, number: int, goods: Goods, told: Ledger, *, port: int, chance: random.Random) -> None:
        self._number = number
        self._goods = goods
        self._told = told
        self._port = port
        self._chance = chance
        self._org_id, self._key = goods.keys[number % len(goods.keys)]
        self._numbers = count(1)
        self._stopped = False
        self._wire: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def stop(self) -> None:
        """Order nothing new; what was begun is brought to its end."""
        self._stopped = True

    async def work(self) -> None:
        while not self._stopped:
            if self._chance.random() < 0.08:
                await self._place_many(self._chance.choice(["each", "all"]), self._chance.randint(2, 30))
            else:
                await self._place_one(self._order())
            await asyncio.sleep(self._chance.random() * 0.03)
        self._hang_up()

    async def _place_one(self, order: dict[str, Any]) -> None:
        key = (self._org_id, order["client_ref"])
        while True:
            answer = await self._ask(PLACE, order)
            if answer is None or answer[0] >= 500 or answer[0] == 429:
                await asyncio.sleep(0.05 + self._chance.random() * 0.1)
                continue
            if answer[0] < 300:
                self._told.acknowledge(key, answer[1])
                if self._chance.randrange(100) < SENT_AGAIN_PER_CENT:
                    order, answer = dict(order), None  # once more, though it was answered
                    await self._repeat(key, order)
            else:
                self._told.refused[key] = answer[1]["code"]
                self._told.faults.append(f"{key} was refused: {answer[1]['code']}")
            return

    async def _repeat(self, key: RefKey, order: dict[str, Any]) -> None:
        answer = await self._ask(PLACE, order)
        if answer is not None and answer[0] < 300:
            if not answer[1]["replayed"]:
                self._told.faults.append(f"{key} was placed again")
            self._told.acknowledge(key, answer[1])

    async def _place_many(self, mode: str, row_count: int) -> None:
        rows = [self._order() for _ in range(row_count)]
        while True:
            answer = await self._ask(BULK, {"mode": mode, "orders": rows})
            if answer is not None and answer[0] == 200:
                results = answer[1]["results"]
                for row, result in zip(rows, results, strict=True):
                    if result["status"] < 300:
                        self._told.acknowledge((self._org_id, row["client_ref"]), result["order"])
                placed = [result["status"] < 300 for result in results]
                if mode == "all" and len(set(placed)) > 1:
                    self._told.faults.append(f"all or none: {sum(placed)} of {len(placed)} rows")
                if all(placed):
                    return
            await asyncio.sleep(0.05 + self._chance.random() * 0.1)

    def _order(self) -> dict[str, Any]:
        ref = f"c{self._number}-{next(self._numbers)}"
        if self._chance.random() < 0.3:
            phone = f"13{self._chance.randrange(10**9):09d}"
            return {"client_ref": ref, "sku": self._goods.phone_sku, "account": {"phone": phone}}
        return {"client_ref": ref, "sku": self._goods.card_sku, "quantity": self._chance.randint(1, 3)}

    async def _ask(self, path: str, body: dict[str, Any]) -> tuple[int, Any] | None:
        """Status and document; None if nothing came back."""
        content = msgspec.json.encode(body)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                status, document = await self._exchange(path, content)
        except (OSError, EOFError, ValueError, TimeoutError):
            self._hang_up()
            self._told.answers["none"] += 1
            return None
        self._told.answers[str(status)] += 1
        if status == 500:
            self._told.faults.append(f"a database that is away is no defect of ours: {document.get('code')}")
        return status, document

    async def _exchange(self, path: str, content: bytes) -> tuple[int, Any]:
        if self._wire is None:
            self._wire = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._wire
        authorization = identity.authorization(
            identity.format_key_id(self._key.key_id, sandbox=False), self._key.secret.encode(), method="POST",
            path=path.encode(), query=b"", ts_s=int(time.time()), nonce=secrets.token_hex(12).encode(), body=content,
        )  # fmt: skip
        head = f"POST {path} HTTP/1.1\r\nhost: chaos\r\nauthorization: {authorization}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        await writer.drain()
        head_lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head_lines[1:] if line)
        document = msgspec.json.decode(await reader.readexactly(int(headers["content-length"])))
        if headers.get("connection") == "close":
            self._hang_up()
        return int(head_lines[0].split(" ")[1]), document

    def _hang_up(self) -> None:
        if self._wire is not None:
            self._wire[1].close()
            self._wire = None
