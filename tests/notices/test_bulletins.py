"""Announcements on pages: scheduled, for a face, withdrawn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kameng import notices
from kameng.kit import clock
from kameng.notices import BadBulletin, Bulletins, NoSuchBulletin, bulletins
from laws.world import World


async def said(world: World, face: str) -> list[str]:
    seen = Bulletins(world.db)
    await seen.refresh()
    return [one.zh for one in seen.said(face)]


async def test_said_to_whom_it_is_for_and_when(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulletins.Bulletins, "AGE_MAX_S", 0.0)
    at = clock.now()
    await notices.publish(world.db, face="everybody", tone="news", zh="大家好", actor_id=1)
    await notices.publish(world.db, face="shop", tone="warn", zh="夜间维护", en="Tonight", actor_id=1,
                          starts_at=at + timedelta(hours=1), ends_at=at + timedelta(hours=2))  # fmt: skip
    assert await said(world, "shop") == await said(world, "merchant") == ["大家好"]
    now_ms = clock.now_ms()
    with clock.hold(now_ms + 90 * 60_000):
        assert await said(world, "shop") == ["夜间维护", "大家好"]
        assert await said(world, "merchant") == ["大家好"]
    with clock.hold(now_ms + 3 * 3_600_000):
        assert await said(world, "shop") == ["大家好"]


async def test_withdrawn_it_is_said_no_more_and_once_only(world: World) -> None:
    one = await notices.publish(world.db, face="platform", tone="bad", zh="故障处理中", actor_id=1)
    assert one.text("en") == "故障处理中"
    await notices.withdraw(world.db, one.bulletin_id, actor_id=2)
    assert await said(world, "platform") == []
    with pytest.raises(NoSuchBulletin):
        await notices.withdraw(world.db, one.bulletin_id, actor_id=2)
    assert (await notices.every_bulletin(world.db))[0].withdrawn_at is not None
    acts = "SELECT array_agg(act ORDER BY audit_id) FROM audit_line WHERE act LIKE 'announcement.%'"
    assert await world.scalar(acts) == ["announcement.publish", "announcement.withdraw"]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("face", {"face": "moon"}), ("tone", {"tone": "loud"}), ("zh", {"zh": " "}), ("en", {"en": "x" * 201}),
        ("ends_at", {"ends_at": clock.now() - timedelta(minutes=1)}),
    ],
)  # fmt: skip
async def test_what_can_not_be_announced(world: World, field: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadBulletin) as refused:
        await notices.publish(world.db, actor_id=1, **{"face": "shop", "tone": "news", "zh": "公告", **wrong})
    assert refused.value.field == field
    assert await notices.every_bulletin(world.db) == []
