"""Account forms: what a buyer has to tell us, and whether what he told us can be right.

A form's name lists its fields: ``qq+zone`` asks for a QQ number and a game zone, ``address`` for all that a parcel
needs. Checking is by pattern and length only; whether the account exists is known to the supplier alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import msgspec

from kameng.catalogue.errors import UnknownForm
from kameng.kit.privacy import DataClass

Widget = Literal["text", "password", "number", "select", "cascader", "image"]
Cleaning = Literal["text", "phone", "code", "identity", "province"]
Problem = Literal["required", "unknown_field", "too_short", "too_long", "bad_format"]


class Field(msgspec.Struct, frozen=True):
    """One thing to fill in. ``options`` help whoever fills in; the pattern decides."""

    name: str
    label: str
    label_en: str
    widget: Widget
    pattern: str
    min_length: int
    max_length: int
    required: bool = True
    data_class: DataClass = "public"
    cleaning: Cleaning = "text"
    options: tuple[str, ...] = ()

    @property
    def private(self) -> bool:
        return self.data_class != "public"


class Form(msgspec.Struct, frozen=True):
    name: str
    fields: tuple[Field, ...]


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field; never repeats what was filled in."""

    field: str
    code: Problem
    message: str
    message_zh: str


@functools.cache
def form_named(name: str) -> Form:
    """The form that a catalogue names; ``""`` asks for nothing. UnknownForm if a part of it is not known."""
    if not name:
        return Form("", ())
    parts = [field for part in name.split("+") for field in GROUPS.get(part, (part,))]
    unknown = [part for part in parts if part not in FIELDS]
    if unknown or len(set(parts)) < len(parts):
        detail = f"no account form is named {name[:80]!r}"
        raise UnknownForm(detail, field="form", detail_zh=f"没有名为“{name[:80]}”的下单表单。")
    return Form(name, tuple(FIELDS[part] for part in parts))


def form_fields() -> dict[str, Field]:
    """Every field of any form, by its name."""
    return FIELDS


def joined(names: Iterable[str]) -> str:
    """The name of the form that asks for all that these forms ask for, each field once."""
    parts = dict.fromkeys(part for name in names if name for part in name.split("+"))
    within = {field for part in parts for field in GROUPS.get(part, ())}
    return "+".join(part for part in parts if part not in within)


def answers_of(name: str, account: Mapping[str, str]) -> dict[str, str]:
    """What of a filled-in form the form of this name asks for: a part's own of its bundle's."""
    return {field.name: account[field.name] for field in form_named(name).fields if field.name in account}


def asks_for_address(name: str) -> bool:
    """Whether the form of this name holds what a parcel needs."""
    return ADDRESS in name.split("+")


def check(form: Form, account: Mapping[str, str]) -> tuple[dict[str, str], list[FieldError]]:
    """The account as it will be sent to the supplier, and everything that is wrong with it, at once.

    Fields with an error are left out of the account. Fields that the form does not have are refused: a
    misspelt name must not become an order without an account.
    """
    clean: dict[str, str] = {}
    errors: list[FieldError] = []
    unknown_count = len(account)
    for field in form.fields:
        raw = account.get(field.name)
        if raw is None:
            raw = ""
        else:
            unknown_count -= 1
            if field.min_length <= len(raw) <= field.max_length and matcher(field.pattern)(raw):
                clean[field.name] = raw  # as most accounts come: nothing to clean
                continue
        text = CLEANERS[field.cleaning](raw)
        error = _error(field, text)
        if error is not None:
            errors.append(error)
        elif text:
            clean[field.name] = text
    if unknown_count:
        known = {field.name for field in form.fields}
        errors += [_unknown(name) for name in account if name not in known]
    return clean, errors


def json_schema(form: Form) -> dict[str, Any]:
    """The form as JSON Schema 2020-12, with ``x-`` keywords for what a page needs to draw it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {field.name: _property(field) for field in form.fields},
        "required": [field.name for field in form.fields if field.required],
        "additionalProperties": False,
    }


def _property(field: Field) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": "string",
        "title": field.label,
        "pattern": f"^(?:{field.pattern})$",
        "minLength": field.min_length,
        "maxLength": field.max_length,
        "x-title-en": field.label_en,
        "x-widget": field.widget,
        "x-private": field.private,
    }
    if field.options:
        described["x-options"] = list(field.options)
    return described


@functools.cache
def matcher(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).fullmatch


def _error(field: Field, text: str) -> FieldError | None:
    name, label, length = field.name, field.label, len(text)
    if not text:
        if not field.required:
            return None
        return FieldError(name, "required", f"{field.label_en} is missing.", f"请填写{label}。")
    low, high = field.min_length, field.max_length
    if not low <= length <= high:
        code: Problem = "too_short" if length < low else "too_long"
        needed = str(low) if low == high else f"{low}–{high}"
        en = f"{field.label_en}: {length} characters given, {needed} needed."
        return FieldError(name, code, en, f"{label}有{length}位，应为{needed}位。")
    if not matcher(field.pattern)(text):
        en = f"{field.label_en} does not look right; please check it."
        return FieldError(name, "bad_format", en, f"{label}格式不正确，请核对。")
    return None


def _unknown(name: str) -> FieldError:
    shown = name[:40]
    zh = f"下单表单没有“{shown}”这一项。"
    return FieldError(shown, "unknown_field", f"The form has no field {shown!r}.", zh)


# Cleaning: what people add without meaning it.

_FULL_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: 0x20}
_INVISIBLE = dict.fromkeys([0x00AD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF])
"""Soft hyphen, zero-width characters, direction marks (iPhone contacts paste them) and BOM."""
_GAPS = re.compile(r"[\s\-‐-―−]+")


def _clean_text(raw: str) -> str:
    return raw.translate(_INVISIBLE).strip()


def _clean_code(raw: str) -> str:
    """Account numbers: typed with an input method, in groups."""
    return _GAPS.sub("", raw.translate(_INVISIBLE).translate(_FULL_WIDTH))


def _clean_phone(raw: str) -> str:
    digits = _clean_code(raw).replace("(", "").replace(")", "").removeprefix("+")
    for prefix in ("0086", "86"):
        # Only if what remains is a whole number: 86... may be the beginning of something else.
        if digits.startswith(prefix) and len(digits) == len(prefix) + 11:
            return digits.removeprefix(prefix)
    return digits


def _clean_identity(raw: str) -> str:
    """Its last place may be an X, which many type small."""
    return _clean_code(raw).upper()


def _clean_province(raw: str) -> str:
    """``广东省`` → ``广东``, ``广西壮族自治区`` → ``广西``."""
    text = _clean_text(raw)
    for name in PROVINCES:
        if text.startswith(name) and text.removeprefix(name) in _SUFFIXES:
            return name
    return text


_SUFFIXES = frozenset(("", "省", "市", "自治区", "壮族自治区", "回族自治区", "维吾尔自治区"))
PROVINCES = (
    "北京", "天津", "上海", "重庆", "河北", "山西", "内蒙古", "辽宁", "吉林", "黑龙江", "江苏",
    "浙江", "安徽", "福建", "江西", "山东", "河南", "湖北", "湖南", "广东", "广西", "海南",
    "四川", "贵州", "云南", "西藏", "陕西", "甘肃", "青海", "宁夏", "新疆",
)  # fmt: skip
"""Where the mainland's power grids and operators are; Hong Kong, Macau and Taiwan have none of them."""

CLEANERS: dict[Cleaning, Callable[[str], str]] = {
    "text": _clean_text,
    "code": _clean_code,
    "phone": _clean_phone,
    "identity": _clean_identity,
    "province": _clean_province,
}

_INK = r"[^\s\x00-\x1f\x7f<>\xad\u200b-\u200f\u202a-\u202e\u2060\ufeff]"
_WORDS = rf"{_INK}+(?: {_INK}+)*"
"""Anything that is seen, with single spaces inside."""
_PHONE = r"1[3-9][0-9]{9}"
_QQ = r"[1-9][0-9]{4,10}"
_IDENTITY = r"[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]"
_EMAIL = r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
_WECHAT = r"[A-Za-z][A-Za-z0-9_-]{5,19}"

FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("phone", "手机号", "Phone number", "number", _PHONE, 11, 11, data_class="phone", cleaning="phone"),
        Field("qq", "QQ号", "QQ number", "number", _QQ, 5, 11, data_class="account", cleaning="code"),
        Field("qq_or_wechat", "QQ号或微信号", "QQ number or WeChat id", "text", f"{_QQ}|{_WECHAT}", 5, 20,
              data_class="account"),
        Field("zone", "区服", "Game zone", "text", _WORDS, 1, 40),
        Field("uid", "UID", "UID", "number", r"[1-9][0-9]{5,19}", 6, 20, data_class="account", cleaning="code"),
        Field("server", "服务器", "Server", "select", _WORDS, 1, 40, options=("官服", "B服")),
        Field("fuel_card", "加油卡号", "Fuel card number", "number", r"[0-9]{16}|[0-9]{19}", 16, 19,
              data_class="account", cleaning="code"),
        Field("electricity_account", "用电户号", "Electricity account", "number", r"[0-9]{8,16}", 8, 16,
              data_class="account", cleaning="code"),
        Field("province", "省份", "Province", "select", "|".join(PROVINCES), 2, 3, cleaning="province",
              options=PROVINCES),
        Field("city", "城市", "City", "cascader", r"[\u4e00-\u9fff]{2,15}", 2, 15),
        Field("recipient", "收件人", "Recipient", "text", _WORDS, 2, 40, data_class="name"),
        Field("district", "区县", "District", "cascader", r"[\u4e00-\u9fff]{2,15}", 2, 15),
        Field("street", "详细地址", "Street and number", "text", _WORDS, 4, 100, data_class="address"),
        Field("learner_name", "学员姓名", "Learner's name", "text", _WORDS, 2, 40, data_class="name"),
        Field("real_name", "真实姓名", "Real name", "text", _WORDS, 2, 40, data_class="name"),
        Field("identity_number", "身份证号", "Identity number", "text", _IDENTITY, 18, 18,
              data_class="identity_number", cleaning="identity"),
        Field("email", "电子邮箱", "E-mail", "text", _EMAIL, 6, 254, data_class="email"),
        Field("game_account", "游戏账号", "Game account", "text", rf"{_INK}{{4,64}}", 4, 64, data_class="account"),
        Field("game_password", "游戏密码", "Game password", "password", rf"{_INK}{{4,64}}", 4, 64,
              data_class="password"),
    )
}  # fmt: skip
"""Every field that a form's name may list."""

ADDRESS = "address"
GROUPS: dict[str, tuple[str, ...]] = {ADDRESS: ("recipient", "phone", "province", "city", "district", "street")}
"""Names for several fields that are asked for together."""

WORDS_PATTERN = _WORDS
DESK_CLASSES: tuple[DataClass, ...] = ("public", "phone", "email", "account", "name", "address", "password")
"""What fields made at the desk may hold; their names say which: ``x_account_game_id``."""
DESK_FORM = "form_"
"""What names of forms made at the desk begin with."""


def learn(fields: Iterable[Field], groups: Mapping[str, tuple[str, ...]]) -> None:
    """From now on this process knows these fields and forms, made at the desk. What it knows never changes."""
    FIELDS.update({field.name: field for field in fields})
    GROUPS.update(groups)
    form_named.cache_clear()


def unknown_of(names: Iterable[str]) -> set[str]:
    """The forms made at the desk, among those that these name, that this process does not know yet."""
    parts = {part for name in names if DESK_FORM in name for part in name.split("+")}
    return {part for part in parts if part.startswith(DESK_FORM) and part not in GROUPS}


def desk_class_of(field: str) -> DataClass | None:
    """The class that the name of a field made at the desk tells."""
    kind = field.split("_")[1] if field.startswith("x_") and field.count("_") > 1 else ""
    return next((known for known in DESK_CLASSES if known == kind), None)
