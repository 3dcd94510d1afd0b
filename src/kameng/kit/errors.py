"""The tree of refusals.

    Refusal                      expected: the caller is told what to do; status 4xx (503 for load)
    ├── BadInput        400      a field is missing or malformed; names the field
    ├── NotAllowed      401/403  who you are, or what your key may do
    ├── NotFound        404      also for what belongs to somebody else
    ├── Conflict        409/422  it contradicts what already stands
    └── TryLater        429/503  nothing was done; come again
    Fault                        unexpected: a defect or a broken part; status 500

Every concrete refusal lives in its context's ``errors.py``. The docstring is the English message, ``zh`` the
Chinese one. Decisions name the class (a refusal is a result, not control flow); doors render it as RFC 9457.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Retry = Literal["never", "same_key", "new_key", "query_first"]
Outcome = Literal["none", "unknown", "done"]

REGISTRY: dict[str, type[Refusal]] = {}
"""Every refusal by its code; the docs test walks it."""


class Refusal(Exception):
    """The request was refused."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    retry: ClassVar[Retry] = "never"
    outcome: ClassVar[Outcome] = "none"
    zh: ClassVar[str] = "请求被拒绝。"

    def __init__(self, detail: str = "", *, field: str = "", detail_zh: str = "") -> None:
        super().__init__(detail or self.en())
        self.detail = detail
        self.detail_zh = detail_zh
        self.field = field

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            return  # a branch of the tree, not a leaf
        assert cls.code not in REGISTRY, f"two refusals share the code {cls.code}"
        REGISTRY[cls.code] = cls

    @classmethod
    def en(cls) -> str:
        return (cls.__doc__ or "").strip().splitlines()[0]


class BadInput(Refusal):
    """A field is missing or malformed."""

    status = 400


class NotAllowed(Refusal):
    """The caller may not do this."""

    status = 403


class NotFound(Refusal):
    """There is no such thing here."""

    status = 404


class Conflict(Refusal):
    """The request contradicts what already stands."""

    status = 409


class TryLater(Refusal):
    """Nothing was done; come again."""

    status = 503
    retry: ClassVar[Retry] = "same_key"


class Fault(Exception):
    """A part of Kameng is broken or misused; the message tells the operator what to do."""


class BadStaffAct(BadInput):
    """This can't be done like that; the field says what is wrong."""

    code = "bad_staff_act"
    zh = "操作内容有误，请检查所指字段。"
