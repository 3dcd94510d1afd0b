"""API keys as their owners see them: listed, found, and bound to other addresses and limits. Never a secret."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network

import msgspec

from kameng.identity import store
from kameng.identity.errors import BadKeySettings, KeyNotWorking, NoSuchOrganisation
from kameng.identity.issuing import check_settings, hold_key, networks_of
from kameng.identity.model import Organisation
from kameng.identity.signing import format_key_id
from kameng.kit import audit, clock, crypto
from kameng.kit.db import Database

KEYS_SHOWN = 500
KEY_NAME_CHARS_MAX = 60


class ListedKey(msgspec.Struct, frozen=True):
    """A key without what it signs with."""

    key_id: int
    org_id: int
    name: str
    scopes: tuple[str, ...]
    is_ed25519: bool
    allowed_ips: tuple[IPv4Network | IPv6Network, ...]
    rate_per_second: int
    daily_limit_e4: int | None
    state: str
    expires_at: datetime | None
    created_at: datetime
    sandbox: bool = False

    @property
    def shown(self) -> str:
        """As requests name it."""
        return format_key_id(self.key_id, sandbox=self.sandbox)

    def works_at(self, at: datetime) -> bool:
        return self.state == "active" and (self.expires_at is None or at < self.expires_at)


async def list_keys(db: Database, organisation: Organisation) -> list[ListedKey]:
    """The organisation's keys and those of its sandboxes, newest first."""
    async with db.connection() as connection:
        beside = await store.sandboxes_of(connection, organisation.lane, organisation.org_id)
        org_ids = [organisation.org_id, *(one.org_id for one in beside)]
        rows = await store.list_keys(connection, organisation.lane, org_ids, limit=KEYS_SHOWN)
    return [
        ListedKey(
            row["key_id"], row["org_id"], row["name"], tuple(row["scopes"]), row["is_ed25519"],
            tuple(row["allowed_ips"]), row["rate_per_second"], row["daily_limit_e4"], row["state"], row["expires_at"],
            row["created_at"], organisation.sandbox or row["org_id"] != organisation.org_id,
        )
        for row in rows
    ]  # fmt: skip


async def find_key(db: Database, organisation: Organisation, key_id: int) -> ListedKey:
    """One of those; ``NoSuchOrganisation`` for everybody else's."""
    found = next((key for key in await list_keys(db, organisation) if key.key_id == key_id), None)
    if found is None:
        raise NoSuchOrganisation(f"key {key_id}", detail_zh=f"密钥 {key_id}")
    return found


async def sandboxes_of(db: Database, organisation: Organisation) -> list[Organisation]:
    """Those beside it."""
    async with db.connection() as connection:
        return await store.sandboxes_of(connection, organisation.lane, organisation.org_id)


async def change_key(
    db: Database, ring: crypto.KeyRing, key_id: int, *, name: str, allowed_ips: Iterable[str], rate_per_second: int,
    daily_limit_e4: int | None, actor_id: int = 0,
) -> None:  # fmt: skip
    """Bind a key that works to other addresses and limits; every gateway sees it within a second."""
    if not (0 < len(name) <= KEY_NAME_CHARS_MAX and name.isprintable()):
        raise BadKeySettings(
            f"name: 1 to {KEY_NAME_CHARS_MAX} printable characters", field="name",
            detail_zh=f"名称：应为 1 至 {KEY_NAME_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    check_settings(frozenset(), rate_per_second, daily_limit_e4, None)
    networks = networks_of(allowed_ips)
    async with db.transaction() as connection:
        changed, passage = await hold_key(connection, key_id)
        old = await store.read_key(connection, ring, key_id)
        if old is None:
            raise NoSuchOrganisation(f"key {key_id}", detail_zh=f"密钥 {key_id}")
        new = msgspec.structs.replace(
            old, allowed_ips=networks, rate_per_second=rate_per_second, daily_limit_e4=daily_limit_e4
        )
        if not await store.set_key(connection, new, name=name, changed=changed):
            raise KeyNotWorking(f"key {key_id}", detail_zh=f"密钥 {key_id}")
        data = {
            "allowed_ips": [str(network) for network in networks], "rate_per_second": rate_per_second,
            "daily_limit_e4": daily_limit_e4,
        }  # fmt: skip
        line = audit.Line(passage.ids[0], old.org_id, actor_id, "api_key.change", key_id, data)
        await audit.note(connection, passage.lane, clock.now(), [line])
