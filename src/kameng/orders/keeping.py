"""Housekeeping of orders: a rotated key ring re-seals the accounts and the guests' contacts that they keep."""

from __future__ import annotations

from kameng.kit import crypto, resealing
from kameng.kit.db import Database
from kameng.orders import store
from kameng.orders.guesting import CONTACT
from kameng.orders.model import ACCOUNT


async def reseal(db: Database, ring: crypto.KeyRing, lane: int) -> int:
    """Seal every account and contact of a lane with the ring's current key; returns how many were not."""
    accounts = await resealing.reseal(
        db, ring, lane, ACCOUNT, look=store.accounts_under_other_keys, put=store.reseal_accounts
    )
    contacts = await resealing.reseal(
        db, ring, lane, CONTACT, look=store.contacts_under_other_keys, put=store.reseal_contacts
    )
    return accounts + contacts
