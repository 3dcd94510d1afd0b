"""Taking a member on: an organisation with its wallet, a sandbox beside it; and moving one once all is settled.

No key is made: whoever works for it makes its own.
"""

from __future__ import annotations

from kameng import access, identity, ledger
from kameng.identity import Organisation
from kameng.kit import money
from kameng.kit.db import Database


async def take_on(
    db: Database, name: str, *, kind: str, level: int = 0, credit_line_e4: int = 0, parent_id: int | None = None
) -> Organisation:
    """A new organisation with its wallet, and its sandbox with play money."""
    async with db.transaction() as connection:
        live, sandbox = await access.found_with_wallets(
            connection, name=name, kind=kind, level=level, credit_line_e4=credit_line_e4, parent_id=parent_id
        )
    await access.give_play_money(db, sandbox)
    return live


async def move_member(
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
