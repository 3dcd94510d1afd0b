"""Organisations whose people need a second factor: whoever works there without one works for nobody until he has it.

An authenticator app counts, for it is asked for at each sign-in from then on; so does a session that a passkey began.
A passkey beside a password doesn't: the password alone would still do.
"""

from __future__ import annotations

from kameng.access import factors_store
from kameng.access.model import Session
from kameng.identity import Organisation
from kameng.kit import audit, clock, lanes
from kameng.kit.db import Connection, Database


async def require_factor(db: Database, organisation: Organisation, *, is_on: bool, actor_id: int) -> None:
    """From now on, or not any more. Said twice it is done once."""
    lane, org_id, at = organisation.lane, organisation.org_id, clock.now()
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        if is_on:
            changed = await factors_store.insert_factor_rule(connection, lane, org_id, at, actor_id)
        else:
            changed = await factors_store.delete_factor_rule(connection, lane, org_id)
        if changed:
            data = {"is": "on" if is_on else "off"}
            line = audit.Line(passage.ids[0], org_id, actor_id, "organisation.factor", org_id, data)
            await audit.note(connection, lane, at, [line])


async def requires_factor(connection: Connection, organisation: Organisation) -> bool:
    return await factors_store.has_factor_rule(connection, organisation.lane, organisation.org_id)


async def lacks_factor(connection: Connection, organisation: Organisation, session: Session) -> bool:
    """Whether he has to set one up before he does anything there."""
    if session.factor == "passkey" or not await requires_factor(connection, organisation):
        return False
    found = await factors_store.read_totp(connection, session.person_id)
    return found is None or not found[1]
