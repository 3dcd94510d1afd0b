"""Founding organisations and handing out their API keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network

import msgspec

from kameng.identity import store
from kameng.identity.errors import BadKeySettings, NoSuchOrganisation
from kameng.identity.model import ALL_SCOPES, ApiKey, Organisation
from kameng.kit import audit, clock, crypto, epochs, ids, lanes
from kameng.kit.db import Connection, Database

PLAY_CURRENCY = "XTS"
"""ISO 4217's code for tests: what sandboxes pay with."""

ROTATION_OVERLAP = timedelta(days=7)


class IssuedKey(msgspec.Struct, frozen=True):
    """A new key. ``secret`` is shown once and never again; empty for Ed25519 keys."""

    key_id: int
    org_id: int
    secret: str
    sandbox: bool


async def found(connection: Connection, *, name: str, kind: str = "merchant", level: int = 0) -> Organisation:
    """A new organisation in the lane that has the fewest; the caller opens its wallet in the same transaction."""
    changed = await epochs.bump(connection, "identity")
    lane = await lanes.choose_lane(connection)
    passage = await lanes.pass_gate(connection, lane, id_count=1)
    organisation = Organisation(passage.ids[0], name, kind, level, "active", "CNY", None, False)
    await store.insert_organisation(connection, organisation, changed=changed, founded_at=clock.now())
    return organisation


async def found_sandbox(connection: Connection, live: Organisation) -> Organisation:
    """The sandbox beside a live organisation: same lane, same level, play money, play cards."""
    changed = await epochs.bump(connection, "identity")
    passage = await lanes.pass_gate(connection, live.lane, id_count=1)
    sandbox = Organisation(
        passage.ids[0], f"{live.name[:90]} 沙箱", live.kind, live.level, "active", PLAY_CURRENCY, live.org_id, False
    )
    await store.insert_organisation(connection, sandbox, changed=changed, founded_at=clock.now())
    return sandbox


async def issue_key(
    connection: Connection,
    ring: crypto.KeyRing,
    organisation: Organisation,
    *,
    name: str,
    scopes: Iterable[str] = ALL_SCOPES,
    allowed_ips: Iterable[str] = (),
    rate_per_second: int = 1000,
    daily_limit_e4: int | None = None,
    public_key: bytes | None = None,
    actor_id: int = 0,
) -> IssuedKey:
    """A new key: HMAC with a fresh secret, or Ed25519 when the caller brings its public key (32 bytes)."""
    scopes = frozenset(scopes)
    if unknown := scopes - ALL_SCOPES:
        raise BadKeySettings(f"unknown scope {sorted(unknown)[0]}", field="scopes")
    changed = await epochs.bump(connection, "identity")
    passage = await lanes.pass_gate(connection, organisation.lane, id_count=2)
    secret = "" if public_key else crypto.secret_text("ks_")
    key = ApiKey(
        key_id=passage.ids[0],
        org_id=organisation.org_id,
        scopes=scopes,
        secret=secret.encode() or None,
        public_key=public_key,
        allowed_ips=tuple(_network(text) for text in allowed_ips),
        rate_per_second=rate_per_second,
        daily_limit_e4=daily_limit_e4,
        state="active",
        expires_at_ms=None,
    )
    at = clock.now()
    await store.insert_key(connection, ring, key, name=name, changed=changed, at=at)
    line = audit.Line(passage.ids[1], organisation.org_id, actor_id, "api_key.issue", key.key_id)
    await audit.note(connection, organisation.lane, at, [line])
    return IssuedKey(key.key_id, organisation.org_id, secret, organisation.sandbox)


async def rotate_key(
    db: Database, ring: crypto.KeyRing, key_id: int, *, overlap: timedelta = ROTATION_OVERLAP
) -> IssuedKey:
    """A new key with the rights of the old one, which works on for ``overlap``."""
    async with db.transaction() as connection:
        old = await store.read_key(connection, ring, key_id)
        organisation = None if old is None else await store.read_organisation(connection, old.org_id)
        if old is None or organisation is None:
            raise NoSuchOrganisation(f"key {key_id}")
        issued = await issue_key(
            connection, ring, organisation, name=f"rotated from {key_id}", scopes=old.scopes,
            allowed_ips=[str(network) for network in old.allowed_ips], rate_per_second=old.rate_per_second,
            daily_limit_e4=old.daily_limit_e4,
        )  # fmt: skip
        changed = await epochs.bump(connection, "identity")
        await store.expire_key(connection, key_id, clock.now() + overlap, changed=changed)
    return issued


async def revoke_key(db: Database, key_id: int, *, actor_id: int = 0) -> None:
    """The key stops working: at once for writes, within a second for reads."""
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "identity")
        lane = ids.lane_of(key_id)
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        await store.revoke_key(connection, key_id, changed=changed)
        line = audit.Line(passage.ids[0], 0, actor_id, "api_key.revoke", key_id)
        await audit.note(connection, lane, clock.now(), [line])


async def set_organisation(
    db: Database, org_id: int, *, level: int | None = None, state: str | None = None, wants_events: bool | None = None
) -> Organisation:
    """Change an organisation; every gateway decides by it from its next batch on."""
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "identity")
        await lanes.pass_gate(connection, ids.lane_of(org_id))
        old = await store.read_organisation(connection, org_id)
        if old is None:
            raise NoSuchOrganisation(str(org_id))
        new = msgspec.structs.replace(
            old,
            level=old.level if level is None else level,
            state=old.state if state is None else state,
            wants_events=old.wants_events if wants_events is None else wants_events,
        )
        await store.set_organisation(connection, new, changed=changed)
    return new


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise BadKeySettings(f"{text} is neither an address nor a network", field="allowed_ips") from None
