"""The document: valid, whole, with true examples; and the pages of docs/api that go with it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from conforming import DOCUMENT, validator
from schemathesis.specs.openapi.definitions import OPENAPI_31

from kameng.identity import ALL_SCOPES
from kameng.kit.errors import REGISTRY
from kameng.openapi import pages, words
from kameng.openapi.v1.routing import ENDPOINTS, document
from running import Platform

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "api"
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
each_operation = pytest.mark.parametrize(
    "operation", [operation for _, operation in OPERATIONS], ids=[name for name, _ in OPERATIONS]
)


def test_it_is_openapi_3_1() -> None:
    jsonschema_rs.validator_for(OPENAPI_31).validate(DOCUMENT)


def test_the_one_that_is_kept_is_what_the_code_makes() -> None:
    """So that whoever changes the API reads in a diff what that means for its users."""
    dump = runpy.run_path(str(ROOT / "scripts" / "dump-openapi"))["dump"]
    kept = (DOCS / "openapi.json").read_text("utf-8")
    assert msgspec.json.decode(kept) == DOCUMENT, "the API has changed: run scripts/dump-openapi and read `git diff`"
    assert (dump() == kept) is True


def test_every_reference_leads_somewhere() -> None:
    text = msgspec.json.encode(DOCUMENT).decode()
    for kind, name in set(re.findall(r'"#/components/(\w+)/(\w+)"', text)):
        assert name in DOCUMENT["components"][kind]
    for kind in ("schemas", "headers", "examples"):
        used = set(re.findall(rf'"#/components/{kind}/(\w+)"', text))
        assert used == set(DOCUMENT["components"][kind])


def test_every_route_is_described() -> None:
    hidden = {min(handler.paths) for handler in ENDPOINTS if "endpoint" not in handler.opt}
    assert hidden == {"/metrics", "/api/v1/openapi.json"}
    assert sorted(name for name, _ in OPERATIONS) == [
        "DELETE /api/v1/webhooks/{webhook_id}", "GET /api/v1/agent/bounds", "GET /api/v1/agent/buyers",
        "GET /api/v1/agent/earnings", "GET /api/v1/agent/markups", "GET /api/v1/agent/orders",
        "GET /api/v1/agent/prices", "GET /api/v1/balance", "GET /api/v1/catalogue",
        "GET /api/v1/catalogue/{sku}", "GET /api/v1/errors", "GET /api/v1/events", "GET /api/v1/orders",
        "GET /api/v1/orders/{order_id}", "GET /api/v1/orders/{order_id}/events",
        "GET /api/v1/orders/{order_id}/payments", "GET /api/v1/prices/changes",
        "GET /api/v1/products/changes", "GET /api/v1/recharges", "GET /api/v1/recharges/{recharge_id}",
        "GET /api/v1/self-test",
        "GET /api/v1/skus/{sku}/cards", "GET /api/v1/statement", "GET /api/v1/statements",
        "GET /api/v1/statements.csv", "GET /api/v1/stock", "GET /api/v1/supplier/batches",
        "GET /api/v1/supplier/goods", "GET /api/v1/supplier/orders", "GET /api/v1/supplier/orders/{task_id}",
        "GET /api/v1/supplier/stock",
        "GET /api/v1/webhooks", "GET /api/v1/webhooks/{webhook_id}/deliveries",
        "GET /api/v1/withdrawals", "GET /api/v1/withdrawals/{withdrawal_id}", "GET /healthz",
        "PATCH /api/v1/webhooks/{webhook_id}", "POST /api/v1/agent/bounds", "POST /api/v1/agent/markups",
        "POST /api/v1/agent/prices", "POST /api/v1/golive", "POST /api/v1/orders",
        "POST /api/v1/orders/bulk", "POST /api/v1/orders/search", "POST /api/v1/orders/{order_id}/cancel",
        "POST /api/v1/orders/{order_id}/confirm", "POST /api/v1/orders/{order_id}/parts/{part}/image",
        "POST /api/v1/orders/{order_id}/payments", "POST /api/v1/orders/{order_id}/refund",
        "POST /api/v1/orders/{order_id}/reveal",
        "POST /api/v1/quotes", "POST /api/v1/recharges",
        "POST /api/v1/supplier/cards", "POST /api/v1/supplier/cards/void",
        "POST /api/v1/supplier/orders/{task_id}/answer",
        "POST /api/v1/supplier/orders/{task_id}/give-back", "POST /api/v1/supplier/orders/{task_id}/refuse",
        "POST /api/v1/supplier/orders/{task_id}/take",
        "POST /api/v1/webhooks", "POST /api/v1/webhooks/{webhook_id}/replay",
        "POST /api/v1/webhooks/{webhook_id}/rotate", "POST /api/v1/webhooks/{webhook_id}/test",
        "POST /api/v1/withdrawals", "POST /api/v1/withdrawals/{withdrawal_id}/cancel",
    ]  # fmt: skip


def test_operations_are_named_once_and_tags_are_known() -> None:
    names = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    assert {tag for _, operation in OPERATIONS for tag in operation["tags"]} == tags


@each_operation
def test_an_operation_says_who_may_and_what_may_go_wrong(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in operation["summary"])
    codes = {
        code
        for response in responses.values()
        for code in response.get("content", {}).get("application/problem+json", {}).get("schema", {})
        .get("properties", {}).get("code", {}).get("enum", [])
    }  # fmt: skip
    assert codes <= REGISTRY.keys()
    assert {"not_ready", "unavailable", "internal"} <= codes
    if operation["security"]:
        assert {"signature_missing", "signature_wrong", "nonce_used", "rate_limited", "ip_not_allowed"} <= codes
        scopes = operation["security"][0]["hmac"]
        assert operation["security"] == [{"hmac": scopes}, {"rfc9421": scopes}]
        assert set(scopes) <= ALL_SCOPES
        assert ("scope_missing" in codes) == bool(scopes)
        assert "RateLimit" in next(response for status, response in responses.items() if status < "300")["headers"]
    else:
        assert not codes & {"signature_missing", "scope_missing"}
    for status in ("429", "503"):
        assert "Retry-After" in responses.get(status, {"headers": "Retry-After"})["headers"]


@each_operation
def test_examples_are_true(operation: dict[str, Any]) -> None:
    contents = [response.get("content", {}) for response in operation["responses"].values()]
    contents.append(operation.get("requestBody", {}).get("content", {}))
    for content in contents:
        for media in content.values():
            examples = [media["example"]] if "example" in media else []
            for named in media.get("examples", {}).values():
                examples.append(DOCUMENT["components"]["examples"][named["$ref"].rpartition("/")[2]]["value"])
            assert examples
            for example in examples:
                validator(media["schema"]).validate(example)


def test_every_parameter_and_field_of_an_input_is_explained() -> None:
    for name, operation in OPERATIONS:
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (name, parameter["name"])


def test_only_the_words_differ_between_languages() -> None:
    english = msgspec.json.decode(document("en"))
    assert english["paths"].keys() == DOCUMENT["paths"].keys()
    for path, operations in english["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"].isascii()
            assert {**operation, "summary": ""} == {**DOCUMENT["paths"][path][method], "summary": ""}
    assert english["components"] == DOCUMENT["components"]


async def test_it_is_served(common: Platform) -> None:
    answer = await common.get("/api/v1/openapi.json", signed=False)
    assert answer.json == DOCUMENT
    english = await common.get("/api/v1/openapi.json", "lang=en", signed=False)
    assert english.json["info"]["title"] == "Kameng Open API"


def test_the_guide_names_every_route_and_the_error_page_every_code() -> None:
    guide = (DOCS / "README.md").read_text("utf-8")
    for name, operation in OPERATIONS:
        assert f"`{name}`" in guide, f"docs/api/README.md lacks `{name}`"
        for scope in operation["security"][0]["hmac"] if operation["security"] else []:
            assert f"`{scope}`" in guide
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+ \| `\w+` \| `\w+`) \|", (DOCS / "errors.md").read_text("utf-8"), re.M))
    known = {code: f"{r.status} | `{r.retry}` | `{r.outcome}`" for code, r in REGISTRY.items()}
    assert rows == known, "docs/api/errors.md and the registry differ"


async def test_the_error_page_has_an_anchor_for_every_code(common: Platform) -> None:
    page = (await common.get("/docs/errors", signed=False)).body.decode()
    assert re.findall(r'<tr id="(\w+)">', page) == sorted(REGISTRY)


def test_every_word_of_the_pages_is_said_in_both_languages() -> None:
    templates = Path(pages.__file__).parent / "templates"
    text = "".join(file.read_text("utf-8") for file in templates.glob("*.html"))
    for key, (chinese, english) in words.WORDS.items():
        assert key.endswith("_title") or f"${key}" in text, f"{key} is said nowhere"
        assert english
        if key != "switch":
            assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
            assert not any("\u4e00" <= letter <= "\u9fff" for letter in english)


@pytest.mark.parametrize(
    ("query", "header", "language"),
    [
        ("", None, "zh-Hans"), ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"), ("", "en-US,en;q=0.9", "en"),
        ("", "en;q=0.5,zh;q=0.8", "zh-Hans"), ("", "fr", "zh-Hans"), ("", "en;q=x,,;q=", "zh-Hans"),
        ("lang=en", "zh-CN", "en"), ("lang=zh", "en", "zh-Hans"), ("lang=xx", "en", "en"),
    ],
)  # fmt: skip
async def test_the_pages_language(common: Platform, query: str, header: str | None, language: str) -> None:
    headers = {} if header is None else {"accept-language": header}
    for path in ("/developers", "/docs", "/docs/errors"):
        answer = await common.get(path, query, signed=False, headers=headers)
        assert answer.headers["content-language"] == language
        assert f'<html lang="{language}">' in answer.body.decode()


async def test_pages_show_nothing_that_was_sent_unescaped(common: Platform) -> None:
    evil = '"><script>alert(1)</script>'
    for path in ("/developers", "/docs", "/docs/errors"):
        answer = await common.get(path, "lang=%22%3E%3Cscript%3E", signed=False, headers={"host": evil})
        assert b"<script>" not in answer.body


async def test_static_files_are_kept_for_ever_by_their_digest(common: Platform) -> None:
    page = (await common.get("/developers", signed=False)).body.decode()
    address = re.search(r'href="(/static/\w+/site\.css)"', page)
    assert address is not None
    answer = await common.get(address[1], signed=False)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert (await common.get("/static/0000000000000000/site.css", signed=False)).code == "no_such_path"


async def test_without_the_fetched_files_the_reference_says_how_to_get_them(
    common: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(common.gateway._rest.shared, "library", pages.Library(tmp_path))
    page = (await common.get("/docs", signed=False)).body.decode()
    assert "<code>scripts/web</code>" in page
    assert "swagger-ui" not in page
