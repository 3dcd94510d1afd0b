"""How channels are: for pages, from what this process learned and what is written down; for staff, told when one is
left and when it is back; for reports, how likely each choice was; and a person's own try."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import timedelta

import msgspec

from kameng import channels, notices, routing
from kameng.channels import Begun, Closed, Found, Method, Scene
from kameng.kit import audit, clock, ids, lanes, logs
from kameng.kit.db import Database
from kameng.kit.errors import Refusal
from kameng.kit.money import MINOR_E4
from kameng.notices import Notice
from kameng.payments import routing_store
from kameng.payments.errors import BadChannel, NoSuchChannel
from kameng.payments.model import ChannelAccount, number_of
from kameng.payments.opening import Workplace
from kameng.payments.routing_store import Failing, Pace
from kameng.payments.store import ChannelDay, channel_days
from kameng.routing import Event, View

AUDIT_LANE = 0
HOUR_MS = 3_600_000
FAULTS_MS = 3 * HOUR_MS
ESTIMATES = 200
NEWS_MS = 60_000
"""What is older was told by whoever was telling then."""
TRY_S = 12.0
TRY_SCENES = (Scene.qr, Scene.page, Scene.wap)
"""Where nothing is needed of a customer to begin."""
LEFT = {
    "opened": "连续下单失败，已熔断 its creates failed",
    "quarantined": "只出码不到账，已隔离 its payments do not arrive",
}
BACK = frozenset({"closed", "released", "rebased"})
log = logs.get_logger(__name__)


class Health(msgspec.Struct, frozen=True):
    """A channel as it is now. ``views``: what is known of it, by method and scene."""

    channel: ChannelAccount
    state: str  # a word of ``routing.STATES``
    views: dict[str, View]
    hour: Pace
    today: ChannelDay
    share: float  # of what began within the hour
    left_e4: int | None  # of today's limit

    @property
    def expected(self) -> float | None:
        """The chance of a payment that begins now; None: nothing is known."""
        found = [one.won / (one.won + one.lost) * (1 - one.down * (1 - one.level)) for one in self.views.values()]
        return sum(found) / len(found) if found else None


class Step(msgspec.Struct, frozen=True):
    """One call of a person's try, and its answer."""

    call: str
    outcome: str
    state: str
    code: str
    message: str
    took_ms: int


async def channel_health(place: Workplace) -> list[Health]:
    """Every account, by number."""
    known, now_ms = place.channels, clock.now_ms()
    await known.refresh()
    hour: dict[int, Pace] = {}
    async with place.db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            for number, pace in (
                await routing_store.channel_pace(connection, lane, ids.first_at(now_ms - HOUR_MS))
            ).items():
                before = msgspec.structs.astuple(hour.get(number, Pace()))
                hour[number] = Pace(*map(sum, zip(before, msgspec.structs.astuple(pace), strict=True)))
        days = {one.channel_id: one for one in await channel_days(connection, clock.china_day())}
    whole = sum(one.begun for one in hour.values())
    pools = {pool: place.router.learner.snapshot(now_ms, pool, known.accounts) for pool in _pools(place)}
    found = []
    for number, channel in known.accounts.items():
        views = {pool: one for pool, at in pools.items() for one in at.views if one.channel_id == number}
        views = {pool: one for pool, one in views.items() if tuple(pool.split("/")) in channel.offers}
        pace = hour.get(number, Pace())
        left = known.usages(channel.org_id).get(number)
        today = days.get(number, ChannelDay(number, clock.china_day()))
        left_e4 = None if left is None or left.amount_left_minor is None else left.amount_left_minor * MINOR_E4
        share = pace.begun / whole if whole else 0.0
        found.append(Health(channel, _state_of(list(views.values())), views, pace, today, share, left_e4))
    return found


def _pools(place: Workplace) -> list[str]:
    return list(place.router.learner.state.pools)


def _state_of(views: Sequence[View]) -> str:
    shut = next((one.breaker for one in views if one.breaker != "closed"), None)
    return shut or ("quarantine" if any(one.is_quarantined for one in views) else "well")


async def channel_faults(db: Database, channel_id: int) -> list[Failing]:
    """How its creates failed within three hours, the last first."""
    after_id = ids.first_at(clock.now_ms() - FAULTS_MS)
    found: dict[tuple[str, str], Failing] = {}
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            for one in await routing_store.channel_faults(connection, lane, after_id, channel_id):
                before = found.get((one.state, one.code), one)
                times = one.times if before is one else before.times + one.times
                last_at = max(before.last_at, one.last_at)
                found[one.state, one.code] = Failing(one.state, one.code, times, last_at)
    return sorted(found.values(), key=lambda one: one.last_at, reverse=True)


# telling staff -----------------------------------------------------------------------------------------------


async def tell_news(db: Database, *, place: Workplace) -> None:
    """By the clock: a channel that was left, one that is back, a way to pay that has none left."""
    await place.channels.refresh()
    place.router.look()
    news = [place.router.news.popleft() for _ in range(len(place.router.news))]
    since_ms = clock.now_ms() - NEWS_MS
    for notice in dict.fromkeys(notice for one in news if one.at_ms >= since_ms for notice in _notices_of(place, one)):
        topic, about, facts = notice
        await notices.announce_now(db, notices.STAFF_LANE, Notice(notices.STAFF, topic, about, dict(facts)))


def _notices_of(place: Workplace, event: Event) -> list[tuple[str, str, tuple[tuple[str, str], ...]]]:
    account = place.channels.accounts.get(event.channel_id)
    found: list[tuple[str, str, tuple[tuple[str, str], ...]]] = []
    about = f"{event.channel_id}:{event.at_ms}"
    if account is not None and event.what in LEFT:
        found.append(("channel_left", about, (("channel", account.name), ("why", LEFT[event.what]))))
    elif account is not None and event.what in BACK:
        found.append(("channel_back", about, (("channel", account.name),)))
    if event.what == "common" or (event.what in LEFT and event.pool and _is_all_ill(place, event.pool)):
        found.append(("channels_ill", f"{event.pool}:{event.at_ms // NEWS_MS}", (("way", event.pool),)))
    return found


def _is_all_ill(place: Workplace, pool: str) -> bool:
    way = tuple(pool.split("/"))
    able = [one.channel_id for one in place.channels.books[0].candidates if one.is_on and way in one.offers]
    views = place.router.learner.snapshot(clock.now_ms(), pool, able).views
    return bool(views) and all(_state_of([one]) != "well" for one in views)


# propensities ------------------------------------------------------------------------------------------------


async def estimate(db: Database, lane: int) -> int:
    """How likely each learned choice of the last hour was, for off-policy reports: off the way of payments."""
    after_id = ids.first_at(clock.now_ms() - HOUR_MS)
    books: dict[int, routing.Book | None] = {}
    found: dict[int, float] = {}
    async with db.connection() as connection:
        decisions = await routing_store.undrawn_decisions(connection, lane, after_id, ESTIMATES)
        for revision in {one.choice.revision for one in decisions.values()}:
            books[revision] = await routing_store.read_book(connection, revision)
    for payment_id, logged in decisions.items():
        book = books[logged.choice.revision]
        if book is not None and logged.choice.version in routing.VERSIONS:
            found[payment_id] = routing.with_propensity(logged, book).propensity or 0.0
            await asyncio.sleep(0)
    if found:
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            await routing_store.set_propensities(connection, lane, found)
    return len(found)


# 拨测 --------------------------------------------------------------------------------------------------------


async def probe_channel(place: Workplace, channel_id: int, *, actor_id: int) -> list[Step]:
    """A real payment of the smallest amount is begun, asked about and closed; nobody is to pay it. Each call's answer.

    Its number is dealt as all are and stands in the audit line; money that came all the same lies on the desk.
    """
    adapter = await place.channels.adapter(channel_id)
    account = place.channels.accounts.get(channel_id)
    if account is None:
        raise NoSuchChannel(field="channel")
    if adapter is None:
        raise BadChannel("credentials: can't be read", field="credentials", detail_zh="凭据：无法读取")
    way = next(((m, s) for m, s in account.offers if s in TRY_SCENES), None)
    if way is None:
        said = "offers: none begins without a customer"
        raise BadChannel(said, field="offers", detail_zh="支付方式：均需顾客参与，无法拨测")
    at = clock.now()
    async with place.db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=2)
        number = number_of(passage.ids[0])
        line = audit.Line(passage.ids[1], 0, actor_id, "channel.try", channel_id, {"number": number})
        await audit.note(connection, AUDIT_LANE, at, [line])
    asked = channels.Payment(
        payment_no=number, method=Method(way[0]), scene=Scene(way[1]),
        amount_minor=max(1, -(-account.least_e4 // MINOR_E4)), currency=account.currency, subject="拨测",
        notify_url=place.notify_url(channel_id), return_url=f"{place.public_url}/", begun_at=at,
        expires_at=at + timedelta(minutes=5),
    )  # fmt: skip
    began_ms = place.router.testing(channel_id)
    begun, step = await _step("begin", adapter.begin(asked))
    steps = [step]
    place.router.tested(channel_id, step.outcome, began_ms=began_ms)
    if step.outcome in ("accepted", "unknown", "paid"):
        reference = channels.Reference(
            payment_no=number, provider_no=begun.provider_no if isinstance(begun, Begun) else "", begun_at=at,
            expires_at=asked.expires_at, amount_minor=asked.amount_minor, currency=asked.currency, scene=asked.scene,
        )  # fmt: skip
        steps.append((await _step("query", adapter.query(reference)))[1])
        steps.append((await _step("close", adapter.close(reference)))[1])
    return steps


async def revive(db: Database, *, place: Workplace) -> None:  # noqa: ARG001 - as the timetable calls
    """By the clock: where creates failed they are tried again, without a customer, once a breaker is half open. Two
    that are accepted bring the channel back, also where its customers would have been sent to a better one for long."""
    await place.channels.refresh()
    for account in place.channels.accounts.values():
        if account.is_on and place.router.learner.breaker(account.channel_id, clock.now_ms()) == "half_open":
            with suppress(Refusal):  # what can't be tried so waits for a customer
                await probe_channel(place, account.channel_id, actor_id=0)


async def _step(
    call: str, answer: Awaitable[Begun | Found | Closed]
) -> tuple[Begun | Found | Closed | None, Step]:
    began = time.monotonic()
    found: Begun | Found | Closed | None = None
    try:
        async with asyncio.timeout(TRY_S):
            found = await answer
    except Exception as error:  # no adapter should
        log.error("a try of a channel broke", error=error, call=call)
    took_ms = int((time.monotonic() - began) * 1000)
    if found is None:
        return None, Step(call, "unknown", "", "", "", took_ms)
    state = found.state.value if isinstance(found, Found) else ""
    return found, Step(call, found.outcome.value, state, found.code[:100], getattr(found, "message", "")[:200], took_ms)
