"""A platform for tests that go through the door: members, goods, cards, a gateway, and clients that sign.

``platform`` is a fresh one with its gateway in this process; ``served`` the same behind a real server on loopback,
one for a test session. Amounts and stock are fixed, so tests can name exact values.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import asyncpg
import msgspec
import pytest

from kameng import catalogue, identity, ledger, openapi, stock, web
from kameng.catalogue import Sku
from kameng.identity import ALL_SCOPES, IssuedKey, Organisation
from kameng.kit import clock, crypto, db, settings
from kameng.ops import founding, serving
from kameng.ops.children import Child
from kameng.ops.embedded import Embedded
from kameng.ops.founding import Member
from kameng.stock import CardLine
from postgres import execute

BALANCE_E4 = 100_000 * 10_000
CARDS = 60
"""On the shelf of ``goods.card``, before anything is sold."""
DEEP = 1000
"""On the shelf of ``goods.deep``."""

_numbers = count(1)


class Goods(msgspec.Struct, frozen=True):
    """What is sold there: one SKU of each way of delivery that tests order."""

    card: Sku  # from stock, CARDS of it
    few: Sku  # from stock, 3 of it
    bare: Sku  # from stock, none
    phone: Sku  # a top-up that asks for a phone number
    deep: Sku  # from stock, DEEP of it


class Seed(msgspec.Struct, frozen=True):
    """Who and what is there; the same in every copy."""

    data_dir: Path
    shop: Member  # has BALANCE_E4
    other: Member  # another organisation, has BALANCE_E4
    poor: Member  # has nothing
    goods: Goods


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of a problem; the media type is checked with it."""
        assert self.headers["content-type"] == "application/problem+json", self
        return str(self.json["code"])


def signed_headers(
    key: IssuedKey, method: str, path: str, query: str = "", body: bytes = b"", *, ts_s: int | None = None,
    nonce: str | None = None, secret: str | None = None,
) -> dict[str, str]:  # fmt: skip
    """The header of a client that does everything right, unless told otherwise."""
    value = identity.authorization(
        identity.format_key_id(key.key_id, sandbox=key.sandbox),
        (key.secret if secret is None else secret).encode(),
        method=method, path=path.encode(), query=query.encode(),
        ts_s=clock.now_ms() // 1000 if ts_s is None else ts_s,
        nonce=(secrets.token_urlsafe(16) if nonce is None else nonce).encode(), body=body,
    )  # fmt: skip
    return {"authorization": value}


class Client:
    """Signs and sends; ``Platform`` and ``Served`` say where to."""

    key: IssuedKey
    watchers: ClassVar[list[Callable[[str, str, Answer], None]]] = []
    """Told of every answer to ``call``: method, path, answer."""

    async def send(self, method: str, path: str, query: str, body: bytes, headers: dict[str, str]) -> Answer:
        raise NotImplementedError

    async def call(
        self, method: str, path: str, *, query: str = "", body: Any = None, key: IssuedKey | None = None,
        headers: dict[str, str] | None = None, signed: bool = True, **signing: Any,
    ) -> Answer:  # fmt: skip
        data = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
        sent = {"content-type": "application/json"} if data else {}
        if signed:
            sent |= signed_headers(self.key if key is None else key, method, path, query, data, **signing)
        answer = await self.send(method, path, query, data, sent | (headers or {}))
        for watch in self.watchers:
            watch(method, path, answer)
        return answer

    async def get(self, path: str, query: str = "", **options: Any) -> Answer:
        return await self.call("GET", path, query=query, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.call("POST", path, body=body, **options)

    async def place(
        self, ref: str, sku: Sku, quantity: int = 1, *, key: IssuedKey | None = None, **more: Any
    ) -> Answer:
        body = {"client_ref": ref, "sku": str(sku.sku_id), "quantity": quantity, **more}
        return await self.post("/api/v1/orders", body, key=key)


class Platform(Client):
    """A platform of one test: its database, and its gateway called as ASGI."""

    def __init__(self, seed: Seed, url: str, gateway: openapi.Gateway, database: db.Database) -> None:
        self.seed = seed
        self.url = url
        self.gateway = gateway
        self.db = database
        self.key = seed.shop.key
        self.peer = "127.0.0.1"

    @property
    def goods(self) -> Goods:
        return self.seed.goods

    async def found(self, name: str) -> Member:
        """Another organisation, with BALANCE_E4."""
        member = await founding.found_member(self.db, self.ring, name, scopes=ALL_SCOPES)
        payer = member.organisation
        await ledger.recharge(self.db, payer.lane, payer.org_id, BALANCE_E4, key=f"seed:{payer.org_id}")
        return member

    @property
    def ring(self) -> crypto.KeyRing:
        return crypto.KeyRing(crypto.KeyFile(self.seed.data_dir / "keyring.json").load())

    async def send(self, method: str, path: str, query: str, body: bytes, headers: dict[str, str]) -> Answer:
        started: list[Any] = []
        sent = {"host": "kameng.test", **headers}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "https", "method": method,
            "path": path, "raw_path": path.encode(), "root_path": "", "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
            "client": (self.peer, 50_000), "server": ("127.0.0.1", 8443),
        }  # fmt: skip

        ended = asyncio.Event()
        unread: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if unread:
                return unread.pop()
            await ended.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            started.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                ended.set()

        await self.gateway(scope, receive, send)
        content = b"".join(message.get("body", b"") for message in started[1:])
        pairs = started[0]["headers"]
        assert len({name for name, _ in pairs}) == len(pairs), f"a header stands twice: {pairs}"
        return Answer(started[0]["status"], {n.decode(): v.decode() for n, v in pairs}, content)

    async def issue_key(self, organisation: Organisation, scopes: Iterable[str] = ALL_SCOPES, **more: Any) -> IssuedKey:
        async with self.db.transaction() as connection:
            return await identity.issue_key(connection, self.ring, organisation, name="test", scopes=scopes, **more)

    async def count(self, table: str) -> int:
        """The rows of a table; what refusals must leave as it was."""
        return int(await self.db.pool.fetchval(f"SELECT count(*) FROM {table}"))

    async def trace(self) -> dict[str, int]:
        """What an order leaves behind, by table. Nonces are no trace: a refused write spends its own."""
        tables = ("orders", "order_ref", "transfer", "event", "job", "audit_line")
        sold = await self.db.pool.fetchval("SELECT count(*) FROM card WHERE state = 'sold'")
        return {table: await self.count(table) for table in tables} | {"sold": int(sold)}


async def _sow(url: str, data_dir: Path) -> Seed:
    """Members, the demo catalogue, cards."""
    ring = crypto.KeyRing(crypto.KeyFile(data_dir / "keyring.json").create())
    database = await db.open_database(url)
    await founding.open_platform(database, lane_count=2)
    await catalogue.import_file(database, catalogue.demo_catalogue())
    names = ("星河数卡", "云帆商行", "小本经营")
    members = [await founding.found_member(database, ring, name, scopes=ALL_SCOPES) for name in names]
    for member in members[:2]:
        payer = member.organisation
        await ledger.recharge(database, payer.lane, payer.org_id, BALANCE_E4, key=f"seed:{payer.org_id}")
    async with database.connection() as connection:
        skus = (await catalogue.load(connection, None, 1 << 40)).skus.values()
    secret = sorted((sku for sku in skus if sku.kind == "secret"), key=lambda sku: sku.sku_id)
    goods = Goods(*secret[:3], next(sku for sku in skus if sku.form == "phone" and sku.kind == "topup"), secret[3])
    for sku, number in ((goods.card, CARDS), (goods.few, 3), (goods.deep, DEEP)):
        cards = [
            CardLine(line, f"86140026{sku.sku_id}{line:04d}", f"S-{sku.sku_id}-{line:04d}", None, None)
            for line in range(1, number + 1)
        ]
        await stock.load_cards(database, ring, cards, sku_id=sku.sku_id, file_name="seed.txt")
    await database.close()
    return Seed(data_dir, *members, goods)


@pytest.fixture(scope="session")
async def seeded(postgres: Embedded, template_database: str) -> AsyncIterator[tuple[str, Seed]]:
    """The name of a database to copy, and what is in it."""
    name = f"seeded_{next(_numbers)}"
    await execute(postgres.url, f"CREATE DATABASE {name} TEMPLATE {template_database} STRATEGY file_copy")
    folder = Path(tempfile.mkdtemp(prefix="kameng-data-"))
    yield name, await _sow(postgres.url_for(name), folder)
    shutil.rmtree(folder)


@pytest.fixture
async def platform(postgres: Embedded, seeded: tuple[str, Seed]) -> AsyncIterator[Platform]:
    """A fresh platform with a gateway of its own in this process."""
    async with _platform(postgres, *seeded) as fresh:
        yield fresh


@pytest.fixture(scope="module")
async def common(postgres: Embedded, seeded: tuple[str, Seed]) -> AsyncIterator[Platform]:
    """One for the tests of a module; each brings references, keys and members of its own."""
    async with _platform(postgres, *seeded) as shared:
        yield shared


@asynccontextmanager
async def _platform(postgres: Embedded, template: str, seed: Seed) -> AsyncIterator[Platform]:
    name = f"platform_{next(_numbers)}"
    await execute(postgres.url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    url = postgres.url_for(name)
    environment = {"KAMENG_DATABASE_URL": url, "KAMENG_DATA_DIR": str(seed.data_dir), "KAMENG_REQUEST_TIMEOUT_S": "1"}
    gateway = openapi.Gateway(settings.load(environment), pages=web.create)
    parts = await gateway.start()
    yield Platform(seed, url, gateway, parts.db)
    await gateway.stop()
    await execute(postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


class Served(Client):
    """A gateway in a process of its own, as the supervisor starts it, plain http on a free port of loopback."""

    def __init__(self, seed: Seed, url: str, port: int) -> None:
        self.seed = seed
        self.url = url
        self.port = port
        self.key = seed.shop.key
        self.base = f"http://127.0.0.1:{port}"

    async def send(self, method: str, path: str, query: str, body: bytes, headers: dict[str, str]) -> Answer:
        address = f"{self.base}{path}{'?' if query else ''}{query}"
        request = urllib.request.Request(address, body or None, headers, method=method)
        return await asyncio.to_thread(_fetch, request)

    async def count(self, table: str) -> int:
        connection = await asyncpg.connect(self.url)
        try:
            return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
        finally:
            await connection.close()


def _fetch(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


@pytest.fixture(scope="session")
async def served(postgres: Embedded, seeded: tuple[str, Seed]) -> AsyncIterator[Served]:
    """One real server for all tests that need one; orders that they place stay."""
    template, seed = seeded
    name = f"served_{next(_numbers)}"
    await execute(postgres.url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    url = postgres.url_for(name)
    environment = {"KAMENG_DATA_DIR": str(seed.data_dir), "KAMENG_REQUEST_TIMEOUT_S": "1"}
    with gateway_process(url, environment) as port:
        yield Served(seed, url, port)


@contextmanager
def gateway_process(url: str, environment: dict[str, str]) -> Iterator[int]:
    """A gateway's process on a database; gives its port."""
    with gateway_child(url, environment) as (_, port):
        yield port


@contextmanager
def gateway_child(
    url: str, environment: dict[str, str], *, module: str = "kameng.ops.gateway"
) -> Iterator[tuple[Child, int]]:
    """The same, for who kills it, or has a composition of his own."""
    with serving.open_socket("127.0.0.1", 0) as listener:
        environ = {
            **os.environ, "KAMENG_DATABASE_URL": url, "KAMENG_TLS_CERTIFICATE": "off", "KAMENG_TLS_KEY": "off",
            "KAMENG_PORT": str(listener.getsockname()[1]),  # as the supervisor tells it
            **environment,
        }  # fmt: skip
        child = Child(module, (), listening_fd=listener.fileno(), environ=environ)
        try:
            until = time.monotonic() + 90
            while not child.is_ready():
                assert not child.has_ended(), "the gateway did not start"
                assert time.monotonic() < until, "the gateway does not get ready"
                time.sleep(0.05)
            yield child, listener.getsockname()[1]
        finally:
            child.end()
            while not child.is_over():
                time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
