"""Which providers there are: one maker each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kameng.sim.pay import usdt
from kameng.sim.pay.alipay import Alipay
from kameng.sim.pay.epay import Epay
from kameng.sim.pay.ground import Ground
from kameng.sim.pay.paypal import PayPal
from kameng.sim.pay.provider import Provider
from kameng.sim.pay.stripe import Stripe
from kameng.sim.pay.unionpay import UnionPay
from kameng.sim.pay.wechat import WeChat

MAKERS: Sequence[Callable[[Ground], Provider]] = (WeChat, Alipay, UnionPay, Epay, *usdt.makers(), Stripe, PayPal)
