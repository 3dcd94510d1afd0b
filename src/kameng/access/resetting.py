"""A new password: by a code, for who forgot his; or by who is signed in. Everybody else is signed out."""

from __future__ import annotations

from kameng import notices
from kameng.access import challenging, contacts, passwords, sessions, store
from kameng.access.challenging import Sender
from kameng.access.errors import BadCode
from kameng.access.model import Session
from kameng.access.sessions import Token
from kameng.access.tickets import Ticket
from kameng.kit import clock, crypto
from kameng.kit.db import Database


async def reset_password(db: Database, ring: crypto.KeyRing, ticket: Ticket, password: str, *, sender: Sender) -> None:
    """For whoever brought a code back; ``BadCode`` if nobody has that address, or the code was used."""
    passwords.check_new_password(password)
    async with db.connection() as connection:
        found = await store.read_credentials(connection, ticket.to)
    if found is None:
        raise BadCode
    await challenging.spend_code(db, ticket)
    await passwords.set_password(db, found[0], password, actor_id=found[0])
    await sessions.end_others(db, found[0])
    await _tell(db, ring, ticket.to, sender)


async def change_password(
    db: Database, ring: crypto.KeyRing, session: Session, password: str, *, sender: Sender
) -> Token:
    """For whoever is signed in and has proved who he is: his session goes on with a new token, the others end."""
    await passwords.set_password(db, session.person_id, password, actor_id=session.person_id)
    await sessions.end_others(db, session.person_id, session.session_id)
    token = await sessions.rotate(db, session)
    await _tell(db, ring, session.sign_in, sender)
    return token


async def _tell(db: Database, ring: crypto.KeyRing, sign_in: str, sender: Sender) -> None:
    """If it was not he, he knows at once. Who can't be told keeps his new password all the same."""
    contact = contacts.read_contact(sign_in)
    if contact is None or contact.channel not in sender.channels:
        return
    facts = {"shop": sender.name, "at": clock.china_time(clock.now_ms())[:16]}
    try:
        await notices.tell_now(
            db, ring, sender.org_id, channel=contact.channel, address=notices.Address(contact.to),
            template="password_changed", facts=facts, language=sender.language,
        )  # fmt: skip
    except notices.TooManyMessages:
        return
