"""The stage of a bench: a platform of its own, seeded and served by the very commands an operator uses.

Its data folder is apart from the platform's, so a bench never touches real orders. With ``reuse`` the folder stays
and the next bench finds its merchants and history there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg

from kameng import catalogue, stock
from kameng.catalogue import Sku as CatalogueSku
from kameng.kit import clock, crypto, db, settings
from kameng.kit.errors import Fault
from kameng.ops import auditing, embedded, processes
from kameng.ops.bench.load import Target
from kameng.ops.bench.machine import Sampler
from kameng.ops.bench.shots import Key, Sku

ACCOUNTS = {
    "phone": "138########", "qq": "1########", "qq_or_wechat": "1########", "zone": "微信区",
    "uid": "1########", "server": "官服", "fuel_card": "100011#############", "electricity_account": "33########",
    "province": "浙江省", "city": "杭州市", "district": "西湖区", "street": "文三路 90 号", "recipient": "王小明",
    "learner_name": "王小明",
}  # fmt: skip
"""What the load fills into account forms; each # is a random digit."""

START_TIMEOUT_S = 60.0
TABLES = ("orders", "order_ref", "event", "transfer", "account", "card", "allotment", "nonce_0", "nonce_1", "nonce_2",
          "nonce_3", "job", "lane_counter", "counter")  # fmt: skip


def fresh_folder() -> Path:
    """Where a stage of one's own may stand: two benches that begin in the same second do not share it."""
    return settings.load().data_dir / f"bench-{int(time.time()):x}-{os.getpid():x}"


class Stage:
    """``with Stage(folder) as stage``: seeded and serving inside; stopped, and removed unless reused, after."""

    def __init__(
        self, folder: Path, *, merchants: int, cards: int, reuse: bool = False, gateways: int = 1,
        sharing: int = 1,
    ) -> None:  # fmt: skip
        """``gateways``: each with a port of its own; ``sharing``: so many processes behind each port."""
        self.folder = folder
        self._merchants = merchants
        self._cards = cards
        self._reuse = reuse
        self.targets = [Target(port=processes.free_port()) for _ in range(gateways)]
        self._environment = {
            **os.environ,
            "KAMENG_DATA_DIR": str(folder),
            "KAMENG_TLS_CERTIFICATE": "off",
            "KAMENG_TLS_KEY": "off",
            "KAMENG_LOG_LEVEL": "warning",
            "KAMENG_GATEWAYS": str(sharing),
            "KAMENG_WEBHOOK_HTTP": "on",
            "KAMENG_WEBHOOK_NETWORKS": "127.0.0.0/8",
        }
        self._servers: list[subprocess.Popen[bytes]] = []
        self._postgres: embedded.Embedded | None = None

    def __enter__(self) -> Self:
        if not (self.folder / "seed-keys.json").exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True, mode=0o755)
            self._kameng("init")
            self._kameng("seed", "--merchants", str(self._merchants), "--cards", str(self._cards))
        self._postgres = embedded.start(self.folder / "pg18")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_serving()
        if self._postgres is not None:
            self._postgres.stop()
        if not self._reuse:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        assert self._postgres is not None
        return self._postgres.url

    def seed_history(self, orders: int) -> None:
        """Fill in orders of the last months, as ``kameng seed --orders`` does."""
        self._kameng("seed", "--merchants", str(self._merchants), "--cards", "0", "--orders", str(orders))

    @property
    def target(self) -> Target:
        return self.targets[0]

    def serve(self, *, role: str = "all") -> None:
        """Start every role, and the further gateways beside it; returns when orders are taken."""
        for target, each in zip(self.targets, [role, *["gateway"] * len(self.targets)], strict=False):
            command = [sys.executable, "-m", "kameng", "serve", "--role", each, "--port", str(target.port)]
            server = subprocess.Popen(command, env=self._environment)
            self._servers.append(server)
            _await_health(server, target)

    def stop_serving(self) -> None:
        for server in reversed(self._servers):
            server.send_signal(signal.SIGTERM)
            server.wait(30)
        self._servers = []

    def sampler(self, *generators: int) -> Sampler:
        """CPU and memory by role: gateway, worker (with the supervisor), postgres, generator."""
        assert self._postgres is not None
        servers = [server.pid for server in self._servers]
        roots: dict[str, list[int]] = {
            "postgres": [self._postgres.pid], "worker": servers, "generator": list(generators),
            "gateway": [pid for server in servers for pid in _children(server) if b"ops.gateway" in _command(pid)],
        }  # fmt: skip
        return Sampler(roots)

    def keys(self) -> list[Key]:
        """The merchants' keys, as the seed left them."""
        listed: list[dict[str, str]] = json.loads((self.folder / "seed-keys.json").read_text())
        return [Key(entry["key"], entry["secret"]) for entry in listed]

    def skus(self, *, mix: str) -> list[Sku]:
        """``all``: every SKU on sale; ``cards``: those that are delivered from stock."""
        return [
            Sku(code=str(sku.sku_id), account=_account(sku))
            for sku in asyncio.run(self._catalogue())
            if mix == "all" or sku.from_stock
        ]

    async def _catalogue(self) -> list[CatalogueSku]:
        database = await db.open_database(self.url, size=1)
        try:
            async with database.connection() as connection:
                loaded = await catalogue.load(connection, None, 1)
        finally:
            await database.close()
        return sorted(loaded.skus.values(), key=lambda sku: sku.sku_id)

    def load_cards(self, sku_code: str, count: int) -> None:
        """Put ``count`` new cards of one SKU on the shelves."""
        asyncio.run(self._load_cards(int(sku_code), count))

    async def _load_cards(self, sku_id: int, count: int) -> None:
        async with self.opened() as (database, ring):
            await put_cards(database, ring, sku_id, count)

    @contextlib.asynccontextmanager
    async def opened(self, *, size: int = 10) -> AsyncIterator[tuple[db.Database, crypto.KeyRing]]:
        """Its database and key ring, for the platform's own verbs."""
        database = await db.open_database(self.url, size=size)
        try:
            yield database, crypto.KeyRing(crypto.KeyFile(self.folder / "keyring.json").load())
        finally:
            await database.close()

    def rows_written(self) -> int:
        """Rows inserted, updated and deleted so far in the tables of the order's way."""
        return asyncio.run(self._rows_written())

    async def _rows_written(self) -> int:
        await asyncio.sleep(1.5)  # backends tell their counts a second late
        connection = await asyncpg.connect(self.url)
        try:
            statement = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE relname = ANY($1)"
            return int(await connection.fetchval(statement, TABLES))
        finally:
            await connection.close()

    def query(self, statement: str, *arguments: Any) -> Any:
        """One value, for what a workload counts."""

        async def ask() -> Any:
            connection = await asyncpg.connect(self.url)
            try:
                return await connection.fetchval(statement, *arguments)
            finally:
                await connection.close()

        return asyncio.run(ask())

    def audit(self) -> auditing.Report:
        async def run() -> auditing.Report:
            database = await db.open_database(self.url)
            try:
                ring = crypto.KeyRing(crypto.KeyFile(self.folder / "keyring.json").load())
                return await auditing.run(database, ring)
            finally:
                await database.close()

        return asyncio.run(run())

    def postgresql(self) -> str:
        return str(self.query("SHOW server_version"))

    def _kameng(self, *arguments: str) -> None:
        done = subprocess.run([sys.executable, "-m", "kameng", *arguments], env=self._environment, check=False)
        if done.returncode:
            raise Fault(f"`kameng {' '.join(arguments)}` ended with status {done.returncode}; its words are above.")


def _await_health(server: subprocess.Popen[bytes], target: Target) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{target.port}/healthz", timeout=1)
            return
        time.sleep(0.1)
    raise Fault("The platform of the bench did not start; its words are above.")


def _children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _account(sku: CatalogueSku) -> dict[str, str] | None:
    fields = catalogue.form_named(sku.form).fields
    return {field.name: ACCOUNTS[field.name] for field in fields} or None


async def put_cards(database: db.Database, ring: crypto.KeyRing, sku_id: int, count: int) -> None:
    run = f"{clock.now_ms():x}"
    expires_on = date(2000, 1, 1) + timedelta(days=36_500)
    lines = [stock.CardLine(n, f"B{run}{n:08d}", f"{run}-{n:08d}", expires_on, None) for n in range(1, count + 1)]
    await stock.load_cards(database, ring, lines, sku_id=sku_id, file_name="bench")


@contextlib.contextmanager
def sampled(stage: Stage, *generators: int) -> Iterator[Sampler]:
    with stage.sampler(*generators) as sampler:
        yield sampler
