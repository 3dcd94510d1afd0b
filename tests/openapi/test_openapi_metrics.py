"""Who may read the gateway's numbers."""

from __future__ import annotations

import msgspec

from running import Platform


async def test_metrics_may_be_shown_to_networks_that_are_named(platform: Platform) -> None:
    assert platform.gateway._parts is not None
    msgspec.structs.force_setattr(platform.gateway._parts.settings, "metrics_networks", ("203.0.113.0/24",))
    platform.peer = "203.0.113.7"
    assert (await platform.get("/metrics", signed=False)).status == 200
    forwarded = await platform.get("/metrics", signed=False, headers={"x-forwarded-for": "203.0.113.7"})
    platform.peer = "203.0.114.7"
    elsewhere = await platform.get("/metrics", signed=False)
    assert [(a.status, a.code) for a in (forwarded, elsewhere)] == [(404, "no_such_path")] * 2
