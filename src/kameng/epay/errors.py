"""What the epay site refuses where it is kept. What shops are told is the protocol's own: ``channels.epay.serving``.

BadInput
└── BadEpayAccount  422  bad_epay_account
NotAllowed
└── EpayClosed      403  epay_closed
NotFound
├── NoEpayAccount   404  no_epay_account
└── NoSuchTrade     404  no_such_trade
"""

from __future__ import annotations

from kameng.kit.errors import BadInput, NotAllowed, NotFound


class BadEpayAccount(BadInput):
    """The epay account can't be like that; the field says what is wrong."""

    code = "bad_epay_account"
    status = 422
    zh = "易支付设置有误，请检查所指字段。"


class EpayClosed(NotAllowed):
    """The epay service is not open to you now; ask whoever runs the platform."""

    code = "epay_closed"
    zh = "易支付接口暂未对您开放，请联系平台。"


class NoEpayAccount(NotFound):
    """There is no such epay account."""

    code = "no_epay_account"
    zh = "没有这个易支付商户。"


class NoSuchTrade(NotFound):
    """There is no such epay payment."""

    code = "no_such_trade"
    zh = "没有这笔易支付订单。"
