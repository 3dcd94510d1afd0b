"""Registering: an account for whoever has shown that an address is his, with an organisation of its own.

A customer's belongs to the shop he came to: below the agent whose it is, or to the platform itself. A merchant's
waits, suspended, until an operator has looked at it: it can be set up and tried with play money meanwhile.
"""

from __future__ import annotations

import msgspec

from kameng import identity, ledger
from kameng.access import challenging, limiting, passwords, store
from kameng.access.limiting import Try
from kameng.access.model import Session
from kameng.access.opening import found_with_wallets, give_play_money
from kameng.access.tickets import Ticket
from kameng.identity import Organisation
from kameng.kit import crypto
from kameng.kit.db import Connection, Database


class Applicant(msgspec.Struct, frozen=True):
    """Who wants an account. ``kind``: ``customer`` or ``merchant``; ``name``: of the person, ``company``: of the
    merchant."""

    kind: str
    name: str
    password: str
    company: str = ""

    def __repr__(self) -> str:
        return f"Applicant(kind={self.kind!r})"


async def register(db: Database, ticket: Ticket, applicant: Applicant, *, seller: Organisation) -> int:
    """A new person with his organisation; ``SignInTaken`` if the address has an account by now, and whatever the name
    and the password are refused with. The code is spent."""
    passwords.check_new_password(applicant.password)
    await challenging.spend_code(db, ticket)
    person_id = await identity.enrol(db, sign_in=ticket.to, name=applicant.name)
    await passwords.set_password(db, person_id, applicant.password, actor_id=person_id)
    await open_account(db, person_id, applicant, seller=seller)
    return person_id


async def open_company(
    db: Database, ring: crypto.KeyRing, session: Session, company: str, *, seller: Organisation
) -> Organisation:
    """A merchant's account beside those that somebody has already."""
    await limiting.count_tries(db, ring, [Try(limiting.COMPANY, str(session.person_id))])
    return await open_account(db, session.person_id, Applicant("merchant", session.name, "", company), seller=seller)


async def open_account(db: Database, person_id: int, applicant: Applicant, *, seller: Organisation) -> Organisation:
    """An organisation that this person owns, with its wallet. One who is a customer of that seller stays the same."""
    parent_id = seller.org_id if seller.kind == "agent" else None
    async with db.transaction() as connection:
        await store.hold_person(connection, person_id)
        if applicant.kind == "customer":
            known = await _customer_of(connection, db, person_id, parent_id)
            if known is not None:
                return known
        name, sandbox = applicant.company or applicant.name, None
        if applicant.kind == "merchant":
            opened, sandbox = await found_with_wallets(
                connection, name=name, kind="merchant", parent_id=parent_id, state="suspended"
            )
        else:
            opened = await identity.found(connection, name=name, kind=applicant.kind, parent_id=parent_id)
            await ledger.open_wallet(connection, opened.lane, opened.org_id, currency=opened.currency)
        await identity.give_role(connection, opened, person_id, "owner", actor_id=person_id)
    if sandbox is not None:
        await give_play_money(db, sandbox)
    return opened


async def _customer_of(
    connection: Connection, db: Database, person_id: int, parent_id: int | None
) -> Organisation | None:
    for place in await identity.memberships(db, person_id):
        one = await identity.find_organisation(connection, place.org_id)
        if one is not None and one.kind == "customer" and one.parent_id == parent_id:
            return one
    return None
