"""The directory: keys and organisations a gateway has met, kept in memory and true to an epoch.

It loads what it meets and then follows the identity epoch: a batch decides only after ``refresh`` reached the
epoch its own read returned, so a revoked key or a suspended organisation is refused from the next batch on.
"""

from __future__ import annotations

from kameng.identity import store
from kameng.identity.model import ApiKey, Organisation
from kameng.kit import crypto
from kameng.kit.db import Connection, Database

ENTRIES_MAX = 200_000
"""Keys kept in memory (about 1 kB each); the oldest met make room."""
PRELOADED_MAX = 50_000
"""Keys opened when a gateway starts: about 0.2 s."""


class Directory:
    def __init__(self, db: Database, ring: crypto.KeyRing) -> None:
        self._db = db
        self._ring = ring
        self.keys: dict[int, ApiKey] = {}
        self.organisations: dict[int, Organisation] = {}
        self.epoch = 0

    async def start(self, connection: Connection, epoch: int) -> None:
        """Bring the newest keys to memory, as they are at ``epoch`` or later: a gateway that starts under load
        must not ask the database for each key it meets."""
        organisations, keys = await store.newest_keys(connection, self._ring, limit=PRELOADED_MAX)
        self.organisations = {organisation.org_id: organisation for organisation in organisations}
        self.keys = {key.key_id: key for key in keys}
        self.epoch = epoch

    async def key(self, key_id: int) -> ApiKey | None:
        """A key with its organisation in memory; None if there is no such key."""
        known = self.keys.get(key_id)
        if known is not None:
            return known
        while True:
            epoch = self.epoch
            async with self._db.connection() as connection:
                key = await store.read_key(connection, self._ring, key_id)
                organisation = None if key is None else await store.read_organisation(connection, key.org_id)
            if key is None or organisation is None:
                return None
            if epoch == self.epoch:  # else a refresh went by that did not know this key yet: read it again
                break
        if len(self.keys) >= ENTRIES_MAX:
            self.keys.pop(next(iter(self.keys)))
        self.organisations[organisation.org_id] = organisation
        self.keys[key_id] = key
        return key

    async def refresh(self, connection: Connection, epoch: int) -> None:
        """Catch up with every change up to ``epoch``."""
        if epoch <= self.epoch:
            return
        organisations, keys = await store.changed_since(connection, self._ring, self.epoch, self.keys)
        for organisation in organisations:
            if organisation.org_id in self.organisations:
                self.organisations[organisation.org_id] = organisation
        self.keys.update({key.key_id: key for key in keys})
        self.epoch = max(self.epoch, epoch)
