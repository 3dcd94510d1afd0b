"""Views, runs, and the plans that runs follow. A plan is a door's: it knows the list, its columns and the verb; what is
here knows how to go through many rows, how far it is, and what to tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

Kind = Literal["act", "export"]
Form = Literal["", "csv", "xlsx"]
State = Literal["waiting", "running", "done", "failed", "stopped"]
FINAL: tuple[State, ...] = ("done", "failed", "stopped")


class SavedView(msgspec.Struct, frozen=True):
    """``is_shared``: with everybody who works for the organisation. ``is_own``: who asks keeps it himself."""

    view_id: int
    name: str
    query: str
    is_shared: bool = False
    is_own: bool = True


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for. ``wanted`` None: all rows that ``query`` finds, as of now."""

    org_id: int
    person_id: int
    kind: Kind
    plan: str
    query: str
    wanted: tuple[int, ...] | None = None
    reason: str = ""
    language: str = "zh"
    form: Form = ""


class Run(NewRun, frozen=True, kw_only=True):
    """A run as it stands. Rows beyond ``up_to`` came later, and it leaves them alone."""

    run_id: int
    lane: int
    up_to: int
    state: State
    total: int
    done: int
    refused: int
    amount_e4: int
    refusals: list[tuple[int, str]]  # of the first of them: row, code
    place: str | None
    pending: list[tuple[int, int]]  # rows that are being done: number, amount
    file_name: str
    file_bytes: int
    is_stop_asked: bool
    created_at: datetime
    ended_at: datetime | None
    expires_at: datetime

    @property
    def is_over(self) -> bool:
        return self.state in FINAL


class Row(msgspec.Struct, frozen=True):
    """One row of a list. For a dry run: why it can't be done (a refusal's code); for an export: its cells."""

    row_id: int
    amount_e4: int = 0
    refusal: str = ""
    cells: tuple[Any, ...] = ()


class Found(msgspec.Struct, frozen=True):
    """Rows from a place on; ``place``: where the next begin, None: there are no more."""

    rows: Sequence[Row]
    place: str | None = None


class Preview(msgspec.Struct, frozen=True):
    """What a run would do: nothing was changed. ``is_capped``: there are more than were counted."""

    total: int
    amount_e4: int
    refusals: Mapping[str, int]
    is_capped: bool = False

    @property
    def refused(self) -> int:
        return sum(self.refusals.values())

    @property
    def can(self) -> int:
        return self.total - self.refused


class Plan(msgspec.Struct, frozen=True):
    """How one list is gone through.

    ``find`` gives the rows that a run means, from a place on, at most so many; ``act`` does it to rows that can be
    done and says of each why not, or ''. It may be asked to do the same rows twice and does them once. ``head``: the
    titles of an export's columns in a language. ``check`` raises unless whoever began it may still do it.
    """

    name: str
    find: Callable[[Any, Run, str | None, int], Awaitable[Found]]
    act: Callable[[Any, Run, Sequence[Row]], Awaitable[list[str]]] | None = None
    head: Callable[[str], list[str]] | None = None
    check: Callable[[Any, Run], Awaitable[None]] | None = None


Plans = Mapping[str, Plan]
