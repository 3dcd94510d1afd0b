"""Payments under load: begun at a provider that answers in 50 ms, and told of in notices with true signatures.

The provider is ``kameng.sim.pay`` (WeChat Pay v3) as a process on the same machine: its own RSA is a cost beside ours,
told apart. Four phases on one stage: every order's payment is begun over the Open API; a part of them is paid and
told of as fast as it is answered, a part at the rate of the goal; the rest in a storm in which each is told of twice.

The worker rests meanwhile unless it is asked for (``--with-worker``): it asks providers about each open payment after
5, 10, 20 … s, and here tens of thousands lie open only because notices are signed beforehand.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
import urllib.request
from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kameng import catalogue, identity, orders, payments
from kameng.catalogue import Sku as CatalogueSku
from kameng.identity import Caller
from kameng.kit.errors import Fault
from kameng.kit.money import MINOR_E4
from kameng.ops import demo_paying
from kameng.ops.bench import machine, report, runner
from kameng.ops.bench.machine import Usage
from kameng.ops.bench.shots import Due, Key, PaymentMix
from kameng.ops.bench.stage import put_cards, sampled
from kameng.ops.bench.tally import Latency, latency
from kameng.ops.demo_paying import Simulator

if TYPE_CHECKING:
    from kameng.ops.bench.stage import Stage

PROVIDER_S = 0.05
"""How long the provider takes to answer a call that begins a payment."""
CONNECTIONS = 128
"""Payments being begun at once."""
NOTICE_CONNECTIONS, STORM_CONNECTIONS = 256, 1_000
STORM_S = 10.0
STORM_LEAST_PER_S = 100
"""A small one is over sooner."""
GOAL_BEGINS_PER_S, GOAL_NOTICES_PER_S, GOAL_P99_MS = 1_000, 1_500, 200
SHELVES = 8
"""SKUs that are sold."""
BUYERS = 2_000
PLACED_AT_ONCE, PLACING_TRIES = 64, 20
"""Orders placed in one transaction; how often one is tried."""
RAW_S = 0.5
TERMS = orders.Terms(
    reserve_s=3600, reserve_buyer_max=1_000_000, reserve_ip_max=1_000_000, reserve_share_percent=100
)  # fmt: skip
"""What guards a shelf against unpaid orders is not what is measured."""
MERCHANT = "微信公钥模式商户"


class Weather(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says of a storm: as ``kameng.sim.pay.storming`` has it."""

    payments: int
    notices: int
    given_up: int
    came_again: int
    answers: dict[int, int]
    began_ms: int
    seconds: float
    latencies_ms: list[float]


class Booked(msgspec.Struct, frozen=True):
    """What the books have of the bench's orders; in so many batches."""

    paid: int
    delivered: int
    last_ms: int
    batches: int


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--payments", type=int, default=10_000, help="payments: told of as fast as it is answered")
    steady = "payments: told of at the rate that is the goal, for their latency (default: as many as --payments)"
    parser.add_argument("--steady", type=int, default=None, help=steady)
    parser.add_argument("--storm", type=int, default=50_000, help="payments: notices of the storm, half repeats")
    parser.add_argument("--with-worker", action="store_true", help="payments: the worker runs beside")


def measure(stage: Stage, options: argparse.Namespace, command: str, prefix: str) -> report.Report:
    """All phases; the report is of the first, the others are told in its notes."""
    of_storm = options.storm // 2
    steady = options.payments if options.steady is None else options.steady
    raw = _raw()
    with demo_paying.running(stage.folder / "sim-pay") as simulator:
        account = next(one for one in simulator.given if one.name == MERCHANT)
        asyncio.run(_connect(stage, account))
        started = time.monotonic()
        due = asyncio.run(_place(stage, prefix, options.payments + steady + of_storm))
        placed_s = time.monotonic() - started
        _ask(simulator, "/_sim/faults", [{"what": "slow", "call": "begin", "times": 0, "delay_s": PROVIDER_S}])
        made = _begin(stage, simulator, options, command, due)
        made.notes = [f"{len(due)} orders placed in {placed_s:.0f} s, up to {PLACED_AT_ONCE} at once", raw]
        made.notes += _notices(stage, simulator, made, prefix, count=options.payments)
        made.notes += _steady(stage, simulator, made, prefix, count=steady)
        made.notes += _storm(stage, simulator, made, prefix, count=of_storm)
    return made


def _begin(
    stage: Stage, simulator: Simulator, options: argparse.Namespace, command: str, due: list[Due]
) -> report.Report:
    keys = _buyers(stage)
    plan = runner.Plan(
        target=stage.target, mix=PaymentMix(keys=keys, due=due, body={"method": "wechat", "scene": "qr"}),
        connections=min(options.connections, len(due)),
    )  # fmt: skip
    load = runner.start(plan)
    with sampled(stage, load.pid) as sampler:
        sampler.add("provider", simulator.pid)
        load.await_window()
        sampler.mark()
        tally = load.tally()
        sampler.stop()
    made = report.of(
        tally, workload="payments", command=command, commit=report.current_commit(),
        machine=machine.describe(postgresql=stage.postgresql(), data_dir=stage.folder),
    )  # fmt: skip
    made.unit, made.goal_per_s, made.goal_p99_ms = "begins", GOAL_BEGINS_PER_S, GOAL_P99_MS
    made.usage, made.memory_peak_mb = sampler.usage(), sampler.memory_peak_mb
    ours = latency(array("f", [whole - PROVIDER_S for whole in array("f", tally.accepted_s)]).tobytes())
    if ours is not None:
        made.latency["ours (less 50 ms)"] = ours
    return made


def _notices(stage: Stage, simulator: Simulator, made: report.Report, prefix: str, *, count: int) -> list[str]:
    if not count:
        return []
    before = _booked(stage, prefix)
    connections = min(NOTICE_CONNECTIONS, count)
    weather, usage = _blow(stage, simulator, count, connections=connections)
    found = _latency(weather)
    if found is not None:
        made.latency["notices"] = found
    return [
        f"notices: {weather.notices / weather.seconds:,.0f}/s verified, each with its order delivered"
        f" (goal {GOAL_NOTICES_PER_S:,}/s), {connections} connections",
        *_told("notices", weather, usage, before, _booked(stage, prefix)),
    ]


def _steady(stage: Stage, simulator: Simulator, made: report.Report, prefix: str, *, count: int) -> list[str]:
    """As many a second as are asked for, whether they are answered or not: what each then waits."""
    if not count:
        return []
    before = _booked(stage, prefix)
    connections = min(STORM_CONNECTIONS, count)
    weather, usage = _blow(stage, simulator, count, connections=connections, per_s=GOAL_NOTICES_PER_S)
    found = _latency(weather)
    if found is not None:
        made.latency["steady"] = found
    return [
        f"steady: {count:,} notices at {GOAL_NOTICES_PER_S:,}/s, all answered after {weather.seconds:.1f} s",
        *_told("steady", weather, usage, before, _booked(stage, prefix)),
    ]


def _storm(stage: Stage, simulator: Simulator, made: report.Report, prefix: str, *, count: int) -> list[str]:
    if not count:
        return []
    before = _booked(stage, prefix)
    per_s = max(2 * count / STORM_S, STORM_LEAST_PER_S)
    connections = min(STORM_CONNECTIONS, 2 * count)
    weather, usage = _blow(stage, simulator, count, connections=connections, repeats=1.0, per_s=per_s)
    found = _latency(weather)
    if found is not None:
        made.latency["storm"] = found
    return [
        f"storm: {2 * count:,} notices due in {2 * count / per_s:.1f} s, every second one a repeat: all answered after"
        f" {weather.seconds:.1f} s",
        *_told("storm", weather, usage, before, _booked(stage, prefix)),
    ]


def _told(what: str, weather: Weather, usage: dict[str, Usage], before: Booked, after: Booked) -> list[str]:
    answers = ", ".join(f"{count:,} × {status or 'none'}" for status, count in sorted(weather.answers.items()))
    paid, delivered = after.paid - before.paid, after.delivered - before.delivered
    each = ", ".join(f"{role} {one.cpu_s / max(weather.notices, 1) * 1e6:.0f}" for role, one in usage.items())
    return [
        f"{what}: answered {answers}; {weather.came_again:,} came again, {weather.given_up:,} given up",
        f"{what}: {delivered:,} orders delivered of {weather.payments:,}, {paid:,} payments booked,"
        f" {paid / max(after.batches - before.batches, 1):.0f} in a batch,"
        f" the last {(after.last_ms - weather.began_ms) / 1000:.1f} s after the first notice",
        f"{what}: CPU µs a notice: {each}",
    ]


def _latency(weather: Weather) -> Latency | None:
    return latency(array("f", [took_ms / 1000 for took_ms in weather.latencies_ms]).tobytes())


def _blow(
    stage: Stage, simulator: Simulator, count: int, *, connections: int, **more: float
) -> tuple[Weather, dict[str, Usage]]:
    """So many waiting payments are paid and told of; what it cost is counted from the first notice on."""
    _ask(simulator, "/_sim/storm/ready", {"provider": "wechat", "count": count})
    with sampled(stage) as sampler:
        sampler.add("provider", simulator.pid)
        sampler.mark()
        said = _ask(simulator, "/_sim/storm/go", {"connections": connections, **more})
        while stage.query("SELECT EXISTS (SELECT FROM payment_inbox)::text") == "true":
            time.sleep(0.1)  # acknowledged, and not done yet: its cost counts, too
        sampler.stop()
    usage = {role: one for role, one in sampler.usage().items() if role != "generator"}
    return msgspec.convert(said, Weather, strict=False), usage


def _ask(simulator: Simulator, path: str, body: object) -> Any:
    request = urllib.request.Request(f"http://127.0.0.1:{simulator.port}{path}", json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own
        return json.load(answer)


def _booked(stage: Stage, prefix: str) -> Booked:
    row = stage.query(
        "SELECT json_build_array(count(*) FILTER (WHERE p.state = 'paid'), count(DISTINCT o.order_id) FILTER (WHERE"
        " o.state = 'delivered'), coalesce(extract(epoch FROM max(p.booked_at)) * 1000, 0)::bigint,"
        " count(DISTINCT (p.lane, p.booked_at)) FILTER (WHERE p.state = 'paid'))::text"
        " FROM orders o JOIN payment p ON p.lane = o.lane AND p.payable_id = o.order_id WHERE o.client_ref LIKE $1",
        f"{prefix}%",
    )  # fmt: skip
    return Booked(*json.loads(row))


async def _connect(stage: Stage, account: demo_paying.Given) -> None:
    """One channel at the provider, switched on; one of an earlier run on this stage is switched off."""
    async with stage.opened() as (database, ring):
        for one in await payments.list_channels(database):
            if one.is_on:
                await payments.switch_channel(database, one.channel_id, on=False, reason="bench", actor_id=0)
        number = await payments.add_channel(
            database, ring, protocol=account.protocol, name=f"bench {time.time():.0f}", fee_ppm=6000,
            credentials=account.credentials, account_no=account.credentials["mchid"], actor_id=0,
        )  # fmt: skip
        await payments.switch_channel(database, number, on=True, reason="bench", actor_id=0)


def _buyers(stage: Stage) -> list[Key]:
    """So many merchants, from all over: those that were seeded beside each other lie in one lane."""
    keys = stage.keys()
    return keys[:: max(1, len(keys) // BUYERS)][:BUYERS]


async def _place(stage: Stage, prefix: str, count: int) -> list[Due]:
    """Orders that await their payment, of many buyers."""
    async with stage.opened() as (database, ring):
        snapshot = orders.Snapshot(database, ring, TERMS)
        await snapshot.start()
        callers = [await _caller(snapshot, number, key.key_id) for number, key in enumerate(_buyers(stage))]
        skus = _whole_fen(snapshot, callers)
        for sku in skus:
            await put_cards(database, ring, sku.sku_id, 2 * count // len(skus) + 100)
        draw = random.Random(count)
        by_lane: dict[int, list[tuple[int, orders.Wish]]] = {}
        for number in range(count):
            key = draw.randrange(len(callers))
            body = orders.OrderBody(f"{prefix}{number:09d}", str(draw.choice(skus).sku_id))
            wish = orders.wish_from(snapshot, callers[key], body)
            by_lane.setdefault(wish.organisation.lane, []).append((key, wish))
        placed = await asyncio.gather(*(_place_all(snapshot, wishes) for wishes in by_lane.values()))
    found = [one for some in placed for one in some]
    draw.shuffle(found)
    return found


async def _place_all(snapshot: orders.Snapshot, keyed: Sequence[tuple[int, orders.Wish]]) -> list[Due]:
    """Wishes of one lane, placed. A shelf may look empty while its cards are on their way from one lane to another."""
    found: list[Due] = []
    left, tries = list(keyed), PLACING_TRIES
    while left:
        batch, left = left[:PLACED_AT_ONCE], left[PLACED_AT_ONCE:]
        answers = await orders.await_payments(snapshot, [wish for _, wish in batch])
        for (key, wish), answer in zip(batch, answers, strict=True):
            if isinstance(answer, orders.ShownOrder):
                found.append(Due(key, str(answer.order_id)))
            elif answer.reason is orders.SoldOut and tries:
                left.append((key, wish))
            else:
                raise answer.refusal()
        if any(isinstance(one, orders.Refused) for one in answers):
            tries -= 1
            await asyncio.sleep(0.1)
    return found


async def _caller(snapshot: orders.Snapshot, number: int, key_id: str) -> Caller:
    """Each from an address of its own: all that one address left unpaid is counted before it may order more."""
    key = await snapshot.directory.key(identity.parse_key_id(key_id)[0])
    if key is None:
        raise Fault("The stage's keys are another platform's.")
    address = f"10.0.{number // 250}.{number % 250 + 1}"
    return Caller(key, snapshot.directory.organisations[key.org_id], address)


def _whole_fen(snapshot: orders.Snapshot, callers: Sequence[Caller]) -> list[CatalogueSku]:
    """SKUs from stock that a channel can take the price of, for every buyer."""
    organisations = {caller.organisation.level: caller.organisation for caller in callers}.values()

    def is_whole(sku: CatalogueSku) -> bool:
        return all(snapshot.quote(one, sku, 1).unit_price_e4 % MINOR_E4 == 0 for one in organisations)

    every = sorted(snapshot.catalogue.skus.values(), key=lambda sku: sku.sku_id)
    found = [sku for sku in every if sku.from_stock and not catalogue.form_named(sku.form).fields and is_whole(sku)]
    if not found:
        raise Fault("No SKU of the stage has a price in whole fen.")
    return found[:SHELVES]


def _raw() -> str:
    """What the machine allows of the one thing that can't be saved: RSA, 2,048 bits, on one core."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public, text = key.public_key(), b"x" * 800
    signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    signs_per_s = _per_s(lambda: key.sign(text, padding.PKCS1v15(), hashes.SHA256()))
    verifies_per_s = _per_s(lambda: public.verify(signature, text, padding.PKCS1v15(), hashes.SHA256()))
    return (
        f"raw loop on one core: {signs_per_s:,.0f} RSA signatures/s (a begin needs one of ours and one of the"
        f" provider's), {verifies_per_s:,.0f} verified/s (a notice needs one)"
    )


def _per_s(act: Callable[[], object]) -> float:
    count, started = 0, time.perf_counter()
    while (elapsed_s := time.perf_counter() - started) < RAW_S:
        act()
        count += 1
    return count / elapsed_s
