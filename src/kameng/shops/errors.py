"""Refusals about shops.

BadInput
├── BadReview     400  bad_review
├── BadSale       400  bad_sale
└── BadShop       400  bad_shop
NotFound
├── NoShopHere    421  no_shop_here
├── NoSuchReview  404  no_such_review
└── NoSuchShop    404  no_such_shop
"""

from __future__ import annotations

from kameng.kit.errors import BadInput, NotFound


class BadShop(BadInput):
    """A shop can't be like this; the detail says which field is wrong and how."""

    code = "bad_shop"
    zh = "店铺资料不正确，错误字段及原因见说明。"


class NoShopHere(NotFound):
    """No shop answers under this address."""

    code = "no_shop_here"
    status = 421
    zh = "此网址下没有店铺。"


class NoSuchShop(NotFound):
    """There is no such shop."""

    code = "no_such_shop"
    zh = "没有这个店铺。"


class BadReview(BadInput):
    """This review can't be taken; the detail says why."""

    code = "bad_review"
    zh = "评价无法提交，原因见说明。"


class NoSuchReview(NotFound):
    """There is no such review."""

    code = "no_such_review"
    zh = "没有这条评价。"


class BadSale(BadInput):
    """A flash sale can't be like this; the detail says which field is wrong and how."""

    code = "bad_sale"
    zh = "限时抢购设置有误，错误字段及原因见说明。"
