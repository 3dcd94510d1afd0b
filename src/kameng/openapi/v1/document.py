"""The OpenAPI 3.1 document, made from the handlers' ``Endpoint`` lines and the wire types. Nothing is written twice.

Summaries come in the language asked for; what is longer is English.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler

from kameng import identity
from kameng.kit.errors import Refusal
from kameng.openapi import errors, problems
from kameng.openapi.intake import CardBody, OrderAnswer, PartAnswer
from kameng.openapi.problems import Problem
from kameng.openapi.v1.endpoints import Endpoint, Reply
from kameng.openapi.v1.handwork_model import RevealedAnswer
from kameng.orders import OrderBody

Json = dict[str, Any]

TITLES = {"zh": "卡盟开放平台接口", "en": "Kameng Open API"}
TAGS = {
    "orders": {"zh": "下单、查询、查看卡密", "en": "Place, find and reveal orders"},
    "goods": {"zh": "可售商品、库存与询价，均按您自己的价格", "en": "What can be ordered, at your own prices"},
    "money": {"zh": "您的钱包：余额与明细", "en": "Your wallet"},
    "webhooks": {"zh": "事件推送与事件流", "en": "Being told, or asking, what happened"},
    "agents": {"zh": "代理：下级、加价与限价、店铺订单、收益", "en": "For agents: buyers, prices, orders, earnings"},
    "supplier": {
        "zh": "供货商：商品、批次、卡密入库、人工订单", "en": "For suppliers: goods, batches, cards, orders to work",
    },
    "service": {"zh": "密钥自检、错误码、健康检查", "en": "Your key, the error codes, the gateway"},
}
ABOUT = {
    "zh": """\
由程序下单卡密、直充与链接类商品。

- **签名**：请求方法、路径、查询串（不含 `?`）、Unix 秒、nonce、正文 SHA-256（小写十六进制）六行以换行符连接，
  用密钥全文（含 `ks_`）做 HMAC-SHA256，小写十六进制放入
  `Authorization: KAMENG-HMAC-SHA256 key=…,ts=…,nonce=…,sig=…`。
  写请求时间误差不超过 300 秒，读请求 30 秒；nonce 只能用一次。
- **金额**是带四位小数的文本，**编号**是数字文本，**时间**一律为 UTC。
- **一个外部单号永远只是一笔订单**：结果不明时，用相同的 `client_ref` 与内容重新签名再发即可，绝不会重复下单。
- **拒绝**一律是 RFC 9457 文档，程序请依据 `code`。`retry` 说明下一步（`never` 不重试；`same_key` 用相同单号；
  `new_key` 换新单号；`query_first` 先查询），`outcome` 说明结果。[全部错误码](/docs/errors)。
- **频率限制**：签名有效的请求，其应答（含拒绝）都带 `RateLimit-Policy` 与 `RateLimit`；429 与 503 带 `Retry-After`。
  批量下单每 100 行计一次请求。
- **沙箱**：`ak_test_` 开头的密钥使用同样的商品、模拟资金（XTS）与模拟卡密。
- **兼容的变化**随时可能发生：应答新增字段、新增错误码与接口，请忽略不认识的内容。未知的查询参数会被拒绝。
""",
    "en": """\
Card keys (卡密), top-ups (直充) and links, ordered by programs.

- **Signing**: join method, path, query (without `?`), Unix seconds, nonce and hex SHA-256 of the body with line
  breaks, make an HMAC-SHA256 of it with your whole secret (`ks_…`), and send its lower-case hex in
  `Authorization: KAMENG-HMAC-SHA256 key=…,ts=…,nonce=…,sig=…`. Writes may be 300 s off, reads 30 s; a nonce works once.
- **Money** is a decimal with four places, as text; **ids** are numbers as text; **times** are UTC.
- **A reference is one order, for ever**: send the same `client_ref` with the same content again, signed afresh,
  whenever you don't know what became of it.
- **Refusals** are RFC 9457 problem documents. Go by `code`; `retry` says what to do next (`never`; `same_key`: the same
  `client_ref` again; `new_key`: a new one; `query_first`), `outcome` what became of it. [All codes](/docs/errors).
- **Rate limits**: `RateLimit-Policy` and `RateLimit` on every answer to a good signature, refusals too; `Retry-After`
  with 429 and 503. Every started 100 rows of a bulk request count as one request.
- **Sandbox**: a key that begins with `ak_test_` plays with the same goods, play money (XTS) and play cards.
- **Changes** that break nothing come at any time: new fields in answers, new codes, new endpoints. Ignore what you
  don't know. Unknown query parameters are refused.
""",
}
HMAC = """\
`Authorization: KAMENG-HMAC-SHA256 key=<key id>,ts=<Unix seconds>,nonce=<16–64 of A-Z a-z 0-9 _ ->,sig=<64 hex>`,
exactly these four, in this order, without blanks.

`sig` = hex(HMAC-SHA256(secret, canonical)), where the secret is the whole `ks_…` text as UTF-8, and canonical is
six lines joined by `\\n`, with none at the end: METHOD, path as sent, query as sent without `?` (may be empty), ts,
nonce, hex(SHA-256(body)).

The time may be ±300 s off for writes, ±30 s for reads. A nonce works once.

将请求方法、路径、查询串、时间戳、nonce、正文 SHA-256 六行以换行符连接，用密钥全文（含 `ks_`）做 HMAC-SHA256。
"""
RFC9421 = """\
RFC 9421 with Ed25519, for keys made with your public key: one signature over `"@method" "@path" "@query"`, and
`"content-digest"` if there is a body, with the parameters `created`, `nonce`, `keyid` and `alg="ed25519"`.
"""

CARD_FILE = "8614002600012345 4Q7T-9XKD-22PM\n8614002600012346 7MWC-2A8R-XK41\n"

HEADERS: Json = {
    "RateLimitPolicy": {
        "description": 'What the key may do: `"key";q=<requests>;w=<seconds>`.',
        "schema": {"type": "string"}, "example": '"key";q=1000;w=1',
    },
    "RateLimit": {
        "description": 'What is left of it: `"key";r=<requests>;t=<seconds>`.',
        "schema": {"type": "string"}, "example": '"key";r=999;t=1',
    },
    "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer"}, "example": 1},
}  # fmt: skip
"""Of answers, by their names in the document."""


RATES = ("RateLimit-Policy", "RateLimit")
UNKNOWN_CALLER = (
    identity.SignatureMissing, identity.SignatureMalformed, identity.SignatureWrong, identity.ContentDigestWrong,
    errors.BodyTooLarge, errors.RequestTooSlow, errors.NotReady,
)  # fmt: skip
"""Refused before it is known whose request it is, so without anybody's rate."""


def build(handlers: Iterable[HTTPRouteHandler], *, language: str, server: str = "") -> Json:
    """The document of these handlers."""
    described = [(handler, handler.opt["endpoint"]) for handler in handlers if "endpoint" in handler.opt]
    schemas = _Schemas([endpoint for _, endpoint in described])
    paths: Json = {}
    for handler, endpoint in described:
        path = sorted(handler.paths)[0].replace(":str", "")
        method = next(iter(handler.http_methods)).lower()
        paths.setdefault(path, {})[method] = _operation(endpoint, schemas, language)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": TITLES[language], "version": metadata.version("kameng"), "description": ABOUT[language],
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "servers": [{"url": server or "/"}],
        "tags": [{"name": name, "description": text[language]} for name, text in TAGS.items()],
        "paths": dict(sorted(paths.items(), key=lambda item: _order(item[0]))),
        "components": {
            "schemas": schemas.components,
            "headers": HEADERS,
            "examples": {
                reason.code: {"value": problem_example(reason)}
                for _, endpoint in described
                for reason in endpoint.every_refusal()
            },
            "securitySchemes": {
                "hmac": {"type": "apiKey", "in": "header", "name": "Authorization", "description": HMAC},
                "rfc9421": {"type": "apiKey", "in": "header", "name": "Signature-Input", "description": RFC9421},
            },
        },
    }  # fmt: skip
    _type_enums(document)
    return document


def _type_enums(node: Any) -> None:
    """Say that enums are texts: generators of clients want to read it."""
    if isinstance(node, dict):
        if "type" not in node and isinstance(node.get("enum"), list):
            node["type"] = "string"
        for child in node.values():
            _type_enums(child)
    elif isinstance(node, list):
        for child in node:
            _type_enums(child)


def _order(path: str) -> tuple[int, str]:
    """Orders first: that is what people come for."""
    places = ("/api/v1/orders", "/api/v1/catalogue", "/api/v1/stock", "/api/v1/quotes", "/api/v1/")
    return next((index for index, start in enumerate(places) if path.startswith(start)), len(places)), path


def _operation(endpoint: Endpoint, schemas: _Schemas, language: str) -> Json:
    needs = [str(endpoint.scope)] if endpoint.scope is not None else []
    scope = f"\n\nScope: `{needs[0]}`." if needs else ""
    operation: Json = {
        "operationId": endpoint.operation,
        "tags": [endpoint.tag],
        "summary": endpoint.zh if language == "zh" else endpoint.en,
        "description": f"{endpoint.en}. {endpoint.text}{scope}".strip(),
        "security": [{"hmac": needs}, {"rfc9421": needs}] if endpoint.signed else [],
        "responses": dict(_responses(endpoint, schemas)),
    }
    parameters = list(_parameters(endpoint))
    if parameters:
        operation["parameters"] = parameters
    if endpoint.upload:
        file = {"schema": {"type": "string", "contentEncoding": "binary"}, "example": CARD_FILE}
        content = {"application/octet-stream": file}
        operation["requestBody"] = {"required": True, "description": endpoint.upload, "content": content}
    if endpoint.body is not None:
        content = {"schema": schemas.of(endpoint.body), "example": endpoint.body_example}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _parameters(endpoint: Endpoint) -> Iterator[Json]:
    for name, text in endpoint.path.items():
        schema = {"type": "string", "pattern": "^[0-9]{1,19}$"}
        yield {"name": name, "in": "path", "required": True, "description": text, "schema": schema}
    if endpoint.query is None:
        return
    described = msgspec.json.schema(endpoint.query)
    struct = described["$defs"][endpoint.query.__name__]
    for name, schema in struct["properties"].items():
        text = schema.pop("description", "")
        yield {
            "name": name, "in": "query", "required": name in struct.get("required", ()), "description": text,
            "schema": schema,
        }  # fmt: skip


def _responses(endpoint: Endpoint, schemas: _Schemas) -> Iterator[tuple[str, Json]]:
    for reply in endpoint.replies:
        yield str(reply.status), _good(endpoint, reply, schemas)
    by_status: dict[int, list[type[Refusal]]] = {}
    for reason in endpoint.every_refusal():
        by_status.setdefault(reason.status, []).append(reason)
    for status, reasons in sorted(by_status.items()):
        yield str(status), _problem(reasons, rates=endpoint.signed and any(r not in UNKNOWN_CALLER for r in reasons))


def _good(endpoint: Endpoint, reply: Reply, schemas: _Schemas) -> Json:
    response: Json = {"description": reply.en}
    if endpoint.signed and reply.body is not None:
        response["headers"] = _headers(*RATES)
    if reply.body is not None:
        response["content"] = {reply.media_type: {"schema": schemas.of(reply.body), "example": reply.example}}
    return response


def _problem(reasons: Sequence[type[Refusal]], *, rates: bool) -> Json:
    """One status, with all the codes it may come with."""
    codes = sorted(reason.code for reason in reasons)
    texts = {reason.code: f"- `{reason.code}`: {reason.en()} {reason.zh}" for reason in reasons}
    response: Json = {
        "description": "\n".join(texts[code] for code in codes),
        "content": {
            "application/problem+json": {
                "schema": {
                    "$ref": "#/components/schemas/Problem",
                    "properties": {"code": {"enum": codes}},
                },
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }
    headers = {name.decode().title() for reason in reasons for name, _ in problems.headers_of(reason)}
    if "Retry-After" in headers:
        response["headers"] = _headers("Retry-After")
    if rates:
        response["headers"] = {**response.get("headers", {}), **_headers(*RATES)}
    return response


def _headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name.replace('-', '')}"} for name in names}


def problem_example(reason: type[Refusal]) -> Json:
    example: Json = msgspec.to_builtins(problems.problem(reason, request_id="9f2c41aa-17"))
    return example


class _Schemas:
    """The wire types as JSON Schema, with what their Structs leave out for the sake of speed."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        bodies = [body for endpoint in endpoints for body in (endpoint.body, *(r.body for r in endpoint.replies))]
        kinds = [kind for body in bodies for kind in _kinds(body)]
        self._types = list({str(kind): kind for kind in kinds}.values())
        found, self.components = msgspec.json.schema_components(
            [*self._types, CardBody, Problem], ref_template="#/components/schemas/{name}"
        )
        self._found = {str(kind): schema for kind, schema in zip(self._types, found, strict=False)}
        for name, overlay in _overlays().items():
            properties = self.components[name]["properties"]
            for field, more in overlay.items():
                properties[field] = {**properties[field], **more}
        self.components["Problem"]["required"] += ["retry", "outcome"]  # never left out: they are never empty
        self.components["CardBody"]["required"] = ["number", "secret"]

    def of(self, body: Any) -> Json:
        found: list[Json] = [self._found[str(kind)] for kind in _kinds(body)]
        return found[0] if len(found) == 1 else {"anyOf": found}


def _kinds(body: Any) -> tuple[Any, ...]:
    """The types of a body: none, one, or any of several."""
    if body is None:
        return ()
    return body if isinstance(body, tuple) else (body,)


@functools.cache
def _overlays() -> dict[str, dict[str, Json]]:
    """Descriptions and limits of the hot types: their Structs stay bare, since every order is decoded by them."""
    money: Json = {"pattern": r"^[0-9]+\.[0-9]{4}$", "examples": ["98.5000"]}
    cards: Json = {"$ref": "#/components/schemas/CardBody"}
    order: dict[str, Json] = {
        "id": {"pattern": "^[0-9]{1,19}$"},
        "unit_price": money,
        "total": money,
        "state": {"description": "`delivered`, `fulfilling`, … as in OrderView."},
        "replayed": {"description": "Whether the reference stood already."},
        "cards": {"items": cards, "description": "Numbers only, and masked, if the key lacks `cards:read`."},
        "parts": {"description": "Of a bundle, each with its own cards; left out if it is none."},
    }
    return {
        OrderBody.__name__: {
            "client_ref": {
                "minLength": 1, "maxLength": 64, "pattern": r"^[^\p{C}\p{Z}]+$",
                "description": "Your own number of this order: visible characters without spaces. One order, for ever.",
            },
            "sku": {"pattern": "^[0-9]{1,18}$", "description": "The SKU's code."},
            "quantity": {"minimum": 1, "maximum": 1_000_000, "description": "See the SKU's quantity limits."},
            "account": {
                "description": "What the SKU's form asks for, by field name; leave it out if it has none.",
                "examples": [{"phone": "13800138000"}],
            },
            "max_price": {"description": "The highest unit price you take, with at most four places. 最高单价。"},
            "card": {
                "pattern": "^[0-9]{1,19}$",
                "description": "The `id` of a card that you choose (自选, see `listCardsOnDisplay`), with a quantity "
                "of 1. Its surcharge is part of the unit price.",
            },
        },
        OrderAnswer.__name__: order,
        RevealedAnswer.__name__: order,
        **_overlays_of_goods(money, cards),
        Problem.__name__: {
            "type": {"description": "Where the code is explained."},
            "retry": {"enum": ["never", "same_key", "new_key", "query_first"]},
            "outcome": {"enum": ["none", "unknown", "done"]},
            "field": {"description": "What part of the request is meant."},
            "request_id": {"description": "Tell us this when you ask about it."},
        },
    }  # fmt: skip


def _overlays_of_goods(money: Json, cards: Json) -> dict[str, dict[str, Json]]:
    """Of parts and cards in an answer."""
    return {
        PartAnswer.__name__: {
            "part_no": {"minimum": 1, "description": "Its number among the bundle's parts."},
            "quantity": {"description": "Pieces, of all the bundles of the order."},
            "worth": {**money, "description": "Of the total; goes back if the part can't be delivered."},
            "state": {"enum": ["waiting", "delivered", "failed", "refunded"]},
            "cards": {"items": cards, "description": "Its own among the order's `cards`."},
        },
        CardBody.__name__: {
            "number": {"description": "Empty for cards that are a code only."},
            "secret": {"description": "What redeems it; for goods of kind `link` the link, as in `url`."},
            "url": {
                "description": "The redeem link; left out for other goods. Without `cards:read` its host alone.",
                "examples": ["https://redeem.example.com/c/4Q7T9XKD22PM"],
            },
            "expires_on": {"description": "A date; left out if it never expires."},
        },
    }  # fmt: skip
