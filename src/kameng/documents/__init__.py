"""Documents: licences and authorisations of organisations, their review, and reminders before they expire."""

from kameng.documents.errors import BadDocument, DocumentDecided, NoSuchDocument
from kameng.documents.model import FILE_BYTES_MAX, KINDS, KINDS_ZH, Document, Draft, File, State
from kameng.documents.reviewing import decide, list_documents, list_waiting
from kameng.documents.submitting import find_document, read_file, submit, withdraw
from kameng.documents.watching import watch

__all__ = [
    "FILE_BYTES_MAX", "KINDS", "KINDS_ZH", "BadDocument", "Document", "DocumentDecided", "Draft", "File",
    "NoSuchDocument", "State", "decide", "find_document", "list_documents", "list_waiting", "read_file", "submit",
    "watch", "withdraw",
]  # fmt: skip
