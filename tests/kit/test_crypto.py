"""Sealing: opens for its own row only, survives rotation, fails closed; the key file's care for itself."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.kit import crypto
from kameng.kit.crypto import KeyFile, KeyMaterial, KeyRing, Unsealable
from kameng.kit.errors import Fault

MATERIAL = KeyMaterial(current=1, keys={1: b"1" * 32}, hash_key=b"h" * 32)
RING = KeyRing(MATERIAL)
ROTATED = KeyRing(KeyMaterial(current=2, keys={1: b"1" * 32, 2: b"2" * 32}, hash_key=b"h" * 32))
ROWS = st.integers(0, (1 << 63) - 1)


@given(st.binary(max_size=200), ROWS)
def test_a_sealed_value_opens_for_its_row(plain: bytes, row_id: int) -> None:
    assert RING.open(b"card", row_id, RING.seal(b"card", row_id, plain)) == plain


def test_the_shape_of_a_sealed_value() -> None:
    sealed = ROTATED.seal(b"card", 7, b"secret")
    assert sealed[:3] == b"\x01\x00\x02"
    assert len(sealed) == 3 + 12 + len(b"secret") + 16
    assert b"secret" not in sealed
    assert crypto.key_number_of(sealed) == 2
    assert sealed != ROTATED.seal(b"card", 7, b"secret")


def test_it_opens_for_nothing_else() -> None:
    sealed = RING.seal(b"card", 7, b"secret")
    with pytest.raises(Unsealable, match=r"card 8: the sealed value is not this row's, or is damaged"):
        RING.open(b"card", 8, sealed)
    with pytest.raises(Unsealable, match="phone 7: the sealed value is not this row's"):
        RING.open(b"phone", 7, sealed)
    with pytest.raises(Unsealable, match="card 7: sealed with a key this ring does not hold"):
        RING.open(b"card", 7, ROTATED.seal(b"card", 7, b"secret"))
    other = KeyRing(KeyMaterial(current=1, keys={1: b"x" * 32}, hash_key=b"h" * 32))
    with pytest.raises(Unsealable, match="is damaged"):
        other.open(b"card", 7, sealed)


@given(st.data())
def test_any_damage_is_noticed(data: st.DataObject) -> None:
    sealed = RING.seal(b"card", 7, b"secret")
    place = data.draw(st.integers(0, len(sealed) - 1))
    flip = data.draw(st.integers(1, 255))
    with pytest.raises(Unsealable):
        RING.open(b"card", 7, sealed[:place] + bytes([sealed[place] ^ flip]) + sealed[place + 1 :])
    with pytest.raises(Unsealable):
        RING.open(b"card", 7, sealed[:place])


def test_what_the_old_key_sealed_opens_after_rotation() -> None:
    assert ROTATED.open(b"card", 7, RING.seal(b"card", 7, b"secret")) == b"secret"


def test_fingerprints_are_equal_for_equal_values_of_one_kind_and_key() -> None:
    assert RING.fingerprint(b"card", b"secret") == ROTATED.fingerprint(b"card", b"secret")
    assert len(RING.fingerprint(b"card", b"secret")) == 16
    others = [
        RING.fingerprint(b"card", b"secret2"),
        RING.fingerprint(b"phone", b"secret"),
        RING.fingerprint(b"cards", b"ecret"),
        KeyRing(msgspec.structs.replace(MATERIAL, hash_key=b"g" * 32)).fingerprint(b"card", b"secret"),
    ]
    assert len({RING.fingerprint(b"card", b"secret"), *others}) == 5


def test_short_keys_are_refused() -> None:
    for material in (
        KeyMaterial(current=1, keys={1: b"1" * 16}, hash_key=b"h" * 32),
        KeyMaterial(current=1, keys={1: b"1" * 32}, hash_key=b""),
    ):
        with pytest.raises(Fault, match="not 32 bytes long"):
            KeyRing(material)


def test_the_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys" / "ring.json")
    with pytest.raises(Fault, match=r"No key ring at .*ring\.json: run `kameng init`"):
        file.load()
    made = file.create()
    assert (made.current, list(made.keys), len(made.keys[1]), len(made.hash_key)) == (1, [1], 32, 32)
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o777 == 0o700
    assert file.create() == made == file.load()
    assert [entry.name for entry in file.path.parent.iterdir()] == ["ring.json"]


def test_a_key_file_others_can_read_is_refused(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "ring.json")
    file.create()
    file.path.chmod(0o640)
    with pytest.raises(Fault, match="can be read by others: run `chmod 600 "):
        file.load()
    with pytest.raises(Fault, match="can be read by others"):
        file.create()


def test_rotation_adds_a_key_and_keeps_the_rest(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "ring.json")
    before = file.create()
    after = file.rotate()
    assert (after.current, list(after.keys)) == (2, [1, 2])
    assert after.keys[1] == before.keys[1]
    assert after.hash_key == before.hash_key
    assert file.load() == after
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["ring.json"]


def test_secret_texts_carry_256_bits() -> None:
    text = crypto.secret_text("ks_")
    assert len(base64.urlsafe_b64decode(text.removeprefix("ks_") + "=")) == 32
    assert text != crypto.secret_text("ks_")
