"""Identity's statements, one thin function each."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from kameng.identity.errors import NonceUsed
from kameng.identity.model import ApiKey, Organisation
from kameng.kit import copying, crypto, ids, lanes, logs, resealing, sql
from kameng.kit.db import Connection, Database

statements = sql.load("kameng.identity")
log = logs.get_logger(__name__)

KEY_SECRET = b"api_key"
"""What a key's secret is sealed as."""

_NONCES = copying.Rows("nonce", {"lane": "h", "drawer": "h"}, ["nonce_hash"])

DRAWER_S = 600
DRAWERS = 4


class Nonce(msgspec.Struct, frozen=True, gc=False):
    """A nonce of a write: the signed second chooses its drawer, so a replay looks into the same one."""

    nonce_hash: bytes  # of key and nonce
    drawer: int


def nonce_of(key_id: int, nonce: bytes, signed_at_s: int) -> Nonce:
    text = b"%d\n%b" % (key_id, nonce)
    return Nonce(hashlib.blake2b(text, digest_size=16).digest(), drawer_of(signed_at_s))


def drawer_of(signed_at_s: int) -> int:
    return signed_at_s // DRAWER_S % DRAWERS


def drawer_to_empty(now_s: int) -> int:
    """The drawer nobody can sign for now: two ahead of the present one, at least ten minutes either way."""
    return (now_s // DRAWER_S + 2) % DRAWERS


def _secret(row: Any, ring: crypto.KeyRing) -> bytes | None:
    """None if it does not open: nobody can sign with that key then, and all others go on."""
    try:
        return None if row["sealed_secret"] is None else ring.open(KEY_SECRET, row["key_id"], row["sealed_secret"])
    except crypto.Unsealable as error:
        log.error("the secret of an API key does not open", error, key_id=row["key_id"])
        return None


def _key(row: Any, ring: crypto.KeyRing) -> ApiKey:
    expires_at = row["expires_at"]
    return ApiKey(
        key_id=row["key_id"],
        org_id=row["org_id"],
        scopes=frozenset(row["scopes"]),
        secret=_secret(row, ring),
        public_key=row["public_key"],
        allowed_ips=tuple(row["allowed_ips"]),
        rate_per_second=row["rate_per_second"],
        daily_limit_e4=row["daily_limit_e4"],
        state=row["state"],
        expires_at_ms=None if expires_at is None else int(expires_at.timestamp() * 1000),
    )


async def has_address_list(connection: Connection, lane: int, org_ids: list[int]) -> bool:
    return bool(await connection.fetchval(statements.has_address_list, lane, org_ids))


async def read_key(connection: Connection, ring: crypto.KeyRing, key_id: int) -> ApiKey | None:
    row = await connection.fetchrow(statements.read_api_key, ids.lane_of(key_id), key_id)
    return None if row is None else _key(row, ring)


async def read_organisation(connection: Connection, org_id: int) -> Organisation | None:
    rows = await connection.fetch(statements.read_organisations, ids.lane_of(org_id), [org_id])
    return Organisation(*rows[0]) if rows else None


async def read_house(connection: Connection) -> Organisation | None:
    row = await connection.fetchrow(statements.read_house)
    return None if row is None else Organisation(*row)


async def read_organisations(connection: Connection, lane: int, org_ids: Sequence[int]) -> list[Organisation]:
    """Some organisations of a lane."""
    return [Organisation(*row) for row in await connection.fetch(statements.read_organisations, lane, list(org_ids))]


async def newest_keys(
    connection: Connection, ring: crypto.KeyRing, *, limit: int
) -> tuple[list[Organisation], list[ApiKey]]:
    """The newest working keys with their organisations."""
    keys = [_key(row, ring) for row in await connection.fetch(statements.newest_api_keys, limit)]
    org_ids = list({key.org_id for key in keys})
    organisations = await connection.fetch(statements.all_organisations, org_ids)
    return [Organisation(*row) for row in organisations], keys


async def changed_since(
    connection: Connection, ring: crypto.KeyRing, epoch: int, wanted: Container[int]
) -> tuple[list[Organisation], list[ApiKey]]:
    """What changed after ``epoch``; of the keys only the ``wanted``, since opening one costs."""
    organisations = await connection.fetch(statements.changed_organisations, epoch)
    keys = await connection.fetch(statements.changed_api_keys, epoch)
    return [Organisation(*row) for row in organisations], [_key(r, ring) for r in keys if r["key_id"] in wanted]


async def insert_organisation(
    connection: Connection, organisation: Organisation, *, changed: int, founded_at: datetime
) -> None:
    await connection.execute(
        statements.insert_organisation, organisation.lane, organisation.org_id, organisation.name,
        organisation.kind, organisation.level, organisation.currency, organisation.sandbox_of, organisation.parent_id,
        changed, founded_at, organisation.state,
    )  # fmt: skip


async def set_organisation(connection: Connection, organisation: Organisation, *, changed: int) -> None:
    await connection.execute(
        statements.set_organisation, organisation.lane, organisation.org_id, organisation.level,
        organisation.state, organisation.wants_events, changed, organisation.external_ref,
    )  # fmt: skip


async def all_agents(connection: Connection) -> list[Organisation]:
    return [Organisation(*row) for row in await connection.fetch(statements.all_agents)]


async def children(connection: Connection, agent_id: int) -> list[Organisation]:
    """Who buys from an agent."""
    return [Organisation(*row) for row in await connection.fetch(statements.children, agent_id)]


async def list_children(
    connection: Connection, agent_id: int, *, kinds: Sequence[str], before_id: int, limit: int, name: str = ""
) -> list[Organisation]:
    """A page of who buys from an agent, newest first."""
    rows = await connection.fetch(statements.children_before, agent_id, before_id, kinds, name, limit)
    return [Organisation(*row) for row in rows]


async def move_organisation(connection: Connection, org_id: int, parent_id: int | None, *, changed: int) -> None:
    await connection.execute(statements.move_organisation, ids.lane_of(org_id), org_id, parent_id, changed)


async def set_terms(connection: Connection, organisation: Organisation, *, changed: int) -> None:
    await connection.execute(
        statements.set_terms, organisation.lane, organisation.org_id, organisation.self_collected,
        organisation.minimum_balance_e4, organisation.day_budget_e4, organisation.month_budget_e4, changed,
    )  # fmt: skip


async def insert_key(
    connection: Connection, ring: crypto.KeyRing, key: ApiKey, *, name: str, changed: int, at: datetime
) -> None:
    sealed = None if key.secret is None else ring.seal(KEY_SECRET, key.key_id, key.secret)
    await connection.execute(
        statements.insert_api_key, key.lane, key.key_id, key.org_id, name, sorted(key.scopes), sealed,
        key.public_key, list(key.allowed_ips), key.rate_per_second, key.daily_limit_e4,
        None if key.expires_at_ms is None else datetime.fromtimestamp(key.expires_at_ms / 1000, UTC), changed, at,
    )  # fmt: skip


async def list_keys(connection: Connection, lane: int, org_ids: Sequence[int], *, limit: int) -> list[Any]:
    rows: list[Any] = await connection.fetch(statements.list_api_keys, lane, list(org_ids), limit)
    return rows


async def set_key(connection: Connection, key: ApiKey, *, name: str, changed: int) -> bool:
    """False if it is revoked."""
    org_id = await connection.fetchval(
        statements.set_api_key, key.lane, key.key_id, name, list(key.allowed_ips), key.rate_per_second,
        key.daily_limit_e4, changed,
    )  # fmt: skip
    return org_id is not None


async def sandboxes_of(connection: Connection, lane: int, org_id: int) -> list[Organisation]:
    return [Organisation(*row) for row in await connection.fetch(statements.sandboxes_of, lane, org_id)]


async def expire_key(connection: Connection, key_id: int, at: datetime, *, changed: int) -> None:
    """The key ends then, or sooner if it did already."""
    await connection.execute(statements.expire_api_key, ids.lane_of(key_id), key_id, at, changed)


async def revoke_key(connection: Connection, key_id: int, *, changed: int) -> int | None:
    """Whose key it was; None if there is no such key."""
    org_id: int | None = await connection.fetchval(statements.revoke_api_key, ids.lane_of(key_id), key_id, changed)
    return org_id


async def secrets_under_other_keys(
    connection: Connection, lane: int, after_id: int, key_number: int, limit: int
) -> list[tuple[int, bytes]]:
    rows = await connection.fetch(
        statements.secrets_under_other_keys, lane, after_id, key_number, limit, timeout=resealing.LOOK_TIMEOUT_S
    )
    return [(row["key_id"], row["sealed_secret"]) for row in rows]


async def reseal_secrets(connection: Connection, lane: int, sealed: Sequence[tuple[int, bytes, bytes]]) -> None:
    """(id, fresh, old) each; a row that changed since it was read is left alone."""
    columns = [list(column) for column in zip(*sealed, strict=True)]
    await connection.execute(statements.reseal_secrets, lane, *columns)


async def known_nonces(connection: Connection, lane: int, nonces: Iterable[Nonce]) -> set[bytes]:
    """The hashes of those that were spent before."""
    drawers: dict[int, list[bytes]] = {}
    for nonce in nonces:
        drawers.setdefault(nonce.drawer, []).append(nonce.nonce_hash)
    known: set[bytes] = set()
    for drawer, hashes in drawers.items():  # one, or two for a while every ten minutes
        rows = await connection.fetch(statements.known_nonces, lane, drawer, hashes)
        known.update(row[0] for row in rows)
    return known


async def spend_nonces(connection: Connection, lane: int, nonces: Sequence[Nonce]) -> None:
    await _NONCES.append(connection, ((lane, n.drawer, n.nonce_hash) for n in nonces))


async def spend_unspent(connection: Connection, lane: int, nonces: Sequence[Nonce | None]) -> list[bool]:
    """Of each whether it was spent now, not before; one that is not asked for (None) counts as spent now.

    For a batch of dozens: one round trip where looking and copying are three. Hundreds are cheaper with these.
    """
    drawers: dict[int, list[bytes]] = {}
    for one in nonces:
        if one is not None:
            drawers.setdefault(one.drawer, []).append(one.nonce_hash)
    spent: set[bytes] = set()
    for drawer, hashes in drawers.items():
        spent.update(row[0] for row in await connection.fetch(statements.spend_unspent, lane, drawer, hashes))
    found = []
    for one in nonces:
        found.append(one is None or one.nonce_hash in spent)
        if one is not None:
            spent.discard(one.nonce_hash)  # the same twice in a batch: the first has it
    return found


async def empty_drawer(connection: Connection, drawer: int) -> None:
    """Forget the nonces of a drawer that no acceptable signature can name."""
    assert 0 <= drawer < DRAWERS
    await connection.execute(f"TRUNCATE nonce_{drawer}")


async def spend_nonce(db: Database, lane: int, nonce: Nonce) -> None:
    """Spend the nonce of a write that is not placed in a batch of its own; ``NonceUsed`` if it was spent before."""
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        if await known_nonces(connection, lane, [nonce]):
            raise NonceUsed
        await spend_nonces(connection, lane, [nonce])


async def insert_person(connection: Connection, person_id: int, sign_in: str, name: str, at: datetime) -> bool:
    """False if the sign-in is taken."""
    return await connection.fetchval(statements.insert_person, person_id, sign_in, name, at) is not None


async def person_exists(connection: Connection, person_id: int) -> bool:
    exists: bool = await connection.fetchval(statements.person_exists, person_id)
    return exists


async def read_person(connection: Connection, person_id: int) -> tuple[int, str, str, str] | None:
    """Id, sign-in, name, state."""
    row = await connection.fetchrow(statements.read_person, person_id)
    return None if row is None else (row[0], row[1], row[2], row[3])


async def read_person_by_sign_in(connection: Connection, sign_in: str) -> tuple[int, str, str, str] | None:
    row = await connection.fetchrow(statements.read_person_by_sign_in, sign_in)
    return None if row is None else (row[0], row[1], row[2], row[3])


async def rename_person(connection: Connection, person_id: int, name: str) -> bool:
    """False if nobody active has that number."""
    return await connection.fetchval(statements.rename_person, person_id, name) is not None


async def erase_person(connection: Connection, person_id: int, sign_in: str) -> bool:
    """False if there is nothing left of him, or never was."""
    return await connection.fetchval(statements.erase_person, person_id, sign_in) is not None


async def people_after(connection: Connection, after_id: int, limit: int) -> list[tuple[int, str, str, str]]:
    rows = await connection.fetch(statements.people_after, after_id, limit)
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def set_membership(
    connection: Connection, lane: int, org_id: int, person_id: int, role: str, since: datetime
) -> None:
    await connection.execute(statements.set_membership, lane, org_id, person_id, role, since)


async def end_membership(connection: Connection, lane: int, org_id: int, person_id: int) -> str | None:
    """The role that was; None if there was none."""
    role: str | None = await connection.fetchval(statements.end_membership, lane, org_id, person_id)
    return role


async def owners_of(connection: Connection, lane: int, org_id: int) -> list[int]:
    return [row["person_id"] for row in await connection.fetch(statements.owners_of, lane, org_id)]


async def members_of(connection: Connection, lane: int, org_id: int) -> list[tuple[int, str, str, str, datetime]]:
    """(person, sign-in, name, role, since) each. People lie elsewhere than lanes: asked for apart."""
    rows = await connection.fetch(statements.members_of, lane, org_id)
    known = await connection.fetch(statements.read_people, [row["person_id"] for row in rows])
    people = {row["person_id"]: (row["sign_in"], row["name"]) for row in known}
    return [(row["person_id"], *people[row["person_id"]], row["role"], row["since"]) for row in rows]


async def role_of(connection: Connection, lane: int, org_id: int, person_id: int) -> str | None:
    role: str | None = await connection.fetchval(statements.role_of, lane, org_id, person_id)
    return role


async def memberships_of(connection: Connection, person_id: int) -> list[tuple[int, str]]:
    return [(row["org_id"], row["role"]) for row in await connection.fetch(statements.memberships_of, person_id)]


async def memberships_of_all(connection: Connection, person_ids: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    """(organisation, role) each, by person."""
    found: dict[int, list[tuple[int, str]]] = {}
    for row in await connection.fetch(statements.memberships_of_all, person_ids):
        found.setdefault(row["person_id"], []).append((row["org_id"], row["role"]))
    return found
