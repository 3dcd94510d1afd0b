"""epay (易支付): the protocol of most small shops, as a client of the first (MD5) and the second version (RSA), and in
``serving`` as the other side."""

from __future__ import annotations

from kameng.channels.epay import serving
from kameng.channels.epay.v1 import EpayV1
from kameng.channels.epay.v2 import EpayV2
from kameng.channels.model import Field, Method, Scene

_GATEWAY = Field("gateway", "网关地址", "Gateway address")
_PID = Field("pid", "商户 ID", "Merchant ID (pid)")
_METHODS = (Method.alipay, Method.wechat, Method.qqpay, Method.bank)

FIELDS_V1 = (_GATEWAY, _PID, Field("key", "商户密钥", "Merchant key", is_secret=True))
FIELDS_V2 = (
    _GATEWAY, _PID,
    Field("private_key", "商户私钥", "Merchant private key", is_secret=True, is_long=True),
    Field("platform_public_key", "平台公钥", "Platform public key", is_long=True),
)  # fmt: skip
OFFERS_V1 = tuple((method, scene) for method in _METHODS for scene in (Scene.qr, Scene.page, Scene.wap))
OFFERS_V2 = (
    *OFFERS_V1, (Method.alipay, Scene.jsapi), (Method.alipay, Scene.code), (Method.wechat, Scene.code)
)  # fmt: skip

__all__ = ["FIELDS_V1", "FIELDS_V2", "OFFERS_V1", "OFFERS_V2", "EpayV1", "EpayV2", "serving"]
