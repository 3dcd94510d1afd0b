"""What is signed, byte by byte, with fixed keys and vectors; and beside what others' libraries make of the same."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from wechatpayv3 import utils as wechat_sdk

from kameng.channels import keys
from kameng.channels.alipay import signing as alipay
from kameng.channels.wechat import signing as wechat
from kameng.kit import clock

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
).decode()  # fmt: skip
API_KEY = "0123" * 8
SM2_ROOT = """-----BEGIN CERTIFICATE-----
MIIBszCCAVegAwIBAgIIaeL+wBcKxnswDAYIKoEcz1UBg3UFADAuMQswCQYDVQQG
EwJDTjEOMAwGA1UECgwFTlJDQUMxDzANBgNVBAMMBlJPT1RDQTAeFw0xMjA3MTQw
MzExNTlaFw00MjA3MDcwMzExNTlaMC4xCzAJBgNVBAYTAkNOMQ4wDAYDVQQKDAVO
UkNBQzEPMA0GA1UEAwwGUk9PVENBMFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAE
MPCca6pmgcchsTf2UnBeL9rtp4nw+itk1Kzrmbnqo05lUwkwlWK+4OIrtFdAqnRT
V7Q9v1htkv42TsIutzd126NdMFswHwYDVR0jBBgwFoAUTDKxl9kzG8SmBcHG5Yti
W/CXdlgwDAYDVR0TBAUwAwEB/zALBgNVHQ8EBAMCAQYwHQYDVR0OBBYEFEwysZfZ
MxvEpgXBxuWLYlvwl3ZYMAwGCCqBHM9VAYN1BQADSAAwRQIgG1bSLeOXp3oB8H7b
53W+CKOPl2PknmWEq/lMhtn25HkCIQDaHDgWxWFtnCrBjH16/W3Ezn7/U/Vjo5xI
pDoiVhsLwg==
-----END CERTIFICATE-----
"""
"""The national root of China, the first in the file that Alipay gives out: signed by SM2, which RSA2 leaves aside."""


def is_by(text: bytes, signature: str) -> bool:
    try:
        KEY.public_key().verify(base64.b64decode(signature), text, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def test_what_wechat_signs() -> None:
    """The example of WeChat's own pages."""
    text = wechat.request_text(
        "GET", "/v3/certificates", ts_s=1554208460, nonce="593BEC0C930BF1AFEB40B4A08C8FB242", body=b""
    )
    assert text == b"GET\n/v3/certificates\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n\n"
    assert wechat.answer_text("1554209980", "c5ac7061fccab6bf3e254dcf98995b8c", b'{"data":[]}') == (
        b'1554209980\nc5ac7061fccab6bf3e254dcf98995b8c\n{"data":[]}\n'
    )


def test_wechats_header_is_what_its_library_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1554208460.5)
    body = {"appid": "wx8888888888888888", "description": "京东E卡", "amount": {"total": 1}}
    theirs = wechat_sdk.build_authorization(
        "/v3/pay/transactions/native", "POST", "1900009191", "1DDE55AD98ED71D6", KEY, data=body, nonce_str="N" * 32
    )
    ours = wechat.authorization(
        KEY, "POST", "/v3/pay/transactions/native", mchid="1900009191", serial="1DDE55AD98ED71D6", ts_s=1554208460,
        nonce="N" * 32, body=json.dumps(body).encode(),
    )  # fmt: skip
    assert ours == theirs


def test_what_the_page_in_wechat_is_given() -> None:
    fields = wechat.jsapi_fields(
        KEY, appid="wx8888888888888888", prepay_id="wx201410272009395522657a690389285100", ts_s=1414561699, nonce="5K8"
    )
    assert is_by(
        b"wx8888888888888888\n1414561699\n5K8\nprepay_id=wx201410272009395522657a690389285100\n", fields["paySign"]
    )
    assert fields["signType"] == "RSA"


@given(st.binary(max_size=200), st.text("0123456789abcdef", min_size=12, max_size=12), st.text(max_size=20))
def test_what_is_sealed_opens_as_in_their_library(plain: bytes, nonce: str, associated: str) -> None:
    plain = plain.hex().encode()
    sealed = base64.b64encode(AESGCM(API_KEY.encode()).encrypt(nonce.encode(), plain, associated.encode())).decode()
    ours = wechat.unseal(API_KEY.encode(), nonce=nonce, associated=associated, ciphertext=sealed)
    assert ours == plain
    assert wechat_sdk.aes_decrypt(nonce, sealed, associated, API_KEY) == plain.decode()
    with pytest.raises(wechat.Sealed):
        wechat.unseal(API_KEY.encode(), nonce=nonce, associated=f"{associated}x", ciphertext=sealed)


@given(st.binary(max_size=300))
def test_a_signature_is_believed_as_in_their_library(body: bytes) -> None:
    text = wechat.answer_text("1554209980", "nonce", body.hex().encode())
    signature = keys.rsa_sha256(KEY, text)
    for changed in (signature, base64.b64encode(b"x" * 256).decode()):
        theirs = wechat_sdk.rsa_verify("1554209980", "nonce", body.hex(), changed, KEY.public_key())
        assert keys.is_rsa_sha256(KEY.public_key(), changed, text) is theirs is (changed == signature)


def test_what_alipay_signs() -> None:
    """A request keeps ``sign_type`` and leaves out what is empty; a notice the other way round."""
    fields = {"b": "2", "a": "中 文&=", "empty": "", "sign": "S", "sign_type": "RSA2", "A": "0"}
    assert alipay.request_text(fields) == "A=0&a=中 文&=&b=2&sign_type=RSA2".encode()
    assert alipay.notice_text(fields) == "A=0&a=中 文&=&b=2&empty=".encode()


def test_alipays_signature_is_rsa_with_sha256() -> None:
    """``openssl dgst -sha256 -sign``, in base64: the same each time, so it can be compared."""
    text = alipay.request_text({"method": "alipay.trade.query", "sign_type": "RSA2"})
    theirs = KEY.sign(text, padding.PKCS1v15(), hashes.SHA256())
    assert keys.rsa_sha256(KEY, text) == base64.b64encode(theirs).decode()


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4), st.sampled_from([None, 1]), st.booleans())
def test_members_are_the_text_that_stands_there(said: Mapping[str, Any], indent: int | None, is_escaped: bool) -> None:
    text = json.dumps(said, indent=indent, ensure_ascii=is_escaped).replace("/", "\\/")
    members = alipay.members_of(text)
    assert {name: json.loads(value) for name, value in members.items()} == said
    assert [name for name, value in members.items() if value not in text] == []


@pytest.mark.parametrize(
    "text",
    ["", "[]", "1", '{"a":1', '{"a":1}x', '{"a":1,"a":2}', '{"a" 1}', "{1:2}", '{"a":}', '{,"a":1}', '{"a":1,}',
     '{"a":1 "b":2}'],
)  # fmt: skip
def test_what_is_no_object_with_each_name_once(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json has words of its own
        alipay.members_of(text)


def test_a_brace_inside_a_text_ends_nothing() -> None:
    """Their library counts braces and loses its way here."""
    node = '{"code":"10000","store_name":"甲 \\" } {"}'
    assert alipay.members_of(f'{{"x_response":{node},"sign":"S"}}')["x_response"] == node


def a_certificate(key: Any, serial: int, *, unit: str = "Sim, Ltd") -> str:
    name = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Ant Financial"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit), x509.NameAttribute(NameOID.COMMON_NAME, "Root R1"),
    ])  # fmt: skip
    now = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_serials_are_made_as_alipay_says() -> None:
    """Of the issuer's name, backwards, and the decimal serial number; of the roots only those signed by RSA."""
    first, second = a_certificate(KEY, 4711, unit="One"), a_certificate(KEY, 2**100 + 1, unit="Two")
    by_curve = a_certificate(ec.generate_private_key(ec.SECP256R1()), 5)
    ours = alipay.serial_of(x509.load_pem_x509_certificate(first.encode()))
    assert ours == _md5("CN=Root R1,OU=One,O=Ant Financial,C=CN4711")
    other = _md5(f"CN=Root R1,OU=Two,O=Ant Financial,C=CN{2**100 + 1}")
    assert alipay.root_serial_of(f"{first}\n{by_curve}\n{second}") == f"{ours}_{other}"
    assert alipay.root_serial_of(f"{SM2_ROOT}\n{first}") == ours
    with pytest.raises(ValueError, match="no root certificate"):
        alipay.root_serial_of(SM2_ROOT)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_keys_as_people_paste_them() -> None:
    """PEM, or the bare base64 that the merchants' pages show."""
    bare = "".join(line for line in PEM.splitlines() if not line.startswith("-----"))
    for text in (PEM, bare, f"\n  {PEM}  \n"):
        assert keys.private_key({"k": text}, "k").private_numbers() == KEY.private_numbers()
    public = "".join(line for line in PUBLIC.splitlines() if not line.startswith("-----"))
    assert keys.public_key({"k": public}, "k").public_numbers() == KEY.public_key().public_numbers()
    with pytest.raises(ValueError, match=r"^k$"):
        keys.private_key({"k": PUBLIC}, "k")
