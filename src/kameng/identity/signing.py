"""Request signing with HMAC, the default way; and what every way of signing shares: key ids, freshness, the
nonces of reads. Pure: no database, no clock, no key look-up.

A parsed header is only a claim (who says he signed, when, with which nonce). The door takes it further:
look the key up, ``verify_hmac``, ``check_freshness``, then the nonce: reads ask ``SeenNonces``, writes the
lane's batch.

The canonical string is METHOD, PATH, QUERY, TS, NONCE and hex(sha256(body)), joined by newlines; PATH and
QUERY are the raw bytes of the request line. No part can hold a newline, so no two requests share a
canonical string. Every order passes here, so it is written for speed: about 5 µs in all. The strong option
is ``rfc9421``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from binascii import unhexlify
from datetime import UTC, datetime
from typing import NoReturn

import msgspec

from kameng.identity.errors import RateLimited, SignatureExpired, SignatureMalformed, SignatureMissing

SCHEME = "KAMENG-HMAC-SHA256"
WRITE_SKEW_S = 300
READ_SKEW_S = 30

KEY_ID_PATTERN = r"ak_(test_)?([1-9][0-9]{0,18})"
NONCE_PATTERN = r"[A-Za-z0-9_-]{16,64}"
TS_PATTERN = r"([1-9][0-9]{9})"
SIG_PATTERN = r"([0-9a-f]{64})"

_KEY_ID = re.compile(KEY_ID_PATTERN)
_AUTHORIZATION = re.compile(
    rf"{SCHEME} key={KEY_ID_PATTERN},ts={TS_PATTERN},nonce=({NONCE_PATTERN}),sig={SIG_PATTERN}".encode()
)
_AUTHORIZATION_BYTES_MAX = 400


class HmacClaim(msgspec.Struct, frozen=True, gc=False):
    """What an ``Authorization`` header claims; proves nothing before ``verify_hmac``.

    ``sandbox`` is only how the key id was written: whether it is one, the key's organisation says.
    """

    key_id: int
    sandbox: bool
    ts_s: int
    nonce: bytes
    signature: bytes


def parse_authorization(value: bytes) -> HmacClaim:
    """Read ``KAMENG-HMAC-SHA256 key=…,ts=…,nonce=…,sig=…``: exactly these four, in this order, no blanks."""
    match = _AUTHORIZATION.fullmatch(value)
    if match is None:
        _complain(value)
    test, key, ts, nonce, signature = match.groups()
    key_id = int(key)
    if key_id >> 63:
        raise _malformed(0)
    return HmacClaim(key_id, test is not None, int(ts), nonce, unhexlify(signature))


def verify_hmac(
    claim: HmacClaim, secret: bytes, *, method: str, path: bytes, query: bytes, body: bytes
) -> bool:
    """Whether the claim's signature was made with ``secret`` over this very request."""
    message = canonical(method, path, query, ts_s=claim.ts_s, nonce=claim.nonce, body=body)
    return hmac.compare_digest(claim.signature, hmac.digest(secret, message, "sha256"))


def canonical(method: str, path: bytes, query: bytes, *, ts_s: int, nonce: bytes, body: bytes) -> bytes:
    """The bytes that are signed."""
    digest = hashlib.sha256(body).hexdigest()
    return b"%b\n%b\n%b\n%d\n%b\n%b" % (method.encode(), path, query, ts_s, nonce, digest.encode())


def hmac_signature(secret: bytes, message: bytes) -> str:
    """The 64 hex digits of ``sig``; ``message`` is the canonical string."""
    return hmac.digest(secret, message, "sha256").hex()


def authorization(
    key: str, secret: bytes, *, method: str, path: bytes, query: bytes, ts_s: int, nonce: bytes, body: bytes
) -> str:
    """The client's side: the value of the ``Authorization`` header."""
    message = canonical(method, path, query, ts_s=ts_s, nonce=nonce, body=body)
    return f"{SCHEME} key={key},ts={ts_s},nonce={nonce.decode()},sig={hmac_signature(secret, message)}"


def parse_key_id(text: str) -> tuple[int, bool]:
    """``"ak_test_123"`` → (123, True for sandbox); ValueError unless ``format_key_id`` could write it."""
    match = _KEY_ID.fullmatch(text)
    if match is None or int(match[2]) >> 63:
        raise ValueError(f"not a key id: {text[:40]!r}")
    return int(match[2]), match[1] is not None


def format_key_id(key_id: int, *, sandbox: bool) -> str:
    return f"ak_test_{key_id}" if sandbox else f"ak_{key_id}"


def check_freshness(ts_s: int, now_ms: int, *, write: bool) -> None:
    """Refuse a signature made too long ago or too far ahead: ±300 s for writes, ±30 s for reads."""
    skew_s = WRITE_SKEW_S if write else READ_SKEW_S
    ahead_ms = ts_s * 1000 - now_ms
    if -skew_s * 1000 <= ahead_ms <= skew_s * 1000:
        return
    now_s, off_s = now_ms // 1000, f"{abs(ahead_ms) / 1000:.0f}"
    now = f"{datetime.fromtimestamp(now_s, UTC):%Y-%m-%dT%H:%M:%SZ} ({now_s})"
    en, zh = ("ahead", "快") if ahead_ms > 0 else ("behind", "慢")
    raise SignatureExpired(
        f"The server's time is {now}; the signature's is {off_s} s {en}, {skew_s} s are allowed.",
        field="ts",
        detail_zh=f"服务器时间为 {now}，签名时间{zh}了 {off_s} 秒，允许相差 {skew_s} 秒。",
    )


class SeenNonces:
    """The nonces of reads, in this process's memory: two generations, each as long as a read can stay fresh.

    Ask it only after the signature was verified. It knows nothing of other processes: a read replayed to
    another gateway within the minute gets through, and changes nothing. It keeps hashes, to be small; a clash
    (one in 10¹³) costs one read that must be signed again.
    """

    def __init__(self, *, count_max: int = 1_000_000, window_ms: int = 2 * READ_SKEW_S * 1000 + 1000) -> None:
        self._count_max = count_max
        self._window_ms = window_ms
        self._young: set[int] = set()
        self._old: set[int] = set()
        self._turn_at_ms = 0

    def first_time(self, key_id: int, nonce: bytes, now_ms: int) -> bool:
        """Whether this key's nonce is new; remembers it. When full it refuses (429) rather than forgets."""
        if now_ms >= self._turn_at_ms:
            lately = now_ms < self._turn_at_ms + self._window_ms
            self._old, self._young = (self._young if lately else set()), set()
            self._turn_at_ms = now_ms + self._window_ms
        seen = hash((key_id, nonce))
        if seen in self._young or seen in self._old:
            return False
        if len(self._young) >= self._count_max:
            raise RateLimited(
                "This server has seen too many signed reads in the last minute.",
                detail_zh="本服务器一分钟内收到的签名读请求过多。",
            )
        self._young.add(seen)
        return True


_RULES = (
    ("key", KEY_ID_PATTERN, "is ak_ or ak_test_ and a number", "应为 ak_ 或 ak_test_ 加数字"),
    (
        "ts",
        TS_PATTERN,
        "is Unix time in seconds (10 digits, not milliseconds)",
        "应为 Unix 秒（10 位数字，不是毫秒）",
    ),
    (
        "nonce",
        NONCE_PATTERN,
        "is 16 to 64 characters of A-Z a-z 0-9 _ -",
        "应为 16 至 64 个字符，仅限 A-Z a-z 0-9 _ -",
    ),
    ("sig", SIG_PATTERN, "is 64 lower-case hex digits", "应为 64 位小写十六进制数字"),
)
"""The parameters in their order: name, pattern, and the rule in words."""


def _complain(value: bytes) -> NoReturn:
    """Say what is wrong with a header that did not match. Never repeats what was sent: it may be a secret."""
    shape = f"{SCHEME} key=…,ts=…,nonce=…,sig=…"
    scheme, _, rest = value.decode("latin-1").partition(" ")
    if scheme != SCHEME:
        raise SignatureMissing(
            f"Send Authorization: {shape}", field="Authorization", detail_zh=f"请发送 Authorization: {shape}"
        )
    parts = [part.partition("=") for part in rest[:_AUTHORIZATION_BYTES_MAX].split(",")]
    in_order = [name for name, _, _ in parts] == [name for name, *_ in _RULES]
    if not in_order or len(value) > _AUTHORIZATION_BYTES_MAX:
        raise SignatureMalformed(
            f"Exactly these parameters, in this order, without blanks: {shape}",
            field="Authorization",
            detail_zh=f"必须恰好为以下四个参数，顺序固定，不含空格：{shape}",
        )
    wrong = [i for i, (_, _, text) in enumerate(parts) if re.fullmatch(_RULES[i][1], text) is None]
    raise _malformed(wrong[0])


def _malformed(index: int) -> SignatureMalformed:
    name, _, en, zh = _RULES[index]
    return SignatureMalformed(f"{name} {en}.", field=name, detail_zh=f"{name} {zh}。")
