"""What WeChat Pay v3 signs, and how its notices are sealed. Pure: stamps and nonces are given."""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kameng.channels import keys

SCHEME = "WECHATPAY2-SHA256-RSA2048"
PROBE = "WECHATPAY/SIGNTEST/"
"""What such a signature begins with is meant to be wrong: WeChat tests whether we look."""


class Sealed(Exception):
    """It does not open: another key, or damaged."""


def request_text(method: str, path: str, *, ts_s: int, nonce: str, body: bytes) -> bytes:
    """``path`` with its query, as it is sent."""
    return f"{method}\n{path}\n{ts_s}\n{nonce}\n".encode() + body + b"\n"


def answer_text(stamp: str, nonce: str, body: bytes) -> bytes:
    """Of answers and notices."""
    return f"{stamp}\n{nonce}\n".encode() + body + b"\n"


def authorization(
    key: RSAPrivateKey, method: str, path: str, *, mchid: str, serial: str, ts_s: int, nonce: str, body: bytes
) -> str:
    signature = keys.rsa_sha256(key, request_text(method, path, ts_s=ts_s, nonce=nonce, body=body))
    return (
        f'{SCHEME} mchid="{mchid}",nonce_str="{nonce}",signature="{signature}",timestamp="{ts_s}",serial_no="{serial}"'
    )


def jsapi_fields(key: RSAPrivateKey, *, appid: str, prepay_id: str, ts_s: int, nonce: str) -> dict[str, str]:
    """What ``WeixinJSBridge`` is called with."""
    package = f"prepay_id={prepay_id}"
    signed = keys.rsa_sha256(key, f"{appid}\n{ts_s}\n{nonce}\n{package}\n".encode())
    return {
        "appId": appid, "timeStamp": str(ts_s), "nonceStr": nonce, "package": package, "signType": "RSA",
        "paySign": signed,
    }  # fmt: skip


def unseal(api_key: bytes, *, nonce: str, associated: str, ciphertext: str) -> bytes:
    """AEAD_AES_256_GCM: the last 16 bytes are the tag."""
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
        return AESGCM(api_key).decrypt(nonce.encode(), sealed, associated.encode())
    except (InvalidTag, binascii.Error, ValueError):
        raise Sealed from None
