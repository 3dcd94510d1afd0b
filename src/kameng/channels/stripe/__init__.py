"""Stripe: a Checkout page for cards, PaymentIntents for Alipay and WeChat Pay abroad."""

from __future__ import annotations

from kameng.channels.hosts import GATEWAY
from kameng.channels.model import Field, Method, Scene
from kameng.channels.stripe.client import Stripe

FIELDS = (
    Field("secret_key", "密钥（Secret key）", "Secret key", is_secret=True),
    Field("webhook_secret", "Webhook 签名密钥", "Webhook signing secret", is_secret=True),
    GATEWAY,
)
OFFERS = (
    (Method.card, Scene.page), (Method.card, Scene.wap), (Method.alipay, Scene.page), (Method.alipay, Scene.wap),
    (Method.wechat, Scene.qr),
)  # fmt: skip

__all__ = ["FIELDS", "OFFERS", "Stripe"]
