"""The protocols that channels speak, each with the credentials it needs and the adapter that speaks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from kameng.channels import alipay, bank, epay, paypal, stripe, unionpay, usdt, wechat
from kameng.channels.http import Http
from kameng.channels.model import Account, Channel, Field, Method, Scene


class ProtocolSpec(msgspec.Struct, frozen=True):
    """What one protocol can do and wants to know."""

    name: str
    zh: str
    en: str
    fields: Sequence[Field]
    offers: Sequence[tuple[Method, Scene]]
    open: Callable[[Account, Http], Channel]
    needs_query: bool = False  # a notice is only a hint: callers ask before they believe it
    closes: bool = True  # False: what was shown may be paid at any later time
    refunds: bool = True
    bills: bool = True  # False: nothing to ask for; of a bank, people bring in statements
    pays_out: bool = False  # its adapter is one of ``Payouts`` too


def _by_name(*specs: ProtocolSpec) -> Mapping[str, ProtocolSpec]:
    return {spec.name: spec for spec in specs}


PROTOCOLS = _by_name(
    ProtocolSpec("wechat", "微信支付 APIv3", "WeChat Pay API v3", wechat.FIELDS, wechat.OFFERS, wechat.WeChat),
    ProtocolSpec("alipay", "支付宝", "Alipay", alipay.FIELDS, alipay.OFFERS, alipay.Alipay, pays_out=True),
    ProtocolSpec("unionpay", "银联全渠道", "UnionPay", unionpay.FIELDS, unionpay.OFFERS, unionpay.UnionPay),
    ProtocolSpec(
        "epay_v1", "易支付 V1（MD5）", "epay v1 (MD5)", epay.FIELDS_V1, epay.OFFERS_V1, epay.EpayV1,
        needs_query=True,  # keys of MD5 leak
        closes=False,
    ),
    ProtocolSpec(
        "epay_v2", "易支付 V2（RSA）", "epay v2 (RSA)", epay.FIELDS_V2, epay.OFFERS_V2, epay.EpayV2, closes=False
    ),
    ProtocolSpec(
        "usdt", "USDT 网关（仅境外）", "USDT gateway (abroad only)", usdt.FIELDS, usdt.OFFERS, usdt.Usdt,
        needs_query=True, refunds=False, bills=False,
    ),
    ProtocolSpec("stripe", "Stripe（境外）", "Stripe", stripe.FIELDS, stripe.OFFERS, stripe.Stripe),
    ProtocolSpec(
        "paypal", "PayPal（境外）", "PayPal", paypal.FIELDS, paypal.OFFERS, paypal.PayPal,
        needs_query=True,  # the question is what captures
    ),
    ProtocolSpec("bank", "银行转账", "Bank transfer", bank.FIELDS, bank.OFFERS, bank.BankTransfer, bills=False),
)  # fmt: skip


def open_channel(account: Account, http: Http) -> Channel:
    """The adapter of an account. ``KeyError`` for an unknown protocol, ``ValueError`` with the field's name for a
    credential that is missing or can't be read."""
    spec = PROTOCOLS[account.protocol]
    for field in spec.fields:
        if field.is_needed and not account.credentials.get(field.name):
            raise ValueError(field.name)
    return spec.open(account, http)
