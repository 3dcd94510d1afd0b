"""How UnionPay 5.1.0 signs: the fields that have a value, but ``signature``, by name, as ``k=v&…``; the SHA-256 of that
as hexadecimal digits in lower case, and those digits signed with RSA and SHA-256.

Its answers and notices bring the certificate they are signed with. It counts if it stands below the two authorities
that we hold, is in its time, and bears UnionPay's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509.oid import NameOID

from kameng.channels import keys
from kameng.kit import clock

NAME = "中国银联股份有限公司"
TEST_NAME = "00040000:SIGN"
_KNOWN_MAX = 16


def digest(fields: Mapping[str, str]) -> bytes:
    """The 64 digits that are signed."""
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name] and name != "signature")
    return hashlib.sha256(text.encode()).hexdigest().encode()


def sign(fields: Mapping[str, str], key: RSAPrivateKey) -> str:
    return keys.rsa_sha256(key, digest(fields))


def parse(text: str) -> dict[str, str]:
    """``k=v&k=v`` as UnionPay answers: nothing is escaped, and a value in braces may hold the same signs."""
    pairs = (part.partition("=") for part in _parts(text.strip()))
    return {name: value for name, sign, value in pairs if name and sign}


def _parts(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for at, letter in enumerate(text):
        if letter in "{[":
            depth += 1
        elif letter in "}]":
            depth = max(depth - 1, 0)
        elif letter == "&" and depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]


class Trust:
    """Who may sign as UnionPay. Certificates that were found good are remembered, and their time is still looked at."""

    def __init__(self, root: x509.Certificate, middle: x509.Certificate, *, is_test: bool) -> None:
        self._root = root
        self._middle = middle
        self._names = {NAME, TEST_NAME} if is_test else {NAME}
        self._known: dict[str, x509.Certificate] = {}

    def is_signed(self, fields: Mapping[str, str]) -> bool:
        signer = self._signer(fields.get("signPubKeyCert", ""))
        return signer is not None and keys.is_rsa_sha256(signer, fields.get("signature", ""), digest(fields))

    def _signer(self, pem: str) -> RSAPublicKey | None:
        found = self._known.get(pem)
        if found is None:
            try:
                found = keys.certificate({"signPubKeyCert": pem}, "signPubKeyCert")
            except ValueError:
                return None
            if not self._is_unionpays(found):
                return None
            if len(self._known) < _KNOWN_MAX:
                self._known[pem] = found
        key = found.public_key()
        in_time = all(_is_in_time(one) for one in (found, self._middle, self._root))
        return key if in_time and isinstance(key, RSAPublicKey) else None

    def _is_unionpays(self, found: x509.Certificate) -> bool:
        try:
            found.verify_directly_issued_by(self._middle)
            self._middle.verify_directly_issued_by(self._root)
        except (ValueError, TypeError, InvalidSignature):
            return False
        names = (str(one.value) for one in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME))
        return any(part in self._names for name in names for part in name.split("@"))


def _is_in_time(one: x509.Certificate) -> bool:
    return one.not_valid_before_utc <= clock.now() <= one.not_valid_after_utc
