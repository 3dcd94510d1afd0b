"""Statements live in ``.sql`` files: ``-- name: insert_order``, one sentence on what it does, the statement."""

from __future__ import annotations

import re
from importlib import resources

_HEAD = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


class Statements:
    """The statements of one file, as attributes. An unknown name fails at import of ``store.py``'s caller."""

    def __init__(self, source: str, texts: dict[str, str]) -> None:
        self._source = source
        self.texts = texts

    def __getattr__(self, name: str) -> str:
        try:
            return self.texts[name]
        except KeyError:
            raise AttributeError(f"{self._source} has no statement named {name}") from None


def parse(source: str, text: str) -> Statements:
    parts = _HEAD.split(text)
    names, bodies = parts[1::2], parts[2::2]
    assert len(set(names)) == len(names), f"{source}: a name stands twice"
    return Statements(source, {name: body.strip().rstrip(";") for name, body in zip(names, bodies, strict=True)})


def load(package: str) -> Statements:
    """The statements of ``package`` (``kameng.orders``), from ``orders.sql`` inside it."""
    file = package.rpartition(".")[2] + ".sql"
    return parse(file, resources.files(package).joinpath(file).read_text("utf-8"))
