"""How epay signs: every field that has a value, also those nobody knows, but ``sign`` and ``sign_type``; by name in the
order of ASCII, as ``k=v&…`` of raw values. Version 1 takes the MD5 of it with the key behind, version 2 signs it with
RSA and SHA-256. Fixed vectors in tests/channels/test_epay_signing.py.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from kameng.channels import keys

_UNSIGNED = ("sign", "sign_type")
_BLANKS = " \t\n\r\0\x0b"
"""A value of these alone counts as empty, as PHP's trim sees it."""


def signed_text(fields: Mapping[str, object]) -> str:
    """What is signed. Lists and objects of a JSON answer are left out; its numbers are text by now."""
    texts = ((name, _text(fields[name])) for name in sorted(fields) if name not in _UNSIGNED)
    return "&".join(f"{name}={text}" for name, text in texts if text.strip(_BLANKS))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return "" if value is None or isinstance(value, list | dict) else str(value)


def md5_sign(fields: Mapping[str, object], key: str) -> str:
    return hashlib.md5(f"{signed_text(fields)}{key}".encode(), usedforsecurity=False).hexdigest()


def is_md5_signed(fields: Mapping[str, object], key: str) -> bool:
    """In constant time. A key like that leaks easily: whoever believes a notice has asked before."""
    given = str(fields.get("sign", "")).lower()
    return hmac.compare_digest(md5_sign(fields, key).encode(), given.encode())


def rsa_sign(fields: Mapping[str, object], key: RSAPrivateKey) -> str:
    return keys.rsa_sha256(key, signed_text(fields).encode())


def is_rsa_signed(fields: Mapping[str, object], key: RSAPublicKey) -> bool:
    return keys.is_rsa_sha256(key, str(fields.get("sign", "")), signed_text(fields).encode())
