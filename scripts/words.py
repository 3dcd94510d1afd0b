"""What the pages say, compared with the Chinese words they have: run as ``scripts/words``.

A msgid belongs to the file of the package or folder of templates that says it first: ``storefront.po`` for
``templates/storefront`` and ``storefront/*.py``, ``kit.po`` for what stands above them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from kameng.kit import settings

WEB = Path(__file__).resolve().parents[1] / "src" / "kameng" / "web"
LOCALE = WEB / "locale" / "zh_Hans"
KEYWORDS: dict[str, Any] = {
    "_": None, "gettext": None, "ngettext": (1, 2), "N_": None, "say": None, "plural": (1, 2), "Wrong": None,
    "wrong": (2,),
}  # fmt: skip
OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true", "extensions": "jinja2.ext.do", "silent": "false"}


def said() -> dict[str, tuple[str, str | None]]:
    """Msgid → the file it belongs to, and its plural."""
    found: dict[str, tuple[str, str | None]] = {}
    for path, method, options in _sources():
        file = _file_of(path)
        with path.open("rb") as opened:
            for _, message, _, _ in extract(method, opened, KEYWORDS, options=options):
                one, many = message[:2] if isinstance(message, tuple) else (message, None)
                if one:
                    found.setdefault(one, (file, many))
    for setting in settings.describe():  # a page of the console shows them all
        found.setdefault(setting.doc, ("console", None))
    return found


def _file_of(path: Path) -> str:
    parts = path.relative_to(WEB).parts
    inner = parts[1:] if parts[0] == "templates" else parts
    return inner[0] if len(inner) > 1 and inner[0] != "ui" else "kit"


def _sources() -> Iterator[tuple[Path, str, dict[str, str]]]:
    # The kit first: what it says is its own, whoever says it too.
    paths = sorted(WEB.rglob("*"), key=lambda path: (_file_of(path) != "kit", str(path)))
    for path in paths:
        if path.suffix == ".html":
            yield path, "jinja2.ext:babel_extract", OPTIONS
        elif path.suffix == ".py":
            yield path, "babel.messages.extract:extract_python", {}


def standing() -> dict[str, Catalog]:
    """The files, by name."""
    found = {}
    for path in sorted(LOCALE.glob("*.po")):
        with path.open("rb") as opened:
            found[path.stem] = read_po(opened, locale="zh_Hans")
    return found


def _ids(catalogue: Catalog) -> dict[str, str]:
    """Msgid → its Chinese."""
    pairs = {}
    for message in catalogue:
        if message.id:
            one = message.id[0] if isinstance(message.id, tuple | list) else message.id
            pairs[one] = message.string[0] if isinstance(message.string, tuple | list) else message.string
    return pairs


def faults() -> list[str]:
    """What is not said in Chinese, and what nobody says any more."""
    wanted, files = said(), standing()
    texts = {name: _ids(catalogue) for name, catalogue in files.items()}
    known = {one for pairs in texts.values() for one in pairs}
    missing = [
        f"{one!r} is missing: scripts/words adds it to {file}.po"
        for one, (file, _) in wanted.items()
        if one not in known
    ]
    empty, unused = [], []
    for name, pairs in texts.items():
        empty += [f"{one!r} has no Chinese in {name}.po" for one, text in pairs.items() if not text]
        unused += [f"{one!r} is said by nobody: take it out of {name}.po" for one in pairs if one not in wanted]
    return sorted([*missing, *empty, *unused])


def add() -> int:
    """Put what is missing into its file, and take out what nobody says; returns how many were added."""
    files, added, wanted = standing(), 0, said()
    for catalogue in files.values():
        for one in _ids(catalogue).keys() - wanted.keys():
            catalogue.delete(one)
    known = {one for catalogue in files.values() for one in _ids(catalogue)}
    for one, (file, many) in sorted(wanted.items()):
        if one not in known:
            catalogue = files.setdefault(file, Catalog(locale="zh_Hans"))
            catalogue.add((one, many) if many else one)
            added += 1
    for name, catalogue in files.items():
        with (LOCALE / f"{name}.po").open("wb") as opened:
            write_po(opened, catalogue, width=110, sort_output=True, omit_header=True, no_location=True)
    return added


def main() -> int:
    if "--check" not in sys.argv:
        print(f"{add()} words added")
    found = faults()
    print("\n".join(found) or "every word is said in Chinese")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
