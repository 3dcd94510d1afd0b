"""Alipay 支付宝: a code to scan, desktop and phone pages, the customer's code, refunds, bills."""

from __future__ import annotations

from kameng.channels.alipay.client import FIELDS, OFFERS, Alipay

__all__ = ["FIELDS", "OFFERS", "Alipay"]
