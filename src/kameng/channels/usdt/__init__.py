"""USDT through a gateway of one's own: epusdt, the line of it that GMWallet keeps, and BEpusdt."""

from __future__ import annotations

from kameng.channels.model import Field, Method, Scene
from kameng.channels.usdt.client import DIALECTS, Usdt

FIELDS = (
    Field("gateway", "网关地址", "Gateway address"),
    Field("dialect", "网关类型", "Kind of gateway", choices=tuple(DIALECTS)),
    Field("token", "接口认证 token / 密钥", "API token or secret key", is_secret=True),
    Field("pid", "商户 ID（gmpay）", "Merchant ID (gmpay)", is_needed=False),
    Field("trade_type", "币种与网络，如 usdt.trc20", "Coin and network, as usdt.trc20", is_needed=False),
)
OFFERS = ((Method.usdt, Scene.page), (Method.usdt, Scene.wap))

__all__ = ["DIALECTS", "FIELDS", "OFFERS", "Usdt"]
