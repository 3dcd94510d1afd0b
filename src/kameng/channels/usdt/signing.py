"""How epusdt and its relatives sign: fields with a value, but ``signature``, by name, as ``k=v&…``, the token behind,
the MD5 of that in lower case. Numbers are numbers in JSON and are signed as Go prints its floats, which differs by
relative: ``f`` writes every digit, ``v`` turns to ``1.5e+06`` from a million on (and below 0.0001).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from decimal import Decimal

MILLION_DIGITS = 6


def signature(fields: Mapping[str, object], token: str, *, verb: str) -> str:
    texts = ((name, _text(fields[name], verb)) for name in sorted(fields) if name != "signature")
    text = "&".join(f"{name}={value}" for name, value in texts if value)
    return hashlib.md5(f"{text}{token}".encode(), usedforsecurity=False).hexdigest()


def is_signed(fields: Mapping[str, object], token: str, *, verb: str) -> bool:
    given = str(fields.get("signature", "")).lower()
    return hmac.compare_digest(signature(fields, token, verb=verb).encode(), given.encode())


def _text(value: object, verb: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return go_float(float(value), verb)
    return "" if value is None else str(value)


def go_float(number: float, verb: str) -> str:
    """The shortest digits that give the number again, as Go's ``%f`` or ``%v`` set them."""
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    power = len(digits) + int(exponent) - 1
    if verb == "v" and number and not -4 <= power < MILLION_DIGITS:
        more = "".join(map(str, digits[1:]))
        mantissa = f"{digits[0]}.{more}" if more else str(digits[0])
        return f"{'-' if sign else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return f"{Decimal(repr(number)).normalize():f}"
