"""Pricing's refusals."""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotFound


class BadPrice(BadInput):
    """A price must be above zero; a tier starts at 2 and takes off 1 to 999 thousandths."""

    code = "bad_price"
    zh = "价格必须大于 0；数量档须从 2 起，折让为 1‰ 到 999‰。"


class PriceChanged(Conflict):
    """The price is above your max_price; ask for a quote and decide again."""

    code = "price_changed"
    retry = "same_key"
    zh = "当前价格高于您给出的最高价，请重新询价后再下单。"


class BelowCost(Conflict):
    """The price would be below cost, so this is not sold now; the platform has been told."""

    code = "below_cost"
    retry = "same_key"
    zh = "售价低于成本，暂停销售，平台已收到提醒。"


class NoSuchPrice(NotFound):
    """No such price is set."""

    code = "no_such_price"
    zh = "没有设置过该价格。"
