"""Private keys as people paste them: what fits together opens, what does not is refused before it signs anything."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kameng.channels import keys

GOOD = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OWN = GOOD.private_numbers()
N = OWN.public_numbers
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=1024).private_numbers().p


PKCS8, PKCS1 = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL


def pasted(key: Any, form: serialization.PrivateFormat = PKCS8) -> dict[str, str]:
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return {"private_key": pem.decode()}


def number(value: int) -> bytes:
    return _tagged(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    long = length.to_bytes((length.bit_length() + 7) // 8, "big")
    size = bytes([length]) if length < 128 else bytes([0x80 | len(long)]) + long
    return bytes([tag]) + size + content


def made_of(n: int, e: int, d: int, p: int, q: int, dp: int, dq: int, qi: int) -> dict[str, str]:
    """A key whose numbers somebody wrote, in PKCS#1."""
    der = _tagged(0x30, b"".join(map(number, (0, n, e, d, p, q, dp, dq, qi))))
    return {"private_key": base64.b64encode(der).decode()}


def test_a_good_key_opens_however_it_is_pasted() -> None:
    for form in (PKCS8, PKCS1):
        assert keys.private_key(pasted(GOOD, form), "private_key").private_numbers() == OWN
    bare = "".join(pasted(GOOD)["private_key"].splitlines()[1:-1])
    assert keys.private_key({"private_key": bare}, "private_key").private_numbers() == OWN
    again = made_of(N.n, N.e, OWN.d, OWN.p, OWN.q, OWN.dmp1, OWN.dmq1, OWN.iqmp)
    assert keys.private_key(again, "private_key").private_numbers() == OWN


def composite() -> dict[str, str]:
    """All its numbers fit together, but one factor is no prime."""
    p, q = OWN.p * 3, OWN.q
    e = 65537
    while True:
        try:
            d = pow(e, -1, (p - 1) * (q - 1))
            return made_of(p * q, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
        except ValueError:
            e += 2


BAD = {
    "another modulus": lambda: made_of(N.n + 2, N.e, OWN.d, OWN.p, OWN.q, OWN.dmp1, OWN.dmq1, OWN.iqmp),
    "another factor": lambda: made_of(N.n, N.e, OWN.d, OTHER, OWN.q, OWN.dmp1, OWN.dmq1, OWN.iqmp),
    "another exponent": lambda: made_of(N.n, N.e, OWN.d + 2, OWN.p, OWN.q, OWN.dmp1, OWN.dmq1, OWN.iqmp),
    "another public exponent": lambda: made_of(N.n, 3, OWN.d, OWN.p, OWN.q, OWN.dmp1, OWN.dmq1, OWN.iqmp),
    "another coefficient": lambda: made_of(N.n, N.e, OWN.d, OWN.p, OWN.q, OWN.dmp1, OWN.dmq1, OWN.iqmp + 1),
    "a factor of one": lambda: made_of(N.n, N.e, OWN.d, 1, N.n, OWN.dmp1, OWN.dmq1, OWN.iqmp),
    "an even factor": lambda: made_of(2 * OWN.p, N.e, OWN.d, OWN.p, 2, OWN.dmp1, 1, 1),
    "a composite factor": composite,
    "another kind": lambda: pasted(ec.generate_private_key(ec.SECP256R1())),
    "no key": lambda: {"private_key": "bm8ga2V5"},
    "no text": dict,
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_together_is_refused_by_its_field(name: str) -> None:
    with pytest.raises(ValueError, match=r"^private_key$"):
        keys.private_key(BAD[name](), "private_key")
