"""What payment providers owe us and what they keep: two accounts for each channel, in each lane where it is used.

A channel's money comes in through its own account, so what stands there is what its provider still has of ours; the
bill of a day tells whether that is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from kameng.kit import lanes
from kameng.kit.db import Connection
from kameng.ledger import store
from kameng.ledger.model import Account

CHANNEL, CHANNEL_FEE = "channel", "channel_fee"
"""What its provider owes us, and what it keeps as its fee."""


async def open_channel_accounts(
    connection: Connection, lane: int, wanted: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], Account]:
    """Both accounts of each (channel, currency) by channel and code, opened where they are missing.

    The caller holds the gate; it is passed once more, for ids, if any is.
    """
    found = await store.read_channel_accounts(connection, lane, [channel_id for channel_id, _ in wanted])
    missing = [
        (channel_id, currency, code)
        for (channel_id, currency), code in product(sorted({*wanted}), (CHANNEL, CHANNEL_FEE))
        if (channel_id, code) not in found
    ]
    if missing:
        passage = await lanes.pass_gate(connection, lane, id_count=len(missing))
        opened = {
            (channel_id, code): Account(account_id, 0, code, currency, unbounded=True)
            for account_id, (channel_id, currency, code) in zip(passage.ids, missing, strict=True)
        }
        await store.insert_channel_accounts(connection, lane, opened)
        found |= opened
    return found
