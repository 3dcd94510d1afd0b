"""Opening an organisation with all that it needs to trade: wallets, and a sandbox with play money beside it."""

from __future__ import annotations

from kameng import identity, ledger
from kameng.identity import Organisation
from kameng.kit.db import Connection, Database


async def found_with_wallets(
    connection: Connection, *, name: str, kind: str, level: int = 0, credit_line_e4: int = 0,
    parent_id: int | None = None, state: str = "active",
) -> tuple[Organisation, Organisation]:  # fmt: skip
    """An organisation and its sandbox, each with a wallet; the sandbox's is filled by ``give_play_money``."""
    live = await identity.found(connection, name=name, kind=kind, level=level, parent_id=parent_id, state=state)
    await ledger.open_wallet(connection, live.lane, live.org_id, currency=live.currency, credit_line_e4=credit_line_e4)
    sandbox = await identity.found_sandbox(connection, live)
    await ledger.open_wallet(connection, sandbox.lane, sandbox.org_id, currency=sandbox.currency)
    return live, sandbox


async def give_play_money(db: Database, sandbox: Organisation) -> None:
    """A million, once."""
    await ledger.recharge(db, sandbox.lane, sandbox.org_id, identity.PLAY_MONEY_E4, key=f"play-money:{sandbox.org_id}")
