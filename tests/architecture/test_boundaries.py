"""Contexts are entered by their front doors. The directions are import-linter's; see pyproject.toml."""

from __future__ import annotations

from importlib import import_module

import grimp

COMPOSITION_ROOT = "kameng.__main__"
DOORS = (
    "identity", "catalogue", "ledger", "notices", "stock", "pricing", "risk", "orders", "fulfilment", "finance",
    "payments", "openapi",
)  # fmt: skip


def test_no_module_reaches_behind_another_contexts_door() -> None:
    """``kit`` has no door: its modules are imported by name."""
    graph = grimp.build_graph("kameng", cache_dir=None)
    trespasses = [
        f"{importer} imports {imported}"
        for importer in sorted(graph.modules - {"kameng", COMPOSITION_ROOT})
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
        if imported.count(".") > 1 and importer.split(".")[1] != imported.split(".")[1] != "kit"
    ]
    assert not trespasses, "\n".join(trespasses)


def test_every_name_of_a_door_is_listed_and_there() -> None:
    """``__all__`` is what the door offers, each name once and in it."""
    for context in DOORS:
        door = import_module(f"kameng.{context}")
        assert len(set(door.__all__)) == len(door.__all__), context
        assert [name for name in door.__all__ if not hasattr(door, name)] == []
