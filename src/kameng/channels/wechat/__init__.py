"""WeChat Pay 微信支付, API v3: a code to scan, a page in WeChat, a phone's browser, the customer's code; bills."""

from __future__ import annotations

from kameng.channels.wechat.client import FIELDS, OFFERS, WeChat

__all__ = ["FIELDS", "OFFERS", "WeChat"]
