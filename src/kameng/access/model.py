"""Sessions, and what a role may do. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from kameng.access.devices import Device, read_device
from kameng.identity import ROLES

SESSION_LASTS = timedelta(days=30)
"""A session that is not used ends after so long,"""
SESSION_LONGEST = timedelta(days=90)
"""and one that is, after so long."""
SEEN_EVERY = timedelta(minutes=5)
"""So often a session notes that it is still used: no page writes because it was looked at."""
PROOF_LASTS = timedelta(minutes=10)
"""So long after he proved who he is somebody may do what is dangerous."""

ACTS = {
    "view": "see",
    "buy": "buy",
    "reveal": "see cards and accounts in clear",
    "orders": "act on orders",
    "tasks": "work orders by hand",
    "money.view": "see wallets and statements",
    "money.move": "ask for withdrawals and adjustments",
    "money.approve": "decide withdrawals and adjustments",
    "keys": "manage API keys",
    "webhooks": "manage webhooks",
    "staff": "manage staff and roles",
    "shop": "change the shop",
    "goods": "change goods and stock",
    "prices": "change prices",
    "agents": "manage agents below",
    "documents": "manage documents",
    "risk": "risk lists, rules and decisions",
    "system": "jobs, settings, switches",
    "audit": "read the audit log",
    "impersonate": "see pages as somebody else",
}
"""What can be done at pages, each with what an audit or a role's page calls it."""

ROLE_ACTS: dict[str, frozenset[str]] = {
    "owner": frozenset(ACTS),
    "finance": frozenset({"view", "money.view", "money.move", "money.approve"}),
    "support": frozenset({"view", "reveal", "orders", "tasks"}),
    "catalogue": frozenset({"view", "shop", "goods", "prices", "documents"}),
    "risk": frozenset({"view", "orders", "risk"}),
    "auditor": frozenset({"view", "money.view", "audit"}),
    "clerk": frozenset({"view", "buy", "reveal", "tasks"}),
}
"""What each role may do in the organisation it is a role of."""
assert ROLE_ACTS.keys() == set(ROLES)


def may(role: str, act: str) -> bool:
    assert act in ACTS, act
    return act in ROLE_ACTS[role]


class Session(msgspec.Struct, frozen=True):
    """Somebody signed in on one device."""

    person_id: int
    session_id: int
    org_id: int | None
    factor: str
    ip: str
    agent: str
    created_at: datetime
    seen_at: datetime
    proved_at: datetime
    expires_at: datetime
    place_zh: str = ""
    place_en: str = ""
    sign_in: str = ""
    name: str = ""

    @property
    def device(self) -> Device:
        return read_device(self.agent)

    def place(self, language: str) -> str:
        return self.place_zh if language == "zh" else self.place_en

    def is_proved_at(self, at: datetime) -> bool:
        return at < self.proved_at + PROOF_LASTS


class Visit(msgspec.Struct, frozen=True):
    """Where somebody comes from: an address, and what his browser calls itself."""

    ip: str
    agent: str


class SignInEvent(msgspec.Struct, frozen=True):
    """Somebody signed in or tried to, or proved who he is or tried to. ``person_id`` 0: nobody has that name."""

    event_id: int
    person_id: int
    at: datetime
    method: str
    outcome: str
    shown: str
    ip: str
    place_zh: str
    place_en: str
    agent: str

    @property
    def device(self) -> Device:
        return read_device(self.agent)

    def place(self, language: str) -> str:
        return self.place_zh if language == "zh" else self.place_en


class Passkey(msgspec.Struct, frozen=True):
    credential_id: bytes
    public_key: bytes
    sign_count: int
    domain: str
    name: str
    created_at: datetime
    used_at: datetime | None = None


class Invitation(msgspec.Struct, frozen=True):
    """Somebody may join an organisation; ``shown``: whom it was sent to, masked."""

    invitation_id: int
    org_id: int
    token_hash: bytes
    role: str
    shown: str
    invited_by: int
    created_at: datetime
    expires_at: datetime
