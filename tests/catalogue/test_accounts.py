"""Accounts: how they are shown, what they are found by, what must not outlive its order."""

from __future__ import annotations

import pytest

from kameng import catalogue
from kameng.catalogue.forms import FIELDS
from kameng.kit import crypto

RING = crypto.KeyRing(crypto.KeyMaterial(1, {1: b"k" * 32}, b"h" * 32))
ACCOUNT = {
    "phone": "13800138000", "game_account": "Fang-2026", "game_password": "s3cret!", "identity_number":
    "44030819900101123X", "real_name": "王芳", "street": "文三路 90 号", "province": "浙江", "fax": "057112345678",
}  # fmt: skip


def test_an_account_is_shown_masked_and_its_password_not_at_all() -> None:
    assert catalogue.masked(ACCOUNT) == {
        "phone": "138****8000", "game_account": "Fa*****26", "game_password": "******", "identity_number":
        "4403**********123X", "real_name": "王**", "street": "******", "province": "浙江", "fax": "******",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("13800138000", True),
        ("+86 138-0013-8000", True),
        ("fang-2026", True),
        (" Fang-2026 ", True),
        ("440308 19900101 123x", True),
        ("王芳", False),
        ("s3cret!", False),
        ("文三路 90 号", False),
        ("浙江", False),
        ("1380013800", False),
        ("", False),
    ],
)
def test_what_an_account_is_found_by(text: str, is_found: bool) -> None:
    marks = catalogue.marks_of(RING, ACCOUNT)
    assert len(marks) == 3
    assert bool(set(marks) & set(catalogue.marks_of_text(RING, text))) is is_found


def test_one_class_is_searched_where_one_is_named() -> None:
    marks = set(catalogue.marks_of(RING, ACCOUNT))
    assert marks & set(catalogue.marks_of_text(RING, "13800138000", ["phone"]))
    assert not marks & set(catalogue.marks_of_text(RING, "13800138000", ["account", "identity_number"]))
    assert catalogue.marks_of_text(RING, "s3cret!", ["password"]) == []


def test_an_account_without_its_password() -> None:
    assert catalogue.has_password(ACCOUNT)
    left = catalogue.without_passwords(ACCOUNT)
    assert {**left, "game_password": "s3cret!"} == ACCOUNT
    assert not catalogue.has_password(left)


def test_every_field_has_its_class() -> None:
    assert {name for name, field in FIELDS.items() if field.data_class == "password"} == {"game_password"}
    assert {name: field.data_class for name, field in FIELDS.items() if field.widget == "password"} == {
        "game_password": "password"
    }
    assert catalogue.data_class_of("fax") == "other"
