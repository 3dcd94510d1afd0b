"""The live stream: who hears what, and that nothing is left of streams that were dropped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kameng import access, identity
from kameng.identity import Organisation
from kameng.kit import clock, db, events, ids, lanes
from kameng.ops import founding
from kameng.web import live, news
from kameng.web.news import BACKLOG_MAX, LetGo, News, Newsroom
from running import Platform

STREAMS = 200


@pytest.fixture
async def room(platform: Platform) -> AsyncIterator[Newsroom]:
    async with platform.db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    opened = Newsroom(platform.db, numbers, glances=live.GLANCES, poll_s=0.01, glance_s=0.01)
    yield opened
    opened.stop()


async def happen(database: db.Database, organisation: Organisation, kind: str, *, due: bool = False) -> int:
    """An event of an organisation; returns its id."""
    async with database.transaction() as connection:
        passage = await lanes.pass_gate(connection, organisation.lane, id_count=2)
        event_id, subject_id = passage.ids
        new = events.NewEvent(event_id, organisation.org_id, subject_id, 1, kind, due=due)
        await events.emit(connection, organisation.lane, clock.now(), [new])
    return event_id


async def until_still(room: Newsroom) -> None:
    while not room.is_still:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)


async def test_events_that_no_webhook_is_owed_are_heard_by_their_organisation_alone(
    platform: Platform, room: Newsroom
) -> None:
    mine, other = platform.seed.shop.organisation, (await platform.found("别家")).organisation
    listener = room.join(mine.org_id, lane=mine.lane)
    await happen(platform.db, other, "order.delivered")
    event_id = await happen(platform.db, mine, "order.failed")
    heard = await listener.next(30)
    assert heard is not None
    assert (heard.news_id, heard.kind, heard.org_id) == (event_id, "order.failed", mine.org_id)
    assert listener.queue.empty()
    room.leave(listener)
    await until_still(room)


async def test_what_happened_a_moment_before_is_told_to_who_comes_then(platform: Platform, room: Newsroom) -> None:
    mine = platform.seed.shop.organisation
    event_id = await happen(platform.db, mine, "order.delivered")
    heard = await room.join(mine.org_id, lane=mine.lane).next(30)
    assert heard is not None
    assert heard.news_id == event_id


async def test_who_comes_again_hears_what_he_missed_and_no_more(platform: Platform, room: Newsroom) -> None:
    mine = platform.seed.shop.organisation
    standing = room.join(mine.org_id, lane=mine.lane)
    told = [await happen(platform.db, mine, f"order.{name}") for name in ("paid", "fulfilling", "delivered")]
    assert [(await standing.next(30)).news_id for _ in told] == told  # type: ignore[union-attr]
    again = room.join(mine.org_id, lane=mine.lane, last_id=told[0])
    assert [(await again.next(30)).news_id for _ in told[1:]] == told[1:]  # type: ignore[union-attr]
    assert again.queue.empty()
    long_ago = room.join(mine.org_id, lane=mine.lane, last_id=ids.first_at(clock.now_ms() - 3_600_000))
    heard = await long_ago.next(30)
    assert heard is not None
    assert (heard.kind, heard.subject_id) == ("*", 0)


async def test_the_staff_hears_of_every_lane(platform: Platform, room: Newsroom) -> None:
    async with platform.db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    firms = [(await founding.found_member(platform.db, platform.ring, f"商户 {n}")).organisation for n in range(8)]
    assert {firm.lane for firm in firms} == set(numbers)
    house = await founding.found_house(platform.db)
    listener = room.join(house.org_id, lane=None, glance="desk")
    told = {await happen(platform.db, firm, "order.review") for firm in firms}
    heard = set()
    while told - heard:
        one = await listener.next(30)
        assert one is not None
        heard.add(one.news_id)
    room.leave(listener)
    await until_still(room)


async def test_the_desk_is_looked_at_for_the_staff(platform: Platform, room: Newsroom) -> None:
    house = await founding.found_house(platform.db)
    listener = room.join(house.org_id, lane=None, glance="desk")
    await asyncio.sleep(0.1)
    async with platform.db.transaction() as connection:
        await connection.execute(
            "INSERT INTO job (lane, job_id, kind, subject_id, due_at, state, error) "
            "VALUES (0, 1, 'x', 1, now(), 'dead', 'x')"
        )
    kinds = set()
    while "desk" not in kinds:
        one = await listener.next(30)
        assert one is not None
        kinds.add(one.kind)


async def test_who_falls_behind_is_told_to_look_at_everything(room: Newsroom) -> None:
    listener = room.join(1, lane=0)
    for number in range(BACKLOG_MAX + 5):
        listener.tell(News(number, "order.paid"))
    first = await listener.next(1)
    assert first is not None
    assert first.kind == "*"
    assert listener.queue.qsize() == 4


async def test_nobody_is_kept_when_the_process_ends(platform: Platform, room: Newsroom) -> None:
    listener = room.join(platform.seed.shop.organisation.org_id, lane=0)
    room.stop()
    with pytest.raises(LetGo):
        await listener.next(30)
    with pytest.raises(LetGo):
        await room.join(1, lane=0).next(30)


# the endpoint ------------------------------------------------------------------------------------------------


async def signed_in(platform: Platform, organisation: Organisation, name: str) -> str:
    """The cookie of a new owner."""
    person_id = await identity.enrol(platform.db, sign_in=f"{name}@test.kameng", name=name)
    await identity.join(platform.db, organisation, person_id, "owner")
    session = await access.begin_session(
        platform.db, person_id, org_id=organisation.org_id, factor="password", visit=access.Visit("127.0.0.1", "test")
    )
    return f"__Host-kameng_session={session.text}"


class Dropped:
    """A stream that is opened and dropped after its first bytes."""

    def __init__(self, platform: Platform, cookie: str, last_id: str = "") -> None:
        self.status = 0
        self.body = b""
        self._begun, self._gone = asyncio.Event(), asyncio.Event()
        headers = [(b"host", b"kameng.test"), (b"cookie", cookie.encode())]
        self._scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "https", "method": "GET",
            "path": "/events", "raw_path": b"/events", "root_path": "", "query_string": b"",
            "headers": [*headers, *([(b"last-event-id", last_id.encode())] if last_id else [])],
            "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 8443),
        }  # fmt: skip
        self._task = asyncio.create_task(platform.gateway(self._scope, self._receive, self._send))
        self._is_asked = False

    async def _receive(self) -> dict[str, Any]:
        if not self._is_asked:
            self._is_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.body += message.get("body", b"")
        if self.body or not message.get("more_body", True):
            self._begun.set()
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._gone.set()  # as a server says when an answer is whole

    async def begun(self) -> int:
        await asyncio.wait_for(self._begun.wait(), 10)
        return self.status

    async def until(self, part: bytes) -> None:
        async with asyncio.timeout(10):
            while part not in self.body:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def drop(self) -> None:
        self._gone.set()
        await asyncio.wait_for(self._task, 10)


async def test_nothing_is_left_of_two_hundred_dropped_streams(platform: Platform) -> None:
    cookie = await signed_in(platform, platform.seed.shop.organisation, "reader")
    left = STREAMS
    while left:
        wave = [Dropped(platform, cookie) for _ in range(min(live.PER_PERSON_MAX, left))]
        assert {await one.begun() for one in wave} == {200}
        assert sum(live._open.values()) == len(wave)
        await asyncio.gather(*(one.drop() for one in wave))
        left -= len(wave)
    assert live._open == {}
    newsroom = platform.gateway._pages.shared["door"].newsroom
    assert newsroom._listeners == set()
    await asyncio.wait_for(until_still(newsroom), 10)


async def test_a_person_has_so_many_streams_and_no_more(platform: Platform) -> None:
    cookie = await signed_in(platform, platform.seed.shop.organisation, "keen")
    wave = [Dropped(platform, cookie) for _ in range(live.PER_PERSON_MAX)]
    assert {await one.begun() for one in wave} == {200}
    one_more = Dropped(platform, cookie)
    assert await one_more.begun() == 204
    await asyncio.gather(*(one.drop() for one in (*wave, one_more)))
    again = Dropped(platform, cookie)
    assert await again.begun() == 200
    await again.drop()


async def test_an_order_is_told_and_nothing_of_its_content(platform: Platform) -> None:
    cookie = await signed_in(platform, platform.seed.shop.organisation, "watcher")
    stream = Dropped(platform, cookie)
    await stream.begun()
    placed = (await platform.place("live-1", platform.goods.card)).json
    await stream.until(b"order.delivered")
    lines = [line for line in stream.body.decode().splitlines() if line.startswith("data: ")]
    told = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert {"kind": "order.delivered", "subject": placed["id"]} in told
    assert all(set(one) == {"kind", "subject"} for one in told)
    await stream.drop()


async def test_nobody_without_an_organisation_is_told_anything(platform: Platform) -> None:
    person_id = await identity.enrol(platform.db, sign_in="alone@test.kameng", name="alone")
    session = await access.begin_session(
        platform.db, person_id, org_id=None, factor="password", visit=access.Visit("127.0.0.1", "test")
    )
    stream = Dropped(platform, f"__Host-kameng_session={session.text}")
    assert await stream.begun() == 204
    assert await Dropped(platform, "").begun() == 303
    assert news.POLL_S <= 1


async def test_a_stream_ends_after_a_while_and_the_next_one_is_looked_at_anew(platform: Platform) -> None:
    me = platform.seed.shop.organisation
    cookie = await signed_in(platform, me, "leaver")
    stream = Dropped(platform, cookie)
    await stream.begun()
    await platform.db.pool.execute("DELETE FROM web_session")
    with clock.hold(clock.now_ms() + live.LIFE_MS + 1):
        await happen(platform.db, me, "order.failed")
        await asyncio.wait_for(stream._task, 20)
    assert b"order.failed" in stream.body
    assert await Dropped(platform, cookie).begun() == 303
