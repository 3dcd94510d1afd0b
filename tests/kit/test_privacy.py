"""Masks and marks: what is left of a value in lists, and what finds it."""

from __future__ import annotations

import pytest

from kameng.kit import crypto, privacy
from kameng.kit.privacy import DataClass

RING = crypto.KeyRing(crypto.KeyMaterial(1, {1: b"k" * 32}, b"h" * 32))
OTHER = crypto.KeyRing(crypto.KeyMaterial(1, {1: b"k" * 32}, b"i" * 32))


@pytest.mark.parametrize(
    ("data_class", "value", "shown"),
    [
        ("phone", "13800138000", "138****8000"),
        ("phone", "138001", "******"),
        ("identity_number", "440308199001011234", "4403**********1234"),
        ("identity_number", "44030819", "******"),
        ("email", "wang.fang@example.com", "w***@example.com"),
        ("email", "@example.com", "******"),
        ("account", "10001", "1***1"),
        ("account", "123", "******"),
        ("account", "1000111100000000001", "1000***********0001"),
        ("name", "王小明", "王**"),
        ("address", "文三路 90 号", "******"),
        ("password", "p", "******"),
        ("password", "a-long-password-indeed", "******"),
        ("other", "13800138000", "******"),
        ("public", "广东", "广东"),
    ],
)
def test_masks(data_class: DataClass, value: str, shown: str) -> None:
    assert privacy.mask(data_class, value) == shown


def test_every_class_has_a_mask() -> None:
    shown = {name: privacy.mask(name, "x" * 20).count("x") for name in privacy.DATA_CLASSES}
    assert shown == {
        "public": 20, "phone": 0, "identity_number": 8, "email": 0, "account": 8, "address": 0, "name": 1,
        "password": 0, "other": 0,
    }  # fmt: skip


def test_a_mark_is_of_its_class_and_its_ring() -> None:
    mark = privacy.mark(RING, "phone", "13800138000")
    assert len(mark) == 16
    assert mark == privacy.mark(RING, "phone", "13800138000")
    assert mark != privacy.mark(RING, "account", "13800138000")
    assert mark != privacy.mark(OTHER, "phone", "13800138000")


def test_letters_of_accounts_and_addresses_may_be_large_or_small() -> None:
    for name in ("account", "email"):
        assert privacy.mark(RING, name, "Fang@QQ.com") == privacy.mark(RING, name, "fang@qq.com")
    assert privacy.mark(RING, "identity_number", "X") != privacy.mark(RING, "identity_number", "x")
