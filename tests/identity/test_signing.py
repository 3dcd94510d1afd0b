"""HMAC signatures, key ids, freshness and nonces: exact values, and laws over any input."""

from __future__ import annotations

import hashlib
import hmac
import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.identity import errors, signing
from kameng.kit.errors import REGISTRY, Refusal

SECRET = b"ks_for_tests_only"
KEY = "ak_test_123456789012345678"
NONCE = b"nonce-0123456789abc"
NOW_S = 1_763_800_000
REQUEST: dict[str, Any] = {
    "method": "POST",
    "path": b"/api/v1/orders",
    "query": b"a=1&b=%20",
    "body": b'{"client_ref":"r1","sku":"100123","quantity":1}',
}


def header(**changes: Any) -> bytes:
    request = {**REQUEST, "ts_s": NOW_S, "nonce": NONCE, **changes}
    return signing.authorization(KEY, SECRET, **request).encode()


def verifies(value: bytes, **changes: Any) -> bool:
    claim = signing.parse_authorization(value)
    return signing.verify_hmac(claim, SECRET, **{**REQUEST, **changes})


def test_the_canonical_string_is_six_lines() -> None:
    message = signing.canonical("GET", b"/api/v1/balance", b"", ts_s=NOW_S, nonce=NONCE, body=b"")
    assert message == (
        b"GET\n/api/v1/balance\n\n1763800000\nnonce-0123456789abc\n"
        b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    assert signing.hmac_signature(SECRET, message) == hmac.new(SECRET, message, hashlib.sha256).hexdigest()


def test_what_a_client_signs_is_what_the_server_reads() -> None:
    claim = signing.parse_authorization(header())
    assert claim == signing.HmacClaim(123456789012345678, True, NOW_S, NONCE, claim.signature)
    assert len(claim.signature) == 32
    assert verifies(header())


def test_another_secret_does_not_verify() -> None:
    claim = signing.parse_authorization(header())
    assert not signing.verify_hmac(claim, SECRET + b"x", **REQUEST)


@given(
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    path=st.binary(max_size=60).filter(lambda b: b"\n" not in b),
    query=st.binary(max_size=60).filter(lambda b: b"\n" not in b),
    nonce=st.from_regex(signing.NONCE_PATTERN, fullmatch=True).map(str.encode),
    body=st.binary(max_size=200),
    ts_s=st.integers(10**9, 10**10 - 1),
)
def test_every_request_that_is_signed_verifies(**request: Any) -> None:
    value = header(**request)
    del request["ts_s"], request["nonce"]
    assert verifies(value, **request)


@given(part=st.sampled_from(["method", "path", "query", "body"]), at=st.integers(0), flip=st.integers(1, 127))
def test_one_changed_byte_of_the_request_is_refused(part: str, at: int, flip: int) -> None:
    was = REQUEST[part]
    raw = bytearray(was.encode() if isinstance(was, str) else was)
    raw[at % len(raw)] ^= flip
    changed = raw.decode("latin-1") if isinstance(was, str) else bytes(raw)
    assert not verifies(header(), **{part: changed})


@given(at=st.integers(0), flip=st.integers(1, 255))
def test_one_changed_byte_of_the_header_is_refused(at: int, flip: int) -> None:
    raw = bytearray(header())
    raw[at % len(raw)] ^= flip
    try:
        claim = signing.parse_authorization(bytes(raw))
    except errors.NotAuthenticated:
        return
    # The key id alone is not in the string: a changed one names another key, which has another secret.
    assert claim.key_id != 123456789012345678 or not verifies(bytes(raw))


def test_moving_a_byte_from_one_part_to_the_next_is_refused() -> None:
    assert not verifies(header(path=b"/a", query=b"b"), path=b"/ab", query=b"")
    assert not verifies(header(path=b"/a", query=b""), path=b"", query=b"/a")


@given(st.binary(max_size=500) | st.binary(max_size=300).map(lambda b: b"KAMENG-HMAC-SHA256 " + b))
def test_no_header_raises_anything_but_a_refusal(value: bytes) -> None:
    with pytest.raises(errors.NotAuthenticated):
        signing.parse_authorization(value)


MALFORMED, MISSING = errors.SignatureMalformed, errors.SignatureMissing
GOOD = f"KAMENG-HMAC-SHA256 key=ak_1,ts=1763800000,nonce=0123456789abcdef,sig={'a' * 64}"


@pytest.mark.parametrize(
    ("value", "refusal", "field", "detail"),
    [
        ("", MISSING, "Authorization", "Send Authorization: KAMENG-HMAC-SHA256 key="),
        ("Bearer abc", MISSING, "Authorization", "Send Authorization:"),
        (GOOD + ",more=1", MALFORMED, "Authorization", "Exactly these parameters"),
        (GOOD + "," * 400, MALFORMED, "Authorization", "Exactly these parameters"),
        (GOOD.replace(",ts=", ", ts="), MALFORMED, "Authorization", "Exactly these parameters"),
        (
            "KAMENG-HMAC-SHA256 ts=1763800000,key=ak_1,nonce=0123456789abcdef,sig=" + "a" * 64,
            MALFORMED,
            "Authorization",
            "Exactly these parameters, in this order",
        ),
        (GOOD.replace("ak_1", "1"), MALFORMED, "key", "key is ak_ or ak_test_ and a number."),
        (GOOD.replace("ak_1", "ak_01"), MALFORMED, "key", "key is ak_"),
        (GOOD.replace("ak_1", f"ak_{1 << 63}"), MALFORMED, "key", "key is ak_"),
        (GOOD.replace("1763800000", "1763800000000"), MALFORMED, "ts", "ts is Unix time in seconds"),
        (GOOD.replace("1763800000", "0763800000"), MALFORMED, "ts", "ts is Unix time"),
        (GOOD.replace("0123456789abcdef", "0123456789abcde"), MALFORMED, "nonce", "nonce is 16"),
        (GOOD.replace("0123456789abcdef", "n" * 65), MALFORMED, "nonce", "nonce is 16 to 64"),
        (GOOD.replace("0123456789abcdef", "0123456789abcde+"), MALFORMED, "nonce", "nonce is 16"),
        (GOOD.replace("a" * 64, "A" * 64), MALFORMED, "sig", "sig is 64 lower-case hex digits."),
        (GOOD + "\n", MALFORMED, "sig", "sig is 64 lower-case hex digits."),
        (GOOD[:-1], MALFORMED, "sig", "sig is 64 lower-case hex digits."),
    ],
)
def test_a_malformed_header_is_told_what_is_wrong(
    value: str, refusal: type[Refusal], field: str, detail: str
) -> None:
    with pytest.raises(refusal) as caught:
        signing.parse_authorization(value.encode())
    assert caught.value.field == field
    assert caught.value.detail.startswith(detail)
    assert re.search("[一-鿿]", caught.value.detail_zh)
    assert "0123456789abcde" not in caught.value.detail, "the answer must not repeat what was sent"


def test_the_longest_header_is_accepted() -> None:
    key = f"ak_test_{(1 << 63) - 1}"
    request = {**REQUEST, "ts_s": 9_999_999_999, "nonce": b"n" * 64}
    value = signing.authorization(key, SECRET, **request)
    assert signing.parse_authorization(value.encode()).key_id == (1 << 63) - 1


# ---- key ids ----


@given(st.integers(1, (1 << 63) - 1), st.booleans())
def test_a_key_id_is_read_as_it_was_written(key_id: int, sandbox: bool) -> None:
    assert signing.parse_key_id(signing.format_key_id(key_id, sandbox=sandbox)) == (key_id, sandbox)


def test_key_ids_look_like_this() -> None:
    assert signing.format_key_id(123, sandbox=False) == "ak_123"
    assert signing.format_key_id(123, sandbox=True) == "ak_test_123"


@pytest.mark.parametrize(
    "text", ["", "123", "ak_", "ak_0", "ak_01", "ak_-1", "ak_1 ", "AK_1", "ak_１", f"ak_{1 << 63}"]
)
def test_what_is_not_a_key_id(text: str) -> None:
    with pytest.raises(ValueError, match="not a key id"):
        signing.parse_key_id(text)


# ---- freshness ----


@pytest.mark.parametrize(("write", "skew_s"), [(True, 300), (False, 30)])
def test_freshness_ends_exactly_at_the_skew(write: bool, skew_s: int) -> None:
    for ahead_s in (-skew_s, 0, skew_s):
        signing.check_freshness(NOW_S + ahead_s, NOW_S * 1000, write=write)
    with pytest.raises(errors.SignatureExpired):
        signing.check_freshness(NOW_S - skew_s, NOW_S * 1000 + 1, write=write)
    with pytest.raises(errors.SignatureExpired):
        signing.check_freshness(NOW_S + skew_s, NOW_S * 1000 - 1, write=write)


def test_a_stale_signature_is_told_the_time() -> None:
    with pytest.raises(errors.SignatureExpired) as caught:
        signing.check_freshness(NOW_S - 31, NOW_S * 1000, write=False)
    assert caught.value.detail == (
        "The server's time is 2025-11-22T08:26:40Z (1763800000); the signature's is 31 s behind, "
        "30 s are allowed."
    )
    assert caught.value.detail_zh == (
        "服务器时间为 2025-11-22T08:26:40Z (1763800000)，签名时间慢了 31 秒，允许相差 30 秒。"
    )
    assert caught.value.retry == "same_key"


# ---- nonces of reads ----


def test_a_nonce_is_new_once_for_each_key() -> None:
    seen = signing.SeenNonces()
    assert seen.first_time(1, NONCE, 0)
    assert not seen.first_time(1, NONCE, 0)
    assert seen.first_time(2, NONCE, 0)
    assert seen.first_time(1, NONCE + b"x", 0)


@given(steps=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=60))
def test_a_nonce_is_known_for_the_whole_window(steps: list[tuple[int, int]]) -> None:
    """Against a model that never forgets: inside the window both agree."""
    seen = signing.SeenNonces(window_ms=20)
    last: dict[int, int] = {}
    now_ms = 1000
    for wait_ms, name in steps:
        now_ms += wait_ms
        new = seen.first_time(7, b"nonce-%d" % name, now_ms)
        if name in last and now_ms - last[name] <= 20:
            assert not new
        if name not in last:
            assert new
        if new:
            last[name] = now_ms


def test_old_nonces_are_forgotten() -> None:
    seen = signing.SeenNonces(window_ms=20)
    for now_ms in range(0, 2000, 2):
        assert seen.first_time(1, b"%d" % now_ms, now_ms)
    assert len(seen._young) + len(seen._old) <= 20


def test_a_full_store_refuses_and_recovers() -> None:
    seen = signing.SeenNonces(count_max=2, window_ms=20)
    assert seen.first_time(1, b"a", 0)
    assert seen.first_time(1, b"b", 0)
    with pytest.raises(errors.RateLimited):
        seen.first_time(1, b"c", 0)
    assert not seen.first_time(1, b"a", 0), "what it knows, it still knows"
    assert seen.first_time(1, b"c", 20)
    assert not seen.first_time(1, b"a", 20)


def test_reads_stay_known_as_long_as_they_stay_fresh() -> None:
    """The default window covers a signature from the future edge of the skew to its end."""
    rng = random.Random(1)
    seen = signing.SeenNonces()
    for i in range(200):
        nonce, start_ms = b"%d" % i, NOW_S * 1000 + i * 40_000
        ts_s = (start_ms + 30_000) // 1000
        signing.check_freshness(ts_s, start_ms, write=False)
        assert seen.first_time(1, nonce, start_ms)
        assert seen.first_time(1, b"between %d" % i, start_ms + rng.randrange(30_000))
        if i % 2:
            last_ms = (ts_s + 30) * 1000
            signing.check_freshness(ts_s, last_ms, write=False)
            assert not seen.first_time(1, nonce, last_ms)


# ---- the refusals ----


@pytest.mark.parametrize(
    ("code", "status", "retry"),
    [
        ("signature_missing", 401, "never"),
        ("signature_malformed", 401, "never"),
        ("signature_wrong", 401, "never"),
        ("signature_expired", 401, "same_key"),
        ("nonce_used", 401, "same_key"),
        ("key_revoked", 401, "never"),
        ("scope_missing", 403, "never"),
        ("ip_not_allowed", 403, "never"),
        ("organisation_suspended", 403, "never"),
        ("daily_limit_exceeded", 403, "never"),
        ("rate_limited", 429, "same_key"),
        ("content_digest_wrong", 400, "never"),
    ],
)
def test_the_refusals_keep_their_codes(code: str, status: int, retry: str) -> None:
    refusal = REGISTRY[code]
    assert (refusal.status, refusal.retry, refusal.outcome) == (status, retry, "none")
    assert refusal.en().endswith(".")
    assert refusal.zh.endswith("。")
    assert refusal.__module__ == "kameng.identity.errors"
