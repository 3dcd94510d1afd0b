"""Looking at pages as somebody of an organisation: for operators, with a reason, for a while, and written down.

The operator stays himself: what he does bears his own number. What changes is whose pages he sees and with which role.
Nobody looks as one of the platform's own people. To look is all he may, unless he said that he would act.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from kameng import identity
from kameng.access import store
from kameng.access.errors import BadGuise
from kameng.access.model import Session
from kameng.kit import audit, clock, ids, lanes
from kameng.kit.db import Connection, Database

GUISE_LASTS = timedelta(minutes=30)
REASON_CHARS_MAX = 500
PATH_CHARS_MAX = 300


class Guise(msgspec.Struct, frozen=True):
    """Whose pages somebody sees, and until when."""

    person_id: int
    org_id: int
    until: datetime
    may_write: bool


async def begin_guise(
    db: Database, session: Session, person_id: int, org_id: int, *, reason: str, may_write: bool
) -> Guise:
    """From now on the pages of this session are that person's in that organisation."""
    if not (reason.strip() and len(reason) <= REASON_CHARS_MAX and reason.isprintable()):
        raise BadGuise(
            f"reason: 1 to {REASON_CHARS_MAX} printable characters", field="reason",
            detail_zh=f"原因：应为 1 至 {REASON_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    async with db.connection() as connection:
        organisation = await identity.find_organisation(connection, org_id)
        role = None if organisation is None else await identity.role_of(connection, org_id, person_id)
        numbers = {place.org_id for place in await identity.memberships(db, person_id)}
        houses = await identity.organisations_by_id(connection, numbers)
    if organisation is None or role is None:
        raise BadGuise("somebody of that organisation", field="person", detail_zh="所选用户不属于该组织")
    if any(house.kind == "platform" for house in houses.values()):
        raise BadGuise("none of the platform's own people", field="person", detail_zh="不能以平台人员的身份查看")
    at = clock.now()
    guise = Guise(person_id, org_id, at + GUISE_LASTS, may_write)
    said = {"person": str(person_id), "reason": reason, "may_write": may_write}
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, organisation.lane, id_count=1)
        await store.set_guise(connection, session, person_id, org_id, guise.until, may_write=may_write)
        line = audit.Line(passage.ids[0], org_id, session.person_id, "guise.begin", org_id, said)
        await audit.note(connection, organisation.lane, at, [line])
    return guise


async def guise_of(connection: Connection, session: Session) -> Guise | None:
    """Whose pages he sees instead of his own; None once its time is up."""
    row = await store.read_guise(connection, session)
    if row is None or row[0] is None or row[2] <= clock.now():
        return None
    return Guise(*row)


async def note_view(db: Database, session: Session, guise: Guise, method: str, path: str) -> None:
    """Every page that is looked at so is written down, before it is shown."""
    lane = ids.lane_of(guise.org_id)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        said = {"person": str(guise.person_id), "page": f"{method} {path[:PATH_CHARS_MAX]}"}
        line = audit.Line(passage.ids[0], guise.org_id, session.person_id, "guise.view", guise.org_id, said)
        await audit.note(connection, lane, clock.now(), [line])


async def end_guise(db: Database, session: Session, guise: Guise) -> None:
    lane = ids.lane_of(guise.org_id)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        await store.set_guise(connection, session, None, None, None, may_write=False)
        line = audit.Line(passage.ids[0], guise.org_id, session.person_id, "guise.end", guise.org_id)
        await audit.note(connection, lane, clock.now(), [line])
