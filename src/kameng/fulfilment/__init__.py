"""Fulfilment: goods that people work, from the task to its answer, and what a sandbox plays of them."""

from kameng.fulfilment.errors import (
    AnswerDiffers,
    BadAnswer,
    ClockFixed,
    NoImage,
    NoSuchTask,
    TaskEnded,
    TaskNotTaken,
    TaskTaken,
    TaskWithSupplier,
)  # fmt: skip
from kameng.fulfilment.jobs import handlers
from kameng.fulfilment.keeping import erase_answers, purge_answers, reseal
from kameng.fulfilment.listing import START, ShownTask, TaskPage, find_task, list_tasks, tasks_of
from kameng.fulfilment.model import (
    LIVE,
    STAFF,
    TRANSITIONS,
    Answer,
    Goods,
    News,
    Step,
    Task,
    TaskState,
    Terms,
    Wanted,
    Worker,
    terms_of,
)  # fmt: skip
from kameng.fulfilment.packing import CARDS_MAX, IMAGE_BYTES_MAX, TEXT_CHARS_MAX, open_image, open_words
from kameng.fulfilment.revealing import answers_of, open_answers, reveal, reveal_image, reveal_to_staff
from kameng.fulfilment.store import AnswerRow, Place, task_mark
from kameng.fulfilment.watching import count, count_live, tell_suppliers, waiting, watch
from kameng.fulfilment.working import Taken, answer, extend, give_back, refuse, take

__all__ = [
    "CARDS_MAX", "IMAGE_BYTES_MAX", "LIVE", "STAFF", "START", "TEXT_CHARS_MAX", "TRANSITIONS", "Answer",
    "AnswerDiffers", "AnswerRow", "BadAnswer", "ClockFixed", "Goods", "News", "NoImage", "NoSuchTask", "Place",
    "ShownTask", "Step", "Taken", "Task", "TaskEnded", "TaskNotTaken", "TaskPage", "TaskState", "TaskTaken",
    "TaskWithSupplier", "Terms", "Wanted", "Worker", "answer", "answers_of", "count", "count_live",
    "erase_answers", "extend", "find_task", "give_back", "handlers", "list_tasks", "open_answers", "open_image",
    "open_words", "purge_answers", "refuse", "reseal", "reveal", "reveal_image", "reveal_to_staff", "take", "task_mark",
    "tasks_of", "tell_suppliers", "terms_of", "waiting", "watch",
]  # fmt: skip
