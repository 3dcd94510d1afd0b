"""API keys: issued, rotated and revoked, each under the gate of the key's lane and with its audit line."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network

import msgspec

from kameng.identity import store
from kameng.identity.errors import BadKeySettings, KeyNotWorking, NoSuchOrganisation
from kameng.identity.model import ALL_SCOPES, ApiKey, Organisation, scopes_of
from kameng.kit import audit, clock, crypto, epochs, ids, lanes
from kameng.kit.db import Connection, Database
from kameng.kit.money import AMOUNT_E4_MAX

ROTATION_OVERLAP = timedelta(days=7)
ROTATION_OVERLAP_MAX = timedelta(days=365)
RATE_PER_SECOND_MAX = 1_000_000
PUBLIC_KEY_BYTES = 32
REASON_CHARS_MAX = 500


class IssuedKey(msgspec.Struct, frozen=True):
    """A new key. ``secret`` is shown once and never again, nor in ``repr``; empty for Ed25519 keys."""

    key_id: int
    org_id: int
    secret: str
    sandbox: bool

    def __repr__(self) -> str:
        return f"IssuedKey(key_id={self.key_id}, org_id={self.org_id}, sandbox={self.sandbox})"


async def issue_key(
    connection: Connection,
    ring: crypto.KeyRing,
    organisation: Organisation,
    *,
    name: str,
    scopes: Iterable[str] | None = None,
    allowed_ips: Iterable[str] = (),
    rate_per_second: int = 1000,
    daily_limit_e4: int | None = None,
    public_key: bytes | None = None,
    expires_at: datetime | None = None,
    actor_id: int = 0,
) -> IssuedKey:
    """A new key: HMAC with a fresh secret, or Ed25519 when the caller brings its public key (32 bytes).

    Unless told otherwise it may do whatever an organisation of its kind has a use for.
    """
    scopes = scopes_of(organisation.kind) if scopes is None else frozenset(scopes)
    check_settings(scopes, rate_per_second, daily_limit_e4, public_key)
    networks = networks_of(allowed_ips)
    expires_at_ms = None if expires_at is None else int(expires_at.timestamp() * 1000)
    if expires_at_ms is not None and expires_at_ms <= clock.now_ms():
        raise BadKeySettings("it would have ended already", field="expires_at", detail_zh="有效期须晚于当前时间")
    changed = await epochs.bump(connection, "identity")
    passage = await lanes.pass_gate(connection, organisation.lane, id_count=2)
    secret = crypto.secret_text("ks_") if public_key is None else ""
    key = ApiKey(
        key_id=passage.ids[0],
        org_id=organisation.org_id,
        scopes=scopes,
        secret=secret.encode() or None,
        public_key=public_key,
        allowed_ips=networks,
        rate_per_second=rate_per_second,
        daily_limit_e4=daily_limit_e4,
        state="active",
        expires_at_ms=expires_at_ms,
    )
    at = clock.now()
    await store.insert_key(connection, ring, key, name=name, changed=changed, at=at)
    line = audit.Line(passage.ids[1], organisation.org_id, actor_id, "api_key.issue", key.key_id)
    await audit.note(connection, organisation.lane, at, [line])
    return IssuedKey(key.key_id, organisation.org_id, secret, organisation.sandbox)


async def rotate_key(
    db: Database, ring: crypto.KeyRing, key_id: int, *,
    overlap: timedelta = ROTATION_OVERLAP, public_key: bytes | None = None, actor_id: int = 0,
) -> IssuedKey:  # fmt: skip
    """A new key of the same kind with the rights of the old one, which works on for ``overlap``.

    For an Ed25519 key the caller brings the new ``public_key``. Only a key that works is rotated, and its end is
    never put off: one that ends sooner still does.
    """
    if not timedelta(0) <= overlap <= ROTATION_OVERLAP_MAX:
        days = ROTATION_OVERLAP_MAX.days
        raise BadKeySettings(f"at most {days} days", field="overlap", detail_zh=f"旧密钥最多再保留 {days} 天")
    async with db.transaction() as connection:
        changed, passage = await hold_key(connection, key_id)
        old = await store.read_key(connection, ring, key_id)
        organisation = None if old is None else await store.read_organisation(connection, old.org_id)
        if old is None or organisation is None:
            raise NoSuchOrganisation(f"key {key_id}", detail_zh=f"密钥 {key_id}")
        at = clock.now()
        if not old.works_at(int(at.timestamp() * 1000)):
            raise KeyNotWorking(f"key {key_id}", detail_zh=f"密钥 {key_id}")
        _check_successor(old, public_key)
        issued = await issue_key(
            connection, ring, organisation, name=f"rotated from {key_id}", scopes=old.scopes,
            allowed_ips=[str(network) for network in old.allowed_ips], rate_per_second=old.rate_per_second,
            daily_limit_e4=old.daily_limit_e4, public_key=public_key, actor_id=actor_id,
        )  # fmt: skip
        await store.expire_key(connection, key_id, at + overlap, changed=changed)
        line = audit.Line(passage.ids[0], old.org_id, actor_id, "api_key.rotate", key_id, {"to": str(issued.key_id)})
        await audit.note(connection, passage.lane, at, [line])
    return issued


async def revoke_key(db: Database, key_id: int, *, reason: str | None = None, actor_id: int = 0) -> None:
    """The key stops working: at once for writes, within a second for reads. A person says why."""
    if reason is not None and not (reason.strip() and len(reason) <= REASON_CHARS_MAX and reason.isprintable()):
        raise BadKeySettings(
            f"reason: 1 to {REASON_CHARS_MAX} printable characters", field="reason",
            detail_zh=f"原因：应为 1 至 {REASON_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    async with db.transaction() as connection:
        changed, passage = await hold_key(connection, key_id)
        org_id = await store.revoke_key(connection, key_id, changed=changed)
        if org_id is None:
            raise NoSuchOrganisation(f"key {key_id}", detail_zh=f"密钥 {key_id}")
        data = None if reason is None else {"reason": reason}
        line = audit.Line(passage.ids[0], org_id, actor_id, "api_key.revoke", key_id, data)
        await audit.note(connection, passage.lane, clock.now(), [line])


async def hold_key(connection: Connection, key_id: int) -> tuple[int, lanes.Passage]:
    """Raise the epoch and pass the gate of a key's lane: what is read of it from here on stays true."""
    lane = ids.lane_of(key_id)
    if lane not in await lanes.lane_numbers(connection):  # the number was mistyped; no lane is ever removed
        raise NoSuchOrganisation(f"key {key_id}", detail_zh=f"密钥 {key_id}")
    changed = await epochs.bump(connection, "identity")
    return changed, await lanes.pass_gate(connection, lane, id_count=1)


def check_settings(
    scopes: frozenset[str], rate_per_second: int, daily_limit_e4: int | None, public_key: bytes | None
) -> None:
    """``BadKeySettings`` names what a key can't have."""
    if unknown := sorted(scopes - ALL_SCOPES):
        raise BadKeySettings(f"unknown scope {unknown[0]}", field="scopes", detail_zh=f"没有权限 {unknown[0]}")
    if not 1 <= rate_per_second <= RATE_PER_SECOND_MAX:
        raise BadKeySettings(
            f"1 to {RATE_PER_SECOND_MAX} requests a second", field="rate_per_second",
            detail_zh=f"每秒请求数应为 1 至 {RATE_PER_SECOND_MAX}",
        )  # fmt: skip
    if daily_limit_e4 is not None and not 0 <= daily_limit_e4 <= AMOUNT_E4_MAX:
        raise BadKeySettings(
            "the daily limit is below zero or too large", field="daily_limit", detail_zh="每日限额为负数或过大"
        )
    if public_key is not None and len(public_key) != PUBLIC_KEY_BYTES:
        raise BadKeySettings(
            f"an Ed25519 public key has {PUBLIC_KEY_BYTES} bytes", field="public_key",
            detail_zh=f"Ed25519 公钥应为 {PUBLIC_KEY_BYTES} 字节",
        )  # fmt: skip


def _check_successor(old: ApiKey, public_key: bytes | None) -> None:
    """A rotated key stays of its kind: whoever chose signatures that we can't make must not get less."""
    if old.public_key is None and public_key is not None:
        raise BadKeySettings(
            "this is an HMAC key; issue an Ed25519 key beside it", field="public_key",
            detail_zh="这是 HMAC 密钥，请另行签发 Ed25519 密钥",
        )  # fmt: skip
    if old.public_key is not None and public_key is None:
        raise BadKeySettings(
            "this is an Ed25519 key; bring the new public key", field="public_key",
            detail_zh="这是 Ed25519 密钥，请提供新的公钥",
        )  # fmt: skip
    if old.public_key is not None and public_key == old.public_key:
        raise BadKeySettings(
            "this is the old public key; make a new one", field="public_key",
            detail_zh="这是旧公钥，请生成新的公钥",
        )  # fmt: skip


def networks_of(texts: Iterable[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(_network(text) for text in texts)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise BadKeySettings(
            f"{text} is neither an address nor a network", field="allowed_ips", detail_zh=f"{text} 不是地址或网段"
        ) from None
