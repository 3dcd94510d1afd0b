"""充值: what is given on top of recharges, by rules; and the recharges of an organisation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kameng.identity import Organisation
from kameng.kit import audit, clock, ids, lanes
from kameng.kit.db import Connection, Database
from kameng.kit.ids import ID_MAX
from kameng.payments import store
from kameng.payments.errors import BadPayment, NoSuchPayment
from kameng.payments.model import PPM, BonusRule, Kind, Payable, Payment

AUDIT_LANE = 0


async def add_bonus(
    db: Database, *, from_e4: int, give_e4: int = 0, give_ppm: int = 0, most_e4: int | None = None,
    starts_at: datetime | None = None, ends_at: datetime | None = None, actor_id: int,
) -> BonusRule:  # fmt: skip
    """From an amount on, so much and such a part of it on top. What began before keeps what it was promised."""
    at = clock.now()
    rule = BonusRule(0, from_e4, give_e4, give_ppm, most_e4, starts_at or at, ends_at)
    faults = {
        "from": (from_e4 > 0, "起充金额"),
        "give": (give_e4 >= 0 and (give_e4 > 0 or give_ppm > 0), "赠送金额"),
        "percent": (0 <= give_ppm <= PPM, "赠送比例"),
        "most": (most_e4 is None or most_e4 > 0, "最高赠送"),
        "ends_at": (ends_at is None or ends_at > rule.starts_at, "结束时间"),
    }
    for field, (is_good, zh) in faults.items():
        if not is_good:
            raise BadPayment(f"{field}: can't be so", field=field, detail_zh=f"{zh}：填写有误")
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        number = await store.insert_bonus(connection, rule, made_by=actor_id)
        data = {"from_e4": from_e4, "give_e4": give_e4, "give_ppm": give_ppm}
        line = audit.Line(passage.ids[0], 0, actor_id, "bonus.add", number, data)
        await audit.note(connection, AUDIT_LANE, at, [line])
    return BonusRule(number, from_e4, give_e4, give_ppm, most_e4, rule.starts_at, ends_at)


async def end_bonus(db: Database, bonus_id: int, *, actor_id: int) -> bool:
    """It applies no more; False if it did not."""
    at = clock.now()
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        ended = await store.end_bonus(connection, bonus_id, at)
        if ended:
            await audit.note(
                connection, AUDIT_LANE, at, [audit.Line(passage.ids[0], 0, actor_id, "bonus.end", bonus_id)]
            )
    return ended


async def list_bonuses(db: Database) -> list[BonusRule]:
    """Those that apply, or will."""
    async with db.connection() as connection:
        return await store.every_bonus(connection, clock.now())


async def list_recharges(
    db: Database, organisation: Organisation, *, before_id: int = ID_MAX, limit: int = 50
) -> list[Payable]:
    """Newest first, below the cursor."""
    async with db.connection() as connection:
        return await store.list_recharges(
            connection, organisation.lane, organisation.org_id, before_id=before_id, limit=limit
        )


async def read_recharges(
    connection: Connection, lane: int, recharge_ids: Sequence[int]
) -> dict[int, tuple[Payable, list[Payment]]]:
    """Each with its payments, for whoever is told of them."""
    payables = await store.read_payables(connection, lane, recharge_ids)
    found: dict[int, tuple[Payable, list[Payment]]] = {
        number: (one, []) for number, one in payables.items() if one.kind is Kind.recharge
    }
    for one in await store.attempts_of(connection, lane, list(found)):
        found[one.payable_id][1].append(one)
    return found


async def find_recharge(db: Database, organisation: Organisation, recharge_id: int) -> Payable:
    """One of the organisation's own."""
    lane = organisation.lane
    if ids.lane_of(recharge_id) == lane:
        async with db.connection() as connection:
            found = (await store.read_payables(connection, lane, [recharge_id])).get(recharge_id)
        if found is not None and found.org_id == organisation.org_id and found.kind is Kind.recharge:
            return found
    raise NoSuchPayment
