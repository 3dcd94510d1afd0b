"""Refusals about what is sold and about catalogue files.

    NotFound
    └── UnknownSku            404  unknown_sku
    BadInput
    ├── UnknownForm           400  unknown_form
    └── CatalogueNotReadable  400  catalogue_not_readable
"""

from __future__ import annotations

from kameng.kit.errors import BadInput, NotFound


class UnknownSku(NotFound):
    """There is no such SKU."""

    code = "unknown_sku"
    zh = "没有这个商品。"


class UnknownForm(BadInput):
    """There is no account form of this name."""

    code = "unknown_form"
    zh = "没有这个名称的下单表单。"


class CatalogueNotReadable(BadInput):
    """The file is not a catalogue: CSV in UTF-8 or GBK, with a header row that names its columns."""

    code = "catalogue_not_readable"
    zh = "无法读取商品目录：需要 UTF-8 或 GBK 编码、带表头的 CSV 文件。"
