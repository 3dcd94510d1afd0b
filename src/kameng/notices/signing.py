"""Standard Webhooks 1.0.0: secrets, and the signature over id, time and body. Several secrets, several signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable

SECRET_PREFIX = "whsec_"  # noqa: S105 - how one begins, none itself
SECRET_BYTES = 32


def new_secret() -> str:
    """``whsec_`` and 256 bits in base64, as every library of Standard Webhooks takes it."""
    return SECRET_PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The key inside a secret."""
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX))


def headers(keys: Iterable[bytes], *, message_id: str, ts_s: int, body: bytes) -> dict[str, str]:
    """What a message carries; one signature for each key, the newest first."""
    signed = b"%b.%d.%b" % (message_id.encode(), ts_s, body)
    signatures = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(ts_s),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
