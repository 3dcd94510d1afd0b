"""Making a platform: lanes and house accounts, and organisations with wallets and keys, for the CLI and tests."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kameng import access, identity, ledger, risk, shops
from kameng.identity import IssuedKey, Organisation
from kameng.kit import crypto, lanes
from kameng.kit.db import Database
from kameng.shops import Shop

HOUSE_NAME = "卡盟"
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


async def found_house(db: Database, *, name: str = HOUSE_NAME) -> Organisation:
    """The platform's own organisation, whose members are its staff, and its shop; what is there already stays."""
    async with db.connection() as connection:
        house = await identity.find_house(connection)
    if house is None:
        async with db.transaction() as connection:
            house = await identity.found(connection, name=name, kind="platform")
            await ledger.open_wallet(connection, house.lane, house.org_id, currency="CNY")
    await shops.open_shop(db, Shop(house.org_id, None, name))
    return house


async def found_member(
    db: Database, ring: crypto.KeyRing, name: str, *, kind: str = "merchant", level: int = 0,
    scopes: Iterable[str] | None = None, credit_line_e4: int = 0, parent_id: int | None = None,
) -> Member:  # fmt: skip
    """An organisation with its wallet and key, and beside it its sandbox with play money and a key of its own."""
    async with db.transaction() as connection:
        live, sandbox = await access.found_with_wallets(
            connection, name=name, kind=kind, level=level, credit_line_e4=credit_line_e4, parent_id=parent_id
        )
        key = await identity.issue_key(connection, ring, live, name="first key", scopes=scopes)
        sandbox_key = await identity.issue_key(connection, ring, sandbox, name="sandbox key", scopes=scopes)
    await access.give_play_money(db, sandbox)
    return Member(live, sandbox, key, sandbox_key)
