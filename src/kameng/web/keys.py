"""Keys of the desk's pages, in one table: the help behind ``?`` shows it, ``keys.js`` obeys it, a test presses each."""

from __future__ import annotations

import msgspec

from kameng.web import faces
from kameng.web.viewing import Viewer
from kameng.web.wording import N_


class Key(msgspec.Struct, frozen=True):
    """``does`` is an act of keys.js; ``href`` a page instead. Two keys are pressed one after the other: ``g o``."""

    key: str
    label: str
    group: str
    does: str = ""
    href: str = ""


EVERYWHERE = N_("Everywhere")
LISTS = N_("In a list")
GO = N_("Go to")

KEYS = (
    Key("?", N_("Show these keys"), EVERYWHERE, "help"),
    Key("/", N_("Search pages, acts and numbers"), EVERYWHERE, "palette"),
    Key("j", N_("Next row"), LISTS, "next"),
    Key("k", N_("Row before"), LISTS, "back"),
    Key("x", N_("Select the row"), LISTS, "pick"),
    Key("e", N_("Open the row"), LISTS, "open"),
    Key("p", N_("Quick look at the row"), LISTS, "peek"),
    Key(".", N_("Acts on what is selected"), LISTS, "acts"),
    Key("]", N_("Next page"), LISTS, "later"),
    Key("[", N_("Page before"), LISTS, "earlier"),
    Key("Escape", N_("Back to the page above"), EVERYWHERE, "up"),
)


def of(viewer: Viewer) -> dict[str, list[Key]]:
    """By group, with the pages that he may go to."""
    found: dict[str, list[Key]] = {}
    for key in KEYS:
        found.setdefault(key.group, []).append(key)
    for face in faces.of(viewer):
        for items in faces.groups(face, viewer).values():
            for item in items:
                if item.key:
                    found.setdefault(GO, []).append(Key(f"g {item.key}", item.label, GO, href=item.path))
    return found
