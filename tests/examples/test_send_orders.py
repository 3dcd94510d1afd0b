"""The main job on real input: the chain store's file, a running platform, every row and every 1/10,000."""

from __future__ import annotations

import csv
import json
import os
import re
import stat
import subprocess
import sys
import threading
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec
import pytest

from kameng import catalogue, identity, ledger, stock
from kameng.identity import SeenNonces
from kameng.kit import clock, crypto, money
from kameng.kit.db import Database, open_database
from kameng.ops import founding
from running import gateway_process

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "send_orders.py"
JD_CARD = ("京东E卡", "100")
STOCK_COUNT = 440
DELIVERED, WAITING, REFUSED, BAD = 428, 2554, 11, 7
BALANCE_E4 = 200_000 * money.E4
CHARGED_E4 = 138_942 * money.E4 + 4600
"""What the file's 2,982 good rows cost at list prices."""


class Shop(msgspec.Struct, frozen=True):
    """A merchant with a balance, and where his platform is."""

    url: str
    key: str
    secret: str
    organisation: identity.Organisation
    db: Database


# ---- a platform ----


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    ring = crypto.KeyRing(crypto.KeyFile(tmp_path / "keyring.json").create())
    db = await open_database(database_url)
    try:
        await founding.open_platform(db, lane_count=2)
        await catalogue.import_file(db, catalogue.demo_catalogue())
        # The cards lie in the first lane, the merchant lives in the second: they are stolen on the way.
        await founding.found_member(db, ring, "邻店")
        member = await founding.found_member(db, ring, "便利店连锁")
        organisation = member.organisation
        await ledger.recharge(db, organisation.lane, organisation.org_id, BALANCE_E4, key="first")
        report = await stock.load_file(db, ring, card_file(), sku_id=await jd_sku(db), file_name="jd.txt")
        assert (report.loaded, report.refused) == (STOCK_COUNT, ())
        with gateway_process(database_url, {"KAMENG_DATA_DIR": str(tmp_path)}) as port:
            key = identity.format_key_id(member.key.key_id, sandbox=False)
            yield Shop(f"http://127.0.0.1:{port}", key, member.key.secret, organisation, db)
    finally:
        await db.close()


def card_file() -> bytes:
    """Cards as a supplier sends them: number and secret."""
    return "".join(f"JD88{n:012d}----{n * 7919:016X}\n" for n in range(1, STOCK_COUNT + 1)).encode()


async def jd_sku(db: Database) -> int:
    async with db.connection() as connection:
        skus = (await catalogue.load(connection, None, 1 << 62)).skus.values()
    return next(sku.sku_id for sku in skus if (sku.product, sku.spec) == JD_CARD)


async def balance_e4(shop: Shop) -> int:
    async with shop.db.connection() as connection:
        lane, wallet = shop.organisation.lane, shop.organisation.org_id
        return (await ledger.read_accounts(connection, lane, [wallet]))[0].posted_e4


async def count_rows(shop: Shop) -> dict[str, int]:
    async with shop.db.connection() as connection:
        rows = await connection.fetch("SELECT state, count(*) AS n FROM orders GROUP BY state")
        sold = await connection.fetchval("SELECT count(*) FROM card WHERE state = 'sold'")
    return {row["state"]: row["n"] for row in rows} | {"cards sold": sold}


# ---- a bad line to it ----


class Line(BaseHTTPRequestHandler):
    """Passes requests on. Of those with orders, the first finds it busy, and the second's answer is lost."""

    protocol_version = "HTTP/1.1"
    target: ClassVar[str]
    posts: ClassVar[list[tuple[str, bytes]]]

    def do_GET(self) -> None:
        self.pass_on(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.posts.append((self.headers["Authorization"], body))
        if len(self.posts) == 1:
            self.answer(503, {"Retry-After": "0"}, b'{"code": "busy", "title": "Busy", "status": 503}')
        else:
            self.pass_on(body, lost=len(self.posts) == 2)

    def pass_on(self, body: bytes, *, lost: bool = False) -> None:
        connection = HTTPConnection(urlsplit(self.target).netloc, timeout=60)
        headers = {name: self.headers[name] for name in ("Authorization", "Content-Type")}
        connection.request(self.command, self.path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if lost:
            self.close_connection = True
        else:
            self.answer(answer.status, {}, content)

    def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        pass


@contextmanager
def bad_line(target: str) -> Iterator[str]:
    Line.target, Line.posts = target, []
    with listening(Line) as url:
        yield url


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# ---- the example ----


def run(shop: Shop, url: str, out: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {"KAMENG_URL": url, "KAMENG_KEY": shop.key, "KAMENG_SECRET": shop.secret}
    return execute(env, str(EXAMPLE.parent / "data" / "orders_merchant.xlsx"), "--out", str(out), *args)


def execute(env: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8", **env}
    line = [sys.executable, str(EXAMPLE), *args]
    return subprocess.run(line, env=env, check=False, capture_output=True, encoding="utf-8", timeout=120)


def results(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as source:
        return list(csv.DictReader(source))


async def test_the_chain_stores_file_over_a_bad_line_and_once_more(shop: Shop, tmp_path: Path) -> None:
    with bad_line(shop.url) as url:
        first = run(shop, url, tmp_path / "results.csv")
    assert first.returncode == 0, first.stderr

    # Busy, lost, answered; then the rows that repeat a number. Signed afresh each time, the content the same.
    assert len(Line.posts) == 4
    assert len({authorization for authorization, _ in Line.posts}) == 4
    assert Line.posts[0][1] == Line.posts[1][1] == Line.posts[2][1]
    assert [len(json.loads(body)["orders"]) for _, body in Line.posts] == [2982, 2982, 2982, 11]
    assert first.stderr.count("with the same external numbers") == 2

    rows = results(tmp_path / "results.csv")
    assert len(rows) == 3000
    assert Counter(row["result"] for row in rows) == {
        "delivered": DELIVERED, "waiting": WAITING, "refused": REFUSED, "bad": BAD,
    }  # fmt: skip
    assert {row["code"] for row in rows if row["result"] == "refused"} == {"reference_reused"}
    assert [int(row["line"]) for row in rows if row["result"] == "refused"] == list(range(254, 2755, 250))
    cards = {(row["card_number"], row["card_secret"]) for row in rows if row["card_number"]}
    assert len(cards) == DELIVERED
    assert cards <= {tuple(line.split("----")) for line in card_file().decode().split()}
    assert stat.S_IMODE((tmp_path / "results.csv").stat().st_mode) == 0o600

    charged_e4 = sum(money.parse_e4(row["total"]) for row in rows if row["total"])
    assert charged_e4 == CHARGED_E4
    assert await balance_e4(shop) == BALANCE_E4 - CHARGED_E4
    placed = {"delivered": DELIVERED, "fulfilling": WAITING, "cards sold": DELIVERED}
    assert await count_rows(shop) == placed
    assert first.stdout.partition("\n\n")[2].splitlines() == [
        "3,000 rows of orders_merchant.xlsx",
        f"    428 delivered: 428 cards, in {tmp_path / 'results.csv'}",
        "  2,554 accepted and waiting",
        "     11 refused by the platform: 11 reference_reused",
        "      7 bad rows, not sent: 7 account",
        "138,942.4600 CNY charged; balance 200,000.0000 → 61,057.5400",
    ]

    # Once more: the same orders with the same cards, and nothing is charged.
    again = run(shop, shop.url, tmp_path / "again.csv")
    assert (again.returncode, again.stderr) == (0, "")
    assert results(tmp_path / "again.csv") == rows
    assert await balance_e4(shop) == BALANCE_E4 - CHARGED_E4
    assert await count_rows(shop) == placed
    assert again.stdout.partition("\n\n")[2].splitlines()[-2:] == [
        "  2,982 of these orders were known from before, and not charged again",
        "0.0000 CNY charged; balance 61,057.5400 → 61,057.5400",
    ]
    assert again.stdout.count("known from before") == 2982 + 1

    await the_table_is_readable(shop, tmp_path, first.stdout, rows)


async def the_table_is_readable(shop: Shop, tmp_path: Path, table: str, rows: list[dict[str, str]]) -> None:
    secrets = [row["card_secret"] for row in rows if row["card_secret"]]
    assert not any(secret in table for secret in secrets)
    jd = next(row for row in rows if row["card_number"])
    line = table.splitlines()[int(jd["line"]) - 3]  # the sheet has a title, a blank row and a header
    number = jd["card_number"]
    assert line.split()[:2] == [jd["line"], jd["client_ref"]]
    assert line.endswith(f"{number[:4]}****{number[-4:]}")

    shown = run(shop, shop.url, tmp_path / "shown.csv", "--show-cards", "--lang", "zh").stdout
    assert all(secret in shown for secret in secrets)
    assert shown.splitlines()[0].split() == ["行", "外部单号", "商品", "金额", "结果", "说明"]
    assert "本次扣款 0.0000 CNY，余额 61,057.5400 → 61,057.5400" in shown
    head, *lines = shown.partition("\n\n")[0].splitlines()
    result_at = columns(head.partition("结果")[0])
    for line in lines:
        before, result = re.match("(.*?)(已发货|已受理|被拒绝|本行有误)  ", line).groups()  # type: ignore[union-attr]
        assert (columns(before), result != "") == (result_at, True), line


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


# ---- rows that are told to come again, and a platform that is not there ----


class Door(BaseHTTPRequestHandler):
    """Checks signatures and nonces as the platform does. The first bulk request finds it half full."""

    seen: ClassVar[SeenNonces]
    sizes: ClassVar[list[int]]
    secret: ClassVar[str] = "ks_only-for-tests"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.check(b"")
        sku = {"sku": "100140", "product": "京东E卡", "spec": "100", "face_value": "100.0000", "form": []}
        balance = {"posted": "10.0000", "currency": "CNY"}
        contents = {"catalogue": {"skus": [sku]}, "orders": {"orders": []}, "balance": balance}
        self.answer(200, contents[path.rpartition("/")[2]])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.check(body)
        orders = json.loads(body)["orders"]
        self.sizes.append(len(orders))
        busy = {"status": 503, "problem": {"code": "busy"}}
        rows = [
            {"index": i} | (busy if len(self.sizes) == 1 and i % 2 else self.placed(i, order))
            for i, order in enumerate(orders)
        ]
        self.answer(200, {"results": rows})

    def placed(self, index: int, order: dict[str, Any]) -> dict[str, Any]:
        made = {"id": str(index + 1), "state": "delivered", "total": "98.5000"}
        return {"status": 201, "order": {**order, **made, "cards": [{"number": "", "secret": "s"}]}}

    def check(self, body: bytes) -> None:
        claim = identity.parse_authorization(self.headers["Authorization"].encode())
        path, _, query = self.path.partition("?")
        request: dict[str, Any] = {"path": path.encode(), "query": query.encode(), "body": body}
        assert identity.verify_hmac(claim, self.secret.encode(), method=self.command, **request)
        assert self.seen.first_time(claim.key_id, claim.nonce, clock.now_ms())

    def answer(self, status: int, content: dict[str, Any]) -> None:
        Line.answer(self, status, {}, json.dumps(content).encode())  # type: ignore[arg-type] # all it needs

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        pass


def stranger(url: str) -> Shop:
    return Shop(url, "ak_4242", Door.secret, None, None)  # type: ignore[arg-type] # the platform is not there


def test_rows_that_found_it_busy_are_sent_again(tmp_path: Path) -> None:
    Door.seen, Door.sizes = SeenNonces(), []
    with listening(Door) as url:
        done = run(stranger(url), url, tmp_path / "r.csv")
    assert (done.returncode, done.stderr.splitlines()) == (
        0, ["214 × busy: again in 1 s, signed afresh, with the same external numbers"],
    )  # fmt: skip
    assert Door.sizes == [429, 214]
    assert Counter(row["result"] for row in results(tmp_path / "r.csv")) == {"delivered": 429, "bad": 2571}


def test_a_platform_that_refuses_the_key_is_told_at_once(tmp_path: Path) -> None:
    class Refusing(Line):
        def do_GET(self) -> None:
            self.answer(401, {}, b'{"code": "signature_wrong", "title": "The key is unknown."}')

    with listening(Refusing) as url:
        done = run(stranger(url), url, tmp_path / "r.csv")
    said = "GET /api/v1/catalogue: 401 signature_wrong The key is unknown.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    assert not (tmp_path / "r.csv").exists()


def test_the_demo_needs_a_platform(tmp_path: Path) -> None:
    done = execute({"KAMENG_DATA_DIR": str(tmp_path)}, "--demo")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{tmp_path}: no demo runs here.")
