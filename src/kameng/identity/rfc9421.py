"""Request signing by RFC 9421 with Ed25519, the strong option: the server keeps nothing that could sign.

The signature base is left to ``http-message-signatures``: it takes any small object for a message, lets us
say what ``@path`` and ``@query`` are, and its millisecond is fine where the caller chose strength over
speed.

Ours is the profile, strict so that no two readers differ: one signature; it covers @method, @path, @query,
and Content-Digest when there is a body; its parameters are created, nonce, keyid and alg="ed25519", no
others. Header fields may be covered too. Left to the caller, as with HMAC: ``check_freshness`` and the
nonce.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

import http_sf
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureComponentResolver,
    MappingKeyResolver,
    algorithms,
)

from kameng.identity.errors import ContentDigestWrong, SignatureMalformed, SignatureMissing, SignatureWrong
from kameng.identity.signing import KEY_ID_PATTERN, NONCE_PATTERN, format_key_id, parse_key_id

Headers = Iterable[tuple[bytes, bytes]]
"""As ASGI gives them."""

_COVERED = ("@method", "@path", "@query")
_OWN_FIELDS = ("signature-input", "signature", "content-digest")
_OWN_FIELD_BYTES_MAX = 1024


class Rfc9421Claim(msgspec.Struct, frozen=True, gc=False):
    """What ``Signature-Input`` claims; proves nothing before ``verify_rfc9421``."""

    key_id: int
    sandbox: bool
    ts_s: int
    nonce: bytes


def parse_signature_input(headers: Headers) -> Rfc9421Claim:
    """Read who claims to have signed, so that the key can be looked up; refuses what leaves the profile."""
    return _claim(_fields(headers), _COVERED)


def verify_rfc9421(
    public_key: bytes, headers: Headers, *, method: str, path: bytes, query: bytes, body: bytes
) -> Rfc9421Claim:
    """The claim, proven: the owner of ``public_key`` (32 bytes) signed this very request."""
    fields = _fields(headers)
    digested = bool(body) or "content-digest" in fields
    claim = _claim(fields, (*_COVERED, "content-digest") if digested else _COVERED)
    try:
        if digested:
            ContentDigest.verify(fields.get("content-digest", ""), body)
    except HTTPMessageSignaturesException as e:
        zh = "Content-Digest 缺失、格式有误，或与请求正文不符。"
        raise ContentDigestWrong(f"{e}.", field="Content-Digest", detail_zh=zh) from e
    request = _Request(method, path.decode("latin-1"), query.decode("latin-1"), fields)
    _check_signature(request, public_key, format_key_id(claim.key_id, sandbox=claim.sandbox))
    return claim


def sign_rfc9421(
    key: str,
    private_key: Ed25519PrivateKey,
    *,
    method: str,
    path: bytes,
    query: bytes,
    ts_s: int,
    nonce: bytes,
    body: bytes,
) -> dict[str, str]:
    """The client's side: the headers to add: ``Signature-Input``, ``Signature`` and ``Content-Digest``."""
    request = _Request(method, path.decode("latin-1"), query.decode("latin-1"), {})
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key: private_key}),
        component_resolver_class=_Resolver,
    )
    signer.sign(
        request,
        key_id=key,
        created=datetime.fromtimestamp(ts_s, UTC),
        nonce=nonce.decode(),
        label="kameng",
        covered_component_ids=_COVERED,
        body=body or None,
    )
    return request.headers


class _Request(msgspec.Struct, frozen=True):
    """The message as the library wants it. Its URL is never used: ``_Resolver`` reads the raw parts."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    url: str = "https://kameng.invalid/"


class _Resolver(HTTPSignatureComponentResolver):
    """The raw parts of the request line.

    They are not put together as a URL to be parsed again: a ``#`` in the path would then make what is
    verified differ from what is done. Host and scheme can't be covered, since proxies change them.
    """

    derived_component_resolvers: ClassVar[dict[str, Callable[..., str]]] = {
        "@method": lambda resolver: str(resolver.message.method),
        "@path": lambda resolver: str(resolver.message.path),
        "@query": lambda resolver: f"?{resolver.message.query}",
    }


class _Verifier(HTTPMessageVerifier):
    """Without the library's clock: ``check_freshness`` holds for both ways of signing."""

    def validate_created_and_expires(self, sig_input: object, max_age: object = None) -> None:
        pass


class _Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    created: Annotated[int, msgspec.Meta(ge=10**9, lt=10**10)]
    nonce: Annotated[str, msgspec.Meta(pattern=rf"\A{NONCE_PATTERN}\Z")]
    keyid: Annotated[str, msgspec.Meta(pattern=rf"\A{KEY_ID_PATTERN}\Z")]
    alg: Literal["ed25519"]


_Covered = list[tuple[str, dict[str, object]]]
"""Component names, each with its own parameters."""

_SignatureInput = Annotated[dict[str, tuple[_Covered, _Parameters]], msgspec.Meta(min_length=1, max_length=1)]


def _claim(fields: dict[str, str], needed: tuple[str, ...]) -> Rfc9421Claim:
    if "signature-input" not in fields or "signature" not in fields:
        raise SignatureMissing(
            "Send both Signature-Input and Signature.",
            field="Signature-Input",
            detail_zh="请同时发送 Signature-Input 与 Signature。",
        )
    covered, parameters = _signature_input(fields["signature-input"])
    names = {name for name, _ in covered}
    missing = [name for name in needed if (name, {}) not in covered]
    refused = sorted(name for name in names if name.startswith("@") and name not in _COVERED)
    if missing:
        raise SignatureMalformed(
            f"The signature must also cover: {', '.join(missing)}.",
            field="Signature-Input",
            detail_zh=f"签名还必须覆盖：{', '.join(missing)}。",
        )
    if refused:
        raise SignatureMalformed(
            f"The signature may not cover: {', '.join(refused)}.",
            field="Signature-Input",
            detail_zh=f"签名不能覆盖：{', '.join(refused)}。",
        )
    key_id, sandbox = parse_key_id(parameters.keyid)
    return Rfc9421Claim(key_id, sandbox, parameters.created, parameters.nonce.encode())


def _signature_input(text: str) -> tuple[_Covered, _Parameters]:
    try:
        parsed = http_sf.parse(text.encode(), tltype="dictionary", on_duplicate_key=_refuse_twice)
        ((covered, parameters),) = msgspec.convert(parsed, _SignatureInput).values()
        parse_key_id(parameters.keyid)
    except (ValueError, msgspec.ValidationError) as e:
        raise SignatureMalformed(
            f"Signature-Input: {e}.",
            field="Signature-Input",
            detail_zh='Signature-Input 须恰好含一个签名，参数恰好为 created、nonce、keyid 与 alg="ed25519"。',
        ) from e
    return covered, parameters


def _refuse_twice(name: str, _context: str) -> None:
    raise ValueError(f"{name} stands twice")


def _check_signature(
    request: _Request,
    public_key: bytes,
    key: str,
    resolver: type[HTTPSignatureComponentResolver] = _Resolver,
) -> None:
    verifier = _Verifier(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(
            public_keys={key: Ed25519PublicKey.from_public_bytes(public_key)}, private_keys={}
        ),
        component_resolver_class=resolver,
    )
    try:
        verifier.verify(request, max_age=None)
    except HTTPMessageSignaturesException as e:
        raise SignatureWrong(field="Signature") from e


def _fields(headers: Headers) -> dict[str, str]:
    """Header fields by name, lines of one name joined; our own may stand only once."""
    fields: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name in _OWN_FIELDS and (name in fields or len(value) > _OWN_FIELD_BYTES_MAX):
            raise SignatureMalformed(
                f"{name} stands twice or is longer than {_OWN_FIELD_BYTES_MAX} bytes.",
                field=name,
                detail_zh=f"{name} 重复出现，或超过 {_OWN_FIELD_BYTES_MAX} 字节。",
            )
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields
