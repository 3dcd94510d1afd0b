"""The directory: keys and organisations a gateway has met, kept in memory and true to an epoch.

It loads what it meets and then follows the identity epoch: a batch decides only after ``refresh`` reached the
epoch its own read returned, so a revoked key or a suspended organisation is refused from the next batch on.
"""

from __future__ import annotations

from kameng.identity import store
from kameng.identity.model import NO_CHAIN, ApiKey, Chain, Organisation
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
        self.agents: dict[int, Organisation] = {}
        """Every one there is, met or not: whoever may be above a buyer."""
        self._chains: dict[int, Chain] = {}
        self.epoch = 0

    async def start(self, connection: Connection, epoch: int) -> None:
        """Bring the newest keys to memory, as they are at ``epoch`` or later: a gateway that starts under load
        must not ask the database for each key it meets."""
        organisations, keys = await store.newest_keys(connection, self._ring, limit=PRELOADED_MAX)
        self.organisations = {organisation.org_id: organisation for organisation in organisations}
        self.keys = {key.key_id: key for key in keys}
        self.agents = {agent.org_id: agent for agent in await store.all_agents(connection)}
        self._chains = {}
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
                above = [] if organisation is None else await self._unmet_above(connection, organisation)
            if key is None or organisation is None:
                return None
            if epoch == self.epoch:  # else a refresh went by that did not know this key yet: read it again
                break
        if len(self.keys) >= ENTRIES_MAX:
            self.keys.pop(next(iter(self.keys)))
        self.organisations[organisation.org_id] = organisation
        self.agents.update({agent.org_id: agent for agent in above})
        self.keys[key_id] = key
        return key

    def chain_of(self, organisation: Organisation) -> Chain:
        """The agents above it, by the directory of now."""
        if organisation.parent_id is None:
            return NO_CHAIN
        chain = self._chains.get(organisation.parent_id)
        if chain is None:
            chain = self._chains[organisation.parent_id] = self._walk(organisation.parent_id)
        return chain

    def _walk(self, agent_id: int) -> Chain:
        agents = []
        parent_id: int | None = agent_id
        while parent_id is not None:
            agent = self.agents[parent_id]
            agents.append(agent)
            parent_id = agent.parent_id
        top_first = tuple(reversed(agents))
        return Chain(
            top_first, tuple((agent.org_id, agent.level) for agent in top_first),
            all(agent.state == "active" for agent in top_first),
        )  # fmt: skip

    async def _unmet_above(self, connection: Connection, organisation: Organisation) -> list[Organisation]:
        """Agents above it that were founded after the last refresh."""
        unmet: list[Organisation] = []
        parent_id = organisation.parent_id
        while parent_id is not None and parent_id not in self.agents:
            agent = await store.read_organisation(connection, parent_id)
            assert agent is not None, "no organisation is ever removed"
            unmet.append(agent)
            parent_id = agent.parent_id
        return unmet

    async def refresh(self, connection: Connection, epoch: int) -> None:
        """Catch up with every change up to ``epoch``."""
        if epoch <= self.epoch:
            return
        organisations, keys = await store.changed_since(connection, self._ring, self.epoch, self.keys)
        for organisation in organisations:
            if organisation.org_id in self.organisations:
                self.organisations[organisation.org_id] = organisation
            if organisation.kind == "agent" and organisation.sandbox_of is None:
                self.agents[organisation.org_id] = organisation
                self._chains = {}
        self.keys.update({key.key_id: key for key in keys})
        self.epoch = max(self.epoch, epoch)
