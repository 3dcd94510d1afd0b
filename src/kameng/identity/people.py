"""People: one sign-in, memberships in as many organisations as there are, a role in each."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from kameng.identity import store
from kameng.identity.errors import BadPersonSettings, LastOwner, NoSuchPerson, SignInTaken
from kameng.identity.model import Organisation
from kameng.kit import audit, clock, ids, lanes
from kameng.kit.db import Connection, Database

ROLES = ("owner", "finance", "support", "catalogue", "risk", "auditor", "clerk")
SIGN_IN_CHARS_MAX = 254
NAME_CHARS_MAX = 100
AUDIT_LANE = 0
"""A person belongs to no lane; every platform has this one."""

LABELS = {"sign_in": "登录名", "name": "姓名"}


class Person(msgspec.Struct, frozen=True):
    person_id: int
    sign_in: str
    name: str
    state: str


class Membership(msgspec.Struct, frozen=True):
    org_id: int
    person_id: int
    role: str


async def enrol(db: Database, *, sign_in: str, name: str, actor_id: int = 0) -> int:
    """A new person; returns its id. The sign-in (mail address or phone number) is compared in lower case, and
    full-width characters, as Chinese keyboards type them, count as their plain ones."""
    sign_in = spelled(sign_in)
    _check_text(sign_in, SIGN_IN_CHARS_MAX, "sign_in")
    _check_text(name, NAME_CHARS_MAX, "name")
    person_id = ids.random_id()
    async with db.transaction() as connection:
        at = clock.now()
        if not await store.insert_person(connection, person_id, sign_in, name, at):
            raise SignInTaken(field="sign_in")
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        line = audit.Line(passage.ids[0], 0, actor_id, "person.enrol", person_id)  # neither sign-in nor name
        await audit.note(connection, AUDIT_LANE, at, [line])
    return person_id


class Member(msgspec.Struct, frozen=True):
    """Somebody who belongs to an organisation."""

    person_id: int
    sign_in: str
    name: str
    role: str
    since: datetime


async def join(
    db: Database, organisation: Organisation, person_id: int, role: str, *, actor_id: int = 0
) -> Membership:
    """Give a person a role in an organisation, or another role than before."""
    async with db.transaction() as connection:
        return await give_role(connection, organisation, person_id, role, actor_id=actor_id)


async def give_role(
    connection: Connection, organisation: Organisation, person_id: int, role: str, *, actor_id: int = 0
) -> Membership:
    """``join``, in a transaction of the caller; passes the gate of the organisation's lane."""
    if role not in ROLES:
        raise BadPersonSettings(
            f"role: one of {', '.join(ROLES)}", field="role", detail_zh=f"角色应为 {', '.join(ROLES)} 之一"
        )
    lane = organisation.lane
    passage = await lanes.pass_gate(connection, lane, id_count=1)
    if not await store.person_exists(connection, person_id):
        raise NoSuchPerson(field="person")
    if role != "owner":
        await _keep_an_owner(connection, organisation.org_id, person_id)
    at = clock.now()
    await store.set_membership(connection, lane, organisation.org_id, person_id, role, at)
    line = audit.Line(passage.ids[0], organisation.org_id, actor_id, "membership.set", person_id, {"role": role})
    await audit.note(connection, lane, at, [line])
    return Membership(organisation.org_id, person_id, role)


async def leave(db: Database, org_id: int, person_id: int, *, actor_id: int = 0) -> None:
    """A person belongs to an organisation no more; ``LastOwner`` if nobody would be left to lead it."""
    lane = ids.lane_of(org_id)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        await _keep_an_owner(connection, org_id, person_id)
        role = await store.end_membership(connection, lane, org_id, person_id)
        if role is None:
            raise NoSuchPerson(field="person")
        line = audit.Line(passage.ids[0], org_id, actor_id, "membership.end", person_id, {"role": role})
        await audit.note(connection, lane, clock.now(), [line])


async def members(db: Database, org_id: int) -> list[Member]:
    """Who belongs to an organisation, whoever came first first."""
    async with db.connection() as connection:
        return [Member(*row) for row in await store.members_of(connection, ids.lane_of(org_id), org_id)]


async def _keep_an_owner(connection: Connection, org_id: int, person_id: int) -> None:
    """The caller holds the gate: nobody becomes an owner or stops being one meanwhile."""
    owners = await store.owners_of(connection, ids.lane_of(org_id), org_id)
    if owners == [person_id]:
        raise LastOwner


async def find_person(db: Database, person_id: int) -> Person:
    """``NoSuchPerson`` if there is none."""
    async with db.connection() as connection:
        found = await store.read_person(connection, person_id)
    if found is None:
        raise NoSuchPerson(str(person_id), field="person", detail_zh=str(person_id))
    return Person(*found)


async def find_by_sign_in(db: Database, sign_in: str) -> Person | None:
    """The person who signs in with this, spelled as people spell it."""
    async with db.connection() as connection:
        found = await store.read_person_by_sign_in(connection, spelled(sign_in))
    return None if found is None else Person(*found)


async def rename_person(db: Database, person_id: int, name: str, *, actor_id: int = 0) -> None:
    """Another name for somebody; what he signs in with stays. The name stands in no audit line: it may be erased."""
    _check_text(name, NAME_CHARS_MAX, "name")
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        if not await store.rename_person(connection, person_id, name):
            raise NoSuchPerson(str(person_id), field="person", detail_zh=str(person_id))
        line = audit.Line(passage.ids[0], 0, actor_id, "person.rename", person_id)
        await audit.note(connection, AUDIT_LANE, clock.now(), [line])


async def erase_person(db: Database, person_id: int, *, reason: str, actor_id: int = 0) -> bool:
    """Leave a number in the place of a person, closed; the caller answers for the reason. False if it was done before.

    His memberships stay, numbers and roles: what he did is told by his number in audit lines.
    """
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        if not await store.person_exists(connection, person_id):
            raise NoSuchPerson(str(person_id), field="person", detail_zh=str(person_id))
        if not await store.erase_person(connection, person_id, erased_sign_in(person_id)):
            return False
        line = audit.Line(passage.ids[0], 0, actor_id, "person.erase", person_id, {"reason": reason})
        await audit.note(connection, AUDIT_LANE, clock.now(), [line])
    return True


async def people(db: Database, *, after_id: int = 0, limit: int = 1000) -> list[tuple[Person, list[Membership]]]:
    """People by id, from the one after ``after_id`` on, each with where he belongs."""
    async with db.connection() as connection:
        found = [Person(*row) for row in await store.people_after(connection, after_id, limit)]
        rows = await store.memberships_of_all(connection, [person.person_id for person in found])
    return [(person, _of(rows, person.person_id)) for person in found]


def erased_sign_in(person_id: int) -> str:
    """What stands in the place of a sign-in that was erased."""
    return f"erased-{person_id}"


def spelled(sign_in: str) -> str:
    """A sign-in as it is kept and compared."""
    return unicodedata.normalize("NFKC", sign_in).strip().lower()


def _of(rows: Mapping[int, Sequence[tuple[int, str]]], person_id: int) -> list[Membership]:
    return [Membership(org_id, person_id, role) for org_id, role in rows.get(person_id, ())]


async def memberships(db: Database, person_id: int) -> list[Membership]:
    """Where a person belongs, and as what."""
    async with db.connection() as connection:
        rows = await store.memberships_of(connection, person_id)
    return [Membership(org_id, person_id, role) for org_id, role in rows]


async def role_of(connection: Connection, org_id: int, person_id: int) -> str | None:
    """What a person is in an organisation; None: he does not belong there."""
    return await store.role_of(connection, ids.lane_of(org_id), org_id, person_id)


def _check_text(text: str, chars_max: int, field: str) -> None:
    if not (text.strip() and len(text) <= chars_max and text.isprintable()):
        raise BadPersonSettings(
            f"{field}: 1 to {chars_max} printable characters", field=field,
            detail_zh=f"{LABELS[field]}：应为 1 至 {chars_max} 个可见字符",
        )  # fmt: skip
