"""Private data: its classes, how each is shown, and the mark by which it is found.

What a class asks for is said here once: what may be searched for by a keyed hash, what is never shown, what is left
of a value in lists and answers. Sealing is ``crypto``'s; which field of a form has which class the catalogue knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

from kameng.kit.crypto import KeyRing

DataClass = Literal["public", "phone", "identity_number", "email", "account", "address", "name", "password", "other"]
DATA_CLASSES: tuple[DataClass, ...] = get_args(DataClass)
SEARCHABLE: tuple[DataClass, ...] = ("phone", "identity_number", "email", "account")
"""What names one person or one account. A name or a street fits many, and finds more than was asked for."""

HIDDEN = "******"
"""What nothing is shown of; as long whatever it hides."""
_MARK = b"mark"
_SPELLING: dict[DataClass, Callable[[str], str]] = {"email": str.lower, "account": str.lower}
"""Where large and small letters mean the same."""


def mark(ring: KeyRing, data_class: DataClass, value: str) -> bytes:
    """What finds a value, cleaned as its form cleans it, where the value itself must not stand."""
    spell = _SPELLING.get(data_class)
    spelled = value if spell is None else spell(value)
    return ring.fingerprint(_MARK, f"{data_class}\n{spelled}".encode())


def mask(data_class: DataClass, value: str) -> str:
    """What lists and answers show of a value: enough to know one's own by, too little for anybody else."""
    return _MASKS[data_class](value)


def _ends(head: int, tail: int) -> Callable[[str], str]:
    """The ends of a value, if they are at most half of it."""

    def masked(value: str) -> str:
        hidden = len(value) - head - tail
        return HIDDEN if hidden < head + tail else f"{value[:head]}{'*' * hidden}{value[-tail:]}"

    return masked


def _phone(value: str) -> str:
    return f"{value[:3]}****{value[-4:]}" if len(value) == 11 else HIDDEN


def _account(value: str) -> str:
    """A quarter of it at either end, four characters at most."""
    shown = min(len(value) // 4, 4)
    return _ends(shown, shown)(value) if shown else HIDDEN


def _email(value: str) -> str:
    local, at, domain = value.rpartition("@")
    return f"{local[:1]}***@{domain}" if at and local else HIDDEN


def _name(value: str) -> str:
    return f"{value[:1]}**"


_MASKS: dict[DataClass, Callable[[str], str]] = {
    "public": str,
    "phone": _phone,
    "identity_number": _ends(4, 4),
    "email": _email,
    "account": _account,
    "name": _name,
    "address": lambda _: HIDDEN,
    "password": lambda _: HIDDEN,
    "other": lambda _: HIDDEN,
}
