"""Keeping accounts of the epay site: opened, given new keys, changed; their secrets sealed, and shown once.

Keys are of both versions: an MD5 key, a key pair of the shop, whose private half is given to it and not kept, and one
of ours for this account. All change together.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kameng.channels import epay_serving as serving
from kameng.epay import store
from kameng.epay.errors import BadEpayAccount, EpayClosed, NoEpayAccount
from kameng.epay.model import PPM, SECRETS, Account, Day, Opened, Secrets
from kameng.identity import Organisation
from kameng.kit import audit, clock, ids, lanes, resealing
from kameng.kit.crypto import KeyRing
from kameng.kit.db import Connection, Database

HOSTS_MAX = 20
REASON_CHARS_MAX = 200
KEY_BITS = 2048
KINDS = ("merchant", "agent")
"""Whose shops may pay through us."""
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")


class Given(msgspec.Struct, frozen=True):
    """What a shop is given, once."""

    account: Account
    md5_key: str
    shop_private_key: str

    def __repr__(self) -> str:
        return f"Given(pid={self.account.pid})"


async def open_account(
    db: Database, ring: KeyRing, organisation: Organisation, *, fee_ppm: int, actor_id: int
) -> Given:  # fmt: skip
    """An organisation's account with its first keys. ``EpayClosed`` for whoever can't have one, or has one."""
    if organisation.kind not in KINDS or organisation.sandbox or organisation.state != "active":
        raise EpayClosed
    made = await asyncio.to_thread(_make_keys)
    at, lane = clock.now(), organisation.lane
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        pid = await store.insert_account(connection, organisation.org_id, fee_ppm=fee_ppm, at=at)
        if pid is None:
            raise EpayClosed("it has one already", detail_zh="该组织已有易支付商户")
        await _put_keys(connection, ring, pid, made)
        await _note(connection, passage, organisation.org_id, actor_id, "epay.open", pid, {"fee_ppm": fee_ppm})
        account = await _of(connection, organisation.org_id)
    return Given(account, made.secrets.md5_key, made.shop_private_key)


async def rotate_keys(db: Database, ring: KeyRing, organisation: Organisation, *, actor_id: int) -> Given:
    """New keys; the old ones end at once."""
    made = await asyncio.to_thread(_make_keys)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, organisation.lane, id_count=1)
        before = await _of(connection, organisation.org_id)
        await _put_keys(connection, ring, before.pid, made)
        await _note(connection, passage, organisation.org_id, actor_id, "epay.rotate", before.pid, {})
        account = await _of(connection, organisation.org_id)
    return Given(account, made.secrets.md5_key, made.shop_private_key)


async def change_account(
    db: Database, organisation: Organisation, *, actor_id: int, is_on: bool | None = None,
    hosts: Sequence[str] | None = None, is_rsa_only: bool | None = None, has_refunds: bool | None = None,
    fee_ppm: int | None = None,
) -> None:  # fmt: skip
    """What is not named stays. The fee is for operators to change."""
    named = {"is_on": is_on, "is_rsa_only": is_rsa_only, "has_refunds": has_refunds, "fee_ppm": fee_ppm}
    changes: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    if hosts is not None:
        changes["hosts"] = _hosts(hosts)
    if fee_ppm is not None and not 0 <= fee_ppm <= PPM // 2:
        raise BadEpayAccount("fee: 0 to 50 %", field="fee", detail_zh="费率：应为 0 至 50%")
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, organisation.lane, id_count=1)
        before = await _of(connection, organisation.org_id)
        await store.set_account(connection, msgspec.structs.replace(before, **changes), clock.now())
        told = {name: str(value) for name, value in changes.items()}
        await _note(connection, passage, organisation.org_id, actor_id, "epay.change", before.pid, told)


async def bar_account(db: Database, pid: int, *, reason: str, actor_id: int) -> None:
    """The house switches an account off: nothing begins there, whatever its owner switches. No reason: it goes on."""
    if len(reason) > REASON_CHARS_MAX or not (reason.isprintable() and reason == reason.strip()):
        raise BadEpayAccount(
            f"reason: at most {REASON_CHARS_MAX} printable characters", field="reason",
            detail_zh=f"原因：最多 {REASON_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    account = await account_at(db, pid)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, ids.lane_of(account.org_id), id_count=1)
        await store.set_bar(connection, pid, reason, clock.now())
        act = "epay.bar" if reason else "epay.admit"
        await _note(connection, passage, account.org_id, actor_id, act, pid, {"reason": reason})


async def find_account(db: Database, organisation: Organisation) -> Account:
    """``NoEpayAccount`` if it has none."""
    async with db.connection() as connection:
        return await _of(connection, organisation.org_id)


async def list_accounts(db: Database, *, after_pid: int = 0, limit: int = 100) -> list[Account]:
    async with db.connection() as connection:
        return await store.list_accounts(connection, after_pid=after_pid, limit=limit)


class Overseen(msgspec.Struct, frozen=True):
    """An account as the staff sees it; ``day``: what was begun and paid on that day."""

    account: Account
    day: Day


async def oversee_accounts(db: Database, day: date, *, after_pid: int = 0, limit: int = 100) -> list[Overseen]:
    """By number, each with its sums of a day of China."""
    async with db.connection() as connection:
        found = await store.list_accounts(connection, after_pid=after_pid, limit=limit)
        by_lane: dict[int, list[int]] = {}
        for one in found:
            by_lane.setdefault(ids.lane_of(one.org_id), []).append(one.pid)
        days: dict[int, Day] = {}
        for lane, pids in by_lane.items():
            days |= await store.read_day(connection, lane, pids, day)
    return [Overseen(one, days.get(one.pid, Day(day, 0, 0, 0))) for one in found]


async def account_at(db: Database, pid: int) -> Account:
    """By its number, for operators."""
    async with db.connection() as connection:
        found = await store.find_account(connection, pid)
    if found is None:
        raise NoEpayAccount(field="pid")
    return found[0]


def opened(ring: KeyRing, account: Account, sealed: bytes) -> Opened:
    """With its secrets, for whoever signs and verifies."""
    found = msgspec.json.decode(ring.open(SECRETS, account.pid, sealed), type=Secrets)
    shop = serving.Shop(str(account.pid), found.md5_key, account.shop_key, account.is_rsa_only)
    # It was made here and sealed since: proving its primes again would take 35 ms in which nobody is answered.
    key = serialization.load_pem_private_key(found.our_private_key.encode(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey), "it was made here"
    return Opened(account, shop, key)


async def reseal(db: Database, ring: KeyRing) -> int:
    """Seal every secret with the ring's current key; returns how many were not."""
    async with db.connection() as connection:
        rows = await store.every_secret(connection)
    return await resealing.reseal_directory(db, ring, SECRETS, rows, put=store.reseal_secrets)


class _Made(msgspec.Struct, frozen=True):
    secrets: Secrets
    shop_private_key: str
    shop_key: str
    our_key: str


def _make_keys() -> _Made:
    """A tenth of a second: not in the loop."""
    shops, ours = (rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS) for _ in range(2))
    return _Made(Secrets(secrets.token_hex(16), _private(ours)), _private(shops), _public(shops), _public(ours))


def _private(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _public(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


async def _put_keys(connection: Connection, ring: KeyRing, pid: int, made: _Made) -> None:
    sealed = ring.seal(SECRETS, pid, msgspec.json.encode(made.secrets))
    await store.set_secrets(
        connection, pid, sealed, shop_key=made.shop_key, our_key=made.our_key, at=clock.now()
    )  # fmt: skip


async def _of(connection: Connection, org_id: int) -> Account:
    found = await store.account_of(connection, org_id)
    if found is None:
        raise NoEpayAccount
    return found


def _hosts(given: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(host.strip().lower() for host in given if host.strip()))
    if len(found) > HOSTS_MAX or not all(_HOST.fullmatch(host) for host in found):
        raise BadEpayAccount(
            f"hosts: at most {HOSTS_MAX} names like shop.example.com", field="hosts",
            detail_zh=f"域名：最多 {HOSTS_MAX} 个，形如 shop.example.com",
        )  # fmt: skip
    return found


async def _note(
    connection: Connection, passage: lanes.Passage, org_id: int, actor_id: int, act: str, pid: int, data: dict[str, Any]
) -> None:
    line = audit.Line(passage.ids[0], org_id, actor_id, act, pid, data)
    await audit.note(connection, passage.lane, clock.now(), [line])
