"""The index of what is on sale, made anew beside the loop when the catalogue has changed."""

from __future__ import annotations

import asyncio

from kameng import catalogue, orders

PATIENCE_S = 0.3
"""So long a page waits for a fresh index; a small catalogue's is made in a fraction of that. Then the old one does."""


class Finder:
    def __init__(self, snapshot: orders.Snapshot) -> None:
        self._snapshot = snapshot
        self._index: catalogue.Index | None = None
        self._making: asyncio.Task[None] | None = None

    async def index(self) -> catalogue.Index:
        """Of the catalogue as it is now, or as it was a moment ago."""
        if self._index is None or self._index.epoch != self._snapshot.catalogue.epoch:
            if self._making is None or self._making.done():
                self._making = asyncio.create_task(self._make(self._snapshot.catalogue))
            await asyncio.wait({self._making}, timeout=None if self._index is None else PATIENCE_S)
        assert self._index is not None
        return self._index

    async def _make(self, known: catalogue.Catalogue) -> None:
        self._index = await asyncio.to_thread(catalogue.Index, known)
