"""Everything that is known of one order, gathered from the contexts that keep it; nothing that is sealed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from kameng import catalogue, fulfilment, identity, ledger, notices, orders, pricing, risk
from kameng.catalogue import Sku
from kameng.identity import Organisation
from kameng.kit import audit, clock, crypto, events, ids, jobs, lanes
from kameng.kit.db import Connection
from kameng.ledger import TwoSided
from kameng.orders import Command, OrderPart, OrderRow, Standing
from kameng.web.parts import Door

_OF_COMMANDS = {f"order.{command.value}" for command in Command}
"""Audit lines that say what an event says too."""


class Happened(msgspec.Struct, frozen=True):
    """A line of the timeline."""

    at: datetime
    kind: str
    who: str
    reason: str = ""
    is_look: bool = False
    """Somebody saw something, and nothing changed."""


class Story(msgspec.Struct, frozen=True):
    order: Standing
    row: OrderRow
    buyer: Organisation
    sku: Sku | None
    parts: Sequence[OrderPart]
    account: dict[str, str] | None
    timeline: list[Happened]
    postings: list[TwoSided]
    accounts: dict[int, tuple[str, str]]
    """By number: code, and whose it is."""
    steps: list[pricing.Step]
    margins: list[tuple[str, int]]
    tasks: list[fulfilment.Task]
    answers: list[fulfilment.AnswerRow]
    waits_for: list[tuple[str, str]]
    tried: list[notices.Tried]
    endpoints: dict[int, notices.Endpoint]
    last_event: events.Event
    listed: list[risk.Entry] = []
    """Whom of it a risk list names, as the lists stand now."""
    limits: list[risk.Rule] = []
    """Limits that such an order counts against."""


async def story_of(door: Door, order_id: int) -> Story:
    """``OrderNotFound`` for what is none."""
    lane = ids.lane_of(order_id)
    async with door.db.connection() as connection:
        if lane not in await lanes.lane_numbers(connection):
            raise orders.OrderNotFound
        order = (await orders.read_standing(connection, lane, [order_id])).get(order_id)
        if order is None:
            raise orders.OrderNotFound
        row = (await orders.read_orders(connection, lane, [order_id], [order.org_id]))[order_id]
        buyer = (await identity.organisations_by_id(connection, [order.org_id]))[order.org_id]
        named = (order.sku_id, order.sku_revision)
        sku = (await catalogue.read_revisions(connection, [named])).get(named)
        happened = await events.timeline(connection, lane, order_id)
        lines = await audit.about(connection, lane, order_id)
        postings = await ledger.postings_near(connection, lane, order_id, [order_id, *(e.event_id for e in happened)])
        tried = await notices.attempts_of(connection, order.org_id, [e.event_id for e in happened])
        found = Story(
            order, row, buyer, sku,
            (await orders.read_parts(connection, lane, [order_id])).get(order_id, ()),
            orders.masked_account(door.ring, order_id, row.account),
            _timeline(happened, lines, await who_is(connection, _actors(happened, lines))),
            postings, await accounts_of(connection, lane, postings), pricing.steps_of(row.trace),
            await _margins(connection, order), await fulfilment.tasks_of(connection, lane, [order_id]),
            await fulfilment.answers_of(connection, lane, [order_id]),
            await jobs.of_subject(connection, lane, order_id), tried, {}, happened[-1],
        )  # fmt: skip
    listed, limits = await _risk(door, row, "" if sku is None else sku.kind)
    found = msgspec.structs.replace(found, listed=listed, limits=limits)
    if tried:
        endpoints = {one.endpoint_id: one for one in await notices.list_endpoints(door.db, order.org_id)}
        found = msgspec.structs.replace(found, endpoints=endpoints)
    return found


async def _risk(door: Door, row: OrderRow, kind: str) -> tuple[list[risk.Entry], list[risk.Rule]]:
    """What risk has to say of it: lists that name its buyer or its account, limits it counts against."""
    async with door.db.connection() as connection:
        entries = await risk.every_listing(connection)
        rules = await risk.every_rule(connection)
    named, at = {("organisation", str(row.org_id)), ("target", _target(door, row))}, clock.now()
    listed = [one for one in entries if (one.entity, one.value) in named and (one.until is None or one.until > at)]
    return listed, [rule for rule, enabled in rules if enabled and (not rule.kinds or kind in rule.kinds)]


def _target(door: Door, row: OrderRow) -> str:
    """The hash that its account is listed by; ``""`` where it has none that opens."""
    if row.account is None:
        return ""
    try:
        account = orders.open_account(door.ring, row.order_id, row.account)
    except crypto.Unsealable:
        return ""
    target = catalogue.without_passwords(account)
    return risk.target_hash(door.ring, msgspec.json.encode(target, order="sorted")).hex()


def _actors(happened: Iterable[events.Event], lines: Iterable[audit.Kept]) -> set[int]:
    return {event.actor_id for event in happened} | {line.actor_id for line in lines}


async def who_is(connection: Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Names of people by number; whoever is none of them is told by his number. ``""``: Kameng itself."""
    wanted = set(numbers) - {0}
    people = await identity.people_by_id(connection, wanted) if wanted else {}
    return {0: ""} | {one: people[one].name if one in people else f"ak_{one}" for one in wanted}


def _timeline(happened: Sequence[events.Event], lines: Sequence[audit.Kept], names: dict[int, str]) -> list[Happened]:
    """Oldest first: what became of it, and who looked. An event and the line of the command that led to it are one."""
    reasons = {line.at: _reason(line.data) for line in lines if line.act in _OF_COMMANDS}
    told = [
        Happened(event.at, event.kind, names[event.actor_id], _reason(event.data) or reasons.get(event.at, ""))
        for event in happened
    ]
    told += [
        Happened(line.at, line.act, names[line.actor_id], _reason(line.data), is_look=line.act.endswith("reveal"))
        for line in lines
        if line.act not in _OF_COMMANDS
    ]
    return sorted(told, key=lambda one: one.at)


def _reason(data: dict[str, Any] | None) -> str:
    return str((data or {}).get("reason", ""))


async def accounts_of(
    connection: Connection, lane: int, postings: Sequence[TwoSided]
) -> dict[int, tuple[str, str]]:
    """Code and owner of each account that was moved."""
    numbers = {one.debit_account for one in postings} | {one.credit_account for one in postings}
    found = await ledger.read_accounts(connection, lane, numbers) if numbers else []
    owners = await identity.organisations_by_id(connection, {one.org_id for one in found})
    return {one.account_id: (one.code, owners[one.org_id].name if one.org_id in owners else "") for one in found}


async def _margins(connection: Connection, order: Standing) -> list[tuple[str, int]]:
    """What each agent above the buyer earns by it."""
    if order.split is None:
        return []
    agents = await identity.organisations_by_id(connection, [agent_id for agent_id, _ in order.split.margins])
    return [(agents[agent_id].name, amount_e4) for agent_id, amount_e4 in order.split.margins]
