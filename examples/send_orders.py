#!/usr/bin/env python3
"""Send a spreadsheet of orders and print what became of every row. Needs python-calamine, nothing else.

    export KAMENG_URL=https://localhost:8443 KAMENG_KEY=ak_test_… KAMENG_SECRET=ks_…
    python3 send_orders.py orders.xlsx
    python3 send_orders.py --demo      data/orders_merchant.xlsx, as the demo merchant that `kameng run` made

Run it again, after a crash too: the same external numbers are the same orders, so nothing is ordered or
charged twice. The cards go to a file that only you can read; the table shows them masked.

KAMENG_CA             file with the certificate to trust, for a self-signed server
KAMENG_INSECURE_TLS   1: trust any certificate. For a first try on your own machine only.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import hmac
import http.client
import json
import os
import secrets
import ssl
import sys
import time
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orders_file import OrderRow, read_orders

HERE = Path(__file__).resolve().parent
ROWS_MAX = 5_000
"""Rows that one bulk request may hold."""
TIMEOUT_S = 60
WAITS_S = (1, 1, 2, 4, 8, 16, 30)
"""How long to wait before each repeat, unless the server says."""
COME_AGAIN = {429, 500, 502, 503, 504}

DELIVERED = {"delivered", "partly_delivered", "settled"}
FAILED = {"failed", "refunded", "refused", "cancelled", "expired"}

WORDS = {
    "en": {
        "heads": ("row", "external number", "goods", "total", "result", "about it"),
        "delivered": "delivered", "waiting": "waiting", "failed": "failed", "refused": "refused",
        "bad": "bad row", "unknown": "unknown", "known": "known from before",
        "again": "{reason}: again in {wait_s} s, signed afresh, with the same external numbers",
        "repeats": "row {first} has the same number: ",
        "no_answer": "no answer; run this again",
        "rows": "{count:,} rows of {file}",
        "sum_delivered": "{count:>7,} delivered: {cards:,} cards, in {file}",
        "sum_waiting": "{count:>7,} accepted and waiting",
        "sum_failed": "{count:>7,} failed and refunded",
        "sum_refused": "{count:>7,} refused by the platform: {why}",
        "sum_bad": "{count:>7,} bad rows, not sent: {why}",
        "sum_unknown": "{count:>7,} without an answer: run this again",
        "sum_known": "{count:>7,} of these orders were known from before, and not charged again",
        "money": "{charged} {currency} charged; balance {before} → {after}",
    },
    "zh": {
        "heads": ("行", "外部单号", "商品", "金额", "结果", "说明"),
        "delivered": "已发货", "waiting": "已受理", "failed": "失败", "refused": "被拒绝",
        "bad": "本行有误", "unknown": "未知", "known": "此前已下单",
        "again": "{reason}：{wait_s} 秒后重新签名、以相同的外部单号重发",
        "repeats": "与第 {first} 行单号相同：",
        "no_answer": "没有应答，请重新运行",
        "rows": "{file} 共 {count:,} 行",
        "sum_delivered": "{count:>7,} 行已发货：{cards:,} 张卡密，见 {file}",
        "sum_waiting": "{count:>7,} 行已受理，等待充值",
        "sum_failed": "{count:>7,} 行失败并已退款",
        "sum_refused": "{count:>7,} 行被平台拒绝：{why}",
        "sum_bad": "{count:>7,} 行有误，未发送：{why}",
        "sum_unknown": "{count:>7,} 行没有应答：请重新运行",
        "sum_known": "{count:>7,} 行此前已下单，没有重复扣款",
        "money": "本次扣款 {charged} {currency}，余额 {before} → {after}",
    },
}  # fmt: skip


@dataclass
class Outcome:
    """What became of one row."""

    line: int
    client_ref: str
    goods: str
    result: str  # delivered, waiting, failed, refused, bad, unknown
    about: str = ""
    code: str = ""
    order: dict[str, Any] = field(default_factory=dict)
    known: bool = False
    """The order stood before this run."""

    @property
    def cards(self) -> list[dict[str, str]]:
        return self.order.get("cards") or []


class NotAnswered(Exception):
    """The whole request was refused, or nobody answered in all that time; the message says why."""


def main(argv: list[str] | None = None) -> int:
    options = parse_options(argv)
    words = WORDS[options.lang]
    client = demo_client(words, sandbox=options.sandbox) if options.demo else own_client(words)
    file = options.file or HERE / "data" / "orders_merchant.xlsx"
    catalogue = client.get("/api/v1/catalogue")["skus"]
    orders, bad = read_orders(file.read_bytes(), catalogue)
    before = client.get("/api/v1/balance")
    newest = client.get("/api/v1/orders", "limit=1")["orders"]
    newest_before = int(newest[0]["id"]) if newest else 0
    outcomes = send(client, orders, catalogue, newest_before=newest_before, lang=options.lang)
    for row in bad:
        reason = row.reason_zh if options.lang == "zh" else row.reason
        outcomes.append(Outcome(row.line, "", "", "bad", reason, row.field))
    after = client.get("/api/v1/balance")
    outcomes.sort(key=lambda outcome: outcome.line)
    write_results(options.out, outcomes)
    print_table(outcomes, words, show_cards=options.show_cards)
    print_totals(outcomes, words, file=file.name, out=options.out, before=before, after=after)
    return 1 if any(outcome.result == "unknown" for outcome in outcomes) else 0


def send(
    client: Client, orders: list[OrderRow], catalogue: list[dict[str, Any]], *, newest_before: int, lang: str
) -> list[Outcome]:
    """Send all rows. Those that repeat a number go last: the first row of a number is the one that counts."""
    names = {sku["sku"]: f"{sku['product']} {sku['spec']}" for sku in catalogue}
    outcomes = []
    for repeats in (False, True):
        wave = [row for row in orders if bool(row.repeats_line) == repeats]
        for row, status, answer in place_all(client, wave):
            outcome = Outcome(row.line, row.body["client_ref"], names[row.body["sku"]], "unknown")
            if status < 300:
                accept(outcome, answer["order"], newest_before)
            elif status in COME_AGAIN:
                outcome.about = client.words["no_answer"]
            else:
                refuse(outcome, answer["problem"], lang)
            if repeats:
                outcome.about = client.words["repeats"].format(first=row.repeats_line) + outcome.about
            outcomes.append(outcome)
    return outcomes


Answer = tuple[OrderRow, int, dict[str, Any]]
"""A row, its status and what was said about it."""


def place_all(client: Client, rows: list[OrderRow]) -> list[Answer]:
    """An answer for every row. Rows that found the platform busy are sent again."""
    answers: list[Answer] = []
    for start in range(0, len(rows), ROWS_MAX):
        waiting = rows[start : start + ROWS_MAX]
        for wait_s in (*WAITS_S, None):
            try:
                sent = place_bulk(client, waiting)
            except NotAnswered as error:
                print(error, file=sys.stderr)  # what was placed before is reported all the same
                return [*answers, *((row, 503, {}) for row in waiting + rows[start + ROWS_MAX :])]
            again = [answer for answer in sent if answer[1] in COME_AGAIN and wait_s is not None]
            answers += [answer for answer in sent if answer not in again]
            if not again or wait_s is None:
                break
            waiting = [row for row, _, _ in again]
            client.wait(f"{len(waiting):,} × busy", wait_s)
    return answers


def place_bulk(client: Client, rows: list[OrderRow]) -> list[Answer]:
    body = {"mode": "each", "orders": [row.body for row in rows]}
    results = client.post("/api/v1/orders/bulk", body)["results"]
    return [(rows[result["index"]], result["status"], result) for result in results]


def accept(outcome: Outcome, order: dict[str, Any], newest_before: int) -> None:
    outcome.order = order
    state = order["state"]
    outcome.result = "delivered" if state in DELIVERED else "failed" if state in FAILED else "waiting"
    if outcome.result != "delivered":
        outcome.about = f"{state} {order['id']}"
    # Not `replayed`: a repeat of this very run, after a lost answer, is told that it was known too.
    outcome.known = int(order["id"]) <= newest_before


def refuse(outcome: Outcome, problem: dict[str, Any], lang: str) -> None:
    suffix = "_zh" if lang == "zh" else ""
    outcome.result, outcome.code = "refused", problem["code"]
    outcome.about = f"{problem[f'title{suffix}']} {problem.get(f'detail{suffix}', '')}".strip()


# The client.


class Client:
    """Signs, sends, and repeats what got no answer: the same references, so nothing happens twice."""

    def __init__(self, url: str, key: str, secret: str, words: dict[str, Any], *, ca: str | None) -> None:
        self._connection = connect(url, ca)
        self._key, self._secret = key, secret.encode()
        self.words = words

    def get(self, path: str, query: str = "") -> dict[str, Any]:
        return self._ask("GET", path, query, b"")

    def post(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        return self._ask("POST", path, "", json.dumps(content, ensure_ascii=False).encode())

    def wait(self, reason: str, wait_s: float) -> None:
        print(self.words["again"].format(reason=reason, wait_s=f"{wait_s:g}"), file=sys.stderr)
        time.sleep(wait_s)

    def _ask(self, method: str, path: str, query: str, body: bytes) -> dict[str, Any]:
        """The good answer. Whatever was not decided is sent again: same body, fresh signature."""
        for wait_s in (*WAITS_S, None):
            try:
                status, retry_after_s, answer = self._once(method, path, query, body)
                reason = f"{status} {answer.get('code', '')}"
            except ssl.SSLCertVerificationError as error:
                raise NotAnswered(f"{error.verify_message}: KAMENG_CA names the one to trust") from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._connection.close()
                status, retry_after_s, answer, reason = 0, None, {}, f"{type(error).__name__} {error}"
            if 200 <= status < 300:
                return answer
            if (status and status not in COME_AGAIN) or wait_s is None:
                told = " ".join(str(answer.get(name, "")) for name in ("title", "title_zh", "detail"))
                raise NotAnswered(f"{method} {path}: {reason} {told}".strip())
            self.wait(reason.strip(), wait_s if retry_after_s is None else retry_after_s)
        raise AssertionError("the last try returns or raises")

    def _once(
        self, method: str, path: str, query: str, body: bytes
    ) -> tuple[int, float | None, dict[str, Any]]:
        """Status, seconds of Retry-After, and the answer."""
        authorization = self._authorization(method, path, query, body)
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        self._connection.request(method, f"{path}?{query}" if query else path, body or None, headers)
        answer = self._connection.getresponse()
        content, after = answer.read(), answer.headers.get("Retry-After", "")
        return answer.status, float(after) if after.isdecimal() else None, json.loads(content)

    def _authorization(self, method: str, path: str, query: str, body: bytes) -> str:
        ts, nonce = str(int(time.time())), secrets.token_urlsafe(16)
        canonical = "\n".join([method, path, query, ts, nonce, hashlib.sha256(body).hexdigest()])
        signature = hmac.new(self._secret, canonical.encode(), hashlib.sha256).hexdigest()
        return f"KAMENG-HMAC-SHA256 key={self._key},ts={ts},nonce={nonce},sig={signature}"


def connect(url: str, ca: str | None) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_S)
    context = ssl.create_default_context(cafile=ca)
    if os.environ.get("KAMENG_INSECURE_TLS") == "1":
        print("warning: the server's certificate is not checked", file=sys.stderr)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT_S, context=context)


def own_client(words: dict[str, Any]) -> Client:
    names = ("KAMENG_URL", "KAMENG_KEY", "KAMENG_SECRET")
    if missing := [name for name in names if not os.environ.get(name)]:
        raise SystemExit(f"{', '.join(missing)}: not set\n{__doc__}")
    return Client(*(os.environ[name] for name in names), words, ca=os.environ.get("KAMENG_CA"))


def demo_client(words: dict[str, Any], *, sandbox: bool) -> Client:
    """As the demo merchant; `kameng run` leaves in the data folder his keys, where it answers, its certificate."""
    default = Path("/var/lib/kameng") if os.geteuid() == 0 else Path.home() / ".local/share/kameng"
    folder = Path(os.environ.get("KAMENG_DATA_DIR") or default)
    try:
        demo = json.loads((folder / "demo.json").read_text("utf-8"))
        running = [json.loads(file.read_text("utf-8")) for file in (folder / "run").glob("*.json")]
        url = os.environ.get("KAMENG_URL") or next(one["url"] for one in running if one["url"])
    except (FileNotFoundError, StopIteration):
        raise SystemExit(f"{folder}: no demo runs here. Start it with ./run. 请先用 ./run 启动演示。") from None
    certificate = folder / "tls" / "certificate.pem"
    kind = "sandbox_" if sandbox else ""
    ca = str(certificate) if certificate.exists() else None
    return Client(url, demo[f"{kind}key"], demo[f"{kind}secret"], words, ca=ca)


# What is shown.


ABOUT_ROWS = ("line", "client_ref", "goods", "result", "code", "about")
ABOUT_ORDERS = ("id", "state", "quantity", "unit_price", "total")
ABOUT_CARDS = ("number", "secret", "expires_on")


def write_results(path: Path, outcomes: list[Outcome]) -> None:
    """One line for each card, or for each row without; readable by its owner only."""
    scratch = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as target:  # Excel asks for the mark
        out = csv.writer(target)
        out.writerow([*ABOUT_ROWS, *ABOUT_ORDERS, *(f"card_{name}" for name in ABOUT_CARDS)])
        for outcome in outcomes:
            start = [getattr(outcome, name) for name in ABOUT_ROWS]
            start += [outcome.order.get(name, "") for name in ABOUT_ORDERS]
            for card in outcome.cards or [{}]:
                out.writerow([*start, *(card.get(name, "") for name in ABOUT_CARDS)])
    scratch.replace(path)


def print_table(outcomes: list[Outcome], words: dict[str, Any], *, show_cards: bool) -> None:
    rows = [
        (
            str(outcome.line), outcome.client_ref, outcome.goods, outcome.order.get("total", ""),
            words[outcome.result], about(outcome, words, show_cards=show_cards),
        )
        for outcome in outcomes
    ]  # fmt: skip
    widths = [max(width(row[i]) for row in (words["heads"], *rows)) for i in range(5)]
    for row in (words["heads"], *rows):
        cells = [pad(cell, widths[i], right=i in (0, 3)) for i, cell in enumerate(row[:5])]
        print("  ".join([*cells, row[5]]).rstrip())


def about(outcome: Outcome, words: dict[str, Any], *, show_cards: bool) -> str:
    cards = [
        f"{card['number']} {card['secret']}".strip() if show_cards else masked(card) for card in outcome.cards
    ]
    parts = [*cards, outcome.about, words["known"] if outcome.known else ""]
    return "; ".join(part for part in parts if part)


def masked(card: dict[str, str]) -> str:
    number = card["number"]
    return f"{number[:4]}****{number[-4:]}" if len(number) >= 12 else "****"


def width(text: str) -> int:
    """Columns on the screen: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def pad(text: str, columns: int, *, right: bool) -> str:
    blanks = " " * (columns - width(text))
    return blanks + text if right else text + blanks


def print_totals(
    outcomes: list[Outcome], words: dict[str, Any], *, file: str, out: Path, before: dict[str, Any],
    after: dict[str, Any],
) -> None:  # fmt: skip
    counts = Counter(outcome.result for outcome in outcomes)
    cards = sum(len(outcome.cards) for outcome in outcomes)
    print("\n" + words["rows"].format(count=len(outcomes), file=file))
    for result in ("delivered", "waiting", "failed", "refused", "bad", "unknown"):
        if counts[result]:
            codes = Counter(outcome.code for outcome in outcomes if outcome.result == result)
            why = ", ".join(f"{count} {code}" for code, count in codes.most_common())
            print(words[f"sum_{result}"].format(count=counts[result], cards=cards, file=out, why=why))
    if known := sum(outcome.known for outcome in outcomes):
        print(words["sum_known"].format(count=known))
    charged = Decimal(before["posted"]) - Decimal(after["posted"])
    print(
        words["money"].format(
            charged=f"{charged:,.4f}", currency=after["currency"], before=f"{Decimal(before['posted']):,}",
            after=f"{Decimal(after['posted']):,}",
        )
    )  # fmt: skip


def parse_options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("file", nargs="?", type=Path, help="the spreadsheet (xlsx, xls, ods)")
    parser.add_argument("--demo", action="store_true", help="as the demo merchant of this machine")
    parser.add_argument("--sandbox", action="store_true", help="with --demo: its sandbox key, for play money")
    parser.add_argument("--show-cards", action="store_true", help="print cards in full")
    parser.add_argument("--out", type=Path, default=Path("results.csv"), help="where cards go (results.csv)")
    language = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    parser.add_argument("--lang", choices=sorted(WORDS), default="zh" if language.startswith("zh") else "en")
    options = parser.parse_args(argv)
    if options.file is None and not options.demo:
        parser.error("name the spreadsheet to send, or say --demo")
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        os._exit(0)  # whoever reads has seen enough; the results are written
    except NotAnswered as refusal:
        sys.exit(str(refusal))
