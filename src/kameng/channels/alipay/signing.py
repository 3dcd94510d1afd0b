"""What Alipay signs (RSA2), and the serial numbers of its certificates. Pure.

The three texts differ on purpose: a request keeps ``sign_type`` and drops empty values, a notice drops ``sign_type``
and keeps empty values, an answer is signed over its text as it was written.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from cryptography import x509

_SPACE = re.compile(r"[ \t\r\n]*")
_RSA = "1.2.840.113549.1.1."
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def request_text(fields: Mapping[str, str]) -> bytes:
    return _joined({name: value for name, value in fields.items() if name != "sign" and value})


def notice_text(fields: Mapping[str, str]) -> bytes:
    """Of the values as they were before they were escaped."""
    return _joined({name: value for name, value in fields.items() if name not in ("sign", "sign_type")})


def members_of(text: str) -> dict[str, str]:
    """The members of a JSON object, each as the text it was written as: what the signature is over. ``ValueError``.

    A name that stands twice is refused: the signature would be over one, and somebody might read the other.
    """
    decoder = json.JSONDecoder()
    found: dict[str, str] = {}
    at = _after(text, 0, "{")
    while text[at : at + 1] != "}":
        if found:
            at = _after(text, at, ",")
        name, at = decoder.raw_decode(text, at)
        start = _after(text, at, ":")
        _, at = decoder.raw_decode(text, start)
        if not isinstance(name, str) or name in found:
            raise ValueError("not an object with each name once")
        found[name] = text[start:at]
        at = _skipped(text, at)
    if _skipped(text, at + 1) != len(text):
        raise ValueError("more than an object")
    return found


def serial_of(certificate: x509.Certificate) -> str:
    """How Alipay calls a certificate: the MD5 of its issuer (as RFC 4514 writes it) and its serial number."""
    text = f"{certificate.issuer.rfc4514_string()}{certificate.serial_number}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def root_serial_of(bundle: str) -> str:
    """Of the file of root certificates: only of those that RSA signed. ``ValueError`` if there is none."""
    certificates = [x509.load_pem_x509_certificate(pem.encode()) for pem in _PEM.findall(bundle)]
    serials = [serial_of(x) for x in certificates if x.signature_algorithm_oid.dotted_string.startswith(_RSA)]
    if not serials:
        raise ValueError("no root certificate")
    return "_".join(serials)


def _joined(fields: Mapping[str, str]) -> bytes:
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields)).encode()


def _after(text: str, at: int, mark: str) -> int:
    at = _skipped(text, at)
    if text[at : at + 1] != mark:
        raise ValueError(f"no {mark}")
    return _skipped(text, at + 1)


def _skipped(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None, "it matches nothing at all as well"
    return found.end()
