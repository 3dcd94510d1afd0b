"""Staff: people invited to an organisation by a link, which is good once and for some days.

The link's secret is only in the message; the database has its hash. Who opens it signs in or registers first, and joins
as who he then is: the link proves that he was invited, not who he is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import timedelta

from kameng import identity, notices
from kameng.access import limiting, store
from kameng.access.challenging import Sender
from kameng.access.contacts import Contact
from kameng.access.errors import InvitationGone, TooManyTries
from kameng.access.limiting import Try
from kameng.access.model import Invitation, Session, may
from kameng.identity import BadPersonSettings, Membership, Organisation
from kameng.kit import audit, clock, crypto, ids, lanes
from kameng.kit.db import Connection, Database

LASTS_DAYS = 7
_SECRET_BYTES = 24


async def invite(
    db: Database, ring: crypto.KeyRing, organisation: Organisation, contact: Contact, role: str, *,
    by: Session, sender: Sender, base: str,
) -> Invitation:  # fmt: skip
    """Send somebody a link to join by; ``base`` is the address of the pages."""
    if role not in identity.ROLES:
        raise BadPersonSettings(field="role")
    await limiting.count_tries(
        db, ring, [Try(limiting.INVITE, str(organisation.org_id)), Try(limiting.SEND, f"invite {contact.to}")]
    )
    at, secret, lane = clock.now(), secrets.token_bytes(_SECRET_BYTES), organisation.lane
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=4)
        invitation_id, audit_id, message_id, job_id = passage.ids
        new = Invitation(
            invitation_id, organisation.org_id, _hash(secret), role, contact.masked, by.person_id, at,
            at + timedelta(days=LASTS_DAYS),
        )  # fmt: skip
        await store.insert_invitation(connection, new)
        message = notices.NewMessage(
            org_id=organisation.org_id, channel=contact.channel, address=notices.Address(contact.to),
            template="staff_invited", language=sender.language,
            facts={"by": by.name, "organisation": organisation.name, "days": str(LASTS_DAYS)},
            hidden=f"{base}/invitation/{_text(invitation_id, secret)}",
        )  # fmt: skip
        try:
            await notices.tell(connection, ring, lane, (message_id, job_id), message)
        except notices.TooManyMessages:
            raise TooManyTries from None
        line = audit.Line(audit_id, organisation.org_id, by.person_id, "invitation.send", invitation_id, {"role": role})
        await audit.note(connection, lane, at, [line])
    return new


async def find_invitation(db: Database, token: str) -> Invitation:
    """``InvitationGone`` if it does not stand any more, or never did."""
    async with db.connection() as connection:
        return await _standing(connection, token)


async def accept_invitation(db: Database, token: str, person_id: int) -> Membership:
    """He belongs there from now on; the link is spent."""
    async with db.connection() as connection:
        found = await _standing(connection, token)
        organisation = await identity.find_organisation(connection, found.org_id)
    assert organisation is not None, "no organisation is ever removed"
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, organisation.lane)
        inviter = await identity.role_of(connection, found.org_id, found.invited_by)
        if inviter is None or not may(inviter, "staff"):  # who was removed meanwhile invites nobody
            raise InvitationGone
        role = await store.end_invitation(
            connection, found.org_id, found.invitation_id, clock.now(), accepted_by=person_id
        )
        if role is None:
            raise InvitationGone
        return await identity.give_role(connection, organisation, person_id, role, actor_id=found.invited_by)


async def withdraw_invitation(db: Database, org_id: int, invitation_id: int, *, actor_id: int) -> None:
    """The link no longer works."""
    lane = ids.lane_of(org_id)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        if await store.end_invitation(connection, org_id, invitation_id, clock.now(), accepted_by=None) is None:
            raise InvitationGone
        line = audit.Line(passage.ids[0], org_id, actor_id, "invitation.withdraw", invitation_id)
        await audit.note(connection, lane, clock.now(), [line])


async def invitations_of(db: Database, org_id: int) -> list[Invitation]:
    """Those that still stand, newest first."""
    async with db.connection() as connection:
        return await store.invitations_of(connection, org_id, clock.now())


async def _standing(connection: Connection, token: str) -> Invitation:
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvitationGone from None
    if len(packed) != 8 + _SECRET_BYTES or packed[0] >= 0x80:
        raise InvitationGone
    found = await store.read_invitation(connection, int.from_bytes(packed[:8], "big"), clock.now())
    if found is None or not hmac.compare_digest(found.token_hash, _hash(packed[8:])):
        raise InvitationGone
    return found


def _text(invitation_id: int, secret: bytes) -> str:
    return base64.urlsafe_b64encode(invitation_id.to_bytes(8, "big") + secret).rstrip(b"=").decode()


def _hash(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
