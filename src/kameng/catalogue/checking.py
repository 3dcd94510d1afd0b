"""Whether a SKU can be as it is wished: each field, and what they say together. Pure."""

from __future__ import annotations

from kameng.catalogue.errors import BadSku, BundleWithoutParts
from kameng.catalogue.forms import asks_for_address, form_named
from kameng.catalogue.model import KINDS, PARTS_MAX, QUANTITY_MAX, SHARES_E4, STATES, Sku
from kameng.kit import money
from kameng.kit.money import AMOUNT_E4_MAX

PROMISE_MINUTES_MAX = 365 * 24 * 60
CONFIRM_DAYS_MAX = 60
TEXT_CHARS_MAX = 200
INSTRUCTIONS_CHARS_MAX = 1000
EXTERNAL_REF_CHARS_MAX = 64
BARCODE_DIGITS = (8, 12, 13, 14)

LABELS = {
    "list_price_e4": ("list_price", "标价"), "cost_e4": ("cost", "成本"), "floor_e4": ("floor", "最低限价"),
    "ceiling_e4": ("ceiling", "最高限价"), "face_value_e4": ("face_value", "面值"), "kind": ("kind", "类型"),
    "form": ("form", "下单表单"), "state": ("state", "状态"), "region": ("region", "地区"), "note": ("note", "备注"),
    "quantity_min": ("quantity_min", "最小数量"), "quantity_max": ("quantity_max", "最大数量"),
    "quantity_step": ("quantity_step", "数量步长"),
    "delivery_promise_minutes": ("delivery_promise_minutes", "承诺交付分钟"),
    "redeem_instructions": ("redeem_instructions", "兑换说明"), "barcode": ("barcode", "条码"),
    "external_ref": ("external_ref", "外部编码"),
    "confirm_days": ("confirm_days", "确认收货天数"), "worked_by": ("worked_by", "处理方"),
    "parts": ("parts", "组成内容"), "discount_percent_e4": ("discount", "组合折扣"),
    "pickable": ("pickable", "可自选"), "pick_fee_e4": ("pick_fee", "自选加价"),
}  # fmt: skip
"""What callers call a field, and what it is called in Chinese."""


def check_sku(sku: Sku) -> None:
    """``BadSku`` with the first field that is wrong; ``BundleWithoutParts`` for a bundle on sale."""
    _check_prices(sku)
    _check_quantities(sku)
    _check_words(sku)
    form_named(sku.form)
    if sku.kind == "parcel" and not asks_for_address(sku.form):
        raise wrong("form", "a parcel asks for an `address`", "实物商品须收集收货地址（address）")
    if sku.worked_by and sku.kind != "manual":
        raise wrong("worked_by", "only of a `manual` SKU", "仅人工处理（manual）商品可以指定")
    if sku.kind == "bundle" and sku.state == "on_sale" and not sku.parts:
        raise BundleWithoutParts(field="state")
    if sku.pickable and not sku.from_stock:
        raise wrong("pickable", "only what comes from stock can be chosen", "只有库存卡密类商品可以自选")
    if sku.parts:
        _check_parts(sku)


def _check_parts(sku: Sku) -> None:
    if len(sku.parts) > PARTS_MAX:
        raise wrong("parts", f"at most {PARTS_MAX}", f"最多 {PARTS_MAX} 项")
    for part in sku.parts:
        if part.quantity * sku.quantity_max > QUANTITY_MAX:
            most = QUANTITY_MAX // sku.quantity_max
            raise wrong(
                "parts", f"at most {most} of each, or a lower `quantity_max`", f"每项最多 {most} 件，或调低最大数量"
            )
    if min(part.share_e4 for part in sku.parts) < 0 or sum(part.share_e4 for part in sku.parts) != SHARES_E4:
        raise wrong("parts", "the shares of all together make 100 %", "各项份额合计应为 100%")
    if sku.discount_percent_e4 is not None and not 0 <= sku.discount_percent_e4 < 100 * SHARES_E4:
        raise wrong("discount_percent_e4", "0 to below 100 %", "应为 0 至不足 100%")


def _check_prices(sku: Sku) -> None:
    least = {"list_price_e4": 1, "cost_e4": 0, "face_value_e4": 0, "floor_e4": 0, "ceiling_e4": 1, "pick_fee_e4": 0}
    for name, least_e4 in least.items():
        amount_e4 = getattr(sku, name)
        if amount_e4 is not None and not least_e4 <= amount_e4 <= AMOUNT_E4_MAX:
            low, high = money.format_e4(least_e4), money.format_e4(AMOUNT_E4_MAX)
            raise wrong(name, f"{low} to {high}", f"应为 {low} 至 {high}")
    if sku.floor_e4 is not None and sku.ceiling_e4 is not None and sku.ceiling_e4 < sku.floor_e4:
        floor = money.format_e4(sku.floor_e4)
        raise wrong("ceiling_e4", f"not below the floor, {floor}", f"不得低于最低限价 {floor}")


def _check_quantities(sku: Sku) -> None:
    if not 1 <= sku.quantity_min <= QUANTITY_MAX:
        raise wrong("quantity_min", f"1 to {QUANTITY_MAX}", f"应为 1 至 {QUANTITY_MAX}")
    if not sku.quantity_min <= sku.quantity_max <= QUANTITY_MAX:
        low = sku.quantity_min
        raise wrong("quantity_max", f"{low} (the least) to {QUANTITY_MAX}", f"应为 {low}（最小数量）至 {QUANTITY_MAX}")
    if not 1 <= sku.quantity_step <= QUANTITY_MAX:
        raise wrong("quantity_step", f"1 to {QUANTITY_MAX}", f"应为 1 至 {QUANTITY_MAX}")


def _check_words(sku: Sku) -> None:
    for name, choice in (("kind", KINDS), ("state", STATES)):
        if getattr(sku, name) not in choice:
            raise wrong(name, f"one of {', '.join(choice)}", f"应为 {', '.join(choice)} 之一")
    lengths = (
        ("region", TEXT_CHARS_MAX), ("note", TEXT_CHARS_MAX), ("redeem_instructions", INSTRUCTIONS_CHARS_MAX),
        ("external_ref", EXTERNAL_REF_CHARS_MAX),
    )  # fmt: skip
    for name, chars_max in lengths:
        text = getattr(sku, name)
        if len(text) > chars_max or not text.isprintable():
            raise wrong(name, f"at most {chars_max} printable characters", f"最多 {chars_max} 个可见字符")
    minutes = sku.delivery_promise_minutes
    if minutes is not None and not 0 <= minutes <= PROMISE_MINUTES_MAX:
        raise wrong("delivery_promise_minutes", f"0 to {PROMISE_MINUTES_MAX}", f"应为 0 至 {PROMISE_MINUTES_MAX}")
    if sku.confirm_days is not None and not 0 <= sku.confirm_days <= CONFIRM_DAYS_MAX:
        raise wrong("confirm_days", f"0 to {CONFIRM_DAYS_MAX}", f"应为 0 至 {CONFIRM_DAYS_MAX}")
    if sku.barcode and not barcode_is_right(sku.barcode):
        en = "an EAN, UPC or GTIN with its check digit: 8, 12, 13 or 14 digits"
        raise wrong("barcode", en, "应为含校验位的 EAN、UPC 或 GTIN：8、12、13 或 14 位数字")


def barcode_is_right(text: str) -> bool:
    """EAN-8, UPC-A, EAN-13 or GTIN-14: the digits from the right weigh 1 and 3 in turn, and sum to full tens."""
    if not (text.isascii() and text.isdecimal() and len(text) in BARCODE_DIGITS):
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(text))) % 10 == 0


def wrong(name: str, en: str, zh: str) -> BadSku:
    """The refusal of one field, which it names in both languages."""
    field, label = LABELS[name]
    return BadSku(f"{field}: {en}", field=field, detail_zh=f"{label}：{zh}")
