"""Whose signature it is: Alipay's public key as it gave it to us, or its certificates, of which it may bring new ones.

A certificate that we don't know is fetched by its serial, at most once a minute, and believed if it comes from one of
the root certificates that the account holds.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from kameng.channels import keys
from kameng.channels.alipay import signing
from kameng.kit import clock

FETCH_EVERY_MS = 60_000
CHAIN_MAX = 5
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class Verifier:
    """One account's. ``fetch`` asks for a certificate by its serial: its content as it comes, or nothing."""

    def __init__(
        self, known: Mapping[str, RSAPublicKey], roots: Sequence[x509.Certificate],
        fetch: Callable[[str], Awaitable[str]],
    ) -> None:  # fmt: skip
        self._known = dict(known)
        self._roots = roots
        self._fetch = fetch
        self._fetched_ms = -FETCH_EVERY_MS
        self._lock = asyncio.Lock()

    async def is_signed(self, text: bytes, signature: str, serial: str) -> bool:
        """``serial`` is empty where Alipay names no certificate."""
        if serial and self._roots:
            key = await self._key(serial)
            return key is not None and keys.is_rsa_sha256(key, signature, text)
        return any(keys.is_rsa_sha256(key, signature, text) for key in self._known.values())

    async def _key(self, serial: str) -> RSAPublicKey | None:
        if serial not in self._known:
            async with self._lock:
                if serial not in self._known and clock.now_ms() - self._fetched_ms >= FETCH_EVERY_MS:
                    self._fetched_ms = clock.now_ms()
                    key = self._read(await self._fetch(serial), serial)
                    self._known |= {} if key is None else {serial: key}
        return self._known.get(serial)

    def _read(self, content: str, serial: str) -> RSAPublicKey | None:
        try:
            text = base64.b64decode(content).decode()
            found = [x509.load_pem_x509_certificate(pem.encode()) for pem in _PEM.findall(text)]
            leaf = next((x for x in found if signing.serial_of(x) == serial), None)
            key = None if leaf is None else leaf.public_key()
        except (binascii.Error, UnsupportedAlgorithm, ValueError):
            return None
        is_good = leaf is not None and _leads_to(leaf, found, self._roots)
        return key if is_good and isinstance(key, RSAPublicKey) else None


def roots_of(credentials: Mapping[str, str], field: str) -> Sequence[x509.Certificate]:
    """``ValueError`` with the field's name."""
    try:
        roots = [x509.load_pem_x509_certificate(pem.encode()) for pem in _PEM.findall(credentials[field])]
    except ValueError:
        raise ValueError(field) from None
    if not roots:
        raise ValueError(field)
    return roots


def _leads_to(leaf: x509.Certificate, between: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> bool:
    """Whether each was issued by the next, up to a root; and whether all are valid now."""
    at = leaf
    for _ in range(CHAIN_MAX):
        if not at.not_valid_before_utc <= clock.now() <= at.not_valid_after_utc:
            return False
        if any(_issued(root, at) for root in roots):
            return True
        above = next((x for x in between if x != at and _is_authority(x) and _issued(x, at)), None)
        if above is None:
            return False
        at = above
    return False


def _issued(issuer: x509.Certificate, subject: x509.Certificate) -> bool:
    try:
        subject.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):  # some roots are signed by SM2
        return False
    return True


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False
