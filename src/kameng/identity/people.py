"""People: one sign-in, memberships in as many organisations as there are, a role in each."""

from __future__ import annotations

import msgspec

from kameng.identity import store
from kameng.identity.errors import NoSuchPerson, SignInTaken
from kameng.identity.model import Organisation
from kameng.kit import audit, clock, ids, lanes
from kameng.kit.db import Database

ROLES = ("owner", "finance", "support", "catalogue", "risk", "auditor", "clerk")


class Membership(msgspec.Struct, frozen=True):
    org_id: int
    person_id: int
    role: str


async def enrol(db: Database, *, sign_in: str, name: str) -> int:
    """A new person; the sign-in (mail address or phone number) is compared in lower case. Returns the person's id."""
    person_id = ids.random_id()
    async with db.transaction() as connection:
        if not await store.insert_person(connection, person_id, sign_in.strip().lower(), name, clock.now()):
            raise SignInTaken(field="sign_in")
    return person_id


async def join(
    db: Database, organisation: Organisation, person_id: int, role: str, *, actor_id: int = 0
) -> Membership:
    """Give a person a role in an organisation, or another role than before."""
    assert role in ROLES, role
    lane = organisation.lane
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        if not await store.person_exists(connection, person_id):
            raise NoSuchPerson(field="person")
        at = clock.now()
        await store.set_membership(connection, lane, organisation.org_id, person_id, role, at)
        line = audit.Line(passage.ids[0], organisation.org_id, actor_id, "membership.set", person_id, {"role": role})
        await audit.note(connection, lane, at, [line])
    return Membership(organisation.org_id, person_id, role)


async def memberships(db: Database, person_id: int) -> list[Membership]:
    """Where a person belongs, and as what."""
    async with db.connection() as connection:
        rows = await store.memberships_of(connection, person_id)
    return [Membership(org_id, person_id, role) for org_id, role in rows]
