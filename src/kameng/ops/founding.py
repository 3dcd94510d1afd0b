"""Making a platform: lanes and house accounts, and organisations with wallets and keys, for the CLI and tests."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kameng import identity, ledger, risk
from kameng.identity import ALL_SCOPES, IssuedKey, Organisation
from kameng.kit import crypto, lanes, money
from kameng.kit.db import Database

PLAY_MONEY_E4 = 1_000_000 * 10_000
"""What a sandbox starts with: a million in play money."""


FIRST_RULES = (
    risk.Rule(0, "target-hour", "target", ("topup",), 3600, 30, None),
    risk.Rule(0, "target-day", "target", ("topup",), 86_400, None, 20_000 * 10_000),
)
"""What a new platform starts with: thirty top-ups an hour and 20,000 yuan a day to one number. An operator changes
them as he likes; they are not put back."""


class Member(msgspec.Struct, frozen=True):
    """A new organisation with its live and its sandbox key."""

    organisation: Organisation
    sandbox: Organisation
    key: IssuedKey
    sandbox_key: IssuedKey


async def open_platform(db: Database, *, lane_count: int) -> None:
    """Lanes and their house accounts; what is there already stays."""
    async with db.transaction() as connection:
        await lanes.create_lanes(connection, lane_count)
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    for lane in numbers:
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            await ledger.open_house(connection, lane)
    await risk.add_rules(db, FIRST_RULES)


async def found_member(
    db: Database, ring: crypto.KeyRing, name: str, *, kind: str = "merchant", level: int = 0,
    scopes: Iterable[str] = ALL_SCOPES, credit_line_e4: int = 0, parent_id: int | None = None,
) -> Member:  # fmt: skip
    """An organisation with its wallet and key, and beside it its sandbox with play money and a key of its own."""
    async with db.transaction() as connection:
        live = await identity.found(connection, name=name, kind=kind, level=level, parent_id=parent_id)
        await ledger.open_wallet(connection, live.lane, live.org_id, currency="CNY", credit_line_e4=credit_line_e4)
        key = await identity.issue_key(connection, ring, live, name="first key", scopes=scopes)
        sandbox = await identity.found_sandbox(connection, live)
        await ledger.open_wallet(connection, sandbox.lane, sandbox.org_id, currency=sandbox.currency)
        sandbox_key = await identity.issue_key(connection, ring, sandbox, name="sandbox key", scopes=scopes)
    await ledger.recharge(db, sandbox.lane, sandbox.org_id, PLAY_MONEY_E4, key=f"play-money:{sandbox.org_id}")
    return Member(live, sandbox, key, sandbox_key)


async def move_organisation(
    db: Database, org_id: int, parent_id: int | None, *, reason: str, actor_id: int = 0
) -> Organisation:
    """Put an organisation under another agent, or under the platform, once everything is settled with it."""
    async with db.connection() as connection:
        if unsettled := await ledger.unsettled_of(connection, org_id):
            lane, amount_e4 = unsettled[0]
            amount = money.format_e4(amount_e4)
            raise ledger.NotSettled(f"{amount} in lane {lane}", detail_zh=f"分区 {lane} 尚有 {amount}")
    async with db.transaction() as connection:
        return await identity.move(connection, org_id, parent_id, reason=reason, actor_id=actor_id)
