"""Who may: every signed endpoint against strangers, wrong, late and replayed signatures, scopes, addresses, rates."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kameng import catalogue, identity
from kameng.identity import ALL_SCOPES
from kameng.kit import clock
from kameng.openapi.v1.endpoints import Endpoint
from kameng.openapi.v1.routing import ENDPOINTS
from laws.handwork import add_image
from running import Answer, Platform, signed_headers


class Call(msgspec.Struct, frozen=True):
    """One signed endpoint, and a request to it that its owner would see answered."""

    endpoint: Endpoint
    method: str
    path: str
    body: Any = None

    @property
    def good(self) -> int:
        return STATUS.get(self.endpoint.operation, 200)

    @property
    def again(self) -> int:
        """When it is sent once more: what was removed is not there any more."""
        return 404 if self.endpoint.operation == "removeWebhook" else self.good


BODIES: dict[str, Any] = {
    "placeOrder": {"client_ref": "{ref}", "sku": "{sku}"},
    "placeOrders": {"orders": [{"client_ref": "{ref}-1", "sku": "{sku}"}, {"client_ref": "{ref}-2", "sku": "{sku}"}]},
    "askQuotes": {"sku": "{sku}"},
    "createWebhook": {"url": "https://shop.example/"},
    "changeWebhook": {"name": "ERP"},
    "replayWebhook": {"since": "2026-11-22T00:00:00Z"},
    "askWithdrawal": {
        "client_ref": "{ref}", "amount": "1.00",
        "payee": {"method": "bank", "name": "张小明", "account": "6222020012345678", "bank": "招商银行"},
    },
    "searchOrders": {"account": "13812345678"},
}
STATUS = {"createWebhook": 201, "replayWebhook": 202}
"""Of good answers, where it is not 200."""
_refs = (f"mine-{n}" for n in count(1))


class Mine(msgspec.Struct, frozen=True):
    """An order, a webhook and a withdrawal of the shop's, which nobody else may see."""

    order_id: str
    withdrawal_id: str
    ref: str
    sku: str
    secret: str
    webhook_id: str

    def path(self, call: Call) -> str:
        return call.path.format(
            order_id=self.order_id, part=0, sku=self.sku, webhook_id=self.webhook_id, withdrawal_id=self.withdrawal_id
        )

    def body(self, call: Call) -> bytes:
        text = "" if call.body is None else msgspec.json.encode(call.body).decode()
        return text.replace("{ref}", self.ref).replace("{sku}", self.sku).encode()


OF_OTHERS = frozenset({"supplier", "agents", "payOrder", "listPayments", "recharge", "findRecharge"})
"""Tags that a merchant has no part in, and calls that need a channel: those have walks of their own."""


def every_call() -> list[Call]:
    calls = []
    for handler in ENDPOINTS:
        endpoint = handler.opt.get("endpoint")
        if endpoint is not None and endpoint.signed and not OF_OTHERS & {endpoint.tag, endpoint.operation}:
            path = min(handler.paths).replace(":str", "")
            calls.append(Call(endpoint, next(iter(handler.http_methods)), path, BODIES.get(endpoint.operation)))
    return calls


CALLS = every_call()
signed_endpoints = pytest.mark.parametrize("call", CALLS, ids=[call.endpoint.operation for call in CALLS])


async def send(common: Platform, call: Call, mine: Mine, *, query: str = "", **options: Any) -> Answer:
    """The call, about this order."""
    return await common.call(call.method, mine.path(call), query=query, body=mine.body(call) or None, **options)


@pytest.fixture
async def mine(common: Platform, request: pytest.FixtureRequest) -> AsyncIterator[Mine]:
    """Its owner may do to the order what the test is about: a card that may go back, or a top-up on its way."""
    ref, sku = next(_refs), common.goods.deep
    call = getattr(request.node, "callspec", None) and request.node.callspec.params.get("call")
    if call and call.endpoint.operation == "cancelOrder":
        placed = (await common.place(ref, common.goods.phone, account={"phone": "13812345678"})).json
        secret = "13812345678"
    else:
        await catalogue.set_sku(common.db, sku.sku_id, {"refundable": True})
        placed = (await common.place(ref, sku)).json
        secret = placed["cards"][0]["secret"]
        await add_image(common.db, common.ring, int(placed["id"]))
    made = (await common.post("/api/v1/webhooks", BODIES["createWebhook"])).json
    body = msgspec.json.decode(msgspec.json.encode(BODIES["askWithdrawal"]).replace(b"{ref}", ref.encode()))
    asked = (await common.post("/api/v1/withdrawals", body)).json
    yield Mine(placed["id"], asked["id"], ref, str(sku.sku_id), secret, made["webhook"]["id"])
    await common.db.pool.execute("DELETE FROM webhook_endpoint")  # there may be ten


def test_all_signed_endpoints_are_walked() -> None:
    assert sorted(call.endpoint.operation for call in CALLS) == [
        "askQuotes", "askWithdrawal", "cancelOrder", "cancelWithdrawal", "changeWebhook", "checkGoLive",
        "confirmOrder", "createWebhook", "downloadStatements", "findOrder", "findSku", "findWithdrawal",
        "listCardsOnDisplay", "listCatalogue", "listDeliveries", "listEvents", "listOrderEvents", "listOrders",
        "listPriceChanges", "listProductChanges", "listRecharges", "listStatement", "listWebhooks", "listWithdrawals",
        "placeOrder", "placeOrders", "refundOrder", "removeWebhook", "replayWebhook", "revealImage", "revealOrder",
        "rotateWebhook", "searchOrders", "selfTest", "showBalance", "showStatements", "showStock", "testWebhook",
    ]  # fmt: skip


@signed_endpoints
async def test_the_owner_is_answered(common: Platform, call: Call, mine: Mine) -> None:
    answer = await send(common, call, mine)
    assert answer.status == call.good, answer
    assert answer.headers["ratelimit-policy"] == '"key";q=1000;w=1'
    assert answer.headers["ratelimit"].startswith('"key";r=99')


@signed_endpoints
async def test_another_organisation_never_sees_or_touches_it(common: Platform, call: Call, mine: Mine) -> None:
    shop = common.seed.shop.organisation
    standing = """SELECT posted_e4, held_e4, (SELECT count(*) FROM orders WHERE org_id = account_id),
        (SELECT count(*) FROM audit_line WHERE org_id = account_id) FROM account WHERE account_id = $1"""
    before = await common.db.pool.fetchrow(standing, shop.org_id)
    stranger = await common.found("过路商户")
    for query in ("", f"client_ref={mine.ref}", f"ids={mine.order_id}", "limit=200", "state=delivered"):
        if query and call.endpoint.operation != "listOrders":
            continue
        answer = await send(common, call, mine, query=query, key=stranger.key)
        # Not the order, not its cards, not its owner.
        owner = (str(shop.org_id), shop.name, str(common.seed.shop.key.key_id))
        for theirs in (mine.order_id, mine.webhook_id, mine.withdrawal_id, mine.secret, *owner):
            assert theirs not in answer.body.decode()
        if "order_id" in call.endpoint.path:
            assert (answer.status, answer.code) == (404, "order_not_found")
        elif "webhook_id" in call.endpoint.path:
            assert (answer.status, answer.code) == (404, "webhook_not_found")
        elif "withdrawal_id" in call.endpoint.path:
            assert (answer.status, answer.code) == (404, "no_such_withdrawal")
        elif call.endpoint.operation == "placeOrder":  # a reference of its own, of the same name
            assert (answer.status, answer.json["replayed"]) == (201, False)
        else:
            assert answer.status == call.good
        if call.endpoint.operation == "listOrders":
            assert answer.json == {"orders": [], "next_cursor": None}
        if call.endpoint.operation == "listStatement":
            assert [line["subject"] for line in answer.json["lines"]] == [str(stranger.organisation.org_id)]
    assert await common.db.pool.fetchrow(standing, shop.org_id) == before
    found = (await common.get("/api/v1/orders", f"client_ref={mine.ref}")).json["orders"]
    assert [order["id"] for order in found] == [mine.order_id]


@signed_endpoints
async def test_what_is_signed_wrongly_is_refused_and_leaves_no_trace(common: Platform, call: Call, mine: Mine) -> None:
    before = await common.trace()
    now_s = clock.now_ms() // 1000
    skew_s = 300 if call.endpoint.write else 30
    shop = common.seed.shop.key
    unknown = identity.IssuedKey(shop.key_id + (1 << 22), shop.org_id, shop.secret, shop.sandbox)
    wrong: dict[str, dict[str, Any]] = {
        "signature_missing": {"signed": False},
        "signature_wrong": {"secret": "ks_" + "x" * 43},
        "signature_malformed": {"nonce": "short"},
        "signature_expired": {"ts_s": now_s - skew_s - 2},
    }
    for code, options in wrong.items():
        answer = await send(common, call, mine, **options)
        assert (answer.status, answer.code) == (401, code)
        assert answer.headers["www-authenticate"] == "KAMENG-HMAC-SHA256"
        assert answer.json["outcome"] == "none"
    for key, ts_s, code in (
        (unknown, now_s, "signature_wrong"),
        (shop, now_s + skew_s + 3, "signature_expired"),
    ):
        assert (await send(common, call, mine, key=key, ts_s=ts_s)).code == code
    assert await common.trace() == before
    assert (await send(common, call, mine, ts_s=now_s - skew_s + 5)).status == call.good


@signed_endpoints
async def test_the_signature_covers_method_path_query_and_body(common: Platform, call: Call, mine: Mine) -> None:
    path = mine.path(call)
    body = b"{}" if call.method == "POST" else b""
    good = {"method": call.method, "path": path, "query": "", "body": body}
    for part, other in (("method", "PUT"), ("path", path + "/"), ("query", "limit=1"), ("body", b'{"a":1}')):
        headers = signed_headers(common.key, **{**good, part: other})
        answer = await common.send(call.method, path, "", body, headers)
        assert (answer.status, answer.code) == (401, "signature_wrong"), part


@signed_endpoints
async def test_a_signature_works_once(common: Platform, call: Call, mine: Mine) -> None:
    options = {"nonce": f"once-{mine.ref}-0123456789", "ts_s": clock.now_ms() // 1000}
    assert (await send(common, call, mine, **options)).status == call.good
    before = await common.trace()
    answer = await send(common, call, mine, **options)
    assert (answer.status, answer.code, answer.json["retry"]) == (401, "nonce_used", "same_key")
    assert await common.trace() == before
    # The same nonce with another key is another nonce.
    assert (await send(common, call, mine, key=common.seed.other.key, **options)).status in (200, 201, 404)


@signed_endpoints
async def test_a_key_needs_the_scope(common: Platform, call: Call, mine: Mine) -> None:
    before = await common.trace()
    shop = common.seed.shop.organisation
    scope = call.endpoint.scope
    key = await common.issue_key(shop, ALL_SCOPES - {scope})
    answer = await send(common, call, mine, key=key)
    if scope is None:
        assert answer.status == call.good
    else:
        assert (answer.status, answer.code, answer.json["detail"]) == (403, "scope_missing", scope)
        assert await common.trace() == before | {"audit_line": before["audit_line"] + 1}  # of the new key


@signed_endpoints
async def test_a_key_works_from_its_addresses_only(common: Platform, call: Call, mine: Mine) -> None:
    shop = common.seed.shop.organisation
    key = await common.issue_key(shop, allowed_ips=["198.51.100.0/24"])
    before = await common.trace()
    answer = await send(common, call, mine, key=key)
    assert (answer.status, answer.code, answer.json["detail"]) == (403, "ip_not_allowed", "127.0.0.1")
    # Who is not a proxy of ours can't say where he comes from.
    answer = await send(common, call, mine, key=key, headers={"x-forwarded-for": "198.51.100.7"})
    assert answer.code == "ip_not_allowed"
    assert await common.trace() == before
    try:
        for common.peer, good in (("198.51.100.7", call.good), ("::ffff:198.51.100.7", call.again)):
            assert (await send(common, call, mine, key=key)).status == good
    finally:
        common.peer = "127.0.0.1"


@signed_endpoints
async def test_a_key_has_a_rate(common: Platform, call: Call, mine: Mine) -> None:
    key = await common.issue_key(common.seed.shop.organisation, rate_per_second=2)
    with clock.hold(clock.now_ms()):
        answers = [await send(common, call, mine, key=key) for _ in range(3)]
    assert [answer.status for answer in answers] == [call.good, call.again, 429]
    left = ['"key";r=1;t=1', '"key";r=0;t=1', '"key";r=0;t=1']
    assert [answer.headers["ratelimit"] for answer in answers] == left
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"key";q=2;w=1'}
    assert (answers[2].code, answers[2].headers["retry-after"]) == ("rate_limited", "1")
    assert answers[2].json["detail_zh"] == "每秒 2 次请求"


@signed_endpoints
async def test_who_signed_is_told_his_rate_when_he_is_refused(common: Platform, call: Call, mine: Mine) -> None:
    shop = common.seed.shop.organisation
    others_address = await common.issue_key(shop, allowed_ips=["198.51.100.0/24"], rate_per_second=7)
    answer = await send(common, call, mine, key=others_address)
    assert (answer.status, answer.headers["ratelimit"]) == (403, '"key";r=7;t=1')
    no_scopes = await common.issue_key(shop, [], rate_per_second=7)
    answer = await send(common, call, mine, key=no_scopes)
    status = 200 if call.endpoint.scope is None else 403
    assert (answer.status, answer.headers["ratelimit"]) == (status, '"key";r=6;t=1')
    assert answer.headers["ratelimit-policy"] == '"key";q=7;w=1'
    for options in ({"signed": False}, {"secret": "ks_" + "x" * 43}):  # nobody's rate
        answer = await send(common, call, mine, **options)
        assert (answer.status, "ratelimit" in answer.headers) == (401, False)


REFUSED: dict[str, tuple[str, str, Any]] = {
    "order_not_found": ("GET", "/api/v1/orders/1", None),
    "unknown_sku": ("GET", "/api/v1/catalogue/1", None),
    "bad_request": ("POST", "/api/v1/quotes", {"sku": 1}),
    "bad_order": ("POST", "/api/v1/orders", {"client_ref": "x"}),
    "sold_out": ("POST", "/api/v1/orders", {"client_ref": "rate-sold-out", "sku": "{bare}"}),
    "reference_reused": ("POST", "/api/v1/orders", {"client_ref": "{ref}", "sku": "{sku}", "quantity": 3}),
    "insufficient_balance": ("POST", "/api/v1/orders", {"client_ref": "rate-poor", "sku": "{sku}"}),
}


@pytest.mark.parametrize("code", REFUSED)
async def test_every_refusal_of_a_signed_request_tells_the_rate(common: Platform, mine: Mine, code: str) -> None:
    method, path, body = REFUSED[code]
    text = "" if body is None else msgspec.json.encode(body).decode()
    for name, value in (("{ref}", mine.ref), ("{sku}", mine.sku), ("{bare}", str(common.goods.bare.sku_id))):
        text = text.replace(name, value)
    owner = common.seed.poor if code == "insufficient_balance" else common.seed.shop
    key = await common.issue_key(owner.organisation, rate_per_second=5)
    answer = await common.call(method, path, body=text.encode() or None, key=key)
    assert (answer.code, answer.headers["ratelimit"]) == (code, '"key";r=4;t=1')
    assert answer.headers["ratelimit-policy"] == '"key";q=5;w=1'


async def test_every_started_hundred_rows_count_as_a_request(common: Platform) -> None:
    key = await common.issue_key(common.seed.shop.organisation, rate_per_second=10)

    async def send_rows(row_count: int) -> Answer:
        return await common.post("/api/v1/orders/bulk", {"orders": [{}] * row_count}, key=key)

    now_ms = clock.now_ms()
    with clock.hold(now_ms):
        answers = [await send_rows(100), await send_rows(101)]
        assert [answer.headers["ratelimit"] for answer in answers] == ['"key";r=9;t=1', '"key";r=7;t=1']
        answer = await send_rows(5_001)  # more than anybody may send: one request
        assert (answer.code, answer.headers["ratelimit"]) == ("bad_order", '"key";r=6;t=1')
        answer = await send_rows(5_000)  # taken whole, and waited for
        assert (answer.status, answer.headers["ratelimit"]) == (200, '"key";r=0;t=5')
        for path in ("/api/v1/orders", "/api/v1/orders/bulk", "/api/v1/balance"):
            refused = await common.call("GET" if path.endswith("balance") else "POST", path, key=key)
            assert (refused.code, refused.headers["retry-after"]) == ("rate_limited", "5")
            assert refused.headers["ratelimit"] == '"key";r=0;t=5'
    with clock.hold(now_ms + 4_000):
        assert (await common.get("/api/v1/balance", key=key)).headers["retry-after"] == "1"
    with clock.hold(now_ms + 5_000):
        assert (await common.get("/api/v1/balance", key=key)).status == 200


@signed_endpoints
async def test_a_key_is_not_taken_by_the_other_kinds_name(common: Platform, call: Call, mine: Mine) -> None:
    """Who writes ak_test_ never orders in earnest, and the other way round."""
    shop = common.seed.shop
    before = await common.trace()
    for key, kind in ((shop.key, "a live"), (shop.sandbox_key, "a sandbox")):
        misnamed = identity.IssuedKey(key.key_id, key.org_id, key.secret, not key.sandbox)
        answer = await send(common, call, mine, key=misnamed)
        assert (answer.status, answer.code, answer.json["field"]) == (401, "signature_wrong", "key")
        name = identity.format_key_id(key.key_id, sandbox=key.sandbox)
        assert answer.json["detail"] == f"this is {kind} key: its id is {name}"
        assert answer.json["detail_zh"].endswith(name)
        # Who can't sign learns nothing of it.
        answer = await send(common, call, mine, key=misnamed, secret="ks_" + "x" * 43)
        assert (answer.code, "detail" in answer.json) == ("signature_wrong", False)
    assert await common.trace() == before


async def test_the_strong_signature_names_its_kind_too(common: Platform) -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key = await common.issue_key(common.seed.shop.organisation, public_key=public)
    for sandbox, status in ((True, 401), (False, 200)):
        headers = identity.sign_rfc9421(
            identity.format_key_id(key.key_id, sandbox=sandbox), private, method="GET", path=b"/api/v1/balance",
            query=b"", ts_s=clock.now_ms() // 1000, nonce=b"strong-nonce-of-24-chars", body=b"",
        )  # fmt: skip
        headers = {name.lower(): value for name, value in headers.items()}
        assert (await common.send("GET", "/api/v1/balance", "", b"", headers)).status == status


@signed_endpoints
async def test_a_revoked_key_and_a_suspended_organisation_are_refused(
    common: Platform, call: Call, mine: Mine
) -> None:
    member = await common.found("将停商户")
    key = await common.issue_key(member.organisation)
    await identity.revoke_key(common.db, key.key_id)
    answer = await send(common, call, mine, key=key)
    assert (answer.status, answer.code) == (401, "key_revoked")
    await identity.set_organisation(common.db, member.organisation.org_id, state="suspended")
    before = await common.trace()
    answer = await send(common, call, mine, key=member.key)
    assert (answer.status, answer.code) == (403, "organisation_suspended")
    assert await common.trace() == before


@signed_endpoints
async def test_the_strong_signature_is_taken_everywhere(common: Platform, call: Call, mine: Mine) -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key = await common.issue_key(common.seed.shop.organisation, public_key=public)
    path = mine.path(call)
    body = mine.body(call)
    headers = identity.sign_rfc9421(
        identity.format_key_id(key.key_id, sandbox=False), private, method=call.method, path=path.encode(), query=b"",
        ts_s=clock.now_ms() // 1000, nonce=b"strong-nonce-of-24-chars", body=body,
    )  # fmt: skip
    headers = {name.lower(): value for name, value in headers.items()}
    answer = await common.send(call.method, path, "", body, headers)
    assert answer.status == call.good, answer
    if call.endpoint.operation == "selfTest":
        assert answer.json["signed_with"] == "RFC 9421, ed25519"
    if body:
        answer = await common.send(call.method, path, "", body + b" ", headers)
        assert (answer.status, answer.code) == (400, "content_digest_wrong")
