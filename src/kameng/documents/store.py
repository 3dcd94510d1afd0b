"""One thin function a statement. Callers hold the lane's gate when they write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from kameng.documents.model import Document, State
from kameng.kit import ids, sql
from kameng.kit.db import Connection

statements = sql.load("kameng.documents")


class Expiring(msgspec.Struct, frozen=True):
    document_id: int
    org_id: int
    kind: str
    number: str
    valid_until: date
    reminded_days: int | None


async def insert_document(connection: Connection, new: Document) -> None:
    await connection.execute(
        statements.insert_document, new.lane, new.document_id, new.org_id, new.kind, new.number, new.issuer,
        list(new.scope), new.valid_from, new.valid_until, new.file_name, new.media_type, new.file_bytes,
        new.submitted_by, new.submitted_at,
    )  # fmt: skip


async def read_document(connection: Connection, document_id: int) -> Document | None:
    row = await connection.fetchrow(statements.read_document, ids.lane_of(document_id), document_id)
    return None if row is None else _document(row)


async def documents_of(connection: Connection, org_id: int, *, before_id: int, limit: int) -> list[Document]:
    rows = await connection.fetch(statements.documents_of, ids.lane_of(org_id), org_id, before_id, limit)
    return [_document(row) for row in rows]


async def waiting_documents(connection: Connection, lane: int, *, after_id: int, limit: int) -> list[Document]:
    return [_document(row) for row in await connection.fetch(statements.waiting_documents, lane, after_id, limit)]


async def set_state(
    connection: Connection, document_id: int, before: State, after: State, *, reason: str = "",
    reviewed_by: int | None = None, reviewed_at: datetime | None = None,
) -> bool:  # fmt: skip
    """Whether it was still where it is led from."""
    found = await connection.fetchval(
        statements.set_state, ids.lane_of(document_id), document_id, before, after, reason, reviewed_by, reviewed_at
    )
    return found is not None


async def expiring_documents(connection: Connection, lane: int, until: date, limit: int) -> list[Expiring]:
    return [Expiring(*row) for row in await connection.fetch(statements.expiring_documents, lane, until, limit)]


async def mark_reminded(connection: Connection, lane: int, marks: Sequence[tuple[int, int]]) -> None:
    """(document, days before its last one) each."""
    columns = [list(column) for column in zip(*marks, strict=True)]
    await connection.execute(statements.mark_reminded, lane, *columns)


async def remove_unfinished(connection: Connection, lane: int, before: datetime, limit: int) -> list[int]:
    rows = await connection.fetch(statements.remove_unfinished, lane, before, limit)
    return [row["document_id"] for row in rows]


def _document(row: Any) -> Document:
    return Document(**{**row, "scope": tuple(row["scope"]), "state": State(row["state"])})
