"""Structured logs that can't print a secret.

``log.info("batch committed", orders=512, took_ms=8)`` prints JSON lines or text with the request and lane it
belongs to. Four walls stand between a secret and the line: fields take plain types only (a row or a body
prints as ``<dict>``), names that smell of secrets print ``***``, values that look like secrets are masked
wherever they stand, and an exception prints its type, places and masked message: never locals, never a row
the database quoted. It is the last wall, no licence: an 8-digit password in a sentence looks like nothing.
"""

from __future__ import annotations

import json
import logging
import math
import re
import sys
import threading
import traceback
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

import asyncpg
import msgspec

request_id: ContextVar[str] = ContextVar("request_id", default="")
lane: ContextVar[int | None] = ContextVar("lane", default=None)

MASK = "***"
TEXT_CHARS_MAX = 500
"""What is longer is cut; what is eight times longer prints its length only (a mask must see the whole)."""
FRAMES_MAX = 8
CAUSES_MAX = 4


def get_logger(name: str) -> Logger:
    return Logger(logging.getLogger(name))


class Logger:
    """Logs a fixed sentence and named fields. What varies goes into fields, never into the sentence."""

    def __init__(self, inner: logging.Logger) -> None:
        self._inner = inner

    def debug(self, event: str, /, **fields: object) -> None:
        self._log(logging.DEBUG, event, fields, None)

    def info(self, event: str, /, **fields: object) -> None:
        self._log(logging.INFO, event, fields, None)

    def warning(self, event: str, /, error: BaseException | None = None, **fields: object) -> None:
        self._log(logging.WARNING, event, fields, error)

    def error(self, event: str, /, error: BaseException | None = None, **fields: object) -> None:
        self._log(logging.ERROR, event, fields, error)

    def _log(self, level: int, event: str, fields: dict[str, object], error: BaseException | None) -> None:
        if self._inner.isEnabledFor(level):
            exc_info = (type(error), error, error.__traceback__) if error else None
            self._inner.log(level, "%s", event, exc_info=exc_info, extra={"fields": fields})


@contextmanager
def bound(*, request: str | None = None, in_lane: int | None = None) -> Iterator[None]:
    """Every line inside carries the request's id and the lane."""
    tokens = [request_id.set(request)] if request is not None else []
    lane_token = lane.set(in_lane) if in_lane is not None else None
    try:
        yield
    finally:
        for token in tokens:
            request_id.reset(token)
        if lane_token is not None:
            lane.reset(lane_token)


def configure(*, level: str = "info", style: str = "text", stream: TextIO | None = None) -> None:
    """Send every logger of the process, libraries included, through the masking formatter."""
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    # What nobody caught: the interpreter's own report would print the message as it is.
    sys.excepthook = _report_uncaught
    threading.excepthook = lambda args: _report_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _report_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _report_uncaught(
    kind: type[BaseException], error: BaseException | None, at: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("kameng").critical("uncaught", exc_info=(kind, error or kind(), at))


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """The standard one prints the record's arguments in clear."""
        sys.stderr.write(f"a log line of {mask(record.name)} was lost\n")


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_safely(record), ensure_ascii=False, separators=(",", ":"))


class TextFormatter(logging.Formatter):
    """``12:30:01.250 INFO kameng.orders batch committed · orders=512 took_ms=8``, for people."""

    def format(self, record: logging.LogRecord) -> str:
        line = _safely(record)
        head = f"{line.pop('at')[11:23]} {line.pop('level').upper()} {line.pop('logger')} {line.pop('event')}"
        error = line.pop("error", None)
        fields = " ".join(f"{name}={_quoted(value)}" for name, value in line.items())
        text = f"{head} · {fields}" if fields else head
        while error:
            text += f"\n  {error['type']}: {error['message']}"
            text += "".join(f"\n    at {place}" for place in error["places"])
            error = error.get("cause")
        return text


def _quoted(value: object) -> str:
    """Bare where it is one word, so that no value can pose as another field."""
    text = str(value)
    return text if re.fullmatch(r"[^\s=\"·]+", text) else json.dumps(text, ensure_ascii=False)


def _safely(record: logging.LogRecord) -> dict[str, Any]:
    try:
        return _line(record)
    except Exception as error:  # a log line must never break what it tells of
        event = f"a line that can't be printed ({type(error).__name__})"
        return {"at": _at(record), "level": "error", "logger": mask(record.name), "event": event}


def _line(record: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = {
        "at": _at(record),
        "level": record.levelname.lower(),
        "logger": mask(record.name),
        "event": mask(record.getMessage()),
    }
    if request := request_id.get():
        line["request_id"] = safe_value("request_id", request)
    if (number := lane.get()) is not None:
        line["lane"] = safe_value("lane", number)
    for name, value in getattr(record, "fields", {}).items():
        shown = name if _NAME.fullmatch(name) and mask(name) == name else "field"
        line[f"{shown}_" if shown in _OWN_NAMES else shown] = safe_value(name, value)
    if record.exc_info and record.exc_info[1] is not None:
        line["error"] = describe_error(record.exc_info[1])
    return line


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


_OWN_NAMES = frozenset({"at", "level", "logger", "event", "error"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_UNITS = ("_e4", "_ms", "_s", "_bytes", "_count")
_SECRET_NAME = re.compile(
    r"secret|passw|passphrase|pwd|(^|_)pin(_|$)|token|card|cvv|authori[sz]|cookie|signature|(^|_)sig(_|$)|account"
    r"|phone|mobile|nonce|credential|private|identity_number|email|key_?ring|payload|body|sealed|plain"
)
_ID_TEXT = re.compile(r"(?:ak_(?:test_)?)?[0-9]{1,19}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def safe_value(name: str, value: object) -> object:
    """What of a field may be printed. The name decides first, then the type, then the look of the value."""
    if name.endswith("_ids") and isinstance(value, list | tuple):
        return [_safe_id(name, part) for part in value[:20]]
    if name.endswith("_id"):
        return _safe_id(name, value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and name.endswith(_UNITS):
        return value if math.isfinite(value) else str(value)  # a unit says: no phone number, however it looks
    if _SECRET_NAME.search(name.lower()):
        return MASK
    if type(value) is int:
        return value if mask(str(value)) == str(value) else MASK
    if type(value) is float:
        return round(value, 6) if math.isfinite(value) and mask(f"{value:.6f}") == f"{value:.6f}" else MASK
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, BaseException):
        return error_text(value)
    return mask(value) if type(value) is str else f"<{type(value).__name__}>"


def _safe_id(name: str, value: object) -> object:
    """Ids are long numbers and must be printable; only what has their shape is exempt from masking."""
    if value is None:
        return None
    if type(value) is int and 0 <= value < 1 << 63:
        return MASK if _PHONE.fullmatch(str(value)) else value
    shape = _REQUEST_ID if name == "request_id" else _ID_TEXT
    if type(value) is not str or not shape.fullmatch(value):
        return MASK
    return MASK if _PHONE.search(value) or _OWN_SECRET.search(value) else value


_PHONE = re.compile(r"(?<![0-9])(?:(?:\+|00)?86[- ]?)?1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4}(?![0-9])")
_OWN_SECRET = re.compile(r"(?<![A-Za-z0-9])(?:ks|whs|gq)_[A-Za-z0-9_=-]{4,}")
_NAMED_VALUE = (
    r"(?ai)((?:secret|passw\w*|pwd|token|cvv|authorization|cookie|sig|signature|nonce|card\w*|account|phone|mobile"
    r"|卡密|密码|口令|卡号|手机号?|账号|密钥)[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&})\]]+)"
)
_RULES = (
    (re.compile(r"(?<=://)[^/\s@]*@"), f"{MASK}@"),  # user:password@ in an address
    (re.compile(r"-----BEGIN [\s\S]*"), MASK),
    (re.compile(r"(?ai)\b(Bearer|Basic|KAMENG-HMAC-SHA256)\s+\S.*"), rf"\1 {MASK}"),
    (re.compile(_NAMED_VALUE), rf"\1{MASK}"),
    (_OWN_SECRET, MASK),
    (_PHONE, MASK),
    # Numbers of cards and accounts, in groups or not.
    (re.compile(r"[0-9](?:[ -]?[0-9]){14,}"), MASK),
    # ``(?a)``: a Chinese character before a card is a boundary.
    # 3D6KW-E3TJE-5PQ28, the same with spaces, and SEM5369HTNGCRXBH.
    (re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{4,}(?:-[A-Z0-9]{4,}){2,}(?![a-z])"), MASK),
    (re.compile(r"(?a)\b(?=[A-Z ]*[0-9])(?=[0-9 ]*[A-Z])[A-Z0-9]{4,}(?: [A-Z0-9]{4,}){2,}\b"), MASK),
    (re.compile(r"(?a)\b(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-Z0-9]{10,}\b|\b[A-Z]{12,}\b"), MASK),
    # Long runs of letters with digits: hex, base64.
    (re.compile(r"(?a)(?<![\w+=-])(?=[A-Za-z_+=-]*[0-9])(?=[0-9_+=-]*[A-Za-z])[A-Za-z0-9_+=-]{16,}"), MASK),
)


def mask(text: str) -> str:
    """The text with everything that looks like a secret masked, on one line, cut to a bearable length."""
    if len(text) > TEXT_CHARS_MAX * 8:
        return f"<{len(text)} characters>"
    if not (text.isascii() and text.isprintable()):
        # Full-width digits become digits and invisible characters go, so that neither hides a number.
        wide = unicodedata.normalize("NFKC", text)
        text = "".join(c for c in wide if c in "\n\t" or unicodedata.category(c) not in ("Cf", "Cc"))
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return text if len(text) <= TEXT_CHARS_MAX else text[:TEXT_CHARS_MAX] + "…"


_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|b?'.*")
_QUOTES_DATA = (ValueError, LookupError, UnicodeError, msgspec.MsgspecError)
"""Errors that quote what they were given: ``invalid literal for int() with base 10: 'hunter2'``."""


def error_text(error: BaseException) -> str:
    """``ValueError: not an id: ***``; for a database error its code and constraint, never a row it quotes."""
    kind, said = _told_by(error)
    return f"{kind}: {said}"


def _told_by(error: BaseException) -> tuple[str, str]:
    kind, said = type(error).__name__, str(error.args[0]) if error.args else ""
    if _quotes_its_input(error):
        return kind, mask(_QUOTED.sub(MASK, said.partition(":")[0]))
    if isinstance(error, asyncpg.PostgresError):
        named = [x for x in (error.table_name, error.constraint_name, error.column_name) if x]
        # Never `detail`: it quotes whole rows.
        return f"{kind} {error.sqlstate}", " ".join([mask(said), *(f"({name})" for name in named)])
    said = str(error)
    return kind, mask(_QUOTED.sub(MASK, said) if isinstance(error, _QUOTES_DATA) else said)


def _quotes_its_input(error: BaseException) -> bool:
    """``invalid input for query argument $1: 'hunter2'``, asyncpg's or the server's; so may its cause."""
    argument = isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    return argument or isinstance(error, asyncpg.DataError)


def describe_error(error: BaseException, *, depth: int = 0) -> dict[str, Any]:
    """Type, masked message, places (file, line, function; no source, no locals); the same of its cause."""
    kind, said = _told_by(error)
    frames = traceback.extract_tb(error.__traceback__, limit=-FRAMES_MAX)
    places = [f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno} {frame.name}" for frame in frames]
    told: dict[str, Any] = {"type": kind, "message": said, "places": places}
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if isinstance(error, BaseExceptionGroup):
        cause = error.exceptions[0]
    if cause is not None and depth < CAUSES_MAX and not _quotes_its_input(error):
        told["cause"] = describe_error(cause, depth=depth + 1)
    return told
