"""Changing the policy: lists and rules. Checked here, since one wrong row would stand in every order's way.

Lists and rules belong to no lane. Who changed what, and why, is an audit line of lane 0, which every platform has;
it stays when a listing is taken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kameng.catalogue import KINDS
from kameng.kit import audit, clock, epochs, ids, lanes, money
from kameng.kit.crypto import KeyRing
from kameng.kit.db import Connection, Database
from kameng.kit.money import AMOUNT_E4_MAX
from kameng.risk import store
from kameng.risk.errors import BadRiskSettings, NoSuchListing, NoSuchRule
from kameng.risk.model import DAY_S, VERDICTS, Rule, network_of

ENTITIES = ("ip", "organisation", "target")
OUTCOMES = ("refuse", "review")
TARGET_HEX_CHARS = 32
LIMIT_COUNT_MAX = 1_000_000_000
NAME_CHARS_MAX = 100
REASON_CHARS_MAX = 500
AUDIT_LANE = 0
TARGET = b"target"
"""What orders hash the account to be topped up as."""

LABELS = {
    "entity": "对象", "value": "取值", "verdict": "结论", "reason": "原因", "until": "截止时间", "name": "名称",
    "kinds": "商品类型", "window_s": "时间窗口", "limit_count": "次数上限", "limit_e4": "金额上限", "outcome": "结果",
}  # fmt: skip


def target_hash(ring: KeyRing, account: bytes) -> bytes:
    """What stands for an account to be topped up (as an order keeps it, cleaned, JSON) where its number must not."""
    return ring.fingerprint(TARGET, account)


async def set_listing(
    db: Database, entity: str, value: str, verdict: str, *,
    reason: str, until: datetime | None = None, actor_id: int = 0,
) -> None:  # fmt: skip
    """Refuse, have reviewed, or always allow an IP or network, an organisation, or a target (its keyed hash in hex).

    It ends by itself at ``until``, in whole seconds; never, if that is None; at once, if that is now.
    """
    value = _canonical(entity, value)
    if verdict not in VERDICTS:
        raise _not_one_of(VERDICTS, "verdict")
    _check_reason(reason)
    if until is not None:
        if until.tzinfo is None:
            raise _wrong("until", "a time with its zone", "时间应带时区")
        until = until.replace(microsecond=0)
    said = {"entity": entity, "value": value, "verdict": verdict, "until": until and until.isoformat()}
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "risk")
        await store.set_listing(connection, entity, value, verdict, reason=reason, until=until, changed=changed)
        await _note(connection, "risk.listing.set", 0, said, reason=reason, actor_id=actor_id)


async def remove_listing(db: Database, entity: str, value: str, *, reason: str, actor_id: int = 0) -> str:
    """Take it off the list; returns the verdict it had. ``NoSuchListing`` if it is not there."""
    value = _canonical(entity, value)
    _check_reason(reason)
    async with db.transaction() as connection:
        await epochs.bump(connection, "risk")
        verdict = await store.remove_listing(connection, entity, value)
        if verdict is None:
            raise NoSuchListing(f"{entity} {value}", field="value", detail_zh=f"{entity} {value}")
        said = {"entity": entity, "value": value, "verdict": verdict}
        await _note(connection, "risk.listing.remove", 0, said, reason=reason, actor_id=actor_id)
    return verdict


async def set_rule(
    db: Database, rule: Rule, *, enabled: bool = True, reason: str | None = None, actor_id: int = 0
) -> None:
    """Put a velocity rule in place; its ``rule_id`` is given by the database. A person says why."""
    _check_rule(rule)
    if reason is not None:
        _check_reason(reason)
    said = {
        "name": rule.name, "entity": rule.entity, "kinds": list(rule.kinds), "window_s": rule.window_s,
        "limit_count": rule.limit_count, "limit_e4": rule.limit_e4, "outcome": rule.outcome,
        "enabled": enabled,
    }  # fmt: skip
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "risk")
        rule_id = await store.set_rule(connection, rule, enabled=enabled, changed=changed)
        await _note(connection, "risk.rule.set", rule_id, said, reason=reason, actor_id=actor_id)


async def switch_rule(db: Database, name: str, *, enabled: bool, reason: str, actor_id: int = 0) -> None:
    """Put a rule out of force, or back into it as it was; ``NoSuchRule`` if there is none of that name."""
    _check_reason(reason)
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "risk")
        # PostgreSQL has no NUL in texts, and such a name was never given.
        rule_id = await store.switch_rule(connection, name.replace("\0", " "), enabled=enabled, changed=changed)
        if rule_id is None:
            raise NoSuchRule(name[:NAME_CHARS_MAX], field="name", detail_zh=name[:NAME_CHARS_MAX])
        said = {"name": name, "enabled": enabled}
        await _note(connection, "risk.rule.switch", rule_id, said, reason=reason, actor_id=actor_id)


async def add_rules(db: Database, rules: Sequence[Rule]) -> None:
    """Add rules whose names are not there yet, as a new platform does: nobody's act, without an audit line."""
    for rule in rules:
        _check_rule(rule)
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "risk")
        await store.add_rules(connection, rules, changed=changed)


async def add_share(
    connection: Connection, sku_id: int, *, starts_at: datetime, ends_at: datetime, buyer_max: int
) -> None:
    """So many pieces of a SKU for each buyer between two moments; in the transaction of whoever plans a sale of it."""
    await epochs.bump(connection, "risk")
    await store.add_share(connection, sku_id, int(starts_at.timestamp()), int(ends_at.timestamp()), buyer_max)


async def _note(
    connection: Connection, act: str, subject_id: int, said: dict[str, Any], *, reason: str | None, actor_id: int
) -> None:
    """Last in its transaction: the gate of lane 0 is held for this line alone."""
    passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
    data = said if reason is None else {**said, "reason": reason}
    await audit.note(
        connection, AUDIT_LANE, clock.now(), [audit.Line(passage.ids[0], 0, actor_id, act, subject_id, data)]
    )


def _canonical(entity: str, value: str) -> str:
    """The value as orders are compared with it, so that nothing is listed twice or in vain."""
    if entity == "ip":
        network = network_of(value, strict=True)
        if network is None:
            raise _wrong(
                "value", "an address, or a network without bits after its prefix", "应为地址，或前缀之后无多余位的网段"
            )
        return str(network.network_address if network.prefixlen == network.max_prefixlen else network)
    if entity == "organisation":
        try:
            return str(ids.parse(value))
        except ValueError:
            raise _wrong("value", "the organisation's number", "应为商户编号") from None
    if entity == "target":
        value = value.lower()
        if len(value) != TARGET_HEX_CHARS or set(value) - set("0123456789abcdef"):
            raise _wrong("value", f"{TARGET_HEX_CHARS} hex digits", f"应为 {TARGET_HEX_CHARS} 位十六进制数字")
        return value
    raise _not_one_of(ENTITIES, "entity")


def _check_rule(rule: Rule) -> None:
    _check_text(rule.name, NAME_CHARS_MAX, "name")
    if rule.entity not in ENTITIES:
        raise _not_one_of(ENTITIES, "entity")
    if set(rule.kinds) - set(KINDS):  # it would never apply, and nobody would notice
        raise _not_one_of(KINDS, "kinds")
    if not 1 <= rule.window_s <= DAY_S:
        raise _wrong("window_s", f"1 to {DAY_S} seconds", f"应为 1 至 {DAY_S} 秒")
    if rule.limit_count is not None and not 0 <= rule.limit_count <= LIMIT_COUNT_MAX:
        raise _wrong("limit_count", f"0 to {LIMIT_COUNT_MAX}", f"应为 0 至 {LIMIT_COUNT_MAX}")
    if rule.limit_e4 is not None and not 0 <= rule.limit_e4 <= AMOUNT_E4_MAX:
        most = money.format_e4(AMOUNT_E4_MAX)
        raise _wrong("limit_e4", f"0 to {most}", f"应为 0 至 {most}")
    if rule.outcome not in OUTCOMES:
        raise _not_one_of(OUTCOMES, "outcome")
    if rule.limit_count is None and rule.limit_e4 is None:
        raise _wrong("limit_count", "a count, or money", "次数与金额至少限一项")


def _check_reason(reason: str) -> None:
    _check_text(reason, REASON_CHARS_MAX, "reason")


def _check_text(text: str, chars_max: int, field: str) -> None:
    if not (text.strip() and len(text) <= chars_max and text.isprintable()):
        raise _wrong(field, f"1 to {chars_max} printable characters", f"应为 1 至 {chars_max} 个可见字符")


def _not_one_of(allowed: Sequence[str], field: str) -> BadRiskSettings:
    choice = ", ".join(allowed)
    return _wrong(field, f"one of {choice}", f"应为 {choice} 之一")


def _wrong(field: str, detail: str, detail_zh: str) -> BadRiskSettings:
    return BadRiskSettings(f"{field}: {detail}", field=field, detail_zh=f"{LABELS[field]}：{detail_zh}")
