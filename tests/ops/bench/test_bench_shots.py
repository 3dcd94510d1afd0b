"""What the bench sends: signed as the protocol says, every reference and nonce its own."""

from __future__ import annotations

import hashlib
import hmac
import json
import re

import pytest

from kameng.ops.bench.shots import (
    BULK,
    ORDER,
    PAGE,
    REPEAT,
    BulkMix,
    BulkSource,
    Key,
    OrderMix,
    OrderSource,
    PageMix,
    Route,
    Signer,
    Sku,
    nonces,
    source_of,
)

HOST = "127.0.0.1:8000"
KEYS = [Key("ak_1", "ks_one"), Key("ak_2", "ks_two"), Key("ak_3", "ks_three")]


@pytest.mark.parametrize("secret", ["ks_x", "x" * 64, "x" * 65, "ks_卡密", "ks_" + "long" * 50])
@pytest.mark.parametrize("query", ["", "skus=100001,100002"])
def test_signs_as_the_protocol_says(secret: str, query: str) -> None:
    body = '{"client_ref":"单"}'.encode()
    request = Signer("ak_7", secret).request(
        Route.of(HOST, "POST", "/api/v1/orders", query), body, "1790000000", "n" * 16
    )

    digest = hashlib.sha256(body).hexdigest()
    canonical = f"POST\n/api/v1/orders\n{query}\n1790000000\n{'n' * 16}\n{digest}"
    signature = hmac.new(secret.encode(), canonical.encode(), "sha256").hexdigest()
    target = "/api/v1/orders" + ("?" + query if query else "")
    head = (
        f"POST {target} HTTP/1.1\r\n"
        f"host: {HOST}\r\n"
        "content-type: application/json\r\n"
        f"authorization: KAMENG-HMAC-SHA256 key=ak_7,ts=1790000000,nonce={'n' * 16},sig={signature}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    assert request == head.encode() + body


def test_nonces_are_never_the_same_and_fit_the_protocol() -> None:
    here, there = nonces(), nonces()
    dealt = [here() for _ in range(1000)] + [there() for _ in range(1000)]
    assert len(set(dealt)) == 2000
    assert all(re.fullmatch("[A-Za-z0-9_-]{24}", nonce) for nonce in dealt)


def test_orders_have_references_of_their_own_and_every_key_and_sku_gets_its_share() -> None:
    skus = [Sku(code="100001", weight=3), Sku(code="100002", weight=1, quantity=2, max_price="9.5000")]
    source = OrderSource(OrderMix(keys=KEYS, skus=skus, prefix="b-", references=4000), HOST)

    shots = []
    while (shot := source()) is not None:
        shots.append(shot)
    bodies = [json.loads(shot.body) for shot in shots]

    assert [shot.reference for shot in shots] == [f"b-{number:09d}" for number in range(4000)]
    assert [body["client_ref"] for body in bodies] == [shot.reference for shot in shots]
    assert {shot.tag for shot in shots} == {ORDER}
    assert {shot.signer.key_id for shot in shots} == {"ak_1", "ak_2", "ak_3"}
    assert {json.dumps({**body, "client_ref": ""}) for body in bodies} == {
        '{"client_ref": "", "sku": "100001", "quantity": 1}',
        '{"client_ref": "", "sku": "100002", "quantity": 2, "max_price": "9.5000"}',
    }
    assert 0.70 < sum(body["sku"] == "100001" for body in bodies) / 4000 < 0.80
    assert source() is None


def test_the_same_seed_gives_the_same_orders() -> None:
    mix = OrderMix(keys=KEYS, skus=[Sku(code="1"), Sku(code="2")], prefix="b-", seed=7)
    one, other = OrderSource(mix, HOST), OrderSource(mix, HOST)
    for _ in range(100):
        left, right = one(), other()
        assert left is not None
        assert right is not None
        assert (left.body, left.signer.key_id) == (right.body, right.signer.key_id)


def test_an_account_gets_random_digits_where_its_form_has_some() -> None:
    skus = [Sku(code="5%", account={"phone": "138########", "zone": "华东 50%", "n": "#"})]
    source = OrderSource(OrderMix(keys=KEYS, skus=skus, prefix="b-", references=300), HOST)
    bodies = [json.loads(shot.body) for _ in range(300) if (shot := source()) is not None]

    assert all(re.fullmatch(r"138\d{8}", body["account"]["phone"]) for body in bodies)
    assert {body["account"]["zone"] for body in bodies} == {"华东 50%"}
    assert {body["account"]["n"] for body in bodies} == set("0123456789")
    assert len({body["account"]["phone"] for body in bodies}) == 300
    assert {body["sku"] for body in bodies} == {"5%"}

    plain = OrderSource(
        OrderMix(keys=KEYS, skus=[Sku(code="1", account={"mail": "a%d@b.cn"})], prefix="b-"), HOST
    )()
    assert plain is not None
    assert json.loads(plain.body)["account"] == {"mail": "a%d@b.cn"}


def test_repeats_ask_again_for_what_was_accepted_and_for_nothing_else() -> None:
    mix = OrderMix(keys=KEYS, skus=[Sku(code="1")], prefix="b-", references=50, repeats=0.5)
    source = OrderSource(mix, HOST)
    accepted: dict[str, bytes] = {}
    tags = []
    assert source.answered is not None
    while (shot := source()) is not None:
        tags.append(shot.tag)
        if shot.tag == REPEAT:
            assert shot.body == accepted[shot.reference]
            source.answered(shot, 200, b'{"id":"1","replayed":true}')
        elif shot.reference.endswith("7"):
            source.answered(shot, 409, b'{"code":"sold_out"}')
        else:
            accepted[shot.reference] = shot.body
            source.answered(shot, 201, b'{"id":"1","replayed":false}')

    assert tags.count(ORDER) == 50
    assert tags.count(REPEAT) > 20
    assert len(accepted) == 45
    assert source.extra == {"repeats_wrong": 0}
    first = source._known[0]
    repeat = type(first)(first.signer, first.route, first.body, first.reference, REPEAT)
    source.answered(repeat, 409, b'{"code":"sold_out"}')
    source.answered(repeat, 200, b'{"replayed":false}')
    assert source.extra == {"repeats_wrong": 2}


def test_bulk_requests_number_their_rows_through_and_count_what_the_answer_says() -> None:
    mix = BulkMix(keys=KEYS, skus=[Sku(code="1")], prefix="b-", rows=3, mode="all", references=2)
    source = BulkSource(mix, HOST)
    shots = [source(), source()]

    assert source() is None
    assert [shot.reference for shot in shots if shot] == ["b-000000000", "b-000000003"]
    assert [json.loads(shot.body) for shot in shots if shot] == [
        {"mode": "all", "orders": [{"client_ref": f"b-{n:09d}", "sku": "1", "quantity": 1} for n in numbers]}
        for numbers in ((0, 1, 2), (3, 4, 5))
    ]
    shot = shots[0]
    assert shot is not None
    assert shot.tag == BULK
    assert source.answered is not None
    rows = b'{"results":[' + b'{"accepted":9},' * 50 + b"{}]"
    source.answered(shot, 200, rows + b',"accepted":2,"refused":1}')
    source.answered(shot, 200, b'{"accepted":3,"refused":0,"results":[' + b"{}," * 50 + b"{}]}")
    source.answered(shot, 422, rows + b',"accepted":2,"refused":1}')
    assert source.extra == {"rows_accepted": 5, "rows_refused": 1}


def test_a_page_is_asked_for_without_a_cookie_and_signed_by_nobody() -> None:
    source = source_of(PageMix(paths=["/", "/search?q=wzry"], seed=3), HOST)
    shots = [source() for _ in range(50)]
    requests = {
        shot.signer.request(shot.route, shot.body, "1", "n") for shot in shots if shot is not None
    }  # fmt: skip
    assert {request.split(b" ")[1] for request in requests} == {b"/", b"/search?q=wzry"}
    for request in requests:
        head = request.decode()
        assert head.startswith("GET /")
        assert head.endswith("\r\n\r\n")
        assert f"host: {HOST}" in head
        assert "authorization" not in head
        assert "cookie" not in head
    assert {shot.tag for shot in shots if shot is not None} == {PAGE}
