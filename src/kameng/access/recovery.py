"""Codes for whoever lost everything else: made ten at a time, shown once, good once each."""

from __future__ import annotations

import base64
import os
import re

from kameng.access import factors_store
from kameng.kit import audit, clock, crypto, lanes
from kameng.kit.db import Database

COUNT = 10
CODE_BYTES = 5  # 40 bits, and five tries before the first wait
AUDIT_LANE = 0


async def new_recovery_codes(db: Database, ring: crypto.KeyRing, person_id: int) -> list[str]:
    """Ten codes in place of all there were; nobody can be shown them again."""
    codes = [base64.b32encode(os.urandom(CODE_BYTES)).decode().lower() for _ in range(COUNT)]
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        await factors_store.set_recovery_codes(connection, person_id, [_hash(ring, person_id, code) for code in codes])
        line = audit.Line(passage.ids[0], 0, person_id, "person.recovery_codes", person_id)
        await audit.note(connection, AUDIT_LANE, clock.now(), [line])
    return [f"{code[:4]}-{code[4:]}" for code in codes]


async def use_recovery_code(db: Database, ring: crypto.KeyRing, person_id: int, text: str) -> bool:
    """Whether it was one of them, not used before."""
    plain = re.sub(r"[\s-]", "", text).lower()
    async with db.connection() as connection:
        return await factors_store.use_recovery_code(connection, person_id, _hash(ring, person_id, plain), clock.now())


async def recovery_codes_left(db: Database, person_id: int) -> int:
    async with db.connection() as connection:
        return await factors_store.count_recovery_codes(connection, person_id)


def _hash(ring: crypto.KeyRing, person_id: int, code: str) -> bytes:
    return ring.fingerprint(b"recovery", f"{person_id}\n{code}".encode())
