"""What a file is by its first bytes, whatever it is called."""

from __future__ import annotations

MEDIA_TYPES = {
    "png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif", "pdf": "application/pdf",
}  # fmt: skip
_HEADS = (
    (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF87a", "gif"), (b"GIF89a", "gif"), (b"%PDF-", "pdf"),
)  # fmt: skip


def kind_of(content: bytes) -> str:
    """One of ``MEDIA_TYPES``; empty if it is none of those."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    return next((kind for head, kind in _HEADS if content.startswith(head)), "")


def media_type_of(content: bytes, kinds: tuple[str, ...]) -> str:
    """The media type, if it is one of these kinds; empty if not."""
    kind = kind_of(content)
    return MEDIA_TYPES[kind] if kind in kinds else ""
