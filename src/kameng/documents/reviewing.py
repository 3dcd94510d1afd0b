"""The review: what waits, and what is decided of it. Whoever handed it in is told."""

from __future__ import annotations

from kameng import notices
from kameng.documents import store
from kameng.documents.errors import BadDocument, DocumentDecided, NoSuchDocument
from kameng.documents.model import KINDS_ZH, Document, State, check_reason
from kameng.kit import audit, clock, ids, lanes
from kameng.kit.db import Database

ID_MAX = (1 << 63) - 1
STATES_ZH = {State.accepted: "审核通过", State.refused: "未通过"}


async def list_documents(db: Database, org_id: int, *, before_id: int = ID_MAX, limit: int = 50) -> list[Document]:
    """An organisation's, newest first."""
    async with db.connection() as connection:
        return await store.documents_of(connection, org_id, before_id=before_id, limit=limit)


async def list_waiting(db: Database, *, after_id: int = 0, limit: int = 50) -> list[Document]:
    """What waits for its review, of all lanes, the oldest first, beyond the id of the last one seen."""
    found: list[Document] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            found += await store.waiting_documents(connection, lane, after_id=after_id, limit=limit)
    return sorted(found, key=lambda one: one.document_id)[:limit]


async def decide(db: Database, document_id: int, *, accept: bool, reason: str = "", actor_id: int) -> Document:
    """Staff accepts a document, or refuses it with a reason that its owner reads."""
    if not accept:
        check_reason(reason)
    elif reason:
        raise BadDocument("reason: only for a refusal", field="reason", detail_zh="原因：仅在拒绝时填写")
    lane, after = ids.lane_of(document_id), State.accepted if accept else State.refused
    async with db.connection() as connection:
        if lane not in await lanes.lane_numbers(connection):  # the number was mistyped
            raise NoSuchDocument
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=2)
        found = await store.read_document(connection, document_id)
        if found is None or found.state is State.arriving:
            raise NoSuchDocument
        at = clock.now()
        if not await store.set_state(
            connection, document_id, State.waiting, after, reason=reason.strip(), reviewed_by=actor_id, reviewed_at=at
        ):
            raise DocumentDecided
        told = {"state": after.value, **({"reason": reason.strip()} if reason else {})}
        line = audit.Line(passage.ids[0], found.org_id, actor_id, "document.decide", document_id, told)
        await audit.note(connection, lane, at, [line])
        facts = {
            "kind": found.kind.replace("_", " "), "kind_zh": KINDS_ZH[found.kind], "number": found.number,
            "state": after.value, "state_zh": STATES_ZH[after],
        }  # fmt: skip
        notice = notices.Notice(found.org_id, "document_decided", str(document_id), facts)
        await notices.announce(connection, lane, [notice], passage.ids[1:])
        decided = await store.read_document(connection, document_id)
    assert decided is not None, "it was just decided"
    return decided
