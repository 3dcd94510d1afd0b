"""Refusals about what people do with lists.

    BadInput
    ├── BadView       422  bad_view
    └── BadRun        422  bad_run
    NotFound
    ├── NoSuchView    404  no_such_view
    └── NoSuchRun     404  no_such_run
    Conflict
    ├── TooManyViews  409  too_many_views
    └── TooManyRuns   409  too_many_runs
"""

from __future__ import annotations

from kameng.kit.errors import BadInput, Conflict, NotFound


class BadView(BadInput):
    """A view needs a name of 1 to 40 characters."""

    code = "bad_view"
    status = 422
    zh = "视图名称应为 1 至 40 个字符。"


class BadRun(BadInput):
    """This can't be done to these rows."""

    code = "bad_run"
    status = 422
    zh = "无法对所选记录执行该操作。"


class NoSuchView(NotFound):
    """There is no such view, or it is not yours."""

    code = "no_such_view"
    zh = "视图不存在。"


class NoSuchRun(NotFound):
    """There is no such task, or it is not yours, or it has expired."""

    code = "no_such_run"
    zh = "任务不存在或已过期。"


class TooManyViews(Conflict):
    """A list has at most 12 views of yours: remove one first."""

    code = "too_many_views"
    zh = "每个列表最多保存 12 个视图，请先删除不用的视图。"


class TooManyRuns(Conflict):
    """Three of your tasks are still running: wait until one has ended."""

    code = "too_many_runs"
    zh = "您已有 3 个任务正在执行，请等待其中一个完成。"
