"""RFC 9421 with Ed25519: the RFC's own vector, our profile, and laws over any input."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from kameng.identity import errors, rfc9421
from kameng.kit.errors import Refusal

# RFC 9421, B.1.4: test-key-ed25519
PRIVATE = Ed25519PrivateKey.from_private_bytes(
    base64.urlsafe_b64decode("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU=")
)
PUBLIC = base64.urlsafe_b64decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs=")

BODY = b'{"client_ref":"r1","sku":"100123","quantity":1}'
REQUEST: dict[str, Any] = {
    "method": "POST", "path": b"/api/v1/orders", "query": b"a=1", "body": BODY,
}  # fmt: skip
READ: dict[str, Any] = {"method": "GET", "path": b"/api/v1/balance", "query": b"", "body": b""}
PARAMETERS = ';created=1763800000;nonce="nonce-0123456789abc";keyid="ak_42";alg="ed25519"'
COVERED = '("@method" "@path" "@query" "content-digest")'

Pairs = list[tuple[bytes, bytes]]


def signed(request: dict[str, Any] = REQUEST) -> dict[str, str]:
    request = {**request, "ts_s": 1_763_800_000, "nonce": b"nonce-0123456789abc"}
    return rfc9421.sign_rfc9421("ak_42", PRIVATE, **request)


def pairs(fields: dict[str, str]) -> Pairs:
    return [(name.lower().encode(), value.encode()) for name, value in fields.items()]


def verify(headers: Pairs, **changes: Any) -> rfc9421.Rfc9421Claim:
    return rfc9421.verify_rfc9421(PUBLIC, headers, **{**REQUEST, **changes})


def by_hand(covered: str, parameters: str, lines: list[str], **more: str) -> Pairs:
    """Signed without the library: the signature base written out."""
    base = "\n".join([*lines, f'"@signature-params": {covered}{parameters}'])
    signature = base64.b64encode(PRIVATE.sign(base.encode())).decode()
    fields = {"Signature-Input": f"s={covered}{parameters}", "Signature": f"s=:{signature}:", **more}
    return pairs(fields)


DIGEST = f"sha-256=:{base64.b64encode(hashlib.sha256(BODY).digest()).decode()}:"
LINES = ['"@method": POST', '"@path": /api/v1/orders', '"@query": ?a=1', f'"content-digest": {DIGEST}']


# ---- the RFC's vector (B.2.6) ----

B26_FIELDS = {
    "host": "example.com",
    "date": "Tue, 20 Apr 2021 02:07:55 GMT",
    "content-type": "application/json",
    "content-length": "18",
    "signature-input": 'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
    ';created=1618884473;keyid="test-key-ed25519"',
    "signature": "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1"
    "u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
}


class _WithAuthority(rfc9421._Resolver):
    """Our profile refuses @authority, the vector covers it."""

    derived_component_resolvers: ClassVar[dict[str, Callable[..., str]]] = {
        **rfc9421._Resolver.derived_component_resolvers,
        "@authority": lambda resolver: resolver.headers["host"],
    }


def check_b26(method: str = "POST", path: str = "/foo", **fields: str) -> None:
    request = rfc9421._Request(method, path, "param=Value&Pet=dog", {**B26_FIELDS, **fields})
    rfc9421._check_signature(request, PUBLIC, "test-key-ed25519", _WithAuthority)


def test_the_vector_of_the_rfc_verifies() -> None:
    check_b26()


def test_the_vector_of_the_rfc_changed_does_not() -> None:
    changes: list[dict[str, str]] = [
        {"method": "PUT"},
        {"path": "/fo"},
        {"host": "example.org"},
        {"date": "Tue, 20 Apr 2021 02:07:56 GMT"},
        {"signature": B26_FIELDS["signature"].replace("wqcA", "wqcB")},
    ]
    for change in changes:
        with pytest.raises(errors.SignatureWrong):
            check_b26(**change)


def test_the_vector_is_outside_our_profile() -> None:
    with pytest.raises(errors.SignatureMalformed):
        rfc9421.parse_signature_input(pairs(B26_FIELDS))


# ---- what is signed is what is read ----


def test_the_client_s_headers_look_like_this() -> None:
    fields = signed()
    assert fields["Signature-Input"] == (
        'kameng=("@method" "@path" "@query" "content-digest");created=1763800000;keyid="ak_42";alg="ed25519"'
        ';nonce="nonce-0123456789abc"'
    )
    assert fields["Content-Digest"] == DIGEST
    base = "\n".join([*LINES, f'"@signature-params": {fields["Signature-Input"].removeprefix("kameng=")}'])
    assert fields["Signature"] == f"kameng=:{base64.b64encode(PRIVATE.sign(base.encode())).decode()}:"


def test_a_signed_write_verifies() -> None:
    claim = rfc9421.Rfc9421Claim(42, False, 1_763_800_000, b"nonce-0123456789abc")
    assert rfc9421.parse_signature_input(pairs(signed())) == claim
    assert verify(pairs(signed())) == claim


def test_a_signed_read_needs_no_digest() -> None:
    fields = signed(READ)
    assert "Content-Digest" not in fields
    assert verify(pairs(fields), **READ).key_id == 42


def test_a_base_written_by_hand_verifies() -> None:
    assert (
        verify(by_hand(COVERED, PARAMETERS, LINES, **{"Content-Digest": DIGEST})).nonce
        == b"nonce-0123456789abc"
    )


def test_header_fields_may_be_covered_too() -> None:
    covered = COVERED[:-1] + ' "content-type")'
    lines = [*LINES, '"content-type": application/json']
    headers = by_hand(
        covered, PARAMETERS, lines, **{"Content-Digest": DIGEST, "Content-Type": "application/json"}
    )
    assert verify(headers).key_id == 42
    with pytest.raises(errors.SignatureWrong):
        verify([*headers[:-1], (b"content-type", b"text/plain")])


@pytest.mark.parametrize(
    "path", [b"/api/v1/orders#x", b"/api/v1/orders?", b"//api/v1/orders", b"/api/v1/orders/"]
)
def test_a_path_is_taken_as_it_came(path: bytes) -> None:
    with pytest.raises(errors.SignatureWrong):
        verify(pairs(signed()), path=path)
    assert verify(pairs(signed({**REQUEST, "path": path})), path=path).key_id == 42


def test_another_key_does_not_verify() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    with pytest.raises(errors.SignatureWrong):
        rfc9421.verify_rfc9421(other, pairs(signed()), **REQUEST)


# ---- what is refused ----


def test_a_changed_body_is_a_wrong_digest() -> None:
    with pytest.raises(errors.ContentDigestWrong) as caught:
        verify(pairs(signed()), body=BODY + b" ")
    assert caught.value.detail == "Content-Digest does not match the message body."


def test_a_changed_body_with_its_own_digest_is_a_wrong_signature() -> None:
    body = BODY + b" "
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    with pytest.raises(errors.SignatureWrong):
        verify(pairs({**signed(), "Content-Digest": digest}), body=body)


def test_a_body_without_its_digest_is_refused() -> None:
    fields = signed()
    del fields["Content-Digest"]
    with pytest.raises(errors.ContentDigestWrong):
        verify(pairs(fields))


def test_a_body_added_to_a_signed_read_is_refused() -> None:
    with pytest.raises(errors.SignatureMalformed) as caught:
        verify(pairs(signed(READ)), **{**READ, "body": b"{}"})
    assert caught.value.detail == "The signature must also cover: content-digest."


def test_an_uncovered_digest_is_refused() -> None:
    digest = b"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
    with pytest.raises(errors.SignatureMalformed):
        verify([*pairs(signed(READ)), (b"content-digest", digest)], **READ)


@pytest.mark.parametrize(
    ("signature_input", "detail"),
    [
        ('s=("@method" "@path" "content-digest")' + PARAMETERS, "The signature must also cover: @query."),
        ("s=()" + PARAMETERS, "The signature must also cover: @method, @path, @query."),
        ('s=("@method";req "@path" "@query")' + PARAMETERS, "The signature must also cover: @method."),
        ('s=("@method" "@path" "@query" "@authority")' + PARAMETERS, "The signature may not cover: @auth"),
        (f"s={COVERED}{PARAMETERS}, t={COVERED}{PARAMETERS}", ""),
        (f"s={COVERED}{PARAMETERS}, s={COVERED}{PARAMETERS}", "s stands twice"),
        (f"s={COVERED}{PARAMETERS};created=1763800001", "created stands twice"),
        (f"s={COVERED}{PARAMETERS};expires=1763800001", "Object contains unknown field `expires`"),
        (f"s={COVERED}" + PARAMETERS.replace("ed25519", "hmac-sha256"), "Invalid enum value"),
        (f"s={COVERED}" + PARAMETERS.replace('"ed25519"', "ed25519"), "Expected `str`"),
        (f"s={COVERED}" + PARAMETERS.replace(';alg="ed25519"', ""), "Object missing required field `alg`"),
        (f"s={COVERED}" + PARAMETERS.replace('keyid="ak_42"', 'keyid="42"'), "Expected `str` matching"),
        (f"s={COVERED}" + PARAMETERS.replace("ak_42", f"ak_{1 << 63}"), "not a key id"),
        (f"s={COVERED}" + PARAMETERS.replace("nonce-0123456789abc", "short"), "Expected `str` matching"),
        (f"s={COVERED}" + PARAMETERS.replace("1763800000", "1763800000000"), "Expected `int` <"),
        (f"s={COVERED}" + PARAMETERS.replace("1763800000", "@1763800000"), ""),
        ("s=1" + PARAMETERS, ""),
        ("s", ""),
        ("", ""),
        ("s=(" * 30, ""),
        ("x" * 1025, "signature-input stands twice or is longer than 1024 bytes."),
    ],
)  # fmt: skip
def test_what_leaves_the_profile_is_told_so(signature_input: str, detail: str) -> None:
    headers = [(b"signature-input", signature_input.encode()), (b"signature", b"s=:AAAA:")]
    with pytest.raises(errors.SignatureMalformed) as caught:
        rfc9421.parse_signature_input(headers)
    assert caught.value.detail.removeprefix("Signature-Input: ").startswith(detail)
    assert caught.value.detail_zh


@pytest.mark.parametrize("name", ["Signature-Input", "Signature"])
def test_half_a_signature_is_none(name: str) -> None:
    fields = signed()
    del fields[name]
    with pytest.raises(errors.SignatureMissing):
        rfc9421.parse_signature_input(pairs(fields))


@pytest.mark.parametrize("name", ["Signature-Input", "Signature", "Content-Digest"])
def test_a_signature_field_stands_once(name: str) -> None:
    with pytest.raises(errors.SignatureMalformed):
        verify([*pairs(signed()), (name.encode(), b"x=1")])


def test_two_signatures_under_one_input_are_refused() -> None:
    fields = signed()
    fields["Signature"] += ", other=:AAAA:"
    with pytest.raises(errors.SignatureWrong):
        verify(pairs(fields))


@given(part=st.sampled_from(["method", "path", "query", "body"]), at=st.integers(0), flip=st.integers(1, 127))
def test_one_changed_byte_of_the_request_is_refused(part: str, at: int, flip: int) -> None:
    was = REQUEST[part]
    raw = bytearray(was.encode() if isinstance(was, str) else was)
    raw[at % len(raw)] ^= flip
    changed = raw.decode("latin-1") if isinstance(was, str) else bytes(raw)
    with pytest.raises((errors.SignatureWrong, errors.ContentDigestWrong)):
        verify(pairs(signed()), **{part: changed})


@given(at=st.integers(0), flip=st.integers(1, 255))
def test_one_changed_byte_of_the_signature_is_refused(at: int, flip: int) -> None:
    fields = signed()
    raw = bytearray(base64.b64decode(fields["Signature"].removeprefix("kameng=:").removesuffix(":")))
    raw[at % len(raw)] ^= flip
    fields["Signature"] = f"kameng=:{base64.b64encode(raw).decode()}:"
    with pytest.raises(errors.SignatureWrong):
        verify(pairs(fields))


@given(at=st.integers(0), flip=st.integers(1, 255))
def test_one_changed_byte_of_the_input_changes_nothing_that_counts(at: int, flip: int) -> None:
    """Only the label is not signed; the claim is what was signed, or there is a refusal."""
    fields = signed()
    raw = bytearray(fields["Signature-Input"].encode())
    raw[at % len(raw)] ^= flip
    headers = [pair for pair in pairs(fields) if pair[0] != b"signature-input"]
    headers.append((b"signature-input", bytes(raw)))
    try:
        claim = verify(headers)
    except errors.NotAuthenticated:
        return
    assert claim == rfc9421.Rfc9421Claim(42, False, 1_763_800_000, b"nonce-0123456789abc")


SHARDS = st.sampled_from(
    ['("@method" "@path" "@query")', PARAMETERS, "s=", "t=", ", ", ";", "=", ":AAAA:", '"', "(", ")", "1",
     "?1", "@1", '%"f"', "tok", "1.5", ";key", "\\", "é", " "]
)  # fmt: skip


@given(
    signature_input=st.lists(SHARDS, max_size=12).map("".join),
    signature=st.sampled_from(["s=:AAAA:", "", "s=1"]) | st.lists(SHARDS, max_size=6).map("".join),
    digest=st.sampled_from([DIGEST, ""]) | st.lists(SHARDS, max_size=6).map("".join),
    more=st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=20)), max_size=3),
)
def test_no_header_raises_anything_but_a_refusal(
    signature_input: str, signature: str, digest: str, more: Pairs
) -> None:
    headers = [
        (b"signature-input", signature_input.encode()), (b"signature", signature.encode()),
        (b"content-digest", digest.encode()), *more,
    ]  # fmt: skip
    with pytest.raises(Refusal):
        verify(headers)


@given(
    covered=st.lists(
        st.sampled_from(["x", "é", "a b", "date", "content-digest", "@method", "DATE"]), max_size=4
    ),
    value=st.text(max_size=10),
)
def test_whatever_is_covered_ends_in_a_refusal(covered: list[str], value: str) -> None:
    names = " ".join(f'"{name}"' for name in ["@method", "@path", "@query", "content-digest", *covered])
    headers = [
        (b"signature-input", f"s=({names}){PARAMETERS}".encode()),
        (b"signature", b"s=:" + b"A" * 86 + b"==:"),
        (b"content-digest", DIGEST.encode()), (b"x", value.encode()), (b"date", value.encode()),
    ]  # fmt: skip
    with pytest.raises(Refusal):
        verify(headers)
