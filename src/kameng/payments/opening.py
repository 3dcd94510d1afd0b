"""What a process keeps to take payments: channel accounts in memory, their adapters opened."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from kameng import channels
from kameng.channels import Channel, Http
from kameng.kit import clock, crypto, logs
from kameng.kit.db import Connection, Database
from kameng.kit.fresh import Fresh
from kameng.notices import Policy as Reach
from kameng.orders import Terms
from kameng.payments import routing_store, store
from kameng.payments.choosing import book_of, usages_of
from kameng.payments.model import CREDENTIALS, BonusRule, ChannelAccount
from kameng.payments.steering import Router, Test
from kameng.routing import Book, Policy, Rule, Usage

CALLS_MAX, AGENTS_CALLS_MAX = 200, 100
"""To the platform's providers at once, and to those of agents; a call waits for its turn."""
log = logs.get_logger(__name__)


class Channels(Fresh):
    """Channel accounts, at most a second old; each is opened once for each revision of it.

    Credentials are in clear only inside the adapters of this process.
    """

    def __init__(self, db: Database, ring: crypto.KeyRing, *, reach: Reach) -> None:
        super().__init__(db)
        self._ring = ring
        self._http = Http(calls_max=CALLS_MAX)
        self._agents_http = Http(calls_max=AGENTS_CALLS_MAX, socket_factory=reach.socket_for)
        """For accounts whose addresses somebody else wrote: to the public internet only, as webhooks."""
        self._opened: dict[int, tuple[int, Channel | None]] = {}
        self.accounts: Mapping[int, ChannelAccount] = {}
        self.books: Mapping[int, Book] = {}
        """What payments are chosen from, by whose accounts they are; 0: the platform's."""
        self.begun_e4: dict[int, int] = {}
        """What each began today, with what began here since it was read."""
        self._booked: tuple[Mapping[int, ChannelAccount], list[Rule], Policy] | None = None
        self.bonuses: list[BonusRule] = []
        self.own: Mapping[int, str] = {}
        """Agents with accounts of their own who collect themselves, each with what its shop takes."""

    async def _read(self, connection: Connection) -> None:
        accounts = {one.channel_id: one for one in await store.every_channel(connection)}
        if any(self._opened.get(number, (0, None))[0] != one.revision for number, one in accounts.items()):
            for channel_id, revision, protocol, sealed in await store.every_credential(connection):
                if self._opened.get(channel_id, (0, None))[0] != revision:
                    http = self._agents_http if accounts[channel_id].org_id else self._http
                    self._opened[channel_id] = revision, self._open(channel_id, protocol, sealed, http)
        await self._keep_books(connection, accounts)
        self.accounts = accounts
        self.begun_e4 = await store.day_totals(connection, clock.china_day())
        self.bonuses = await store.every_bonus(connection, clock.now())
        agents = sorted({one.org_id for one in accounts.values()} - {0})
        self.own = await store.own_rules(connection, agents) if agents else {}

    async def _keep_books(self, connection: Connection, accounts: Mapping[int, ChannelAccount]) -> None:
        """A book of each content is written down before anything is decided by it."""
        rules = [one.rule for one in await routing_store.every_rule(connection)]
        policy = await routing_store.read_policy(connection)
        if (accounts, rules, policy) == self._booked:
            return
        books = {}
        for org_id in {0, *(one.org_id for one in accounts.values())}:
            book = book_of(org_id, accounts.values(), rules, policy)
            digest = hashlib.sha256(msgspec.msgpack.encode(book)).digest()
            revision = await routing_store.revision_of(connection, digest, book, clock.now())
            books[org_id] = msgspec.structs.replace(book, revision=revision)
        self.books, self._booked = books, (accounts, rules, policy)

    def usages(self, org_id: int) -> dict[int, Usage]:
        """What is left of the limits of the accounts of an organisation."""
        return usages_of((one for one in self.accounts.values() if one.org_id == org_id), self.begun_e4)

    def reserve(self, channel_id: int, amount_e4: int) -> None:
        """Of a channel's limit, until the next reading counts it."""
        self.begun_e4[channel_id] = self.begun_e4.get(channel_id, 0) + amount_e4

    def _open(self, channel_id: int, protocol: str, sealed: bytes, http: Http) -> Channel | None:
        try:
            account = open_account(self._ring, channel_id, protocol, sealed)
            return channels.open_channel(account, http)
        except (KeyError, ValueError, crypto.Unsealable) as error:
            log.error("a payment channel can't be opened", channel_id=channel_id, reason=type(error).__name__)
            return None

    async def adapter(self, channel_id: int) -> Channel | None:
        """Whoever speaks with the provider of this account; None if there is no such account, or it can't be opened."""
        await self.refresh()
        return self._opened.get(channel_id, (0, None))[1]

    async def close(self) -> None:
        for http in (self._http, self._agents_http):
            await http.close()


class Workplace:
    """What a process takes payments with. ``public_url``: where providers reach it; ``reach``: where accounts of
    agents may lead it, the public internet."""

    def __init__(
        self, db: Database, ring: crypto.KeyRing, *, public_url: str, terms: Terms | None = None,
        router: Router | None = None, reach: Reach | None = None,
    ) -> None:  # fmt: skip
        self.db = db
        self.ring = ring
        self.terms = terms or Terms()
        self.public_url = public_url.rstrip("/")
        self.router = router or Router()
        self.channels = Channels(db, ring, reach=reach or Reach())

    def start(self, *, test: Test | None = None) -> None:
        """Hear of what other processes hear, and let them hear of what is heard here. ``test``: what a router that
        begins payments tries a channel with."""
        channels.trusted()
        self.router.start(self.db, test=test)

    def notify_url(self, channel_id: int) -> str:
        return f"{self.public_url}{NOTICES}{channel_id}"

    async def close(self) -> None:
        await self.router.stop()
        await self.channels.close()


NOTICES = "/pay/notices/"
"""How the paths begin that providers send their notices to; the channel's number follows."""


def open_account(ring: crypto.KeyRing, channel_id: int, protocol: str, sealed: bytes) -> channels.Account:
    """An account with its credentials in clear, for an adapter."""
    credentials = msgspec.json.decode(ring.open(CREDENTIALS, channel_id, sealed), type=dict[str, str])
    return channels.Account(protocol, credentials)
