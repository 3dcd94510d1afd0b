"""Logs: what a line looks like, and that no way we know of gets a secret into one."""

from __future__ import annotations

import base64
import io
import json
import logging
import string
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kameng.kit import crypto, ids, logs

log = logs.get_logger("kameng.test")


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """What the process printed so far, as JSON lines."""
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    logs.configure(level="debug", style="json", stream=stream)
    yield stream.getvalue
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


def last(printed: Callable[[], str]) -> dict[str, Any]:
    return json.loads(printed().splitlines()[-1])  # type: ignore[no-any-return]


def formatted(formatter: logging.Formatter, event: str = "batch committed", **fields: object) -> str:
    record = logging.LogRecord("kameng.orders", logging.INFO, __file__, 1, "%s", (event,), None)
    record.created = datetime(2026, 11, 22, 12, 30, 1, 250_000, UTC).timestamp()
    record.fields = fields
    return formatter.format(record)


# how a line looks ------------------------------------------------------------------------------------------


def test_a_json_line() -> None:
    with logs.bound(request="req-1", in_lane=1):
        line = formatted(logs.JsonFormatter(), orders=512, took_ms=8.25, full=True, code=None, why="队列已满")
    assert line == (
        '{"at":"2026-11-22T12:30:01.250+00:00","level":"info","logger":"kameng.orders",'
        '"event":"batch committed",'
        '"request_id":"req-1","lane":1,"orders":512,"took_ms":8.25,"full":true,"code":null,"why":"队列已满"}'
    )


def test_a_text_line() -> None:
    line = formatted(
        logs.TextFormatter(), orders=512, why="the queue is full", trick="a level=info", end="x=y"
    )
    assert line == (
        "12:30:01.250 INFO kameng.orders batch committed"
        ' · orders=512 why="the queue is full" trick="a level=info" end="x=y"'
    )


def test_the_request_and_lane_hold_inside_the_block_only(printed: Callable[[], str]) -> None:
    with logs.bound(request="req-1"), logs.bound(in_lane=0):
        log.info("inside")
    assert (last(printed)["request_id"], last(printed)["lane"]) == ("req-1", 0)
    log.info("outside")
    assert last(printed).keys() == {"at", "level", "logger", "event"}


def test_ids_and_amounts_are_printed(printed: Callable[[], str]) -> None:
    order_id = ids.id_of(ids.tick_at(1_795_000_000_000), 1023)
    log.info(
        "placed", order_id=order_id, key_id=f"ak_test_{order_id}", job_ids=[order_id, 7],
        total_e4=13_812_345_678, card_id=order_id, at_ms=1_795_000_000_000, card_count=20_000,
    )  # fmt: skip
    line = last(printed)
    assert line["order_id"] == order_id
    assert line["key_id"] == f"ak_test_{order_id}"
    assert line["job_ids"] == [order_id, 7]
    assert line["total_e4"] == 13_812_345_678
    assert line["card_id"] == order_id
    assert line["at_ms"] == 1_795_000_000_000
    assert line["card_count"] == 20_000


@pytest.mark.parametrize(
    "text",
    [
        "lane 1: 512 orders in 8.25 ms",
        "the order is fulfilling",
        "/work/main/src/kameng/schema/0001_kit.sql",
        "http://127.0.0.1:8443/api/v1/orders?limit=100",
        "2026-11-22T12:30:01.250+00:00",
        "duplicate key value violates unique constraint order_ref_pkey",
        "商户余额不足：需要 98.5000 元",
        "card 17 of sku 100123 was taken",
    ],
)
def test_ordinary_sentences_stay_as_they_are(text: str) -> None:
    assert logs.mask(text) == text.replace("：", ":")


def test_a_line_is_one_line_and_not_endless() -> None:
    assert logs.mask("one\ntwo\x1b[31m\ttab\ud800") == "one\\ntwo[31m\\ttab\\ud800"
    assert logs.mask("word " * 200) == ("word " * 200)[:500] + "…"
    assert logs.mask("word " * 1000) == "<5000 characters>"


# ten and more ways to leak ---------------------------------------------------------------------------------

SECRET = "SEM5369HTNGCRXBH"
NUMBER = "4510934902748687036"
PHONE = "13812345678"
KEY = crypto.secret_text("ks_")


class Card(msgspec.Struct):
    secret: str = SECRET


class Sly(str):
    def __str__(self) -> str:
        return SECRET

    __repr__ = __format__ = __str__  # type: ignore[assignment]


def _raise(error: BaseException) -> BaseException:
    secret = SECRET  # a local: must not be printed either
    try:
        try:
            raise ValueError(f"card {secret}")
        except ValueError as first:
            raise error from first
    except type(error) as raised:
        return raised


LEAKS: dict[str, dict[str, object]] = {
    "by a telling name": {
        "secret": "hunter2", "card_secret": "hunter2", "Authorization": "hunter2", "phone": "hunter2",
        "signature": "hunter2", "nonce": "hunter2", "account": "hunter2", "query_password": "hunter2",
        "card": "hunter2", "body": "hunter2", "payload": "hunter2", "token": 12345678, "pin": 12345678,
    },
    "under an id's name": {"card_id": SECRET, "secret_id": "hunter2", "key_id": KEY, "request_id": KEY,
                           "phone_id": int(PHONE), "order_id": PHONE, "trace_ids": [SECRET, "hunter2"]},
    "as an object": {"a": Card(), "b": {"c": SECRET}, "d": [SECRET], "e": SECRET.encode(), "f": Sly("x")},
    "as a key secret": {"a": KEY, "b": f"使用{KEY}签名", "c": f"key={KEY},"},
    "as a card": {"a": SECRET, "b": f"卡密{SECRET}。", "c": "3D6KW-E3TJE-5PQ28", "d": "3D6KW E3TJE 5PQ28",
                  "e": "NSMYPHWJHRGVJBQM"},
    "as a long number": {"a": NUMBER, "b": int(NUMBER), "c": "4510 9349 0274 8687 036",
                         "d": "4510-9349-0274-8687", "e": f"号{NUMBER}号", "f": float("4510934902748687")},
    "as a phone": {"a": PHONE, "b": int(PHONE), "c": "+86 138-1234-5678", "d": "008613812345678",
                   "e": f"充值到{PHONE}失败", "f": float(PHONE), "g": "138 1234 5678"},
    "in another alphabet": {"a": "１３８１２３４５６７８", "b": "138\u200b1234\u200b5678",
                            "c": "ＳＥＭ５３６９ＨＴＮＧＣＲＸＢＨ", "d": "138\x0012345678"},
    "in a sentence": {"a": "password=hunter2", "b": '{"secret": "hunter2"}', "c": "密码：hunter2",
                      "d": "Authorization: Bearer hunter2", "e": "postgresql://kameng:hunter2@db/kameng",
                      "f": f"KAMENG-HMAC-SHA256 key=ak_1,ts=1,nonce=abc,sig={'0a' * 32}",
                      "g": "卡密: 'hunter2 x'"},
    "as hex or base64": {"a": "0a1b" * 16, "b": "c2VjcmV0LXNlY3JldC0xMjM0NTY3ODk", "c": f"密钥{'9f' * 16}"},
    "in an error": {"a": ValueError(f"bad card {SECRET}"), "b": KeyError("hunter2"),
                    "c": _raise(RuntimeError(KEY))},
}  # fmt: skip

CLEAR = (
    "hunter2", SECRET, NUMBER, PHONE, KEY, "E3TJE", "NSMYPHWJHRGVJBQM", "9349", "138-1234", "138 1234",
    "8613812345678", "12345678", "１３８１", "ＳＥＭ", "0a1b0a1b", "0a0a0a", "c2VjcmV0", "9f9f9f",
    "4510934902748687",
)  # fmt: skip


@pytest.mark.parametrize("way", LEAKS)
@pytest.mark.parametrize("style", [logs.JsonFormatter(), logs.TextFormatter()], ids=["json", "text"])
def test_no_way_to_leak(way: str, style: logging.Formatter) -> None:
    for name, value in LEAKS[way].items():
        line = formatted(style, "tried", **{name: value})
        assert not [clear for clear in CLEAR if clear in line], line


def test_field_names_are_no_way_either() -> None:
    names: dict[str, Any] = {KEY: 1, SECRET: 2, PHONE: 3, "at": 4, "event_": 5}
    line = json.loads(formatted(logs.JsonFormatter(), "tried", **names))
    assert line["field"] == 3
    assert line["at_"] == 4
    assert line["at"] == "2026-11-22T12:30:01.250+00:00"


def test_the_sentence_itself_is_masked(printed: Callable[[], str]) -> None:
    log.warning(f"card {SECRET}")
    assert last(printed)["event"] == "card ***"


def test_other_peoples_loggers_go_through_the_same(printed: Callable[[], str]) -> None:
    logging.getLogger("asyncpg").error("bad login %s for %s", KEY, {"phone": PHONE})
    assert last(printed)["event"] == "bad login *** for {'phone': ***}"


def test_arguments_that_do_not_fit_are_not_printed() -> None:
    record = logging.LogRecord("asyncpg", logging.ERROR, __file__, 1, "%d", (SECRET,), None)
    line = json.loads(logs.JsonFormatter().format(record))
    assert line["event"] == "a line that can't be printed (TypeError)"
    assert SECRET not in json.dumps(line)


def test_an_exception_shows_places_and_causes_but_no_values(printed: Callable[[], str]) -> None:
    log.error("failed", error=_raise(RuntimeError(f"while sending to {PHONE}")))
    told = last(printed)["error"]
    assert (told["type"], told["message"]) == ("RuntimeError", "while sending to ***")
    assert (told["cause"]["type"], told["cause"]["message"]) == ("ValueError", "card ***")
    assert [place.split(" ")[1] for place in told["places"]] == ["_raise"]
    assert told["places"][0].startswith("tests/kit/test_logs.py:")
    assert SECRET not in printed()


def test_groups_show_their_first_error() -> None:
    told = logs.describe_error(ExceptionGroup("two", [ValueError("one"), ValueError("two")]))
    assert (told["message"], told["cause"]["message"]) == ("two (2 sub-exceptions)", "one")


async def test_a_database_error_shows_no_row(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "CREATE TABLE t (card text PRIMARY KEY, n int CONSTRAINT positive CHECK (n > 0))"
        )
        await connection.execute("INSERT INTO t VALUES ('hunter2', 1)")
        told = []
        for statement, *values in (
            ("INSERT INTO t VALUES ($1, $2)", "hunter2", 1),
            ("INSERT INTO t VALUES ($1, $2)", "hunter3", 0),
            ("INSERT INTO t VALUES ('a', 'hunter2'::text::int)",),
            ("INSERT INTO t VALUES ($1, $2)", "a", "hunter2"),
            ("INSERT INTO t VALUES ('a', '99hunter'::text::int)",),
            ("INSERT INTO t VALUES ('a', '7654321000'::text::int)",),
        ):
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)) as caught:
                await connection.execute(statement, *values)
            told.append(json.dumps(logs.describe_error(caught.value)))
            assert not any("hunter" in text or "7654" in text for text in told)
            told[-1] = logs.error_text(caught.value)
    finally:
        await connection.close()
    assert told == [
        'UniqueViolationError 23505: duplicate key value violates unique constraint "t_pkey" (t) (t_pkey)',
        'CheckViolationError 23514: new row for relation "t" violates check constraint "positive"'
        " (t) (positive)",
        "InvalidTextRepresentationError: invalid input syntax for type integer",
        "DataError: invalid input for query argument $2",
        "InvalidTextRepresentationError: invalid input syntax for type integer",
        "NumericValueOutOfRangeError: value *** is out of range for type integer",
    ]


def test_what_nobody_caught_is_masked() -> None:
    program = (
        "import threading; from kameng.kit import logs; logs.configure(style='json');"
        f"t = threading.Thread(target=lambda: int('{SECRET}')); t.start(); t.join();"
        f"raise RuntimeError('lost {KEY}')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["event"], line["error"]["type"], line["error"]["message"]) for line in lines] == [
        ("uncaught", "ValueError", "invalid literal for int() with base 10: ***"),
        ("uncaught", "RuntimeError", "lost ***"),
    ]


def test_a_broken_stream_does_not_print_the_arguments(
    printed: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError("disk full")

    logs.configure(style="json", stream=Full())
    log.info("card", note=SECRET)
    assert capsys.readouterr().err == "a log line of kameng.test was lost\n"


# laws ------------------------------------------------------------------------------------------------------

ORDINARY = st.text(alphabet="abc xyz,.;:!?()中文卡密 \n\t", max_size=30)
BOUNDARY = st.sampled_from(list(" ,.;:=/(){}[]<>'\"\n中密，。（"))
LETTERS = string.ascii_uppercase + string.digits
SECRETS = st.one_of(
    st.binary(min_size=32, max_size=32).map(lambda raw: "ks_" + base64.urlsafe_b64encode(raw).decode()),
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.from_regex(r"[0-9]{15,24}", fullmatch=True),
    st.text(LETTERS, min_size=10, max_size=24).filter(lambda text: not text.isdigit() and not text.isalpha()),
    st.from_regex(r"[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}", fullmatch=True),
)


@given(before=ORDINARY, opening=BOUNDARY, secret=SECRETS, closing=BOUNDARY, after=ORDINARY)
@example(before="", opening="", secret="00000000A0", closing="", after="")
def test_a_secret_in_any_sentence_is_masked(
    before: str, opening: str, secret: str, closing: str, after: str
) -> None:
    masked = logs.mask(before + opening + secret + closing + after)
    assert secret not in masked
    assert secret[3:-3] not in masked


@given(
    secret=SECRETS,
    name=st.from_regex(r"[a-z][a-z_]{0,12}", fullmatch=True).filter(lambda n: not n.endswith("_id")),
)
def test_a_secret_in_any_field_is_masked(secret: str, name: str) -> None:
    assert secret not in formatted(logs.JsonFormatter(), **{name: secret})
    assert secret not in formatted(logs.TextFormatter(), **{name: secret})


@given(st.integers(0, 2**63 - 1).filter(lambda n: not 13_000_000_000 <= n < 20_000_000_000))
def test_every_id_is_printed(number: int) -> None:
    assert json.loads(formatted(logs.JsonFormatter(), order_id=number, key_id=str(number))) == {
        "at": "2026-11-22T12:30:01.250+00:00", "level": "info", "logger": "kameng.orders",
        "event": "batch committed", "order_id": number, "key_id": str(number),
    }  # fmt: skip


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_anything_can_be_logged_on_one_line(value: object) -> None:
    line = formatted(logs.JsonFormatter(), "tried", value=value)
    assert line.isprintable() or "\n" not in line
    json.loads(line, parse_constant=pytest.fail)
    assert "\n" not in formatted(logs.TextFormatter(), "tried", value=value)
