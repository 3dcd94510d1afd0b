"""Whom a listing names: of an account to be topped up only its keyed hash, made as orders make theirs."""

from __future__ import annotations

import re

import msgspec

from kameng import catalogue
from kameng.kit import crypto
from kameng.risk.errors import BadRiskSettings
from kameng.risk.setting import target_hash

_HASH = re.compile("[0-9a-fA-F]{32}")
TYPED_CHARS_MIN = 5


def whom(ring: crypto.KeyRing, entity: str, text: str, *, form: str | None, reason: str) -> str:
    """What is listed. A hash passes as it is; ``form`` says what account the text is, else a phone number."""
    if entity != "target" or (form is None and _HASH.fullmatch(text)):
        return text
    fields = catalogue.form_named(form or "phone")
    names = [field.name for field in fields.fields]
    pairs = dict(part.partition("=")[::2] for part in text.split(",")) if len(names) > 1 else {names[0]: text}
    account, faults = catalogue.check_account(fields, pairs)
    if faults:  # they name what is wrong, never what was typed
        raise BadRiskSettings(
            "value: " + "; ".join(fault.message for fault in faults), field="value",
            detail_zh="取值：" + "；".join(fault.message_zh for fault in faults),
        )  # fmt: skip
    if any(len(typed) >= TYPED_CHARS_MIN and typed in reason for typed in (text, *account.values())):
        raise BadRiskSettings(
            "reason: without the number itself, which is never kept in clear", field="reason",
            detail_zh="原因：请勿写出账号本身，账号不以明文保存",
        )  # fmt: skip
    target = catalogue.without_passwords(account)  # as orders hash theirs
    return target_hash(ring, msgspec.json.encode(target, order="sorted")).hex()
