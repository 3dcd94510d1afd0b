"""A storm of notices against a door of the test's own: what is not taken comes again, on whatever connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from kameng.sim.pay.provider import Telling
from kameng.sim.pay.storming import Go, Storm, Weather

SLOTS = 20


@asynccontextmanager
async def door(came: Counter[str]) -> AsyncIterator[str]:
    """Takes everything but: the first ``busy`` is refused, the first ``cut`` loses its line, ``never`` is not taken."""

    async def hear(request: web.Request) -> web.Response:
        name = (await request.read()).decode()
        came[name] += 1
        if name == "cut" and came[name] == 1:
            assert request.transport is not None
            request.transport.abort()
        if name == "never" or (name == "busy" and came[name] == 1):
            return web.Response(status=500, text="later")
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hear", hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hear"
    await runner.cleanup()


async def blow(names: list[str], **asked: float) -> tuple[Weather, Counter[str]]:
    came: Counter[str] = Counter()
    async with door(came) as url:
        storm = Storm(
            [Telling(url, name.encode()) for name in names], Go(connections=3, **asked),  # type: ignore[arg-type]
            waits_s=[0.01, 0.01], is_taken=lambda status, _: status == 204,
        )  # fmt: skip
        return await storm.run(), came


async def test_what_is_refused_or_cut_comes_again_until_it_is_taken_or_the_schedule_ends() -> None:
    weather, came = await blow(["plain", "busy", "cut", "never", "last"])
    assert came == {"plain": 1, "busy": 2, "cut": 2, "never": 3, "last": 1}
    assert (weather.payments, weather.notices, weather.given_up, weather.came_again) == (5, 4, 1, 4)
    assert weather.answers == {204: 4, 500: 4, 0: 1}
    assert len(weather.latencies_ms) == 5


async def test_at_a_rate_each_waits_for_its_moment_and_repeats_come_beside() -> None:
    names = [f"n{number}" for number in range(SLOTS)]
    weather, came = await blow(names, per_s=400, repeats=1.0)
    assert came == dict.fromkeys(names, 2)
    assert (weather.payments, weather.notices, weather.answers) == (SLOTS, 2 * SLOTS, {204: 2 * SLOTS})
    assert weather.seconds >= (2 * SLOTS - 1) / 400
