"""Refusals about card files and stock.

    BadInput
    ├── FileTooLarge     413  file_too_large
    ├── FileNotReadable  400  file_not_readable
    ├── SeveralSheets    400  several_sheets
    ├── ColumnsUnclear   400  columns_unclear
    ├── NoCards          400  no_cards
    └── BadBatch         400  bad_batch
    NotFound
    └── NoSuchBatch      404  no_such_batch

These refuse a whole file. A line that is bad by itself is not an exception: it stands in the file's report
with one of ``LINE_REASONS``, and the other lines are loaded.
"""

from __future__ import annotations

from typing import Literal

from kameng.kit.errors import BadInput, NotFound


class FileTooLarge(BadInput):
    """The file is larger than 64 MiB or has more than 1,000,000 lines; please split it."""

    code = "file_too_large"
    status = 413
    zh = "文件超过 64 MiB 或 1,000,000 行，请拆分后再上传。"


class FileNotReadable(BadInput):
    """The file is not text, CSV or an Excel workbook that can be read."""

    code = "file_not_readable"
    zh = "无法读取该文件：请上传 TXT、CSV 或 Excel（.xlsx、.xls）文件。"


class SeveralSheets(BadInput):
    """More than one sheet of the workbook has content; please leave the cards on one sheet."""

    code = "several_sheets"
    zh = "工作簿中有多个工作表有内容，请只保留一个存放卡密的工作表。"


class ColumnsUnclear(BadInput):
    """The header names more than one column for the same thing."""

    code = "columns_unclear"
    zh = "表头中有多列表示同一内容，无法判断以哪一列为准。"


class NoCards(BadInput):
    """No line of the file could be a card."""

    code = "no_cards"
    zh = "文件中没有任何卡密。"


class BadStockThreshold(BadInput):
    """A SKU is low below a whole number of cards from 1 on."""

    code = "bad_stock_threshold"
    zh = "库存预警数量应为不小于 1 的整数。"


class BadBatch(BadInput):
    """A batch of cards can't be like this; the detail says which field is wrong and how."""

    code = "bad_batch"
    zh = "卡密批次资料不正确，错误字段及原因见说明。"


class NoSuchBatch(NotFound):
    """There is no such batch of yours."""

    code = "no_such_batch"
    zh = "没有找到该卡密批次。"


LineReason = Literal[
    "no_secret", "no_number", "digits_lost", "formula", "not_a_code", "too_long", "control_characters",
    "unreadable", "broken_quote", "too_many_fields", "bad_date", "expired", "bad_cost",
    "duplicate", "duplicate_number", "loaded_before", "number_loaded_before",
    "not_a_link", "not_https", "bad_label", "bad_fee",
]  # fmt: skip

VOID_REASONS: dict[str, tuple[str, str]] = {
    "sold": ("It was sold.", "已售出。"),
    "reserved": ("It waits for the payment of an order.", "已被待付款订单预留。"),
    "unknown": ("No card of yours for this SKU has this number.", "该商品下没有您的此卡号。"),
}
"""Why a card is not void."""

LINE_REASONS: dict[LineReason, tuple[str, str]] = {
    "no_secret": ("There is a card number and no secret.", "只有卡号，没有卡密。"),
    "no_number": ("The card number is missing.", "缺少卡号。"),
    "digits_lost": (
        "The spreadsheet has rounded this long number, its last digits are lost; format the column as text.",
        "电子表格把长数字四舍五入，末尾数字已丢失；请把该列设为文本格式后重新导出。",
    ),
    "formula": ("A formula stands where a code should be.", "此处应为卡密，却是公式。"),
    "not_a_code": (
        "This is no card number or secret but words, a date or a fraction; if it is one, add a header row.",
        "不像卡号或卡密（文字、日期或小数）；如确实是卡密，请加上表头注明各列。",
    ),
    "too_long": (
        "The card number or secret is longer than 200 characters, or the link than 1,000.",
        "卡号或卡密超过 200 个字符，或链接超过 1000 个字符。",
    ),
    "control_characters": ("It holds control characters.", "含有控制字符。"),
    "unreadable": ("It holds characters that the file's encoding does not have.", "含有乱码字符。"),
    "broken_quote": ("A quotation mark is opened and not closed.", "引号没有成对。"),
    "too_many_fields": (
        "It has more fields than can be told apart; name the columns in a header.",
        "字段过多，无法判断各列含义；请加上表头注明各列。",
    ),
    "bad_date": ("The expiry date can't be read; write 2028-12-31.", "无法识别到期日，请写成 2028-12-31。"),
    "expired": ("It has expired.", "已过期。"),
    "bad_cost": ("The cost is not an amount with at most four decimals.", "成本不是金额（最多四位小数）。"),
    "duplicate": ("The same card stands in line {first}.", "与第{first}行重复。"),
    "duplicate_number": (
        "The same card number stands in line {first} with another secret.",
        "第{first}行已有相同卡号，但卡密不同。",
    ),
    "loaded_before": ("This card was loaded before.", "该卡此前已入库。"),
    "number_loaded_before": (
        "A card of this brand with the same number was loaded before, with another secret.",
        "同品牌下卡号已存在，但卡密不同。",
    ),
    "not_a_link": (
        "This is no link that can be redeemed: https:// with a host name, and nothing but what addresses are made of.",
        "不是有效的兑换链接：应以 https:// 开头，含域名，且只含网址允许的字符。",
    ),
    "not_https": ("The link must begin with https://.", "链接必须以 https:// 开头。"),
    "bad_label": (
        "The label by which the card is chosen must be 1 to 64 visible characters and must not tell the secret.",
        "自选展示内容应为 1 至 64 个可见字符，且不得包含卡密。",
    ),
    "bad_fee": ("The surcharge is not an amount with at most four decimals.", "自选加价不是金额（最多四位小数）。"),
}
"""Why a line is refused, in English and Chinese. None repeats what the line holds."""
