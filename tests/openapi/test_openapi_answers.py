"""How every answer looks: problem documents, headers, methods, sizes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kameng.kit.errors import REGISTRY
from kameng.openapi import problems
from kameng.openapi.v1.routing import ENDPOINTS
from running import Platform

PAGES = {"/developers", "/docs", "/docs/errors"}
PATHS = sorted({min(handler.paths).replace(":str", "") for handler in ENDPOINTS} | PAGES)


@pytest.mark.parametrize("code", sorted(REGISTRY))
def test_every_refusal_is_a_problem_document_in_two_languages(code: str) -> None:
    reason = REGISTRY[code]
    shown = problems.problem_of(reason("for you", field="sku", detail_zh="给您"), request_id="r-1")
    assert shown == problems.Problem(
        f"/docs/errors#{code}", reason.en(), reason.zh, reason.status, code, reason.retry, reason.outcome, "for you",
        "给您", "sku", "r-1",
    )  # fmt: skip
    assert 400 <= reason.status < 600
    assert reason.retry in ("never", "same_key", "new_key", "query_first")
    assert reason.outcome in ("none", "unknown", "done")
    assert reason.en().endswith((".", ";")) or ":" in reason.en()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in reason.zh)
    assert (reason.status in (429, 503)) <= (b"retry-after" in dict(problems.headers_of(reason)))


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_carries_the_security_headers(common: Platform, path: str) -> None:
    for method in ("GET", "HEAD", "POST", "OPTIONS", "BREW"):
        answer = await common.call(method, path, signed=False)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert "base-uri 'none'; " in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.status < 500


async def test_what_is_not_there_is_a_problem_too(common: Platform) -> None:
    paths = ("/api/v1/nothing", "/api/v1", "/api/v2/orders", "/api/v1/orders/1/2/3", "/static/a/site.css", "/docs/../x")
    for path in paths:
        answer = await common.get(path, signed=False)
        assert (answer.status, answer.code) == (404, "no_such_path")
        assert set(answer.json) == {"type", "title", "title_zh", "status", "code", "retry", "outcome", "request_id"}


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/api/v1/orders", "GET, HEAD, OPTIONS, POST"),
        ("/api/v1/orders/bulk", "OPTIONS, POST"),
        ("/api/v1/orders/1", "GET, HEAD, OPTIONS"),
        ("/api/v1/orders/1/reveal", "OPTIONS, POST"),
        ("/api/v1/quotes", "OPTIONS, POST"),
        ("/api/v1/balance", "GET, HEAD, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
    ],
)
async def test_methods_a_path_does_not_take(common: Platform, path: str, allow: str) -> None:
    for method in ("DELETE", "PUT", "PATCH", "TRACE", "BREW"):
        answer = await common.call(method, path, signed=False)
        assert (answer.status, answer.code, answer.headers["allow"]) == (405, "method_not_allowed", allow)
    asked = await common.call("OPTIONS", path, signed=False)
    assert (asked.status, asked.headers["allow"], asked.body) == (204, allow, b"")
    assert (await common.call("OPTIONS", "/nothing", signed=False)).status == 404


async def test_a_head_is_a_get_without_its_body(common: Platform) -> None:
    got = await common.get("/api/v1/balance")
    head = await common.call("HEAD", "/api/v1/balance")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(got.body)))
    assert (await common.call("HEAD", "/api/v1/balance", signed=False)).status == 401


@pytest.mark.parametrize(
    ("path", "size"),
    [("/api/v1/orders", 4 << 20), ("/api/v1/orders/bulk", 4 << 20), ("/api/v1/quotes", 256 << 10)],
)  # fmt: skip
async def test_a_body_that_is_too_large(common: Platform, path: str, size: int) -> None:
    before = await common.trace()
    answer = await common.post(path, b" " * (size + 1))
    assert (answer.status, answer.code, answer.json["detail"]) == (413, "body_too_large", f"at most {size} bytes")
    assert (await common.post(path, b" " * size)).status == 400
    assert await common.trace() == before


async def test_orders_with_a_slash_at_the_end_are_told_so(common: Platform) -> None:
    answer = await common.post("/api/v1/orders/", {"client_ref": "x", "sku": "1"})
    assert (answer.status, answer.code) == (404, "no_such_path")


async def test_when_the_database_is_away_nothing_is_promised(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kameng.orders.queueing.UNKNOWN_FOR_S", 0.3)
    await platform.db.close()
    for answer in (
        await platform.get("/api/v1/balance"),
        await platform.get("/api/v1/orders"),
        await platform.get("/api/v1/balance", key=platform.seed.other.key),
    ):
        assert (answer.status, answer.code, answer.json["retry"], answer.json["outcome"]) == (
            503, "unavailable", "same_key", "none",
        )  # fmt: skip
        assert answer.headers["retry-after"] == "1"
    answer = await platform.place("A-1", platform.goods.card)  # it was let in, but no COMMIT was ever sent
    assert (answer.status, answer.code, answer.json["retry"], answer.json["outcome"]) == (
        503, "busy", "same_key", "none",
    )  # fmt: skip
    assert answer.headers["retry-after"] == "1"


async def test_what_breaks_is_told_as_unknown_and_tells_nothing(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr("kameng.ledger.read_accounts", broken)
    answer = await platform.get("/api/v1/balance")
    assert (answer.status, answer.code, answer.json["retry"], answer.json["outcome"]) == (
        500, "internal", "query_first", "unknown",
    )  # fmt: skip
    assert b"secret of ours" not in answer.body


async def test_before_it_started_the_gateway_says_so(platform: Platform) -> None:
    await platform.gateway.stop()
    for answer in (await platform.get("/developers"), await platform.place("A-1", platform.goods.card)):
        assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "not_ready", "1")
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_request_that_does_not_arrive_is_ended(common: Platform) -> None:
    """Nothing at all, and half of it; as the server sees it."""
    for first in ([], [{"type": "http.request", "body": b"{", "more_body": True}]):
        for method, path in (("POST", "/api/v1/orders"), ("POST", "/api/v1/quotes"), ("GET", "/api/v1/balance")):
            messages, waiting, sent = list(first), asyncio.Event(), []

            async def receive(messages: list[Any] = messages, waiting: asyncio.Event = waiting) -> Any:
                if not messages:
                    await waiting.wait()
                return messages.pop(0)

            async def send(message: Any, sent: list[Any] = sent) -> None:
                sent.append(message)

            scope = {
                "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
                "headers": [], "client": ("127.0.0.1", 1), "scheme": "https", "root_path": "", "server": ("h", 1),
                "http_version": "1.1", "asgi": {"version": "3.0"},
            }  # fmt: skip
            await asyncio.wait_for(common.gateway(scope, receive, send), 5)
            assert sent[0]["status"] == 408
            assert b'"request_too_slow"' in sent[1]["body"]
    # The task of a request that was ended goes on well: nothing cancels it later.
    assert (await common.get("/api/v1/balance")).status == 200
