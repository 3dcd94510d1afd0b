"""Alipay from its own side."""

from __future__ import annotations

from kameng.sim.pay.alipay.server import Alipay

__all__ = ["Alipay"]
