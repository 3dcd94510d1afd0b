"""Agents below an agent: founding one with its wallet and its owner, and who of all buyers is his to lead."""

from __future__ import annotations

import secrets

import msgspec

from kameng import access, identity
from kameng.identity import NoSuchOrganisation, Organisation
from kameng.kit import ids
from kameng.kit.db import Connection, Database

PASSWORD_BYTES = 9


class Recruit(msgspec.Struct, frozen=True):
    """A new agent. ``first_password`` is its owner's if nobody signed in with that name before; else he keeps his
    own. It is made either way, so that nobody learns from it who has a sign-in already."""

    organisation: Organisation
    first_password: str

    def __repr__(self) -> str:
        return f"Recruit(organisation={self.organisation!r})"


async def recruit(
    db: Database, agent: Organisation, *, name: str, level: int, sign_in: str, owner: str, actor_id: int
) -> Recruit:
    """Found an agent below another, with a wallet, a sandbox, and somebody who signs in for it."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    person = await identity.find_by_sign_in(db, sign_in)
    if person is None:
        person_id = await identity.enrol(db, sign_in=sign_in, name=owner, actor_id=actor_id)
        await access.set_password(db, person_id, password, actor_id=actor_id)
    else:
        person_id = person.person_id
    async with db.transaction() as connection:
        live, sandbox = await access.found_with_wallets(
            connection, name=name, kind="agent", level=level, parent_id=agent.org_id
        )
    await access.give_play_money(db, sandbox)
    await identity.join(db, live, person_id, "owner", actor_id=actor_id)
    return Recruit(live, password)


async def buyer_of(connection: Connection, agent: Organisation, org_id: int) -> Organisation:
    """One of those who buy from the agent directly; of anybody else's he is told what he is told of nobody's."""
    found = await identity.read_organisations(connection, ids.lane_of(org_id), [org_id])
    if not found or found[0].parent_id != agent.org_id or found[0].sandbox:
        raise NoSuchOrganisation(field="buyer")
    return found[0]
