"""The refusals of fulfilment."""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotFound


class NoSuchTask(NotFound):
    """There is no such task of yours."""

    code = "no_such_task"
    zh = "没有找到属于您的该处理任务。"


class TaskTaken(Conflict):
    """Somebody else has taken this task."""

    code = "task_taken"
    zh = "该任务已由他人领取。"


class TaskNotTaken(Conflict):
    """Take the task first; one that was taken too long ago is open again."""

    code = "task_not_taken"
    zh = "请先领取该任务；领取超时的任务已自动退回。"


class TaskEnded(Conflict):
    """This task is over: it was refused, or its order went another way."""

    code = "task_ended"
    zh = "该任务已结束：已被拒绝，或订单已另行处理。"


class TaskWithSupplier(Conflict):
    """A supplier works on this task until its time is up."""

    code = "task_with_supplier"
    zh = "该任务由供货商处理，超时后平台方可接手。"


class AnswerDiffers(Conflict):
    """This task has another answer already; the same answer again is the same."""

    code = "answer_differs"
    status = 422
    zh = "该任务已有不同的处理结果，内容相同的重复提交才会被接受。"


class ClockFixed(Conflict):
    """The clock of a task is extended once, and before it ran out."""

    code = "task_clock_fixed"
    zh = "任务时限只能在到期前延长一次。"


class BadAnswer(BadInput):
    """The answer can't be like this; the field says where."""

    code = "bad_answer"
    zh = "处理结果内容有误，请检查所指字段。"


class NoImage(NotFound):
    """No image came with this."""

    code = "no_such_image"
    zh = "该商品没有图片。"
