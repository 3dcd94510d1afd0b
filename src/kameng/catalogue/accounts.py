"""What an order's account says of a person: the marks it is found by, how it is shown, what of it must go. Pure.

An account is what a form asked for, cleaned: names of fields and their values. A field that no form has any more is
still private, and nothing of it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kameng.catalogue.forms import CLEANERS, FIELDS, desk_class_of
from kameng.kit import privacy
from kameng.kit.crypto import KeyRing
from kameng.kit.privacy import DataClass


def data_class_of(field: str) -> DataClass:
    """The class of a field of any form."""
    found = FIELDS.get(field)
    return found.data_class if found is not None else desk_class_of(field) or "other"


def marks_of(ring: KeyRing, account: Mapping[str, str]) -> tuple[bytes, ...]:
    """The marks that an order with this account is found by."""
    marks = []
    for field, value in account.items():
        kind = data_class_of(field)
        if kind in privacy.SEARCHABLE:
            marks.append(privacy.mark(ring, kind, value))
    return tuple(marks) if len(marks) < 2 else tuple(set(marks))


def marks_of_text(ring: KeyRing, text: str, classes: Iterable[DataClass] = privacy.SEARCHABLE) -> list[bytes]:
    """The marks of everything a number or name may be, typed as people type: the forms would have cleaned it."""
    wanted = [kind for kind in classes if kind in privacy.SEARCHABLE]
    return sorted({privacy.mark(ring, kind, value) for kind in wanted for value in spellings(kind, text)})


def spellings(data_class: DataClass, text: str) -> list[str]:
    """What forms make of a text that somebody typed as this class."""
    ways = {field.cleaning for field in FIELDS.values() if field.data_class == data_class}
    return sorted({cleaned for way in ways if (cleaned := CLEANERS[way](text))})


def masked(account: Mapping[str, str]) -> dict[str, str]:
    """The account as lists and answers show it."""
    return {field: privacy.mask(data_class_of(field), value) for field, value in account.items()}


def without_passwords(account: Mapping[str, str]) -> dict[str, str]:
    """The account without what must not outlive its order."""
    return {field: value for field, value in account.items() if data_class_of(field) != "password"}


def has_password(account: Mapping[str, str]) -> bool:
    return "password" in map(data_class_of, account)
