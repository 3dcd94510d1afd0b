"""Words: short English msgids in templates and code, Chinese in ``locale/zh_Hans/*.po``, one file a face.

A test compares what stands in templates and code with what stands in the files. A msgid may
be said in two ways by two faces: a page speaks the words of its own first.
"""

from __future__ import annotations

from importlib import resources

import msgspec
from babel.messages import pofile

LANGUAGES = {"zh": "zh-Hans", "en": "en"}
"""As cookies and addresses say it, and as HTML does."""


class Words(msgspec.Struct, frozen=True):
    """One language; what it has no words for stays as it is."""

    language: str
    texts: dict[str, str]

    def say(self, msgid: str, **values: object) -> str:
        """``say("%(count)s orders", count=3)``: whole sentences, never pieces put together."""
        text = self.texts.get(msgid, msgid)
        return text % values if values else text

    def plural(self, one: str, many: str, count: int, **values: object) -> str:
        text = self.texts.get(one) or (one if count == 1 else many)
        return text % {"count": count, "num": count, **values}


def _load() -> dict[str, dict[str, str]]:
    """Texts by file."""
    rooms: dict[str, dict[str, str]] = {}
    for file in resources.files("kameng.web").joinpath("locale", "zh_Hans").iterdir():
        name, _, ending = file.name.rpartition(".")
        if ending != "po":
            continue
        texts = rooms[name] = {}
        with file.open("rb") as opened:
            for message in pofile.read_po(opened, locale="zh_Hans"):
                if not message.id:
                    continue
                msgid = message.id[0] if isinstance(message.id, tuple | list) else message.id
                text = message.string[0] if isinstance(message.string, tuple | list) else message.string
                if text:
                    texts[msgid] = text
    return rooms


_ROOMS = _load()
_ORDER = ("kit", "storefront", "merchant", "agent", "supplier", "console", "entrance")
"""Who is asked after the page's own room; a room that is not named here comes last."""
_PATHS = {
    "/merchant/shop": "agent", "/merchant/agents": "agent", "/merchant": "merchant", "/supplier": "supplier",
    "/console": "console", "/signin": "entrance", "/register": "entrance", "/me/security": "entrance",
    "/me/staff": "entrance", "/me/factor": "entrance", "/prove": "entrance",
}  # fmt: skip
"""Whose words a page speaks first: one msgid may be said in two ways by two faces. Others are the storefront's."""


def _merged(own: str) -> Words:
    texts: dict[str, str] = {}
    for room in (*sorted(_ROOMS.keys() - set(_ORDER)), *reversed(_ORDER), own):
        texts |= _ROOMS.get(room, {})
    return Words("zh", texts)


_CHINESE = {room: _merged(room) for room in {*_PATHS.values(), "storefront"}}
WORDS = {"zh": _merged("kit"), "en": Words("en", {})}
"""For who has no page: what the kit says comes first."""


def words_at(language: str, path: str) -> Words:
    """The words of a page."""
    if language != "zh":
        return WORDS[language]
    room = next((room for start, room in _PATHS.items() if path == start or path.startswith(f"{start}/")), "storefront")
    return _CHINESE[room]


def N_(msgid: str) -> str:  # noqa: N802 - gettext's own name for "to be said later"
    """Marks words that stand in a table and are said where they are shown."""
    return msgid
