"""What a gateway keeps to be an epay site: where it is reached, whom it may call, accounts with their keys opened."""

from __future__ import annotations

import hmac

from kameng.epay import keeping, store
from kameng.epay.model import Opened
from kameng.kit.switches import Switches
from kameng.notices import Policy
from kameng.payments import Cashier

PATH = "/epay/"
"""Below it shops find what they call."""
PAGES = "/cashier/"
"""And their customers what they pay on."""
SWITCH = "epay"
MARK_CHARS = 32
OPENED_MAX = 10_000


class Site:
    """``policy``: whom shops' addresses may mean. ``fee_ppm``: what a new account costs."""

    def __init__(self, cashier: Cashier, *, policy: Policy, fee_ppm: int) -> None:
        self.cashier = cashier
        self.db = cashier.db
        self.ring = cashier.ring
        self.policy = policy
        self.fee_ppm = fee_ppm
        self.switches = Switches(cashier.db)
        self._opened: dict[int, tuple[int, Opened]] = {}

    @property
    def address(self) -> str:
        """What a shop is told to call."""
        return f"{self.cashier.public_url}{PATH}"

    def mark_of(self, trade_id: int) -> str:
        """Makes the address of a payment's page one that nobody guesses."""
        return self.ring.fingerprint(b"epay", str(trade_id).encode()).hex()[:MARK_CHARS]

    def is_mark(self, trade_id: int, mark: str) -> bool:
        return hmac.compare_digest(self.mark_of(trade_id).encode(), mark.encode())

    def path_of(self, trade_id: int) -> str:
        return f"{PAGES}{trade_id}/{self.mark_of(trade_id)}"

    def page_of(self, trade_id: int) -> str:
        """Where its customer pays."""
        return f"{self.cashier.public_url}{self.path_of(trade_id)}"

    async def account(self, pid: int) -> Opened | None:
        """With its keys; None if there is none. Looked up each time, opened once for each revision of it."""
        async with self.db.connection() as connection:
            found = await store.find_account(connection, pid)
        if found is None:
            return None
        account, sealed = found
        kept = self._opened.get(pid)
        if kept is not None and kept[0] == account.revision:
            return kept[1]
        if len(self._opened) >= OPENED_MAX:
            self._opened.clear()
        opened = keeping.opened(self.ring, account, sealed)
        self._opened[pid] = account.revision, opened
        return opened
