"""Changing lists and limits: what is refused, and when a listing ends, on a real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from kameng import risk
from kameng.kit import clock, epochs
from kameng.kit.errors import NotFound
from kameng.risk import BadRiskSettings, Policy, Rule
from laws.world import PHONE, World, codes, new_world

RULE = Rule(0, "one", "ip", ("topup",), 60, 10, None)


async def load(world: World) -> Policy:
    async with world.db.connection() as connection:
        return await risk.load(connection, None, (await epochs.read(connection))["risk"], clock.now())


async def test_a_listing_ends_by_itself(world: World) -> None:
    """No epoch moves between the orders: only the clock does."""
    refused, allowed = await world.merchant(lane=0), await world.merchant(lane=0)
    await risk.set_rule(world.db, Rule(0, "none at all", "organisation", (), 60, 0, None))
    end_ms = clock.now_ms() // 1000 * 1000 + 3_600_000
    until = datetime.fromtimestamp(end_ms // 1000, UTC)
    await risk.set_listing(world.db, "organisation", str(refused.org_id), "refuse", reason="fraud", until=until)
    await risk.set_listing(world.db, "organisation", str(allowed.org_id), "allow", reason="ours", until=until)
    said = []
    async with world.gateway() as gateway:
        epoch = gateway.snapshot.policy.epoch
        for at_ms in (end_ms - 1, end_ms):
            with clock.hold(at_ms):
                for merchant in (refused, allowed):
                    wish = await gateway.wish(merchant.caller, f"r{at_ms}", world.phone)
                    said.append(codes([await gateway.queues.place(wish)]))
        assert gateway.snapshot.policy.epoch == epoch
    assert said == [{"risk_refused": 1}, {"placed": 1}, {"velocity_exceeded": 1}, {"velocity_exceeded": 1}]
    await world.assert_clean()


async def test_a_listing_is_kept_in_whole_seconds_and_as_orders_are_compared_with_it(database_url: str) -> None:
    async with new_world(database_url) as world:
        until = datetime(2030, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC)
        await risk.set_listing(world.db, "ip", "2001:DB8::0/32", "refuse", reason="x", until=until)
        await risk.set_listing(world.db, "ip", "203.0.113.9/32", "refuse", reason="x")
        await risk.set_listing(world.db, "ip", "::ffff:203.0.113.9", "allow", reason="the same")
        await risk.set_listing(world.db, "target", "AB" * 16, "refuse", reason="x")
        await risk.set_listing(world.db, "organisation", "007", "refuse", reason="x")
        rows = await world.rows("SELECT entity, value, verdict, until FROM risk_listing ORDER BY entity, value")
    assert [tuple(row) for row in rows] == [
        ("ip", "2001:db8::/32", "refuse", until.replace(microsecond=0)), ("ip", "203.0.113.9", "allow", None),
        ("organisation", "7", "refuse", None), ("target", "ab" * 16, "refuse", None),
    ]  # fmt: skip


async def test_what_ended_is_not_loaded_and_what_is_wrong_stops_nothing(database_url: str) -> None:
    async with new_world(database_url) as world:
        await risk.set_listing(world.db, "ip", "192.0.2.1", "refuse", reason="x", until=clock.now())
        await world.execute(
            "INSERT INTO risk_listing (entity, value, verdict, reason, changed)"
            " VALUES ('ip', 'nowhere/24', 'refuse', 'by hand', 0), ('ip', '192.0.2.2', 'refuse', 'by hand', 0)"
        )
        policy = await load(world)
        facts = risk.Facts(1, "192.0.2.2", None, "topup", 1, clock.now_ms() // 1000)
        assert policy.listed(facts) == "refuse"
        assert policy.listed(msgspec.structs.replace(facts, ip="192.0.2.1")) is None
        assert ("ip", "192.0.2.1") not in policy.listings


async def test_a_number_on_the_list_is_refused_till_it_is_taken_off(world: World) -> None:
    """A listing names it by the hash that orders make."""
    merchant = await world.merchant(lane=0)
    number = risk.target_hash(world.ring, msgspec.json.encode({"phone": PHONE})).hex()
    async with world.gateway() as gateway:
        said = [codes([await gateway.place(merchant.caller, "r1", world.phone)])]
        await risk.set_listing(world.db, "target", number, "refuse", reason="fraud")
        said.append(codes([await gateway.place(merchant.caller, "r2", world.phone)]))
        said.append(codes([await gateway.place(merchant.caller, "r3", world.phone, phone="13812345679")]))
        assert await risk.remove_listing(world.db, "target", number, reason="a mistake") == "refuse"
        said.append(codes([await gateway.place(merchant.caller, "r2", world.phone)]))
    assert said == [{"placed": 1}, {"risk_refused": 1}, {"placed": 1}, {"placed": 1}]
    await world.assert_clean()


async def test_who_changed_the_policy_and_why_is_written_down(database_url: str) -> None:
    async with new_world(database_url) as world:
        until = datetime(2030, 1, 2, tzinfo=UTC)
        await risk.set_rule(world.db, RULE, reason="attack", actor_id=7)
        await risk.switch_rule(world.db, "one", enabled=False, reason="over", actor_id=8)
        await risk.set_listing(world.db, "ip", "192.0.2.1", "refuse", reason="fraud", until=until, actor_id=9)
        await risk.remove_listing(world.db, "ip", "192.0.2.1/32", reason="a mistake", actor_id=10)
        for absent in (
            risk.remove_listing(world.db, "ip", "192.0.2.1", reason="again"),
            risk.switch_rule(world.db, "two\0", enabled=False, reason="x"),
        ):
            with pytest.raises(NotFound):
                await absent
        rows = await world.rows(
            "SELECT lane, actor_id, act, data FROM audit_line WHERE act LIKE 'risk.%' ORDER BY actor_id"
        )
        async with world.db.connection() as connection:
            assert [(rule.name, on) for rule, on in await risk.every_rule(connection) if rule.name == "one"] == [
                ("one", False)
            ]
            assert await risk.every_listing(connection) == []
        assert [rule.name for rule in (await load(world)).rules if rule.name == "one"] == []
    rule = {
        "name": "one", "entity": "ip", "kinds": ["topup"], "window_s": 60, "limit_count": 10, "limit_e4": None,
        "enabled": True, "reason": "attack", "outcome": "refuse",
    }  # fmt: skip
    listing = {"entity": "ip", "value": "192.0.2.1", "verdict": "refuse"}
    assert [tuple(row) for row in rows] == [
        (0, 7, "risk.rule.set", rule),
        (0, 8, "risk.rule.switch", {"name": "one", "enabled": False, "reason": "over"}),
        (0, 9, "risk.listing.set", {**listing, "until": "2030-01-02T00:00:00+00:00", "reason": "fraud"}),
        (0, 10, "risk.listing.remove", {**listing, "reason": "a mistake"}),
    ]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("ip", "nowhere", "refuse"), "value"),
        (("ip", "10.0.0.1/8", "refuse"), "value"),
        (("organisation", "shop", "refuse"), "value"),
        (("target", "13800138000", "refuse"), "value"),
        (("device", "x", "refuse"), "entity"),
        (("ip", "192.0.2.1", "perhaps"), "verdict"),
    ],
)
async def test_a_wrong_listing_is_refused(world: World, arguments: tuple[str, str, str], field: str) -> None:
    entity, value, verdict = arguments
    with pytest.raises(BadRiskSettings) as refused:
        await risk.set_listing(world.db, entity, value, verdict, reason="x")
    assert refused.value.field == field
    assert refused.value.detail
    assert refused.value.detail_zh
    assert await world.scalar("SELECT count(*) FROM risk_listing") == 0


async def test_a_listing_says_why_and_its_end_has_a_zone(world: World) -> None:
    for more, field in (
        ({"reason": " "}, "reason"),
        ({"reason": "x", "until": datetime(2030, 1, 1)}, "until"),  # noqa: DTZ001 - what is refused
    ):
        with pytest.raises(BadRiskSettings) as refused:
            await risk.set_listing(world.db, "ip", "192.0.2.1", "refuse", **more)  # type: ignore[arg-type]
        assert refused.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"), ({"entity": "device"}, "entity"), ({"kinds": ("topups",)}, "kinds"),
        ({"window_s": 0}, "window_s"), ({"window_s": 86_401}, "window_s"), ({"limit_count": -1}, "limit_count"),
        ({"limit_e4": 10**16}, "limit_e4"), ({"limit_count": None}, "limit_count"),
    ],
)  # fmt: skip
async def test_a_wrong_rule_is_refused(world: World, change: dict[str, Any], field: str) -> None:
    rules = await world.scalar("SELECT count(*) FROM risk_rule")
    wrong = msgspec.structs.replace(RULE, **change)
    for attempt in (risk.set_rule(world.db, wrong), risk.add_rules(world.db, [RULE, wrong])):
        with pytest.raises(BadRiskSettings) as refused:
            await attempt
        assert refused.value.field == field
        assert refused.value.detail_zh
    assert await world.scalar("SELECT count(*) FROM risk_rule") == rules
