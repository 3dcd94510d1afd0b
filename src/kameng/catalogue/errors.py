"""Refusals about what is sold and about catalogue files.

NotFound
├── UnknownSku            404  unknown_sku
└── NoSuchPriceRun        404  price_run_unknown
BadInput
├── UnknownForm           400  unknown_form
├── BadSku                400  bad_sku
├── BadRepricing          400  bad_repricing
├── BadOrderForm          400  bad_order_form
└── CatalogueNotReadable  400  catalogue_not_readable
Conflict
├── BundleWithoutParts    409  bundle_without_parts
├── PricesMoved           409  prices_moved
└── PriceRunUndone        409  price_run_undone
"""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotFound


class UnknownSku(NotFound):
    """There is no such SKU."""

    code = "unknown_sku"
    zh = "没有这个商品。"


class UnknownForm(BadInput):
    """There is no account form of this name."""

    code = "unknown_form"
    zh = "没有这个名称的下单表单。"


class BadSku(BadInput):
    """A SKU can't be like this; the detail says which field is wrong and how."""

    code = "bad_sku"
    zh = "商品资料不正确，错误字段及原因见说明。"


class BundleWithoutParts(Conflict):
    """A bundle without parts can't be put on sale: nobody would know what to deliver."""

    code = "bundle_without_parts"
    zh = "组合商品尚无组成内容，不能上架销售。"


class CatalogueNotReadable(BadInput):
    """The file is not a catalogue: CSV in UTF-8 or GBK, with a header row that names its columns."""

    code = "catalogue_not_readable"
    zh = "无法读取商品目录：需要 UTF-8 或 GBK 编码、带表头的 CSV 文件。"


class BadRepricing(BadInput):
    """Prices can't be changed like this; the field says what is wrong."""

    code = "bad_repricing"
    zh = "批量改价内容有误，请检查所指字段。"


class PricesMoved(Conflict):
    """Some of these prices changed since they were looked at; look again."""

    code = "prices_moved"
    zh = "预览之后部分商品价格已变动，请重新预览。"


class NoSuchPriceRun(NotFound):
    """There is no such run of prices."""

    code = "price_run_unknown"
    zh = "没有这次批量改价。"


class PriceRunUndone(Conflict):
    """This run of prices was undone already."""

    code = "price_run_undone"
    zh = "这次批量改价已撤销。"


class BadOrderForm(BadInput):
    """An order form can't be like this; the field says what is wrong."""

    code = "bad_order_form"
    zh = "下单模板有误，请检查所指字段。"
