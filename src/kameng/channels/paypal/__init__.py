"""PayPal: Orders v2, created, approved by the payer, captured by us."""

from __future__ import annotations

from kameng.channels.hosts import GATEWAY
from kameng.channels.model import Field, Method, Scene
from kameng.channels.paypal.client import PayPal

FIELDS = (
    Field("client_id", "Client ID", "Client ID"),
    Field("client_secret", "Secret", "Secret", is_secret=True),
    Field("webhook_id", "Webhook ID", "Webhook ID"),
    Field("mode", "环境", "Environment", is_needed=False, choices=("live", "sandbox")),
    GATEWAY,
)
OFFERS = ((Method.paypal, Scene.page), (Method.paypal, Scene.wap))

__all__ = ["FIELDS", "OFFERS", "PayPal"]
