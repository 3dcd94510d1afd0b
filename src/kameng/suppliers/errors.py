"""Refusals about what suppliers bring and offer.

BadInput
├── BadCardFile    400  bad_card_file
└── BadOffer       400  bad_offer
NotAllowed
└── NotSupplied    403  not_supplied
NotFound
├── NoSuchRun      404  no_such_card_run
└── NoSuchOffer    404  no_such_offer
Conflict
├── RunNotOpen     409  run_not_open
├── TooManyRuns    409  too_many_card_runs
├── TooManyOffers  409  too_many_offers
└── OfferDecided   409  offer_decided
"""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotAllowed, NotFound


class BadCardFile(BadInput):
    """The file of cards can't be taken; the field says why."""

    code = "bad_card_file"
    zh = "无法接收该卡密文件，请检查所指字段。"


class BadOffer(BadInput):
    """An offer can't be like this; the detail says which field is wrong and how."""

    code = "bad_offer"
    zh = "报价内容不正确，错误字段及原因见说明。"


class NotSupplied(NotAllowed):
    """You don't supply this SKU yet: offer it first."""

    code = "not_supplied"
    zh = "您尚未供应该商品，请先提交报价。"


class NoSuchRun(NotFound):
    """There is no such file of yours."""

    code = "no_such_card_run"
    zh = "没有找到该次入库。"


class NoSuchOffer(NotFound):
    """There is no such offer of yours."""

    code = "no_such_offer"
    zh = "没有找到该报价。"


class RunNotOpen(Conflict):
    """This file is past that step, or not there yet."""

    code = "run_not_open"
    zh = "该文件当前不能进行此操作，请刷新后查看进度。"


class TooManyRuns(Conflict):
    """Too many files wait for you: load or drop those first."""

    code = "too_many_card_runs"
    zh = "待处理的文件过多，请先入库或放弃已有文件。"


class TooManyOffers(Conflict):
    """Too many offers wait for an answer."""

    code = "too_many_offers"
    zh = "待答复的报价过多，请等待处理后再提交。"


class OfferDecided(Conflict):
    """This offer was answered or taken back already."""

    code = "offer_decided"
    zh = "该报价已答复或已撤回。"
