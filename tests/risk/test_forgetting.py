"""Counters of windows that ended are forgotten: of every lane, in chunks."""

from __future__ import annotations

import pytest

from kameng import risk
from kameng.kit import clock
from kameng.risk import keeping
from laws.world import new_world

AT_S = 1_800_000_000


@pytest.mark.parametrize("chunk_rows", [1, 3, 1000])
async def test_ended_windows_go_chunk_by_chunk(
    database_url: str, monkeypatch: pytest.MonkeyPatch, chunk_rows: int
) -> None:
    monkeypatch.setattr(keeping, "CHUNK_ROWS", chunk_rows)
    async with new_world(database_url) as world:
        for start_s in (AT_S - 2 * 86_400 - 1, AT_S - 2 * 86_400):
            await world.execute(
                "INSERT INTO counter (entity_hash, rule_id, window_start)"
                " SELECT int8send(n), 1, $1 FROM generate_series(1, 6) n", start_s,
            )  # fmt: skip
            await world.execute(
                "INSERT INTO lane_counter (lane, entity_id, rule_id, window_start)"
                " SELECT lane, n, 1, $1 FROM lane, generate_series(1, 6) n", start_s,
            )  # fmt: skip
        with clock.hold(AT_S * 1000):
            await risk.purge(world.db)
        for table, left in (("counter", 6), ("lane_counter", 6 * len(world.lanes))):
            rows = await world.rows(f"SELECT window_start FROM {table}")
            assert [row["window_start"] for row in rows] == [AT_S - 2 * 86_400] * left
