"""What people do with lists: views they keep, acts on many rows, exports."""

from kameng.lists.errors import BadRun, BadView, NoSuchRun, NoSuchView, TooManyRuns, TooManyViews
from kameng.lists.model import Found, NewRun, Plan, Plans, Preview, Row, Run, SavedView
from kameng.lists.running import begin, find_run, list_runs, preview, purge, stop
from kameng.lists.viewing import list_views, remove_view, save_view
from kameng.lists.working import handlers, path_of, sweep_files

__all__ = [
    "BadRun", "BadView", "Found", "NewRun", "NoSuchRun", "NoSuchView", "Plan", "Plans", "Preview", "Row", "Run",
    "SavedView", "TooManyRuns", "TooManyViews", "begin", "find_run", "handlers", "list_runs", "list_views", "path_of",
    "preview", "purge", "remove_view", "save_view", "stop", "sweep_files",
]  # fmt: skip
