"""What a gateway knows of the directories, in memory and true to their epochs.

A batch's own read tells the epochs; ``refresh`` catches up before anything is decided. Polling keeps the door's
checks and the answers from memory at most a second old.
"""

from __future__ import annotations

import asyncio

from kameng import catalogue, pricing, risk
from kameng.identity import Directory, Organisation
from kameng.kit import clock, crypto, epochs, logs
from kameng.kit.db import Connection, Database
from kameng.orders.commands import Terms

POLL_S = 0.5
READS_MAX = 5
"""How often directories are read anew because they changed meanwhile; a batch waits for it."""
log = logs.get_logger(__name__)


class Snapshot:
    def __init__(self, db: Database, ring: crypto.KeyRing, terms: Terms | None = None) -> None:
        self.db = db
        self.ring = ring
        self.terms = terms or Terms()
        self.directory = Directory(db, ring)
        self.catalogue = catalogue.Catalogue(-1, {})
        self.prices = pricing.PriceBook(-1, {}, {}, {})
        self.policy = risk.Policy(-1, (), {})
        self.stock_epoch = -1
        self._known: epochs.Epochs = {}
        self._refreshing = asyncio.Lock()

    async def start(self) -> None:
        """Load everything once."""
        async with self.db.connection() as connection:
            current = await epochs.read(connection)
            await self.directory.start(connection, current["identity"])
            await self.refresh(connection, current)

    async def refresh(self, connection: Connection, current: epochs.Epochs) -> None:
        """Catch up with ``current``, if it is ahead of what is known.

        Reads on the caller's connection: a batch that holds its gate must not wait for another one, since all
        of them may be waiting for the gate.
        """
        if current == self._known:
            return
        async with self._refreshing:
            for _ in range(READS_MAX):
                await self.directory.refresh(connection, current["identity"])
                goods = await catalogue.load(connection, self.catalogue, current["catalogue"])
                prices = await pricing.load(connection, self.prices, current["prices"])
                policy = await risk.load(connection, self.policy, current["risk"], clock.now())
                read, current = current, await epochs.read(connection)
                if current == read:  # else what was read may not be of one moment
                    break
            # All at once: another lane may ask for its prices between any two awaits.
            self.catalogue, self.prices, self.policy = goods, prices, policy
            self.stock_epoch = max(self.stock_epoch, read["stock"])
            self._known = {topic: max(value, self._known.get(topic, -1)) for topic, value in read.items()}

    def quote(self, organisation: Organisation, sku: catalogue.Sku, quantity: int) -> pricing.Quote:
        """What a buyer pays for a piece as things stand now, through all the agents above him."""
        chain = self.directory.chain_of(organisation)
        return self.prices.quote(
            sku, org_id=organisation.org_id, level=organisation.level, quantity=quantity, chain=chain.links
        )

    async def follow(self) -> None:
        """Poll the epochs for as long as the gateway runs."""
        while True:
            await asyncio.sleep(POLL_S)
            try:
                async with self.db.connection() as connection:
                    await self.refresh(connection, await epochs.read(connection))
            except Exception as error:
                log.warning("epochs could not be read", error)
