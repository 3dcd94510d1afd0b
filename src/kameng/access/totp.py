"""Authenticator apps: six digits that change each half minute (RFC 6238). None is taken twice."""

from __future__ import annotations

import hmac
import re

import pyotp

from kameng.access import factors_store
from kameng.access.errors import BadCode
from kameng.kit import audit, clock, crypto, lanes
from kameng.kit.db import Connection, Database

SECRET = b"totp"
STEP_S = 30
DRIFT_STEPS = 1
"""So many half minutes a clock may go wrong."""
AUDIT_LANE = 0
RESEAL_BATCH = 500
_CODE = re.compile(r"[0-9]{6}")


async def begin_totp(db: Database, ring: crypto.KeyRing, person_id: int) -> str | None:
    """A new secret to be shown; works from the first code on that comes of it. None: there is one that works."""
    secret: str = pyotp.random_base32()
    async with db.connection() as connection:
        sealed = ring.seal(SECRET, person_id, secret.encode())
        return secret if await factors_store.put_totp(connection, person_id, sealed, clock.now()) else None


async def shown_totp(db: Database, ring: crypto.KeyRing, person_id: int) -> str | None:
    """The secret, as long as no code of it was seen."""
    async with db.connection() as connection:
        found = await factors_store.read_totp(connection, person_id)
    return None if found is None or found[1] else ring.open(SECRET, person_id, found[0]).decode()


def address_of(secret: str, *, name: str, issuer: str) -> str:
    """What the square picture says."""
    uri: str = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)
    return uri


async def has_totp(db: Database, person_id: int) -> bool:
    async with db.connection() as connection:
        found = await factors_store.read_totp(connection, person_id)
    return found is not None and found[1]


async def confirm_totp(db: Database, ring: crypto.KeyRing, person_id: int, code: str) -> None:
    """The app shows the right digits: from now on it is asked for. ``BadCode``."""
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        if not await _take(connection, ring, person_id, code, confirms=True):
            raise BadCode(field="code")
        line = audit.Line(passage.ids[0], 0, person_id, "person.totp", person_id, {"is": "on"})
        await audit.note(connection, AUDIT_LANE, clock.now(), [line])


async def is_totp(db: Database, ring: crypto.KeyRing, person_id: int, code: str) -> bool:
    """Whether it is the code of now, seen for the first time."""
    async with db.transaction() as connection:
        return await _take(connection, ring, person_id, code, confirms=False)


async def remove_totp(db: Database, person_id: int, *, actor_id: int) -> bool:
    """No authenticator app, and no codes for losing it."""
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        if not await factors_store.delete_totp(connection, person_id):
            return False
        await factors_store.set_recovery_codes(connection, person_id, [])
        line = audit.Line(passage.ids[0], 0, actor_id, "person.totp", person_id, {"is": "off"})
        await audit.note(connection, AUDIT_LANE, clock.now(), [line])
    return True


async def reseal(db: Database, ring: crypto.KeyRing) -> int:
    """After a rotation of the ring; returns how many were sealed with another key."""
    count, after_id = 0, 0
    while True:
        async with db.connection() as connection:
            found = await factors_store.totp_under_other_keys(connection, after_id, ring.current, RESEAL_BATCH)
            for person_id, sealed in found:
                fresh = ring.seal(SECRET, person_id, ring.open(SECRET, person_id, sealed))
                await factors_store.reseal_totp(connection, person_id, fresh, sealed)
        if not found:
            return count
        count, after_id = count + len(found), found[-1][0]


async def _take(connection: Connection, ring: crypto.KeyRing, person_id: int, code: str, *, confirms: bool) -> bool:
    found = await factors_store.read_totp(connection, person_id)
    plain = code.replace(" ", "")
    if found is None or found[1] is confirms or not _CODE.fullmatch(plain):
        return False
    made, now = pyotp.TOTP(ring.open(SECRET, person_id, found[0]).decode()), clock.now_ms() // 1000 // STEP_S
    right = [
        step
        for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1)
        if hmac.compare_digest(made.generate_otp(step), plain)
    ]
    return bool(right) and await factors_store.take_totp_step(connection, person_id, right[-1], confirms=confirms)
