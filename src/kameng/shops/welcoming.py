"""Guests of an agent's shop: one customer of the agent stands for all of them, so that its prices are theirs and its
margin is booked as for any other customer."""

from __future__ import annotations

from kameng import identity, ledger
from kameng.identity import Organisation
from kameng.kit import epochs
from kameng.kit.db import Database
from kameng.shops import store
from kameng.shops.model import Shop

NAME = "游客"


async def guests_of(db: Database, shop: Shop) -> Organisation:
    """Whose orders the guests' are; founded by the first of them."""
    async with db.connection() as connection:
        org_id = await store.read_guests(connection, shop.org_id)
        found = None if org_id is None else await identity.find_organisation(connection, org_id)
    if found is not None:
        return found
    async with db.transaction() as connection:
        await epochs.bump(connection, "identity")  # two first guests come one after the other
        org_id = await store.read_guests(connection, shop.org_id)
        if org_id is not None:
            known = await identity.find_organisation(connection, org_id)
            assert known is not None, "no organisation is ever removed"
            return known
        new = await identity.found(connection, name=f"{NAME} {shop.name}", kind="customer", parent_id=shop.org_id)
        await ledger.open_wallet(connection, new.lane, new.org_id, currency=new.currency)
        await store.insert_guests(connection, shop.org_id, new.org_id)
    return new
