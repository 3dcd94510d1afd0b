"""A standby of the database: a copy that follows all that is written, and takes over when it is promoted.

    DIR/                 a data folder that `kameng serve --data DIR` can serve once it is promoted
      pg18/              see ``embedded``; it follows what standby.json names
        standby.json     whom it follows

The copy is made while orders run. The primary keeps its WAL for it (a slot), up to ``max_slot_wal_keep_size``. With
``synchronous_standby`` every order is on both disks before it is answered, so a promotion loses none that was; without,
the newest may be missing. The key ring is never copied: it belongs into DIR before it serves.

Only one may write. A primary that still answers is not taken over from; one that comes back afterwards must not be
served again, which nothing here can see to.
"""

from __future__ import annotations

import signal
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg
import msgspec
import uvloop

from kameng.kit.errors import Fault
from kameng.kit.settings import Settings
from kameng.ops import backup, embedded, ground, opening, processes
from kameng.ops.embedded import Embedded
from kameng.ops.ground import ServerUser, as_server

FOLLOWING = {"cluster_name": embedded.STANDBY, "hot_standby": "on"}
"""What a standby is started with; the name is the one that a synchronous primary waits for."""
NOTE = "standby.json"
ANSWER_TIMEOUT_S = 3.0
PROMOTE_TIMEOUT_S = 600

_STOP = frozenset({signal.SIGTERM, signal.SIGINT})


class Note(msgspec.Struct, frozen=True):
    """Whom a standby follows."""

    primary: str
    """Its URL, without a password."""
    slot: str
    major: int


class Promoted(msgspec.Struct, frozen=True):
    """What came of a promotion."""

    newest_at: datetime | None
    """When the newest transaction that reached it was committed."""
    took_s: float


class _Primary(msgspec.Struct, frozen=True):
    major: int
    size_bytes: int
    is_standby: bool


def make(chosen: Settings, folder: Path) -> Note:
    """Copy the running database into a new data folder, ready to follow it."""
    if folder.exists() or folder.is_symlink():
        raise Fault(
            f"{folder} is there already, and a standby never writes over anything: name a new folder.\n"
            f"{folder} 已存在，备用库绝不覆盖任何数据：请指定一个新目录。"
        )
    user = ground.server_user()
    with opening.database(chosen) as place:
        primary = uvloop.run(_look(place.url))
        _refuse_unfit(chosen, place.url, primary)
        note = Note(without_password(place.url), _slot_of(folder), primary.major)
        target = folder / f"pg{note.major}"
        try:
            target = ground.own_folder(target, user, by="DIR")
            backup.refuse_small_disk(primary.size_bytes, target)
            uvloop.run(_drop_slot(place.url, note.slot))  # of an attempt that was cut short
            _copy(place.url, note, target, user)
        except BaseException:
            with suppress(OSError, asyncpg.PostgresError):
                uvloop.run(_drop_slot(place.url, note.slot))
            if target.exists():
                as_server(user, "find", target, "-mindepth", "1", "-delete", check=False)
            for made in (target, folder):
                with suppress(OSError):
                    made.rmdir()
            raise
    return note


def run(folder: Path, *, announce: Callable[[], None] = lambda: None) -> None:
    """Follow until told to stop, promoted meanwhile or not; ``Fault`` if the server ends by itself."""
    with _start(folder) as server:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
        try:
            announce()
            while signal.sigtimedwait(_STOP, 1.0) is None:
                if not processes.is_alive(server.pid):
                    log = server.data_dir / "log" / "server.log"
                    raise Fault(f"The standby ended by itself; its last words: {log}\n备用库意外退出，日志：{log}")
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def promote(folder: Path, *, even_if_primary_answers: bool = False) -> Promoted:
    """Make the standby the one that writes. Everything that reached it is in it."""
    note = read_note(folder)
    if not even_if_primary_answers and uvloop.run(_answers(note.primary)):
        raise Fault(
            f"The primary still answers ({note.primary}), and two that write would part for ever: stop it first. If it"
            " is cut off from everybody else: --even-if-primary-answers.\n"
            f"主库仍在响应（{note.primary}），两个可写的库将永久分叉：请先停止主库。若它已与所有客户端隔离，"
            "可加 --even-if-primary-answers。"
        )
    with _start(folder) as server:
        return uvloop.run(_promote(server.url))


def read_note(folder: Path) -> Note:
    """Of the standby in a data folder; ``Fault`` if it is none."""
    for major in sorted(ground.MAJORS, reverse=True):
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode((folder / f"pg{major}" / NOTE).read_bytes(), type=Note)
    raise Fault(
        f"{folder} is no standby: `kameng standby make` makes one.\n"
        f"{folder} 不是备用库：请先用 `kameng standby make` 创建。"
    )


def _start(folder: Path) -> Embedded:
    """The server of a standby; attached to where it runs already."""
    note = read_note(folder)
    return embedded.start(folder / f"pg{note.major}", major=note.major, extra_settings=FOLLOWING)


def _refuse_unfit(chosen: Settings, url: str, primary: _Primary) -> None:
    socket = chosen.data_dir / f"pg{primary.major}" / "socket"
    if not chosen.database_url and len(bytes(socket)) > embedded.SOCKET_FOLDER_BYTES_MAX:
        raise Fault(
            f"The path {socket} is too long for a lasting socket: move the data folder to a shorter one.\n"
            f"路径 {socket} 过长，无法作为固定的套接字：请把数据目录移到更短的路径。"
        )
    if primary.is_standby:
        raise Fault("That database is a standby itself: name the primary.\n该数据库本身就是备用库：请指定主库。")
    if primary.major not in ground.MAJORS:
        raise Fault(
            f"The primary is PostgreSQL {primary.major}, and a standby must be the same: Kameng brings"
            f" {sorted(ground.MAJORS)}.\n"
            f"主库是 PostgreSQL {primary.major}，备用库必须同版本：卡盟自带 {sorted(ground.MAJORS)}。"
        )
    parts = urlsplit(url)
    if chosen.database_url and (parts.username, parts.path) != (embedded.ROLE, f"/{embedded.ROLE}"):
        raise Fault(
            f"The role and the database of your own server must be named {embedded.ROLE}, for so the standby serves"
            " them: rename them, or use pg_basebackup -R by hand.\n"
            f"自有服务器的角色与数据库须名为 {embedded.ROLE}：请改名，或手工使用 pg_basebackup -R。"
        )


def _copy(url: str, note: Note, target: Path, user: ServerUser) -> None:
    """Whole and on the disk before it has its name; not before that does a server start here."""
    source = note.primary
    if password := urlsplit(url).password:
        secret = target / "primary.pgpass"
        as_server(user, "sh", "-c", 'cat > "$1"', "sh", secret, text=f"*:*:*:*:{_escaped(unquote(password))}\n")
        source += f"{'&' if urlsplit(source).query else '?'}passfile={secret}"
    fresh = target / "cluster.new"
    as_server(
        user, ground.server_programs(note.major, user) / "pg_basebackup", "--dbname", source, "--no-password",
        "--pgdata", fresh, "--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf",
        "--create-slot", "--slot", note.slot,
    )  # fmt: skip
    text = msgspec.json.format(msgspec.json.encode(note)).decode() + "\n"
    as_server(user, "sh", "-c", 'cat > "$1"', "sh", target / NOTE, text=text)
    as_server(user, "sync", "-f", fresh)
    as_server(user, "mv", "-T", fresh, target / "cluster")


def _slot_of(folder: Path) -> str:
    return f"{embedded.STANDBY}_{zlib.crc32(bytes(folder.absolute())):08x}"


def without_password(url: str) -> str:
    """The URL as it may be written down."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}@{host}"))


def _escaped(password: str) -> str:
    return password.replace("\\", "\\\\").replace(":", "\\:")


async def _look(url: str) -> _Primary:
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(
            "SELECT current_setting('server_version_num')::int / 10000 AS major, pg_is_in_recovery() AS is_standby,"
            " (SELECT sum(pg_database_size(oid))::bigint FROM pg_database) AS size_bytes"
        )
    finally:
        await connection.close()
    assert row is not None
    return _Primary(row["major"], row["size_bytes"], row["is_standby"])


async def _drop_slot(url: str, slot: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active",
            slot,
        )
    finally:
        await connection.close()


async def _answers(url: str) -> bool:
    """Whether somebody writes there."""
    try:
        connection = await asyncpg.connect(url, timeout=ANSWER_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    try:
        return not await connection.fetchval("SELECT pg_is_in_recovery()", timeout=ANSWER_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    finally:
        await connection.close(timeout=ANSWER_TIMEOUT_S)


async def _promote(url: str) -> Promoted:
    began_s = time.monotonic()
    connection = await asyncpg.connect(url)
    try:
        if not await connection.fetchval("SELECT pg_is_in_recovery()"):
            raise Fault("It was promoted already: serve it.\n它已被提升为主库：可以直接提供服务。")
        if not await connection.fetchval(f"SELECT pg_promote(true, {PROMOTE_TIMEOUT_S})"):
            raise Fault(
                "The standby did not become primary in time: see its server.log.\n"
                "备用库未能及时提升：请查看 server.log。"
            )
        newest_at = await connection.fetchval("SELECT pg_last_xact_replay_timestamp()")
    finally:
        await connection.close()
    return Promoted(newest_at, time.monotonic() - began_s)
