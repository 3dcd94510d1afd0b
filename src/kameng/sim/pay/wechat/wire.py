"""What goes over WeChat's wire: the merchant's signature checked, our answers and notices signed and sealed."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from dataclasses import dataclass

import msgspec
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kameng.kit import clock
from kameng.sim.pay.keys import Pair
from kameng.sim.pay.short import Call

_PART = re.compile(r'(\w+)="([^"]*)"')
_NONCES_MAX = 100_000


@dataclass(frozen=True)
class Shop:
    """A merchant as WeChat knows it. ``signer`` is what WeChat signs with for it, known to it as ``signer_id``."""

    name: str
    mchid: str
    appid: str
    api_key: str
    own: Pair  # with the API certificate
    signer: Pair
    signer_id: str
    is_by_certificate: bool


class Gate:
    """Who may come in."""

    def __init__(self, shops: dict[str, Shop]) -> None:
        self._shops = shops
        self._nonces: set[str] = set()

    def enter(self, request: web.Request | Call, body: bytes) -> Shop | str:
        """The merchant that signed it, or what is wrong."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        said = dict(_PART.findall(rest))
        if scheme != "WECHATPAY2-SHA256-RSA2048" or len(said) != 5:
            return "Authorization 格式错误"
        shop = self._shops.get(said["mchid"])
        if shop is None:
            return "商户号不存在"
        if said["serial_no"].upper() != shop.own.serial:
            return "商户证书序列号有误"
        stamp = said["timestamp"]
        if not stamp.isdecimal() or abs(clock.now_ms() // 1000 - int(stamp)) > 300:
            return "时间戳已过期"
        if len(said["nonce_str"]) < 16 or said["nonce_str"] in self._nonces:
            return "随机串有误"
        signed = "\n".join([request.method, request.raw_path, stamp, said["nonce_str"], body.decode("utf-8"), ""])
        try:
            shop.own.public.verify(
                base64.b64decode(said["signature"]), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except (InvalidSignature, binascii.Error):
            return "签名错误，请检查后再试"
        if not shop.is_by_certificate and request.headers.get("wechatpay-serial") != shop.signer_id:
            return "Wechatpay-Serial 不是该商户的微信支付公钥"
        if len(self._nonces) < _NONCES_MAX:
            self._nonces.add(said["nonce_str"])
        return shop


def answered(shop: Shop, status: int, said: object) -> web.Response:
    """Signed for this merchant; without contents if there is nothing to say."""
    body = b"" if said is None else msgspec.json.encode(said)
    response = web.Response(status=status, body=body, headers=signed_headers(shop, body))
    if body:
        response.content_type = "application/json"
    return response


def refused(shop: Shop | None, status: int, code: str, message: str) -> web.Response:
    said = {"code": code, "message": message}
    return web.json_response(said, status=status) if shop is None else answered(shop, status, said)


def signed_headers(shop: Shop, body: bytes, *, age_s: int = 0) -> dict[str, str]:
    stamp, nonce = str(clock.now_ms() // 1000 - age_s), secrets.token_urlsafe(24)
    text = stamp.encode() + b"\n" + nonce.encode() + b"\n" + body + b"\n"
    signature = shop.signer.key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return {
        "Wechatpay-Timestamp": stamp, "Wechatpay-Nonce": nonce, "Wechatpay-Serial": shop.signer_id,
        "Wechatpay-Signature": base64.b64encode(signature).decode(),
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048", "Request-ID": secrets.token_hex(16),
    }  # fmt: skip


def sealed(shop: Shop, plain: bytes, associated: str) -> dict[str, str]:
    """AEAD_AES_256_GCM under the merchant's APIv3 key."""
    nonce = base64.b64encode(os.urandom(9)).decode()
    made = AESGCM(shop.api_key.encode()).encrypt(nonce.encode(), plain, associated.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM", "ciphertext": base64.b64encode(made).decode(), "associated_data": associated,
        "nonce": nonce,
    }  # fmt: skip
