"""Passkeys (WebAuthn): a key that stays in somebody's device, unlocked by finger, face or PIN.

A passkey works at the domain it was made at, and at no other: nobody can be led to use it elsewhere. Its challenge is
made from a row that can be answered once. Their library takes as long to import as most commands take to run: it is
imported where it is used.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kameng.access import factors_store, limiting, store
from kameng.access.challenging import LASTS
from kameng.access.errors import BadPasskey
from kameng.access.limiting import Try
from kameng.access.model import Passkey
from kameng.access.tickets import Ticket
from kameng.kit import audit, clock, crypto, ids, lanes
from kameng.kit.db import Database

AUDIT_LANE = 0
PASSKEYS_MAX = 20
NAME_CHARS_MAX = 60
TIMEOUT_MS = 120_000


class Site(msgspec.Struct, frozen=True):
    """Where it happens, as the browser knows it."""

    domain: str
    origin: str
    name: str


async def ask_new_passkey(
    db: Database, ring: crypto.KeyRing, site: Site, *, person_id: int, sign_in: str, name: str
) -> tuple[str, Ticket]:
    """(what the browser is asked, as JSON; the ticket). One that the device has already is not made twice."""
    import webauthn
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    async with db.connection() as connection:
        known = await factors_store.passkeys_of(connection, person_id)
    ticket = await _challenge(db, person_id, "passkey_new")
    options = webauthn.generate_registration_options(
        rp_id=site.domain, rp_name=site.name, user_id=person_id.to_bytes(8, "big"), user_name=sign_in,
        user_display_name=name or sign_in, challenge=_bytes(ring, ticket), timeout=TIMEOUT_MS,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=key.credential_id) for key in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )  # fmt: skip
    return webauthn.options_to_json(options), ticket


async def add_passkey(
    db: Database, ring: crypto.KeyRing, site: Site, ticket: Ticket, answer: dict[str, Any], *, name: str
) -> None:
    """What the browser made is kept; ``BadPasskey``."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    await _answer(db, ticket)
    try:
        made = webauthn.verify_registration_response(
            credential=answer, expected_challenge=_bytes(ring, ticket), expected_rp_id=site.domain,
            expected_origin=site.origin, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise BadPasskey from None
    at, person_id = clock.now(), ticket.person_id
    new = Passkey(
        made.credential_id, made.credential_public_key, made.sign_count, site.domain, name[:NAME_CHARS_MAX], at
    )
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        if len(await factors_store.passkeys_of(connection, person_id)) >= PASSKEYS_MAX:
            raise BadPasskey(f"at most {PASSKEYS_MAX}", detail_zh=f"最多添加 {PASSKEYS_MAX} 个通行密钥。")
        if not await factors_store.insert_passkey(connection, person_id, new):
            raise BadPasskey
        line = audit.Line(passage.ids[0], 0, person_id, "person.passkey", person_id, {"is": "added"})
        await audit.note(connection, AUDIT_LANE, at, [line])


async def ask_passkey(
    db: Database, ring: crypto.KeyRing, site: Site, *, ip: str, person_id: int = 0
) -> tuple[str, Ticket]:
    """The same for using one: whoever's it is, or (``person_id``) that person's."""
    import webauthn
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

    await limiting.count_tries(db, ring, [Try(limiting.ASK_AT, limiting.place_of(ip))])
    known: list[Passkey] = []
    if person_id:
        async with db.connection() as connection:
            known = await factors_store.passkeys_of(connection, person_id)
    ticket = await _challenge(db, person_id, "passkey_use")
    options = webauthn.generate_authentication_options(
        rp_id=site.domain, challenge=_bytes(ring, ticket), timeout=TIMEOUT_MS,
        allow_credentials=[
            PublicKeyCredentialDescriptor(id=key.credential_id) for key in known if key.domain == site.domain
        ],
        user_verification=UserVerificationRequirement.REQUIRED,
    )  # fmt: skip
    return webauthn.options_to_json(options), ticket


async def use_passkey(db: Database, ring: crypto.KeyRing, site: Site, ticket: Ticket, answer: dict[str, Any]) -> int:
    """Whose passkey answered; ``BadPasskey``, in the same words whatever is wrong."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    await _answer(db, ticket)
    person_id, credential_id = _claimed(answer, ticket.person_id)
    async with db.connection() as connection:
        known = await factors_store.passkeys_of(connection, person_id)
    key = next((one for one in known if one.credential_id == credential_id and one.domain == site.domain), None)
    if key is None:
        raise BadPasskey
    try:
        used = webauthn.verify_authentication_response(
            credential=answer, expected_challenge=_bytes(ring, ticket), expected_rp_id=site.domain,
            expected_origin=site.origin, credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise BadPasskey from None
    async with db.connection() as connection:
        await factors_store.use_passkey(connection, person_id, credential_id, used.new_sign_count, clock.now())
    return person_id


async def passkeys_of(db: Database, person_id: int) -> list[Passkey]:
    async with db.connection() as connection:
        return await factors_store.passkeys_of(connection, person_id)


async def remove_passkey(db: Database, person_id: int, credential_id: bytes, *, actor_id: int) -> bool:
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        if not await factors_store.delete_passkey(connection, person_id, credential_id):
            return False
        line = audit.Line(passage.ids[0], 0, actor_id, "person.passkey", person_id, {"is": "removed"})
        await audit.note(connection, AUDIT_LANE, clock.now(), [line])
    return True


async def _challenge(db: Database, person_id: int, purpose: str) -> Ticket:
    ticket, at = Ticket("passkey", ids.random_id(), person_id=person_id, purpose=purpose), clock.now()
    async with db.connection() as connection:
        await store.insert_challenge(
            connection, ticket.challenge_id, address_hash=None, code_hash=None, at=at, expires_at=at + LASTS
        )
    return ticket


async def _answer(db: Database, ticket: Ticket) -> None:
    async with db.connection() as connection:
        if not await store.answer_challenge(connection, ticket.challenge_id, clock.now()):
            raise BadPasskey


def _bytes(ring: crypto.KeyRing, ticket: Ticket) -> bytes:
    """The challenge: nobody can guess it, and nothing but the ticket's number has to be kept."""
    return ring.fingerprint(b"passkey", f"{ticket.challenge_id}\n{ticket.purpose}".encode())


def _claimed(answer: dict[str, Any], asked_id: int) -> tuple[int, bytes]:
    """Whose it says it is, and which; believed only when its signature fits. A device that was asked for one person's
    may leave out whose it is."""
    import webauthn

    try:
        credential_id = webauthn.base64url_to_bytes(answer["rawId"])
        said = answer["response"].get("userHandle")
        handle = webauthn.base64url_to_bytes(said) if said else asked_id.to_bytes(8, "big")
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadPasskey from None
    person_id = int.from_bytes(handle, "big")
    if len(handle) != 8 or not 0 < person_id < 1 << 63 or asked_id not in (0, person_id):
        raise BadPasskey
    return person_id, credential_id
