"""Announcements on pages: scheduled, for one face or for everybody, read from memory.

What is said to people by mail or SMS is no bulletin.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from kameng.kit import audit, clock, lanes
from kameng.kit.db import Connection, Database
from kameng.kit.fresh import Fresh
from kameng.kit.ids import ID_MAX
from kameng.notices.errors import BadBulletin, NoSuchBulletin
from kameng.notices.store import statements

FACES = ("everybody", "shop", "merchant", "supplier", "platform")
TONES = ("news", "warn", "bad")
TEXT_CHARS_MAX = 200
AUDIT_LANE = 0


class Bulletin(msgspec.Struct, frozen=True):
    bulletin_id: int
    face: str
    tone: str
    zh: str
    en: str
    starts_at: datetime
    ends_at: datetime | None
    created_at: datetime
    created_by: int
    withdrawn_at: datetime | None = None

    def is_said_at(self, at: datetime) -> bool:
        is_on = self.withdrawn_at is None and self.starts_at <= at
        return is_on and (self.ends_at is None or at < self.ends_at)

    def text(self, language: str) -> str:
        return self.zh if language == "zh" or not self.en else self.en


class Bulletins(Fresh):
    """Those that stand, in memory, not older than a few seconds."""

    AGE_MAX_S = 5.0

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._standing: list[Bulletin] = []

    async def _read(self, connection: Connection) -> None:
        rows = await connection.fetch(statements.standing_bulletins, clock.now())
        self._standing = [Bulletin(*row) for row in rows]

    def said(self, face: str) -> list[Bulletin]:
        """What the pages of a face say now, as of the last refresh."""
        at = clock.now()
        return [one for one in self._standing if one.face in ("everybody", face) and one.is_said_at(at)]


async def publish(
    db: Database, *, face: str, tone: str, zh: str, en: str = "", starts_at: datetime | None = None,
    ends_at: datetime | None = None, actor_id: int,
) -> Bulletin:  # fmt: skip
    """Say something from a moment on (None: now), until another (None: until it is withdrawn)."""
    at = clock.now()
    starts = starts_at or at
    _check(face, tone, zh, en)
    if ends_at is not None and ends_at <= max(starts, at):
        raise BadBulletin("ends_at: later than it begins", field="ends_at", detail_zh="结束时间：须晚于开始时间与现在")
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=2)
        new = Bulletin(passage.ids[0], face, tone, zh, en, starts, ends_at, at, actor_id)
        await connection.execute(statements.insert_bulletin, *msgspec.structs.astuple(new)[:-1])
        said = {"face": face, "zh": zh}
        line = audit.Line(passage.ids[1], 0, actor_id, "announcement.publish", new.bulletin_id, said)
        await audit.note(connection, AUDIT_LANE, at, [line])
    return new


async def withdraw(db: Database, bulletin_id: int, *, actor_id: int) -> None:
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        at = clock.now()
        if await connection.fetchval(statements.withdraw_bulletin, bulletin_id, at) is None:
            raise NoSuchBulletin
        line = audit.Line(passage.ids[0], 0, actor_id, "announcement.withdraw", bulletin_id)
        await audit.note(connection, AUDIT_LANE, at, [line])


async def every_bulletin(db: Database, *, before_id: int = ID_MAX, limit: int = 50) -> list[Bulletin]:
    """Newest first, withdrawn ones too."""
    async with db.connection() as connection:
        return [Bulletin(*row) for row in await connection.fetch(statements.all_bulletins, before_id, limit)]


def _check(face: str, tone: str, zh: str, en: str) -> None:
    for name, label, value, choice in (("face", "范围", face, FACES), ("tone", "级别", tone, TONES)):
        if value not in choice:
            said = ", ".join(choice)
            raise BadBulletin(f"{name}: one of {said}", field=name, detail_zh=f"{label}：应为 {said} 之一")
    for name, label, text, least in (("zh", "中文内容", zh, 1), ("en", "英文内容", en, 0)):
        if not (least <= len(text.strip()) and len(text) <= TEXT_CHARS_MAX and (not text or text.isprintable())):
            raise BadBulletin(
                f"{name}: {least} to {TEXT_CHARS_MAX} printable characters", field=name,
                detail_zh=f"{label}：应为 {least} 至 {TEXT_CHARS_MAX} 个可见字符",
            )  # fmt: skip
