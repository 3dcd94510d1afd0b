"""The faces: which pages somebody may go to, and what stands in their side bars. One table each, in its package."""

from __future__ import annotations

from kameng.web.console import FACE as CONSOLE
from kameng.web.merchant import FACE as MERCHANT
from kameng.web.navigation import Face, Item
from kameng.web.supplier import FACE as SUPPLIER
from kameng.web.viewing import FACES, Viewer

ALL = (MERCHANT, SUPPLIER, CONSOLE)


def of(viewer: Viewer) -> list[Face]:
    """The faces of whom he works for."""
    kind = None if viewer.organisation is None else viewer.organisation.kind
    return [face for face in ALL if kind in FACES[face.name]]


def paths_of(kind: str) -> list[str]:
    """Every page in the side bars of such an organisation."""
    items = [item for face in ALL if kind in FACES[face.name] for item in face.items]
    return [item.path for item in items if not item.kinds or kind in item.kinds]


def at(path: str) -> Face | None:
    """The face that a page belongs to."""
    return next((face for face in ALL if path == face.path or path.startswith(f"{face.path}/")), None)


def groups(face: Face, viewer: Viewer) -> dict[str, list[Item]]:
    """What he may go to, by the groups of the side bar."""
    kind = None if viewer.organisation is None else viewer.organisation.kind
    found: dict[str, list[Item]] = {}
    for item in face.items:
        if viewer.may(item.act) and (not item.kinds or kind in item.kinds):
            found.setdefault(item.group, []).append(item)
    return found
