"""Every statement keeps to one lane, so that lanes can lie on different machines.

Shown by EXPLAIN on lane tables that are partitioned by lane: with the plan that gateways use (generic) and with one
for given values, a statement for lane 1 reads and writes the partition of lane 1, of every table. The few that look
into all lanes stand here by name, each with its reason: on Citus they run on every shard, and none is part of a batch.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from house import statements

from kameng.kit import migrations
from kameng.kit.db import Connection
from partitioned import LANES, lane_of_part, spread
from postgres import FreshDatabase

LANE = 1
STATEMENTS = {
    f"{file.removeprefix('src/kameng/')}:{name}": text
    for file, texts in statements().items()
    for name, text in texts.items()
}

READ_ALL = {
    "ops/audit.sql": "The audit reads tables whole; a law may be about all lanes.",
    "ops/sampling.sql": "The audit's samples, of every lane.",
}
ACROSS_LANES = {
    "kit/kit.sql:lane_numbers": "The list of lanes.",
    "kit/kit.sql:choose_lane": "A founding looks for the emptiest lane.",
    "ops/seeding.sql:spread": "Made-up merchants go to the emptiest lanes.",
    "ops/seeding.sql:standing_keys": "Made-up keys of every lane, before a bench.",
    "ops/seeding.sql:is_in_earnest": "Whether there is anything real in any lane.",
    "ops/ops.sql:sealed_cards": "A few cards of any lane, to try a key ring.",
    "identity/identity.sql:changed_organisations": "A gateway serves every lane: what changed in any, once a change.",
    "identity/identity.sql:changed_api_keys": "The same for keys.",
    "identity/identity.sql:newest_api_keys": "A gateway that starts warms its directory.",
    "identity/identity.sql:all_organisations": "And the organisations of those keys.",
    "identity/identity.sql:read_house": "The platform's own organisation lies in one of them.",
    "identity/identity.sql:memberships_of": "A person may belong to organisations of several lanes.",
    "identity/identity.sql:memberships_of_all": "The same for several people.",
    "identity/identity.sql:all_agents": "Whoever may be above a buyer, whatever his lane: in memory, read at changes.",
    "identity/identity.sql:children": "An agent's buyers may lie in any lane: looked at by people.",
    "identity/identity.sql:children_before": "The same, a page of them.",
    "ledger/ledger.sql:unsettled_of": "Before an agent moves: what is open in any lane.",
    "reconciliation/reconciliation.sql:judge_bill": "The view asks for a line's twins in its own lane, known when run.",
    "reconciliation/reconciliation.sql:judge_lines": "The same.",
    "shops/shops.sql:weigh_reviews": "A product's score is of buyers of all lanes.",
    "shops/shops.sql:list_reviews": "And so are its reviews.",
    "shops/shops.sql:list_pending": "What waits for the staff, wherever it lies.",
    "stock/stock.sql:watched_stock": "Whether a SKU is low is asked of all lanes together, by the clock.",
    "ops/ops.sql:audit_lines_about": "What is known of a person, wherever it lies.",
    "stock/stock.sql:donors": "A lane that ran out asks which others have cards: no part of a batch.",
    "stock/stock.sql:shares_elsewhere": "Before cards are reserved: no part of a batch, and not for a wallet's order.",
    "payments/payments.sql:day_totals": "A channel's limit counts what went through it in whatever lane.",
    "payments/payments.sql:own_rules": "Agents with channels of their own lie in any lane: read once a second at most.",
    "payments/payments.sql:channel_days": "The same, to be looked at.",
    "stock/stock.sql:on_hand_everywhere": "The catalogue shows what all lanes have together.",
    "stock/special.sql:uses_left": "Reusable cards lie where they were loaded; their uses are issued outside batches.",
    "stock/special.sql:list_displayed": "What may be chosen is shown to buyers of all lanes.",
    "stock/special.sql:find_displayed": "Where a card lies that was chosen, before its batch.",
    "stock/special.sql:stock_of_batches": "A supplier's cards lie in any lane: counted when he asks.",
    "stock/special.sql:cards_by_number": "The same before they are voided.",
    "stock/special.sql:cards_of_batch": "The same, of a batch.",
    "stock/special.sql:states_of_batch": "And what became of them.",
    "stock/special.sql:cards_by_fingerprint": "A card that somebody reads out lies in any lane: looked at by staff.",
    "stock/special.sql:shelves_of": "A SKU's shelves, lane by lane, for the staff.",
    "stock/stock.sql:unread_cards": "Older cards whose number nobody has read yet, wherever they lie.",
}

VALUES = {
    "smallint": str(LANE), "integer": "1", "bigint": "1", "text": "x",
    "timestamp with time zone": "2026-11-23 00:00:00+00", "date": "2026-11-23", "boolean": "t", "bytea": r"\x00",
    "jsonb": "{}", "double precision": "1", "real": "1", "cidr": "10.0.0.0/8",
}  # fmt: skip


@pytest.fixture(params=["force_generic_plan", "force_custom_plan"])
async def partitioned(fresh_database: FreshDatabase, request: pytest.FixtureRequest) -> AsyncIterator[Connection]:
    url = await fresh_database()
    tables = await spread(url)
    assert {"orders", "order_ref", "account", "transfer", "card", "event", "nonce", "job", "lane"} <= set(tables)
    connection = await asyncpg.connect(url, server_settings={"plan_cache_mode": request.param})
    yield connection
    await connection.close()


async def test_every_statement_keeps_to_one_lane(partitioned: Connection) -> None:
    strayed, came_home = {}, set(ACROSS_LANES)
    for name, text in STATEMENTS.items():
        if name.partition(":")[0] in READ_ALL:
            continue
        lanes = await lanes_of(partitioned, text)
        if name not in ACROSS_LANES:
            if not lanes <= {LANE}:
                strayed[name] = sorted(lanes)
        elif not lanes <= {LANE}:
            came_home.discard(name)
    assert strayed == {}
    assert came_home == set(), "these keep to one lane by now: take them off the list"


async def lanes_of(connection: Connection, text: str) -> set[int]:
    """The lanes whose partitions the plan of a statement reads or changes."""
    await connection.execute(f"PREPARE one AS {text}")
    try:
        types = await connection.fetchval(
            "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 'one'"
        )
        arguments = ", ".join(value_of(kind) for kind in types)
        plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE one{f'({arguments})' if arguments else ''}")
    finally:
        await connection.execute("DEALLOCATE one")
    found = {lane_of_part(relation) for relation in relations(json.loads(plan)[0]["Plan"])}
    return {lane for lane in found if lane is not None}


def value_of(kind: str) -> str:
    """A literal of a type: lane 1 wherever a lane is asked for, and all where lanes are."""
    if kind == "smallint[]":
        return f"'{{{','.join(map(str, LANES))}}}'::{kind}"
    element, is_array, _ = kind.partition("[")
    return f"'{{{VALUES[element]}}}'::{kind}" if is_array else f"'{VALUES[element]}'::{kind}"


def relations(node: dict[str, Any]) -> Iterator[str]:
    """What a plan's nodes read. What it changes is what it reads: the target of an UPDATE is scanned for its rows."""
    if "Relation Name" in node:
        yield node["Relation Name"]
    for below in node.get("Plans", ()):
        yield from relations(below)


async def test_the_applications_role_may_run_every_statement(fresh_database: FreshDatabase) -> None:
    """All but those of the audit and of commands, which are the owner's."""
    url = await fresh_database()
    await migrations.migrate(url, make_role=True)
    connection = await asyncpg.connect(url)
    await connection.execute(f"SET ROLE {migrations.APP_ROLE}")
    for name, text in STATEMENTS.items():
        if name.partition(":")[0] not in READ_ALL:
            await lanes_of(connection, text)  # to explain a statement its privileges are checked
    await connection.close()


def test_what_is_inserted_bears_the_lane_that_was_named() -> None:
    """EXPLAIN does not say where new rows go: the lane has to be a parameter, the same for all of them."""
    lane_tables = "account|allotment|api_key|audit_line|card|event|job|lane_counter|membership|order_ref|orders"
    lane_tables += "|organisation|reusable_card|transfer|transfer_key"
    inserts = {
        name: re.search(r"\(lane, [^;]*?(?:VALUES \(|SELECT )\$1::smallint", text)
        for name, text in STATEMENTS.items()
        if re.search(rf"INSERT INTO ({lane_tables}) ", text) and "FROM moved" not in text  # they keep theirs
    }
    assert len(inserts) >= 10
    assert [name for name, found in inserts.items() if not found] == []


async def test_a_statement_without_its_lane_would_be_seen(partitioned: Connection) -> None:
    astray = "SELECT * FROM orders WHERE order_id = $1"
    assert await lanes_of(partitioned, astray) == set(LANES)
    half = "SELECT 1 FROM orders o JOIN organisation g ON g.org_id = o.org_id WHERE o.lane = $1::smallint"
    assert await lanes_of(partitioned, half) == set(LANES)
    whole = "UPDATE orders SET state = $3 WHERE lane = $1::smallint AND order_id = $2"
    assert await lanes_of(partitioned, whole) == {LANE}
