"""What a message says of its subject. The contexts above register how theirs is shown; notices knows none of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from kameng.kit.db import Connection
from kameng.notices.model import Event

Show = Callable[[Connection, int, Sequence[Event]], Awaitable[Mapping[int, dict[str, Any]]]]
"""(connection, lane, events) → the state of each event's subject, by the subject's id. Never a secret: receivers read
those with their own key. A subject that is left out is told by its event alone."""


class States:
    """How subjects are shown, by the first word of their events' kinds: ``order`` for ``order.delivered``."""

    def __init__(self, shows: Mapping[str, Show]) -> None:
        self._shows = dict(shows)

    async def show(self, connection: Connection, lane: int, events: Sequence[Event]) -> dict[int, dict[str, Any]]:
        """The present state of every subject of these events, each kind of subject read once."""
        by_word: dict[str, list[Event]] = {}
        for event in events:
            by_word.setdefault(event.kind.partition(".")[0], []).append(event)
        found: dict[int, dict[str, Any]] = {}
        for word, some in by_word.items():
            if word in self._shows:
                found.update(await self._shows[word](connection, lane, some))
        return found
