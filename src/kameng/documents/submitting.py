"""Handing documents in, taking them back, and reading their files again: each look at a file is written down."""

from __future__ import annotations

from kameng.documents import store
from kameng.documents.errors import DocumentDecided, NoSuchDocument
from kameng.documents.model import Document, Draft, File, State, check, file_name_of, media_type_of
from kameng.identity import Organisation
from kameng.kit import audit, blobs, clock, crypto, ids, lanes
from kameng.kit.db import Connection, Database
from kameng.kit.errors import Fault


async def submit(
    db: Database, ring: crypto.KeyRing, organisation: Organisation, draft: Draft, content: bytes, *, file_name: str,
    actor_id: int,
) -> Document:  # fmt: skip
    """Hand a document in: it waits for its review as soon as all of its file is kept."""
    check(draft, content, clock.china_day())
    media_type = media_type_of(content)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, organisation.lane, id_count=1)
        new = Document(
            passage.ids[0], organisation.org_id, draft.kind, draft.number.strip(), draft.issuer.strip(), draft.scope,
            draft.valid_from, draft.valid_until, file_name_of(file_name, media_type), media_type, len(content),
            State.arriving, "", actor_id, clock.now(), None, None,
        )  # fmt: skip
        await store.insert_document(connection, new)
    await blobs.put(db, ring, new.document_id, content)
    return await _lead(db, new, State.waiting, "document.submit", actor_id)


async def withdraw(db: Database, org_id: int, document_id: int, *, actor_id: int) -> Document:
    """Take back what nobody has decided yet; its file is wiped."""
    found = await find_document(db, document_id, org_id=org_id)
    return await _lead(db, found, State.withdrawn, "document.withdraw", actor_id)


async def find_document(db: Database, document_id: int, *, org_id: int | None = None) -> Document:
    """One document; with ``org_id`` only of that organisation's."""
    async with db.connection() as connection:
        return await _read(connection, document_id, org_id)


async def read_file(
    db: Database, ring: crypto.KeyRing, document_id: int, *, actor_id: int, org_id: int | None = None
) -> File:
    """The file in clear, for a download; who looked is written down first."""
    async with db.connection() as connection:
        found = await _read(connection, document_id, org_id)
    if found.state is State.withdrawn:
        raise NoSuchDocument
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, found.lane, id_count=1)
        line = audit.Line(passage.ids[0], found.org_id, actor_id, "document.read", document_id)
        await audit.note(connection, found.lane, clock.now(), [line])
    content = await blobs.read(db, ring, document_id)
    if len(content) != found.file_bytes:
        raise Fault(f"Document {document_id}: its file is not whole.")
    return File(found.file_name, found.media_type, content)


async def _read(connection: Connection, document_id: int, org_id: int | None) -> Document:
    if ids.lane_of(document_id) not in await lanes.lane_numbers(connection):  # the number was mistyped
        raise NoSuchDocument
    found = await store.read_document(connection, document_id)
    if found is None or org_id not in (None, found.org_id) or found.state is State.arriving:
        raise NoSuchDocument
    return found


async def _lead(db: Database, document: Document, after: State, act: str, actor_id: int) -> Document:
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, document.lane, id_count=1)
        before = State.arriving if after is State.waiting else State.waiting
        if not await store.set_state(connection, document.document_id, before, after):
            raise DocumentDecided
        if after is State.withdrawn:
            await blobs.wipe(connection, document.lane, [document.document_id])
        data = {"kind": document.kind, "number": document.number}
        line = audit.Line(passage.ids[0], document.org_id, actor_id, act, document.document_id, data)
        await audit.note(connection, document.lane, clock.now(), [line])
        found = await store.read_document(connection, document.document_id)
    assert found is not None, "it was just led on"
    return found
