"""Sealing: AES-256-GCM under a key ring with rotation, and keyed hashes to find what is sealed.

A sealed value is ``version(1) | key number(2) | nonce(12) | ciphertext and tag``. The associated data names what
the value is and the row it belongs to, so a ciphertext moved to another row no longer opens. Everything fails
closed: there is no clear-text fall-back anywhere.

The nonce is random: NIST SP 800-38D allows 2**32 values under one key, rotate long before that.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kameng.kit.errors import Fault

VERSION = b"\x01"
_HEAD_BYTES = 3
_NONCE_BYTES = 12
_TAG_BYTES = 16


class Unsealable(Fault):
    """A sealed value does not open: wrong row, wrong key ring, or damaged."""


class KeyMissing(Unsealable):
    """A value is sealed with a key that this ring does not hold: the ring is old, the value is good."""


class KeyMaterial(msgspec.Struct, frozen=True):
    """What a key source hands out: numbered 32-byte keys, which one seals, and the key of the hashes."""

    current: int
    keys: dict[int, bytes]
    hash_key: bytes


class KeySource(Protocol):
    """Where keys come from: a file by default; a KMS implements the same one method."""

    def load(self) -> KeyMaterial: ...


class KeyFile:
    """A JSON file of mode 0600: ``{"current": 1, "keys": {"1": base64}, "hash_key": base64}``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> KeyMaterial:
        if not self.path.exists():
            raise Fault(f"No key ring at {self.path}: run `kameng init`, or restore the file from your backup.")
        if self.path.stat().st_mode & 0o077:
            raise Fault(f"{self.path} can be read by others: run `chmod 600 {self.path}`.")
        return msgspec.json.decode(self.path.read_bytes(), type=KeyMaterial)

    def create(self) -> KeyMaterial:
        """A new ring, if there is none yet; an existing one is never overwritten."""
        if not self.path.exists():
            self._write(KeyMaterial(current=1, keys={1: os.urandom(32)}, hash_key=os.urandom(32)), new=True)
        return self.load()

    def rotate(self) -> KeyMaterial:
        """Add a key and seal with it from now on. Old keys stay until every row is re-sealed."""
        old = self.load()
        number = max(old.keys) + 1
        self._write(KeyMaterial(number, {**old.keys, number: os.urandom(32)}, old.hash_key), new=False)
        return self.load()

    def _write(self, material: KeyMaterial, *, new: bool) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = self.path.with_suffix(f".{secrets.token_hex(4)}")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(material)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if new:
            try:
                os.link(scratch, self.path)  # refuses if another process was first
            except FileExistsError:
                pass
            finally:
                scratch.unlink()
        else:
            scratch.rename(self.path)


class KeyRing:
    """Seals and opens. One per process, made from a ``KeySource``."""

    def __init__(self, material: KeyMaterial) -> None:
        if any(len(key) != 32 for key in (*material.keys.values(), material.hash_key)):
            raise Fault("The key ring holds a key that is not 32 bytes long.")
        self._ciphers = {number: AESGCM(key) for number, key in material.keys.items()}
        self._hash_key = material.hash_key
        self.current = material.current
        self._head = VERSION + material.current.to_bytes(2, "big")
        self._cipher = self._ciphers[material.current]

    @property
    def numbers(self) -> frozenset[int]:
        """The keys this ring can open with."""
        return frozenset(self._ciphers)

    def seal(self, what: bytes, row_id: int, plain: bytes) -> bytes:
        """``what`` names the kind of value (``b"card"``), ``row_id`` the row it will stand in."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed: bytes = self._cipher.encrypt(nonce, plain, what + row_id.to_bytes(8, "big"))
        return self._head + nonce + sealed

    def open(self, what: bytes, row_id: int, sealed: bytes) -> bytes:
        """The clear value; ``Unsealable`` for anything that was not sealed for exactly this row."""
        if sealed[:1] != VERSION or len(sealed) < _HEAD_BYTES + _NONCE_BYTES + _TAG_BYTES:
            raise Unsealable(f"{what.decode()} {row_id}: this is no sealed value")
        cipher = self._ciphers.get(int.from_bytes(sealed[1:_HEAD_BYTES], "big"))
        if cipher is None:
            raise KeyMissing(f"{what.decode()} {row_id}: sealed with a key this ring does not hold; reload the ring")
        body = _HEAD_BYTES + _NONCE_BYTES
        try:
            return cipher.decrypt(sealed[_HEAD_BYTES:body], sealed[body:], what + row_id.to_bytes(8, "big"))
        except InvalidTag:
            raise Unsealable(f"{what.decode()} {row_id}: the sealed value is not this row's, or is damaged") from None

    def fingerprint(self, what: bytes, plain: bytes) -> bytes:
        """16 bytes that are equal for equal values, and tell nothing without the key."""
        return hmac.digest(self._hash_key, what + b"\0" + plain, hashlib.sha256)[:16]


def key_number_of(sealed: bytes) -> int:
    """Which key of the ring sealed it; rotation looks for the old ones."""
    return int.from_bytes(sealed[1:_HEAD_BYTES], "big")


def secret_text(prefix: str) -> str:
    """A new 256-bit secret to hand out once: ``ks_…``."""
    return prefix + base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
