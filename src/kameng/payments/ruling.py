"""What operators want of the choice of channels: the policy, rules in their order; and why a channel is chosen.

Each change leaves an audit line, and holds in every process within a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kameng import routing
from kameng.channels import Method, Scene
from kameng.kit import clock, ids, lanes
from kameng.kit.db import Database
from kameng.payments import routing_store as store
from kameng.payments.errors import BadRule, NoSuchPayment, NoSuchRule
from kameng.payments.keeping import list_channels, note
from kameng.payments.opening import Workplace
from kameng.payments.routing_store import StandingRule
from kameng.routing import Logged, Policy, Request, Rule, When

AUDIT_LANE = 0
NAME_CHARS_MAX = 60
RULES_MAX = 200
SHARES = 10_000
MINUTES = 24 * 60
WEIGHTS = {"fee_weight": 1.0, "speed_weight": 1.0, "target_weight": 1.0, "tie_band": 0.2, "floor": 0.2}
"""What of a policy an operator sets besides its mode, and how much it may be."""


class Standing(msgspec.Struct, frozen=True):
    """How channels are chosen now."""

    policy: Policy
    rules: list[StandingRule]


class Decision(msgspec.Struct, frozen=True):
    """A choice, and whether it comes out the same when it is made again from what was stored."""

    logged: Logged
    names: Mapping[int, str]
    is_replayed: bool = True


async def find_routing(db: Database) -> Standing:
    async with db.connection() as connection:
        return Standing(await store.read_policy(connection), await store.every_rule(connection))


async def set_policy(db: Database, changes: Mapping[str, Any], *, reason: str, actor_id: int) -> Policy:
    """Another mode, or other weights; what is not named stays."""
    _needs_reason(reason)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        after = msgspec.structs.replace(await store.read_policy(connection), **_checked(changes))
        await store.put_policy(connection, after, by=actor_id, at=clock.now())
        told = {**changes, "reason": reason}
        await note(connection, passage, actor_id, "routing.policy", 0, told)
    return after


async def add_rule(db: Database, rule: Rule, *, actor_id: int) -> int:
    """A rule after all others; its number."""
    known = {one.channel_id for one in await list_channels(db)}
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        _check(rule, known, await store.every_rule(connection))
        number = await store.insert_rule(connection, rule, by=actor_id, at=clock.now())
        await note(connection, passage, actor_id, "routing.rule.add", number, msgspec.to_builtins(rule))
    return number


async def change_rule(db: Database, rule_id: int, rule: Rule, *, actor_id: int) -> None:
    """What it says from now on; its place stays."""
    known = {one.channel_id for one in await list_channels(db)}
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        standing = await store.every_rule(connection)
        before = _found(standing, rule_id)
        _check(rule, known, [one for one in standing if one.rule_id != rule_id])
        await store.set_rule(connection, rule_id, rule, before.place, by=actor_id, at=clock.now())
        await note(connection, passage, actor_id, "routing.rule.change", rule_id, msgspec.to_builtins(rule))


async def move_rule(db: Database, rule_id: int, *, by: int, actor_id: int) -> None:
    """So many places up (below zero) or down; past the ends it stays at the end."""
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        standing = await store.every_rule(connection)
        one = _found(standing, rule_id)
        at = standing.index(one)
        order = [other for other in standing if other is not one]
        order.insert(min(max(at + by, 0), len(order)), one)
        for place, other in enumerate(order, 1):
            if other.place != place:
                await store.set_rule(
                    connection, other.rule_id, other.rule, place, by=other.changed_by, at=other.changed_at
                )
        told = {"from": at + 1, "to": order.index(one) + 1}
        await note(connection, passage, actor_id, "routing.rule.move", rule_id, told)


async def end_rule(db: Database, rule_id: int, *, reason: str, actor_id: int) -> None:
    """It holds no more; decisions that it made are still explained by it."""
    _needs_reason(reason)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        if not await store.end_rule(connection, rule_id, by=actor_id, at=clock.now()):
            raise NoSuchRule(field="rule")
        await note(connection, passage, actor_id, "routing.rule.end", rule_id, {"reason": reason})


async def why(place: Workplace, request: Request) -> Decision:
    """The channel that such a payment would be sent to now; nobody is sent there."""
    known = place.channels
    await known.refresh()
    logged = place.router.choose(known.books[0], known.usages(0), request, is_dry=True)
    return Decision(logged, {one.channel_id: one.name for one in known.accounts.values()})


async def find_decision(db: Database, payment_id: int) -> Decision:
    """Why an attempt went where it went, made again from what was stored. ``NoSuchPayment`` if nothing was."""
    async with db.connection() as connection:
        logged = await store.find_decision(connection, ids.lane_of(payment_id), payment_id)
        book = None if logged is None else await store.read_book(connection, logged.choice.revision)
    if logged is None or book is None:
        raise NoSuchPayment
    names = {one.channel_id: one.name for one in book.candidates}
    is_same = logged.choice.version in routing.VERSIONS and routing.replay(logged, book) == logged.choice
    return Decision(logged, names, is_same)


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in changes.items():
        if name == "mode":
            if value not in ("smart", "weights", "order"):
                raise _bad("mode", "smart, weights or order", "方式：应为 smart、weights 或 order")
        elif name not in WEIGHTS:
            raise _bad(name, "can't be changed", "该字段不可修改")
        elif not 0 <= value <= WEIGHTS[name]:
            raise _bad(name, f"from 0 to {WEIGHTS[name]}", f"权重：应为 0 至 {WEIGHTS[name]}")
    return dict(changes)


def _check(rule: Rule, known: set[int], others: list[StandingRule]) -> None:
    """``BadRule`` with the first field that can't be."""
    named = {*rule.channels, *(one for group in rule.groups for one in group), *(one for one, _ in rule.shares)}
    shares = [share for _, share in rule.shares]
    is_name = bool(rule.name.strip()) and len(rule.name) <= NAME_CHARS_MAX and rule.name.isprintable()
    needs = {"groups": rule.groups and all(rule.groups), "split": rule.shares, "pin": len(rule.channels) == 1}
    faults = {
        "name": (is_name and rule.name not in {one.rule.name for one in others}, "名称", "1 to 60 characters, its own"),
        "channels": (bool(needs.get(rule.act, rule.channels)), "通道", "are needed; one to be pinned"),
        "channel": (named <= known, "通道", "there is no such channel"),
        "shares": (all(share > 0 for share in shares) and sum(shares) <= SHARES, "比例", "10,000 in all at most"),
        "rules": (len(others) < RULES_MAX, "规则", f"{RULES_MAX} at most"),
        **_faults_of(rule.when),
    }
    for field, (is_good, zh, en) in faults.items():
        if not is_good:
            raise _bad(field, en, f"{zh}：填写有误")


def _faults_of(when: When) -> dict[str, tuple[bool, str, str]]:
    least, most = when.amount_min_minor, when.amount_max_minor
    is_band = least >= 0 and (most is None or most >= least)
    are_hours = all(0 <= a < MINUTES and 0 <= b < MINUTES and a != b for a, b in when.hours)
    return {
        "methods": (set(when.methods) <= {one.value for one in Method}, "支付方式", "there is no such method"),
        "scenes": (set(when.scenes) <= {one.value for one in Scene}, "场景", "there is no such scene"),
        "amount": (is_band, "金额", "from less to more"),
        "hours": (are_hours, "时段", "like 22:00-02:00"),
        "bins": (all(one.isascii() and one.isdigit() and len(one) <= 11 for one in when.bins), "卡段", "digits"),
    }  # fmt: skip


def _found(standing: list[StandingRule], rule_id: int) -> StandingRule:
    found = next((one for one in standing if one.rule_id == rule_id), None)
    if found is None:
        raise NoSuchRule(field="rule")
    return found


def _needs_reason(reason: str) -> None:
    if not (reason.strip() and reason.isprintable()):
        raise _bad("reason", "is needed", "原因：必填")


def _bad(field: str, en: str, zh: str) -> BadRule:
    return BadRule(f"{field}: {en}", field=field, detail_zh=zh)
