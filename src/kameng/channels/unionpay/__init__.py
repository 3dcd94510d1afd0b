"""UnionPay (银联全渠道 5.1.0): its page, a code to scan, the customer's code, refunds, the reconciliation file."""

from __future__ import annotations

from kameng.channels.hosts import GATEWAY
from kameng.channels.model import Field, Method, Scene
from kameng.channels.unionpay.client import UnionPay

FIELDS = (
    Field("mer_id", "商户代码", "Merchant code (merId)"),
    Field("private_key", "签名私钥", "Signing key", is_secret=True, is_long=True),
    Field("certificate", "签名证书", "Signing certificate", is_long=True),
    Field("root_certificate", "银联根证书", "UnionPay root certificate", is_long=True),
    Field("middle_certificate", "银联中级证书", "UnionPay middle certificate", is_long=True),
    Field("term_id", "终端号（付款码用）", "Terminal number (for payment codes)", is_needed=False),
    Field("mode", "环境", "Environment", is_needed=False, choices=("production", "test")),
    GATEWAY,
    Field("files", "对账文件地址（留空为官方）", "Address of files (empty: the official one)", is_needed=False),
)
OFFERS = tuple((Method.unionpay, scene) for scene in (Scene.qr, Scene.page, Scene.wap, Scene.code))

__all__ = ["FIELDS", "OFFERS", "UnionPay"]
