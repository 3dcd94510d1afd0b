"""The details of refusals: worded in English, they are worded in Chinese too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from typing import NamedTuple

import pytest
from house import PACKAGE, files, name_of

from kameng.kit.errors import REGISTRY
from kameng.ledger import Result

for path in sorted(PACKAGE.glob("*/errors.py")):
    import_module(f"kameng.{path.parent.name}.errors")

REFUSALS = {refusal.__name__ for refusal in REGISTRY.values() if refusal.__module__.startswith("kameng.")}
VALUES = {"IpNotAllowed", "NoCards", "NoSuchOrganisation", "NoSuchPrice", "NoSuchWallet", "ScopeMissing", "UnknownSku"}
"""Their detail is what was meant: an address, a number, a name. It has no words to translate."""


class Made(NamedTuple):
    """A refusal where it is made, with its details as they are written there."""

    line: int
    name: str
    detail: ast.expr | None
    detail_zh: ast.expr | None


def refusals_made(source: str) -> Iterator[Made]:
    """Every call of a refusal's class, raised or not; and ``Refused``, the result that names a class."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name, args = _name(node.func), list(node.args)
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        if name == "Refused" and args:
            name, *args = _name(args[0]), *args[1:]
            named |= dict(zip(("detail", "field", "detail_zh"), args, strict=False))
        elif name in REFUSALS and args:
            named["detail"] = args[0]
        if name in REFUSALS or _name(node.func) == "Refused":
            yield Made(node.lineno, name, named.get("detail"), named.get("detail_zh"))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def has_words(node: ast.expr) -> bool:
    """Whether words are written down in an expression; what is put in at run time is not looked at."""
    texts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return any(isinstance(text, str) and re.search(r"\b[A-Za-z]{2,}\b", text) for text in texts)


def english_only(source: str) -> list[int]:
    """The lines of refusals that have a detail and none in Chinese, unless it is a value."""
    return [
        made.line
        for made in refusals_made(source)
        if made.detail is not None and made.detail_zh is None and (made.name not in VALUES or has_words(made.detail))
    ]


def test_what_is_said_in_english_is_said_in_chinese() -> None:
    lacking = [
        f"{name_of(path)}:{line}"
        for path in files("src/kameng", suffix=".py")
        for line in english_only(path.read_text("utf-8"))
    ]
    assert lacking == []


def test_every_law_of_the_ledger_is_told_in_chinese() -> None:
    assert [law for law in Result if not re.search(r"[\u4e00-\u9fff]", law.zh)] == []


def test_values_are_refusals() -> None:
    assert VALUES <= REFUSALS


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("raise BadOrder('no number', field='sku')", True),
        ("raise orders.BadOrder(f'1 to {most} rows')", True),
        ("return BadQuantity('a ' + name)", True),
        ("raise BadQuantity(sku.allowed_quantities, field='quantity')", True),
        ("BadQuantity(detail='none' if few else f'{n} left')", True),
        ("raise UnknownSku(f'there is no {name}')", True),
        ("return Refused(BadQuantity, sku.allowed_quantities, 'quantity')", True),
        ("return Refused(BadQuantity, detail=text)", True),
        ("return Refused(reason, 'too many')", True),
        ("raise BadOrder('no number', field='sku', detail_zh='不是编号')", False),
        ("return Refused(BadQuantity, en, 'quantity', zh)", False),
        ("return Refused(LedgerRefused, law, detail_zh=law.zh)", False),
        ("return Refused(NotOnSale, field='sku')", False),
        ("raise ScopeMissing(scope)", False),
        ("raise NoSuchOrganisation(f'ak_{number}')", False),
        ("raise BadOrder(field='quantity')", False),
        ("raise Fault('the database is away')", False),
        ("raise SignatureWrong", False),
    ],
)
def test_it_finds_them(source: str, is_found: bool) -> None:
    assert english_only(source) == ([1] if is_found else [])
