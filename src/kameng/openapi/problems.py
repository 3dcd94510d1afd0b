"""Refusals on the wire: RFC 9457 problem documents with Kameng's members ``code``, ``retry`` and ``outcome``."""

from __future__ import annotations

from functools import cache

import msgspec

from kameng.kit.errors import REGISTRY, Refusal

CONTENT_TYPE = b"application/problem+json"
RETRY_AFTER_S = {
    "busy": 1, "rate_limited": 1, "velocity_exceeded": 60, "outcome_unknown": 2, "not_ready": 1, "unavailable": 1,
    "too_many_unpaid": 60, "too_many_guesses": 1, "too_many_messages": 60, "too_many_tries": 60,
    "no_payment_channel": 30, "payment_unknown": 5, "bill_not_there": 600,
}  # fmt: skip


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457. ``retry``: never, same_key, new_key, query_first. ``outcome``: none, unknown, done."""

    type: str
    title: str
    title_zh: str
    status: int
    code: str
    retry: str = ""
    outcome: str = ""
    detail: str = ""
    detail_zh: str = ""
    field: str = ""
    request_id: str = ""


class _Fixed(msgspec.Struct, frozen=True):
    type: str
    title: str
    retry: str
    outcome: str


@cache
def _fixed(code: str) -> _Fixed:
    reason = REGISTRY[code]
    return _Fixed(f"/docs/errors#{code}", reason.en(), reason.retry, reason.outcome)


def problem(
    reason: type[Refusal], *, detail: str = "", detail_zh: str = "", field: str = "", request_id: str = ""
) -> Problem:
    fixed = _fixed(reason.code)
    return Problem(
        fixed.type, fixed.title, reason.zh, reason.status, reason.code, fixed.retry, fixed.outcome, detail, detail_zh,
        field, request_id,
    )  # fmt: skip


def problem_of(refusal: Refusal, *, request_id: str = "") -> Problem:
    return problem(
        type(refusal), detail=refusal.detail, detail_zh=refusal.detail_zh, field=refusal.field, request_id=request_id
    )


def headers_of(reason: type[Refusal], *, wait_s: int = 0) -> list[tuple[bytes, bytes]]:
    """What a refusal adds to the answer's headers; ``wait_s``: how long its key waits in any case."""
    headers = [(b"content-type", CONTENT_TYPE), (b"cache-control", b"no-store")]
    if reason.code in RETRY_AFTER_S:
        headers.append((b"retry-after", b"%d" % max(RETRY_AFTER_S[reason.code], wait_s)))
    if reason.status == 401:
        headers.append((b"www-authenticate", b"KAMENG-HMAC-SHA256"))
    return headers
