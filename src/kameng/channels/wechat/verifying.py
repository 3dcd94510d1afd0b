"""Whether an answer or a notice is WeChat Pay's: by the public key it gave us, or by a platform certificate.

Both may be live at once while a merchant moves from one to the other: the serial tells which key signed. Certificates
are fetched when a serial is new, at most once a minute; what is known stays known while others are fetched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from kameng.channels import keys
from kameng.channels.calling import Answer
from kameng.channels.wechat import signing
from kameng.kit import clock

TOLERANCE_S = 300
FETCH_EVERY_MS = 60_000


class Verdict(StrEnum):
    good = "good"
    probe = "a probe: the signature is meant to be wrong"
    stale = "the stamp is not of now"
    unsigned = "there is no signature"
    stranger = "signed with a key that is not known"
    forged = "the signature is wrong"


class _Sealed(msgspec.Struct):
    nonce: str
    ciphertext: str
    associated_data: str = ""


class _Listed(msgspec.Struct):
    serial_no: str
    encrypt_certificate: _Sealed


class _Listing(msgspec.Struct):
    data: list[_Listed]


class _Known(msgspec.Struct):
    key: RSAPublicKey
    until_ms: int


class Verifier:
    """One account's. ``fetch`` asks for the list of certificates, unverified."""

    def __init__(self, api_key: bytes, own: Mapping[str, RSAPublicKey], fetch: Callable[[], Awaitable[Answer]]) -> None:
        self._api_key = api_key
        self._own = own
        self._fetch = fetch
        self._certified: dict[str, _Known] = {}
        self._fetched_ms = -FETCH_EVERY_MS
        self._lock = asyncio.Lock()

    async def judge(self, headers: Mapping[str, str], body: bytes) -> Verdict:
        signature, stamp = headers.get("wechatpay-signature", ""), headers.get("wechatpay-timestamp", "")
        if not signature:
            return Verdict.unsigned
        if signature.startswith(signing.PROBE):
            return Verdict.probe
        if not _is_fresh(stamp):
            return Verdict.stale
        key = await self._key(headers.get("wechatpay-serial", ""))
        return Verdict.stranger if key is None else _verdict(key, headers, body)

    async def _key(self, serial: str) -> RSAPublicKey | None:
        if serial in self._own:
            return self._own[serial]
        if serial not in self._certified and not serial.startswith("PUB_KEY_ID_"):
            async with self._lock:
                if serial not in self._certified and clock.now_ms() - self._fetched_ms >= FETCH_EVERY_MS:
                    self._fetched_ms = clock.now_ms()
                    self._certified |= self._read(await self._fetch())
        known = self._certified.get(serial)
        return known.key if known is not None and known.until_ms > clock.now_ms() else None

    def _read(self, answer: Answer) -> dict[str, _Known]:
        """Who can seal for our APIv3 key is WeChat; and one of the certificates has to have signed the list."""
        try:
            listing = msgspec.json.decode(answer.body, type=_Listing)
            found = {one.serial_no: self._open(one.encrypt_certificate) for one in listing.data}
        except (msgspec.DecodeError, signing.Sealed, ValueError):
            return {}
        signer = found.get(answer.headers.get("wechatpay-serial", ""))
        if answer.status != 200 or signer is None or not _is_fresh(answer.headers.get("wechatpay-timestamp", "")):
            return {}
        return found if _verdict(signer.key, answer.headers, answer.body) is Verdict.good else {}

    def _open(self, sealed: _Sealed) -> _Known:
        pem = signing.unseal(
            self._api_key, nonce=sealed.nonce, associated=sealed.associated_data, ciphertext=sealed.ciphertext
        )
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise ValueError("no RSA key")
        return _Known(key, int(certificate.not_valid_after_utc.timestamp()) * 1000)


def _is_fresh(stamp: str) -> bool:
    """Not five minutes off; digits only, for the stamp is part of what was signed."""
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        return False
    return abs(clock.now_ms() - int(stamp) * 1000) < TOLERANCE_S * 1000


def _verdict(key: RSAPublicKey, headers: Mapping[str, str], body: bytes) -> Verdict:
    text = signing.answer_text(headers.get("wechatpay-timestamp", ""), headers.get("wechatpay-nonce", ""), body)
    return Verdict.good if keys.is_rsa_sha256(key, headers.get("wechatpay-signature", ""), text) else Verdict.forged
