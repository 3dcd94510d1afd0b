"""The document against the running gateway: whatever it allows, and whatever it forbids, is answered as it says, and
nothing moves but by the orders that it placed.

KAMENG_TEST_HYPOTHESIS=long looks thirty times as long, and elsewhere each time.
"""

from __future__ import annotations

import copy
import json
import os
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis.checks import CHECKS, load_all_checks

from kameng.identity import IssuedKey
from kameng.kit import crypto, db, money
from kameng.openapi.intake import BULK, PLACE
from kameng.openapi.v1.routing import document
from kameng.ops import auditing
from running import Served, signed_headers

load_all_checks()
positive_data_acceptance, negative_data_rejection, not_a_server_error = CHECKS.get_by_names(
    ["positive_data_acceptance", "negative_data_rejection", "not_a_server_error"]
)
LONG = os.environ.get("KAMENG_TEST_HYPOTHESIS") == "long"
EXAMPLES = 450 if LONG else 15
SOLD_HERE = ["100001", "100042"]
"""Of the demo catalogue; most texts that look like a SKU's code are none."""

RULES_BEYOND_THE_SCHEMA = {
    PLACE: "each SKU's quantities and form",
    "/api/v1/quotes": "each SKU's quantities",
    "/api/v1/statement": "cursors that we made",
    "/api/v1/orders/search": "cursors that we made",
    "/api/v1/recharges": "cursors that we made",
    "/api/v1/events": "cursors that we made",
    "/api/v1/webhooks": "public addresses, kinds of events",
    "/api/v1/webhooks/{webhook_id}": "public addresses, kinds of events",
    "/api/v1/webhooks/{webhook_id}/deliveries": "cursors that we made",
    "/api/v1/webhooks/{webhook_id}/replay": "one event, or a span of a day",
    "/api/v1/prices/changes": "cursors that we made",
    "/api/v1/statements": "days that exist, 366 at most",
    "/api/v1/statements.csv": "days that exist, 366 at most",
    "/api/v1/withdrawals": "cursors that we made; payees and what the wallet holds",
    "/api/v1/products/changes": "places that we made",
    "/api/v1/skus/{sku}/cards": "cursors that we made",
}


def with_real_skus() -> dict[str, Any]:
    """The document, but orders and quotes are mostly of SKUs that there are, and few at once."""
    told: dict[str, Any] = copy.deepcopy(json.loads(document("zh")))
    for name in ("OrderBody", "QuoteBody"):
        fields = told["components"]["schemas"][name]["properties"]
        for field, likely in (("sku", SOLD_HERE), ("quantity", [1, 2])):
            fields[field] = {"anyOf": [{"enum": likely}, fields[field]]}
    return told


schema = schemathesis.openapi.from_dict(with_real_skus())


class Signed(AuthBase):
    """Signs what is really sent, after everything else was prepared."""

    def __init__(self, key: IssuedKey) -> None:
        self.key = key

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        assert request.url is not None
        assert request.method is not None
        parts = urlsplit(request.url)
        body = request.body or b""
        data = body.encode() if isinstance(body, str) else body
        request.headers.update(signed_headers(self.key, request.method, parts.path, parts.query, data))
        return request


class Standing(msgspec.Struct, frozen=True):
    """What must not move by itself."""

    orders: int
    refs: int
    sold: int
    wallets_e4: int
    """Of all organisations together."""


STANDING = """SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM order_ref) AS refs,
    (SELECT count(*) FROM card WHERE state = 'sold') AS sold,
    (SELECT sum(posted_e4)::bigint FROM account WHERE code = 'wallet') AS wallets_e4"""


class Books:
    """What stood before, and the orders that were answered with 201 since."""

    def __init__(self, before: Standing) -> None:
        self.before = before
        self.placed: dict[str, dict[str, Any]] = {}
        self.asked = 0

    def write_down(self, answer: dict[str, Any]) -> None:
        rows = [row["order"] for row in answer["results"] if row["status"] == 201] if "results" in answer else [answer]
        self.placed |= {order["id"]: order for order in rows}

    @property
    def expected(self) -> Standing:
        orders, before = self.placed.values(), self.before
        spent_e4 = sum(money.parse_e4(order["total"]) for order in orders)
        cards = sum(len(order["cards"]) for order in orders)
        return Standing(
            before.orders + len(orders), before.refs + len(orders), before.sold + cards, before.wallets_e4 - spent_e4
        )


async def standing(served: Served) -> Standing:
    connection = await asyncpg.connect(served.url)
    try:
        return Standing(**dict(await connection.fetchrow(STANDING)))
    finally:
        await connection.close()


@pytest.fixture(scope="module")
async def books(served: Served) -> Books:
    return Books(await standing(served))


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck),
    derandomize=not LONG,
)  # fmt: skip
def test_the_gateway_keeps_to_its_document(case: Any, served: Served, books: Books) -> None:
    path, excluded = case.operation.path, []
    if path in RULES_BEYOND_THE_SCHEMA or (path, case.method) == ("/api/v1/orders", "GET"):
        excluded.append(positive_data_acceptance)  # of GET: one way of finding at a time, too
    if path == BULK:  # answers a bad row where it stands, with 200
        excluded.append(negative_data_rejection)
    if (path, case.method) == ("/api/v1/recharges", "POST"):  # no channel is open here: 503 says so
        excluded.append(not_a_server_error)
    response = case.call_and_validate(base_url=served.base, auth=Signed(served.key), excluded_checks=excluded)
    if case.method == "POST" and path in (PLACE, BULK):
        books.asked += 1
        answer = response.json()
        if "results" in answer or response.status_code == 201:
            books.write_down(answer)


async def test_nothing_moved_but_by_the_orders_placed(served: Served, books: Books) -> None:
    assert await standing(served) == books.expected
    assert (books.placed != {}) is (books.asked > 0)  # the document's own examples at least
    opened = await db.open_database(served.url)
    try:
        ring = crypto.KeyRing(crypto.KeyFile(served.seed.data_dir / "keyring.json").load())
        assert (await auditing.run(opened, ring)).broken == ()
    finally:
        await opened.close()
