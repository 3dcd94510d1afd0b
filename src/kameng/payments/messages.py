"""What providers sent, as it is kept: byte for byte, but for what tells of a person or opens something.

Masked before it is kept: there is nothing to be sealed, and nothing that a look could show. Fields are known by their
names, whatever a provider nests them in; what looks like a card, a phone, an identity number or an address is masked
wherever it stands.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from kameng.channels import Incoming
from kameng.kit import clock, lanes, privacy
from kameng.kit.db import Database
from kameng.kit.privacy import DataClass
from kameng.payments import store

VALUE_CHARS_MAX = 160
"""Ciphertexts, signatures and certificates are told by their beginning and how long they are."""
BODY_CHARS_MAX = 20_000
DEPTH_MAX = 12
PURGED_AT_ONCE = 2000

_CLASSES: dict[str, DataClass] = {
    **dict.fromkeys(
        ("openid", "sub_openid", "buyer_id", "buyer_user_id", "buyer_open_id", "open_id", "user_id", "payer_id",
         "payerid", "accno", "acc_no", "account_id", "account_number", "buyer", "payer", "from", "from_address",
         "customer", "iban", "qrno", "auth_code"), "account"),
    **dict.fromkeys(("phone", "mobile", "tel", "phone_number", "national_number", "phoneno", "buyer_phone"), "phone"),
    **dict.fromkeys(
        ("buyer_logon_id", "email", "email_address", "buyer_email", "payer_email", "receipt_email"), "email"),
    **dict.fromkeys(
        ("name", "given_name", "surname", "full_name", "buyer_name", "payer_name", "customername", "customernm",
         "holder_name"), "name"),
    **dict.fromkeys(("certifid", "certificate_no", "id_card", "idcard", "identity"), "identity_number"),
    **dict.fromkeys(
        ("address", "address_line_1", "address_line_2", "line1", "line2", "postal_code", "shipping_address", "city"),
        "address"),
    **dict.fromkeys(
        ("key", "secret", "token", "password", "passwd", "pin", "cvn2", "cvc", "cvv", "authorization", "cookie",
         "proxy-authorization", "set-cookie", "client_secret", "expired", "expiry"), "password"),
}  # fmt: skip
_NUMBERS = re.compile(
    r"(^|_)(trade|transaction|order|refund|payment|notify|mch|merchant|app|seller|query|serial|batch|provider|out|id|event)"
)
"""Names of numbers that are ours or the provider's: shown whole."""
_NUMBERED = (
    (re.compile(r"(?<![A-Za-z0-9_.])(\d{6})\d{8}(\d{3}[\dXx])(?![A-Za-z0-9_.])"), r"\1********\2"),  # identity numbers
    (re.compile(r"(?<![A-Za-z0-9_.])(\d{6})\d{3,9}(\d{4})(?![A-Za-z0-9_.])"), r"\1******\2"),  # cards
    (re.compile(r"(?<![A-Za-z0-9_])(1[3-9]\d)\d{4}(\d{4})(?![A-Za-z0-9_])"), r"\1****\2"),  # phones of China
)
_ADDRESSED = re.compile(r"(?<![\w.+-])([\w.+-])[\w.+-]*@(\w[\w.-]+)"), r"\1***@\2"
_MANY_DIGITS = re.compile(r"\d\d{10}")
"""Each of those numbers has eleven digits in a row at least: one look tells that a ciphertext has none, and is most of
what masking a notice costs. The first digit stands alone so that the look skips from digit to digit."""
NUMBER_CHARS_MAX = 20
"""The longest of them, and one more that tells that it ends."""
_NAME_CHARS_KEPT = 40


def message_of(incoming: Incoming) -> str:
    """A request as it is kept, in JSON."""
    told = {
        "method": incoming.method, "query": _fields(incoming.query),
        "headers": {name: masked(value, name) for name, value in sorted(incoming.headers.items())},
        "body": _body(incoming.body),
    }  # fmt: skip
    return msgspec.json.encode(told).decode()


def masked(value: Any, name: str = "", depth: int = 0) -> Any:
    """A value of a field, with all that is inside it."""
    if depth > DEPTH_MAX:
        return privacy.HIDDEN
    if isinstance(value, str):
        return _masked_text(value, name, depth)
    if isinstance(value, dict):
        return {key: masked(one, str(key), depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [masked(one, name, depth + 1) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    text = str(value)
    shown = _masked_text(text, name, depth)
    return value if shown == text else shown


def _masked_text(text: str, name: str, depth: int) -> Any:
    known, is_number = _kind_of(name) if len(name) <= _NAME_CHARS_KEPT else _look_up(name)
    if known is not None and text:
        return privacy.mask(known, text)
    if text.startswith(("{", "[")):
        inside = _decoded(text.encode())
        if inside is not None:
            return masked(inside, name, depth + 1)
    if len(text) <= VALUE_CHARS_MAX:
        return text if is_number else _without_people(text)
    # A number that begins among what is shown ends soon after it; an address, nobody knows where.
    seen = text if "@" in text else text[: VALUE_CHARS_MAX + NUMBER_CHARS_MAX]
    shown = seen if is_number else _without_people(seen)
    if shown != seen:
        shown = _without_people(text)  # what was masked is shorter, so more of the rest is shown
    return f"{shown[:VALUE_CHARS_MAX]}… ({len(text)})"


def _look_up(name: str) -> tuple[DataClass | None, bool]:
    """What a field of that name tells of a person, and whether it is a number of ours or the provider's."""
    name = name.lower()
    return _CLASSES.get(name), _NUMBERS.search(name) is not None


_kind_of = lru_cache(maxsize=1_000)(_look_up)
"""Providers' names are few; those that somebody made up push nothing out for long."""


def _without_people(text: str) -> str:
    if _MANY_DIGITS.search(text):
        for pattern, instead in _NUMBERED:
            text = pattern.sub(instead, text)
    return _ADDRESSED[0].sub(_ADDRESSED[1], text) if "@" in text else text


def _fields(text: str) -> Any:
    """A form's fields, in their order."""
    return {name: masked(value, name) for name, value in parse_qsl(text, keep_blank_values=True)}


def _body(body: bytes) -> Any:
    if not body:
        return None
    found = _decoded(body)
    if found is not None:
        return masked(found)
    text = body.decode("utf-8", "replace")
    if re.match(r"[\w.\[\]%-]+=", text):
        return _fields(text)
    # Neither JSON nor a form: nobody knows its fields.
    return _without_people(re.sub(r">([^<]{2,})</", ">******</", text))[:BODY_CHARS_MAX]


def _decoded(text: bytes) -> Any | None:
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict | list) else None


async def purge_messages(db: Database, lane: int, *, kept_days: int) -> int:
    """Remove what old notices were; what they proved and did stays. Returns how many."""
    before, done = clock.now() - timedelta(days=kept_days), 0
    while True:
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            count = await store.purge_messages(connection, lane, before, limit=PURGED_AT_ONCE)
        done += count
        if count < PURGED_AT_ONCE:
            return done
