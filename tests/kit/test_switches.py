"""Feature switches, the dead-letter desk of all lanes, and how the server is: what operators see and move."""

from __future__ import annotations

import pytest

from kameng.kit import audit, clock, desk, health, jobs, lanes, switches
from kameng.kit.errors import BadStaffAct
from kameng.kit.switches import Switches
from laws.world import World


async def test_as_it_stands_until_somebody_moves_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switches.Switches, "AGE_MAX_S", 0.0)
    seen = Switches(world.db)
    assert {name: await seen.is_on(name) for name in switches.FIRST} == switches.FIRST
    await switches.flip(world.db, "withdrawals", on=False, reason="对账中", actor_id=5)
    assert not await seen.is_on("withdrawals")
    assert await seen.is_on("registration")
    moved = {one.name: one for one in await switches.every(world.db)}["withdrawals"]
    assert (moved.is_on, moved.changed_by, moved.reason) == (False, 5, "对账中")
    (line,) = await audit.read(world.db, audit.Asked(act="switch"), before_id=(1 << 63) - 1, limit=5)
    assert (line.act, line.actor_id, line.data) == ("switch.off", 5, {"switch": "withdrawals", "reason": "对账中"})
    await switches.flip(world.db, "withdrawals", on=True, reason="对账完", actor_id=5)
    assert await seen.is_on("withdrawals")


@pytest.mark.parametrize(("name", "reason"), [("gravity", "x"), ("sandbox", " ")])
async def test_no_other_switch_and_never_without_a_reason(world: World, name: str, reason: str) -> None:
    with pytest.raises(BadStaffAct):
        await switches.flip(world.db, name, on=False, reason=reason, actor_id=1)
    assert await world.scalar("SELECT count(*) FROM feature_switch") == 0


async def lay(world: World, lane: int, state: str) -> int:
    async with world.db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        await jobs.lay_on_desk(connection, lane, passage.ids[0], jobs.NewJob("test.kind", 9), error="gone")
        await connection.execute("UPDATE job SET state = $2 WHERE job_id = $1", passage.ids[0], state)
    return passage.ids[0]


async def test_the_desk_of_all_lanes_retried_and_dropped_with_a_reason(world: World) -> None:
    dead, unknown, other = [await lay(world, *one) for one in ((0, "dead"), (1, "unknown"), (1, "dead"))]
    assert [job.job_id for job in await desk.lying(world.db)] == sorted([dead, unknown, other])
    assert await desk.retry(world.db, [dead, unknown], reason="通道恢复", actor_id=3) == [dead]
    assert await desk.retry(world.db, [unknown], even_unknown=True, reason="已核实", actor_id=3) == [unknown]
    assert await desk.drop(world.db, [other, 12345], reason="已线下处理", actor_id=3) == [other]
    assert await desk.lying(world.db) == []
    lines = await audit.read(world.db, audit.Asked(act="job"), before_id=(1 << 63) - 1, limit=9)
    assert [(line.act, line.subject_id) for line in lines[::-1]] == [
        ("job.retry", dead), ("job.retry", unknown), ("job.drop", other)
    ]  # fmt: skip
    with pytest.raises(BadStaffAct):
        await desk.drop(world.db, [dead], reason="", actor_id=3)


async def test_the_server_says_how_it_is(world: World) -> None:
    found = await health.look(world.db)
    assert 0 < found.connections <= found.connections_max
    assert 0.0 <= found.cache_hit <= 1.0
    assert found.disk_bytes > 0
    assert found.standbys == 0
    assert clock.now_ms() > 0
