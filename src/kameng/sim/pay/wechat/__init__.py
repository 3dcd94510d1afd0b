"""WeChat Pay v3 from its own side."""

from __future__ import annotations

from kameng.sim.pay.wechat.server import WeChat

__all__ = ["WeChat"]
