"""Feature switches: what operators turn on and off without a release. Read from memory, not older than a second.

A switch that nobody moved stands as it is here. Turning one off stops what begins from then on; it takes nothing back.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from kameng.kit import audit, clock, lanes
from kameng.kit.db import Connection, Database
from kameng.kit.errors import BadStaffAct
from kameng.kit.fresh import Fresh
from kameng.kit.lanes import statements

AUDIT_LANE = 0
REASON_CHARS_MAX = 500

FIRST = {"registration": True, "guest_checkout": True, "withdrawals": True, "sandbox": True, "epay": False}
"""Every switch, and how it stands on a new platform."""


class Switch(msgspec.Struct, frozen=True):
    """How a switch stands, and who moved it last; nobody yet: ``changed_at`` is None."""

    name: str
    is_on: bool
    changed_at: datetime | None = None
    changed_by: int = 0
    reason: str = ""


class Switches(Fresh):
    """All switches in memory, read again when they are asked for and a second has gone by."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._moved: dict[str, Switch] = {}

    async def _read(self, connection: Connection) -> None:
        self._moved = {one.name: one for one in await _moved(connection)}

    async def is_on(self, name: str) -> bool:
        """Asked before something begins."""
        await self.refresh()
        moved = self._moved.get(name)
        return FIRST[name] if moved is None else moved.is_on


async def every(db: Database) -> list[Switch]:
    """As they stand now."""
    async with db.connection() as connection:
        moved = {one.name: one for one in await _moved(connection)}
    return [moved.get(name, Switch(name, is_on)) for name, is_on in FIRST.items()]


async def flip(db: Database, name: str, *, on: bool, reason: str, actor_id: int) -> None:
    """Turn a feature on or off; a person says why."""
    if name not in FIRST:
        raise BadStaffAct(f"one of {', '.join(FIRST)}", field="name", detail_zh=f"应为 {', '.join(FIRST)} 之一")
    if not (reason.strip() and len(reason) <= REASON_CHARS_MAX and reason.isprintable()):
        raise BadStaffAct(
            f"reason: 1 to {REASON_CHARS_MAX} printable characters", field="reason",
            detail_zh=f"原因：应为 1 至 {REASON_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        at = clock.now()
        await connection.execute(statements.set_switch, name, on, at, actor_id, reason)
        line = audit.Line(passage.ids[0], 0, actor_id, "switch.on" if on else "switch.off", 0,
                          {"switch": name, "reason": reason})  # fmt: skip
        await audit.note(connection, AUDIT_LANE, at, [line])


async def _moved(connection: Connection) -> list[Switch]:
    return [Switch(*row) for row in await connection.fetch(statements.all_switches)]
