"""Leading an agent tree: moving organisations under other agents, and what each of them may spend.

A tree has any depth and no cycle: every change of it holds the identity epoch, so two moves never pass each other.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kameng.identity import store
from kameng.identity.errors import BadOrganisationSettings
from kameng.identity.founding import hold, pays_for, read_parent, with_reason
from kameng.identity.model import Organisation
from kameng.kit import audit, clock, money
from kameng.kit.db import Connection, Database
from kameng.kit.money import AMOUNT_E4_MAX

LIMITS = {"minimum_balance_e4": "最低余额", "day_budget_e4": "每日预算", "month_budget_e4": "每月预算"}


async def move(
    connection: Connection, org_id: int, parent_id: int | None, *, reason: str, actor_id: int = 0
) -> Organisation:
    """Put an organisation, with all that are below it, under another agent or (None) under the platform.

    The caller made sure that nothing is left to settle with the agents above it.
    """
    said = with_reason({}, reason)
    changed, passage, old = await hold(connection, org_id)
    if old.sandbox:
        raise BadOrganisationSettings(
            "a sandbox moves with its organisation", field="organisation", detail_zh="沙箱随其商户移动"
        )
    if parent_id is not None:
        parent = await read_parent(connection, parent_id)
        await _check_no_cycle(connection, org_id, parent)
        if pays_for(parent, old.kind) and parent.lane != old.lane:
            raise _elsewhere()
    await store.move_organisation(connection, org_id, parent_id, changed=changed)
    data = {"before": _named(old.parent_id), "after": _named(parent_id), **said}
    line = audit.Line(passage.ids[0], org_id, actor_id, "organisation.move", org_id, data)
    await audit.note(connection, passage.lane, clock.now(), [line])
    return msgspec.structs.replace(old, parent_id=parent_id)


async def set_terms(
    db: Database, org_id: int, changes: dict[str, Any], *, reason: str, actor_id: int = 0
) -> Organisation:
    """Change what an organisation may spend and whether it collects itself; None takes a limit away."""
    assert changes.keys() <= {*LIMITS, "self_collected"}
    for name, zh in LIMITS.items():
        _check_limit(name.removesuffix("_e4"), zh, changes.get(name))
    said = with_reason(changes, reason)
    async with db.transaction() as connection:
        changed, passage, old = await hold(connection, org_id)
        new = msgspec.structs.replace(old, **changes)
        if new.self_collected and (new.kind != "agent" or new.sandbox):
            raise BadOrganisationSettings(
                "self_collected: only an agent collects itself", field="self_collected",
                detail_zh="自收款：仅代理可以自收款",
            )  # fmt: skip
        below = await store.children(connection, org_id) if new.self_collected else []
        if any(pays_for(new, child.kind) and child.lane != new.lane for child in below):
            raise _elsewhere()
        await store.set_terms(connection, new, changed=changed)
        line = audit.Line(passage.ids[0], org_id, actor_id, "organisation.terms", org_id, said)
        await audit.note(connection, passage.lane, clock.now(), [line])
    return new


async def ancestors(connection: Connection, organisation: Organisation) -> list[Organisation]:
    """The agents above it, the one that it buys from first."""
    above: list[Organisation] = []
    parent_id = organisation.parent_id
    while parent_id is not None:
        agent = await store.read_organisation(connection, parent_id)
        assert agent is not None, "no organisation is ever removed"
        above.append(agent)
        parent_id = agent.parent_id
    return above


async def _check_no_cycle(connection: Connection, org_id: int, parent: Organisation) -> None:
    if org_id in {parent.org_id, *(agent.org_id for agent in await ancestors(connection, parent))}:
        raise BadOrganisationSettings(
            "parent: not itself, nor one below it", field="parent", detail_zh="上级：不能是其自身或其下级"
        )


def _check_limit(field: str, zh: str, limit_e4: int | None) -> None:
    if limit_e4 is not None and not 0 < limit_e4 <= AMOUNT_E4_MAX:
        low, high = money.format_e4(1), money.format_e4(AMOUNT_E4_MAX)
        raise BadOrganisationSettings(f"{field}: {low} to {high}", field=field, detail_zh=f"{zh}：应为 {low} 至 {high}")


def _elsewhere() -> BadOrganisationSettings:
    return BadOrganisationSettings(
        "self_collected: an agent that collects itself has its customers in its own lane; found them under it",
        field="self_collected", detail_zh="自收款：自收款代理的客户须与其在同一分区，请在该代理下新建客户",
    )  # fmt: skip


def _named(org_id: int | None) -> str | None:
    """Ids pass 2**53, so JSON has them as strings."""
    return None if org_id is None else str(org_id)
