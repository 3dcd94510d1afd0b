"""Every page of every face with millions of orders behind it: how long each takes, one after the other, signed in.

Measured at the browser's end of the loopback, gzip'd, on one connection: what the server takes and a little more.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from kameng import access, identity, ledger
from kameng.access import Token
from kameng.identity import Organisation
from kameng.kit import crypto, db
from kameng.kit.errors import Fault
from kameng.ops import founding

if TYPE_CHECKING:
    from kameng.ops.bench.stage import Stage

ORDERS = 1_000_000
LOOKS = 40
GOAL_MS = 60.0
KINDS = ("platform", "merchant", "agent", "supplier", "customer")
SHOP = (
    "/",
    "/search",
    "/search?q=wzry",
    "/topup",
    "/flash",
    "/help",
    "/orders",
    "/cards",
    "/wallet",
    "/me",
    "/me/security",
)


class Look(msgspec.Struct, frozen=True):
    """One page as one kind of organisation saw it."""

    kind: str
    path: str
    times_ms: list[float]

    def at(self, share: float) -> float:
        return sorted(self.times_ms)[min(len(self.times_ms) - 1, int(len(self.times_ms) * share))]


async def prepare(stage: Stage) -> dict[str, str]:
    """Somebody signed in for each kind: the cookie of each. The merchant is the one with the newest order."""
    ring = crypto.KeyRing(crypto.KeyFile(stage.folder / "keyring.json").load())
    database = await db.open_database(stage.url)
    try:
        async with database.connection() as connection:
            org_id = await connection.fetchval("SELECT org_id FROM orders ORDER BY order_id DESC LIMIT 1")
            merchant = await identity.find_organisation(connection, org_id)
        if merchant is None:
            raise Fault("There is no order on the stage: nothing is worth looking at.")
        found = {"platform": await founding.found_house(database), "merchant": merchant}
        for kind in ("agent", "supplier", "customer"):
            found[kind] = (await founding.found_member(database, ring, f"bench {kind}", kind=kind)).organisation
        await ledger.recharge(database, found["agent"].lane, found["agent"].org_id, 10_000, key="bench:desks")
        return {kind: f"kameng_session={(await _enter(database, one)).text}" for kind, one in found.items()}
    finally:
        await database.close()


async def _enter(database: db.Database, organisation: Organisation) -> Token:
    person_id = await identity.enrol(database, sign_in=f"{organisation.org_id}@bench.kameng", name="bench")
    await identity.join(database, organisation, person_id, "owner")
    return await access.begin_session(
        database, person_id, factor="password", visit=access.Visit("127.0.0.1", "bench"), org_id=organisation.org_id
    )


def pages_of(kind: str) -> Iterator[str]:
    """What stands in the side bars of such an organisation; a customer's are the shop's."""
    from kameng import web  # with the web framework, for which no command should wait

    if kind == "customer":
        yield from SHOP
    yield from web.paths_of(kind)


def look(stage: Stage, cookies: dict[str, str], *, looks: int = LOOKS) -> list[Look]:
    """Each page so often, after two that don't count."""
    connection = http.client.HTTPConnection(stage.target.host, stage.target.port, timeout=30)
    found = []
    for kind, cookie in cookies.items():
        for path in pages_of(kind):
            times = [_took_ms(connection, path, cookie) for _ in range(looks + 2)]
            found.append(Look(kind, path, times[2:]))
    connection.close()
    return found


def _took_ms(connection: http.client.HTTPConnection, path: str, cookie: str) -> float:
    began_s = time.perf_counter()
    connection.request("GET", path, headers={"cookie": cookie, "accept-encoding": "gzip"})
    answer = connection.getresponse()
    answer.read()
    took_ms = (time.perf_counter() - began_s) * 1000
    if answer.status != 200:
        raise Fault(f"{path} was answered with {answer.status}, not with a page.")
    return took_ms


def lines(looks: list[Look]) -> list[str]:
    """For the report: the slowest pages, and how many keep the goal."""
    slowest = sorted(looks, key=lambda one: -one.at(0.95))
    kept = sum(one.at(0.95) < GOAL_MS for one in looks)
    shown = [f"{one.at(0.5):7.1f} {one.at(0.95):7.1f}  {one.kind:9} {one.path}" for one in slowest[:15]]
    return [f"pages with p95 below {GOAL_MS:.0f} ms: {kept} of {len(looks)}; the slowest (p50, p95 in ms):", *shown]
