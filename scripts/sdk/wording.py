"""What the languages' modules share: names in their cases, comments, templates."""

from __future__ import annotations

import re
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parent / "templates"


def snake(name: str) -> str:
    """``placeOrder`` → ``place_order``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def camel(name: str) -> str:
    """``unit_price`` → ``unitPrice``."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def pascal(name: str) -> str:
    """``unit_price`` → ``UnitPrice``."""
    changed = camel(name)
    return changed[:1].upper() + changed[1:]


def template(name: str, **parts: str) -> str:
    """A template with its ``@part@`` places filled."""
    text = (TEMPLATES / name).read_text("utf-8")
    places = set(re.findall(r"@([a-z]+)@", text))
    assert places == parts.keys(), f"{name} has places for {places}, and was given {parts.keys()}"
    for part, filled in parts.items():
        text = text.replace(f"@{part}@", filled.strip("\n"))
    return text


def safe(text: str) -> str:
    """A sentence that can stand in any language's comment."""
    return text.replace("*/", "* /").replace("\\", "").replace('"""', "''").strip()
