"""The words of goods that people work: tasks and their states as a table, who works them, by which clocks. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from kameng.kit import ids
from kameng.kit.settings import Settings
from kameng.orders import State
from kameng.stock import CardText

STAFF = 0
"""The number of the staff, where a supplier's organisation would stand."""
WARN_AT = 0.75
"""How much of its time has passed when a supplier is warned."""
EXTEND_MINUTES_MAX = 7 * 24 * 60


class TaskState(StrEnum):
    open = "open"
    taken = "taken"
    answered = "answered"
    refused = "refused"
    closed = "closed"  # its order went another way


class Step(StrEnum):
    """What happens to a task."""

    take = "take"
    give_back = "give_back"
    lapse = "lapse"  # taken too long without an answer
    answer = "answer"
    refuse = "refuse"
    close = "close"
    reopen = "reopen"  # its order is to be fulfilled again


TRANSITIONS: dict[tuple[TaskState, Step], TaskState] = {
    (TaskState.open, Step.take): TaskState.taken,
    (TaskState.taken, Step.take): TaskState.taken,  # the staff takes over what is overdue
    (TaskState.taken, Step.give_back): TaskState.open,
    (TaskState.taken, Step.lapse): TaskState.open,
    (TaskState.taken, Step.answer): TaskState.answered,
    (TaskState.taken, Step.refuse): TaskState.refused,
    (TaskState.open, Step.close): TaskState.closed,
    (TaskState.taken, Step.close): TaskState.closed,
    (TaskState.closed, Step.reopen): TaskState.open,
}
"""Every step a task can take."""

LIVE = frozenset({TaskState.open, TaskState.taken})
WORKED = frozenset({State.fulfilling, State.cancelling, State.review})
"""In which states of its order a task is taken, answered and refused."""
RUNNING = WORKED | {State.held}
"""In which its task stays; in any other it is closed."""
CLOCKED = frozenset({State.fulfilling, State.cancelling})
"""In which its time runs out."""


class News(StrEnum):
    """What a supplier is told of a task of his."""

    opened = "task.opened"
    due_soon = "task.due_soon"
    overdue = "task.overdue"
    stop_asked = "task.stop_asked"
    taken_over = "task.taken_over"
    closed = "task.closed"


class Terms(msgspec.Struct, frozen=True):
    """The platform's clocks, as its settings say."""

    manual_due_minutes: int = 120
    manual_take_minutes: int = 30


def terms_of(chosen: Settings) -> Terms:
    return Terms(**{name: getattr(chosen, name) for name in Terms.__struct_fields__})


class Worker(msgspec.Struct, frozen=True):
    """Who works: a key of a supplier, or a person of the staff."""

    org_id: int
    actor_id: int

    @property
    def is_staff(self) -> bool:
        return self.org_id == STAFF


class Task(msgspec.Struct, frozen=True):
    """Something to be worked, beside what is known of its order."""

    task_id: int
    order_id: int
    part_no: int
    sku_id: int
    sku_revision: int
    quantity: int
    worker_org_id: int
    state: TaskState
    opened_at: datetime
    due_at: datetime
    warn_at: datetime | None
    is_overdue: bool
    is_extended: bool
    is_begun: bool
    is_stop_asked: bool
    taker_org_id: int | None
    taken_by: int | None
    taken_until: datetime | None
    digest: bytes | None
    ended_at: datetime | None
    reason: str
    news: str | None
    buyer_id: int
    order_state: State
    account: bytes | None  # sealed

    @property
    def lane(self) -> int:
        return ids.lane_of(self.task_id)

    def is_held(self, at: datetime) -> bool:
        """Whether somebody has it in hand."""
        return self.state is TaskState.taken and self.taken_until is not None and at < self.taken_until

    def is_by(self, worker: Worker) -> bool:
        """Whether it is he who took or ended it: a supplier as a whole, of the staff the one person."""
        return self.taker_org_id == worker.org_id and (not worker.is_staff or self.taken_by == worker.actor_id)

    def concerns(self, worker: Worker) -> bool:
        """Whether he may know of it."""
        return worker.is_staff or self.worker_org_id == worker.org_id

    @property
    def on_desk(self) -> bool:
        """Whether the staff works it: its own, and what a supplier left until its time was up."""
        return self.worker_org_id == STAFF or self.is_overdue


class Wanted(msgspec.Struct, frozen=True):
    """What is to be worked: an order, or a part of one."""

    order_id: int
    sku_id: int
    sku_revision: int
    quantity: int
    worker_org_id: int
    promised_by: datetime | None  # None: nothing was promised
    part_no: int = 0


class Answer(msgspec.Struct, frozen=True):
    """What a worker answers with; ``repr`` shows nothing of it. At least one of the three."""

    text: str = ""
    cards: tuple[CardText, ...] = ()
    image: bytes = b""

    def __repr__(self) -> str:
        return f"Answer(text of {len(self.text)}, {len(self.cards)} cards, image of {len(self.image)} bytes)"


class Goods(msgspec.Struct, frozen=True):
    """What came by hand for an order, or for a part of it, as its buyer sees it; without the image itself."""

    part_no: int
    text: str
    cards: tuple[CardText, ...]
    media_type: str  # of its image; "" if there is none
    image_bytes: int
    answered_at: datetime

    def __repr__(self) -> str:
        return f"Goods(part {self.part_no}, text of {len(self.text)}, {len(self.cards)} cards, {self.media_type})"


def due_of(wanted: Wanted, at: datetime, terms: Terms) -> datetime:
    """When its time is up: as was promised, or as the platform wants it. What is given to somebody late, since it was
    held or is done again, gets its time anew."""
    usual = at + timedelta(minutes=terms.manual_due_minutes)
    return usual if wanted.promised_by is None or wanted.promised_by <= at else wanted.promised_by


def warn_of(at: datetime, due_at: datetime) -> datetime:
    return at + (due_at - at) * WARN_AT
