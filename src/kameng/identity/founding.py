"""Founding organisations and their sandboxes, and changing what may change of them."""

from __future__ import annotations

from typing import Any

import msgspec

from kameng.identity import store
from kameng.identity.errors import BadOrganisationSettings, NoSuchOrganisation
from kameng.identity.model import LEVEL_MAX, ORGANISATION_KINDS, ORGANISATION_STATES, Organisation
from kameng.kit import audit, clock, epochs, ids, lanes
from kameng.kit.db import Connection, Database

PLAY_MONEY_E4 = 1_000_000 * 10_000
"""What a sandbox starts with: a million in play money."""
PLAY_CURRENCY = "XTS"
"""ISO 4217's code for tests: what sandboxes pay with."""

NAME_CHARS_MAX = 100
EXTERNAL_REF_CHARS_MAX = 64
REASON_CHARS_MAX = 500


async def found(
    connection: Connection, *, name: str, kind: str = "merchant", level: int = 0, parent_id: int | None = None,
    state: str = "active",
) -> Organisation:  # fmt: skip
    """A new organisation, under an agent or the platform; the caller opens its wallet in the same transaction.

    Its lane is the one that has the fewest. Only the customers of an agent that collects itself are in the agent's,
    since its wallet pays for them.
    """
    if not (name.strip() and len(name) <= NAME_CHARS_MAX and name.isprintable()):
        raise BadOrganisationSettings(
            f"1 to {NAME_CHARS_MAX} printable characters", field="name",
            detail_zh=f"名称应为 1 至 {NAME_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    _check_one_of(kind, ORGANISATION_KINDS, "kind")
    _check_level(level)
    changed = await epochs.bump(connection, "identity")
    parent = None if parent_id is None else await read_parent(connection, parent_id)
    if parent is not None and pays_for(parent, kind):
        lane = parent.lane
        await lanes.join_lane(connection, lane)
    else:
        lane = await lanes.choose_lane(connection)
    passage = await lanes.pass_gate(connection, lane, id_count=1)
    organisation = Organisation(passage.ids[0], name, kind, level, state, "CNY", None, False, parent_id)
    await store.insert_organisation(connection, organisation, changed=changed, founded_at=clock.now())
    return organisation


async def found_sandbox(connection: Connection, live: Organisation) -> Organisation:
    """The sandbox beside a live organisation: same lane, same level, play money, play cards."""
    changed = await epochs.bump(connection, "identity")
    passage = await lanes.pass_gate(connection, live.lane, id_count=1)
    sandbox = Organisation(
        passage.ids[0], f"{live.name[:90]} 沙箱", live.kind, live.level, "active", PLAY_CURRENCY, live.org_id, False,
        live.parent_id,
    )  # fmt: skip
    await store.insert_organisation(connection, sandbox, changed=changed, founded_at=clock.now())
    return sandbox


async def set_organisation(
    db: Database, org_id: int, *,
    level: int | None = None, state: str | None = None, wants_events: bool | None = None,
    external_ref: str | None = None, reason: str | None = None, actor_id: int = 0,
) -> Organisation:  # fmt: skip
    """Change an organisation; every gateway decides by it from its next batch on. A person says why."""
    wished = {"level": level, "state": state, "wants_events": wants_events, "external_ref": external_ref}
    wished = {name: value for name, value in wished.items() if value is not None}
    if level is not None:
        _check_level(level)
    if state is not None:
        _check_one_of(state, ORGANISATION_STATES, "state")
    if external_ref is not None and not (len(external_ref) <= EXTERNAL_REF_CHARS_MAX and external_ref.isprintable()):
        raise BadOrganisationSettings(
            f"external_ref: at most {EXTERNAL_REF_CHARS_MAX} printable characters", field="external_ref",
            detail_zh=f"外部编码：最多 {EXTERNAL_REF_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    said = with_reason(wished, reason)
    async with db.transaction() as connection:
        changed, passage, old = await hold(connection, org_id)
        lane = passage.lane
        new = msgspec.structs.replace(old, **wished)
        await store.set_organisation(connection, new, changed=changed)
        line = audit.Line(passage.ids[0], org_id, actor_id, "organisation.set", org_id, said)
        await audit.note(connection, lane, clock.now(), [line])
    return new


async def find_organisation(connection: Connection, org_id: int) -> Organisation | None:
    return await store.read_organisation(connection, org_id)


async def find_house(connection: Connection) -> Organisation | None:
    """The platform's own organisation; None before it was founded."""
    return await store.read_house(connection)


async def hold(connection: Connection, org_id: int) -> tuple[int, lanes.Passage, Organisation]:
    """Raise the epoch and pass the gate of an organisation's lane: what is read of it from here on stays true."""
    lane = ids.lane_of(org_id)
    if lane not in await lanes.lane_numbers(connection):  # the number was mistyped; no lane is ever removed
        raise NoSuchOrganisation(str(org_id))
    changed = await epochs.bump(connection, "identity")
    passage = await lanes.pass_gate(connection, lane, id_count=1)
    found = await store.read_organisation(connection, org_id)
    if found is None:
        raise NoSuchOrganisation(str(org_id))
    return changed, passage, found


async def read_parent(connection: Connection, parent_id: int) -> Organisation:
    """The agent that somebody is to buy from. The caller raised the epoch, so it stays what it is."""
    parent = await store.read_organisation(connection, parent_id)
    if parent is None:
        raise NoSuchOrganisation(str(parent_id), field="parent")
    if parent.kind != "agent" or parent.sandbox or parent.state == "closed":
        raise BadOrganisationSettings(
            "parent: an agent that is not closed", field="parent", detail_zh="上级：应为未关闭的代理"
        )
    return parent


def pays_for(parent: Organisation, kind: str) -> bool:
    """Whether the agent's wallet pays for what one of that kind orders. Agents below pay for themselves."""
    return parent.self_collected and kind != "agent"


def with_reason(wished: dict[str, Any], reason: str | None) -> dict[str, Any]:
    """What the audit line says."""
    if reason is None:
        return wished
    if not (reason.strip() and len(reason) <= REASON_CHARS_MAX and reason.isprintable()):
        raise BadOrganisationSettings(
            f"reason: 1 to {REASON_CHARS_MAX} printable characters", field="reason",
            detail_zh=f"原因：应为 1 至 {REASON_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    return {**wished, "reason": reason}


def _check_level(level: int) -> None:
    if not 0 <= level <= LEVEL_MAX:
        raise BadOrganisationSettings(f"level: 0 to {LEVEL_MAX}", field="level", detail_zh=f"等级应为 0 至 {LEVEL_MAX}")


def _check_one_of(value: str, allowed: tuple[str, ...], field: str) -> None:
    if value not in allowed:
        choice = ", ".join(allowed)
        label = {"kind": "类型", "state": "状态"}[field]
        raise BadOrganisationSettings(
            f"{field}: one of {choice}", field=field, detail_zh=f"{label}：应为 {choice} 之一"
        )
