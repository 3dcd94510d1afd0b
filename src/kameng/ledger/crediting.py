"""Credit lines: how far below zero a wallet may go. Granting one moves no money and leaves an audit line."""

from __future__ import annotations

import msgspec

from kameng.kit import audit, clock, lanes, money
from kameng.kit.db import Database
from kameng.kit.money import AMOUNT_E4_MAX
from kameng.ledger import store
from kameng.ledger.errors import BadLedgerEntry, CreditLineInUse
from kameng.ledger.model import Account
from kameng.ledger.posting import REASON_CHARS_MAX, check_text, read_wallet


async def set_credit_line(
    db: Database, lane: int, org_id: int, credit_line_e4: int, *, reason: str, actor_id: int = 0
) -> Account:
    """Grant, widen or narrow a wallet's credit (授信额度), never below what is used of it; the wallet with it."""
    check_text(reason, REASON_CHARS_MAX, "reason", "原因")
    if not 0 <= credit_line_e4 <= AMOUNT_E4_MAX:
        most = money.format_e4(AMOUNT_E4_MAX)
        raise BadLedgerEntry(f"amount: 0 to {most}", field="amount", detail_zh=f"金额：应为 0 至 {most}")
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        wallet = await read_wallet(connection, lane, org_id)
        used_e4 = max(0, wallet.held_e4 - wallet.posted_e4)
        if credit_line_e4 < used_e4:
            used = money.format_e4(used_e4)
            raise CreditLineInUse(f"{used} are used", field="amount", detail_zh=f"已使用 {used}")
        await store.set_credit_line(connection, lane, org_id, credit_line_e4)
        data = {"before_e4": wallet.credit_line_e4, "after_e4": credit_line_e4, "reason": reason}
        line = audit.Line(passage.ids[0], org_id, actor_id, "wallet.credit_line", org_id, data)
        await audit.note(connection, lane, clock.now(), [line])
    return msgspec.structs.replace(wallet, credit_line_e4=credit_line_e4)
