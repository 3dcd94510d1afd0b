"""What has to be true of the database and the host before money runs over them. Looks, changes nothing."""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from kameng.kit.db import Connection
from kameng.ops import embedded

VERSION_MIN = 16
CONNECTIONS_MIN = 40
SKEW_MAX_MS = 1000
OPEN_FILES_MIN = 4096
DISK_FREE_MIN_GB = 2
WAL_WAITING_MAX = 2
"""Whole files that the archive does not have yet; a busy minute makes more for a moment, not a lasting one."""
WAL_AGE_MAX_S = 600
STANDBY_BEHIND_MAX_BYTES = 256 << 20

DURABLE = {
    "fsync": frozenset({"on"}),
    "full_page_writes": frozenset({"on"}),
    # All but off wait for this server's own disk.
    "synchronous_commit": frozenset({"on", "local", "remote_write", "remote_apply"}),
}
"""The settings without which an acknowledged order can be lost, and their right values."""


class Finding(msgspec.Struct, frozen=True):
    name: str
    ok: bool
    what: str
    zh: str
    remedy: str
    """What to do when it is not ok."""

    @property
    def is_fatal(self) -> bool:
        """``doctor`` and ``audit`` fail."""
        return not self.ok and self.name in DURABLE


class Archived(msgspec.Struct, frozen=True):
    """What the server tells of its WAL archive."""

    is_on: bool
    waiting: int
    age_s: int | None
    """Since the last file was kept; None: none was yet."""
    failures: int
    is_failing: bool
    """The last attempt failed."""


class Followed(msgspec.Struct, frozen=True):
    """What the server tells of its standbys."""

    is_waited_for: bool
    """Orders are answered only when one has them."""
    following: int
    behind_bytes: int
    """The one that is furthest behind."""
    away: int
    """For so many WAL is kept, and they do not follow."""
    lost: int
    """For these it was not kept any longer."""


NOT_FOLLOWED = Followed(is_waited_for=False, following=0, behind_bytes=0, away=0, lost=0)


async def check(
    connection: Connection, *, wants_archive: bool = False, wants_standby: bool = False
) -> list[Finding]:
    """All there is to find, the gravest first. ``wants_…``: the settings say that WAL is kept, that orders wait for
    a standby."""
    row = await connection.fetchrow(
        "SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,"
        " current_setting('synchronous_commit') AS synchronous_commit,"
        " current_setting('server_version_num')::int / 10000 AS major,"
        " current_setting('server_encoding') AS encoding, current_setting('data_checksums') AS checksums,"
        " current_setting('max_connections')::int AS connections_max, inet_server_addr() IS NULL AS is_local,"
        " pg_has_role('pg_read_all_settings', 'USAGE') AS may_see_folder"
    )
    assert row is not None
    findings = [durable(name, row[name]) for name in DURABLE]
    findings += [
        version(row["major"]),
        encoding(row["encoding"]),
        checksums(row["checksums"]),
        skew(await _skew_ms(connection)),
        connections(row["connections_max"]),
        open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[1]),  # the hard one: a gateway takes all it may
    ]
    if row["is_local"] and row["may_see_folder"]:
        findings.append(disk_free(_free_bytes(Path(await connection.fetchval("SHOW data_directory")))))
    archived = await _archived(connection)
    if wants_archive or archived.is_on:
        findings.append(wal_archive(archived))
    followed = await _followed(connection)
    if wants_standby or followed != NOT_FOLLOWED:
        findings.append(standby(followed, wanted=wants_standby))
    return findings


def durable(name: str, value: str) -> Finding:
    return Finding(
        name,
        value in DURABLE[name],
        f"{name} is {value}; without it an acknowledged order can be lost.",
        f"{name} 为 {value}；若不开启，已确认的订单可能丢失。",
        f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();",
    )


def version(major: int) -> Finding:
    return Finding(
        "version",
        major >= VERSION_MIN,
        f"PostgreSQL is {major}; {VERSION_MIN} or newer is needed.",
        f"PostgreSQL 版本为 {major}；需要 {VERSION_MIN} 或更新。",
        "Upgrade the server, or unset KAMENG_DATABASE_URL to use the embedded one.",
    )


def encoding(name: str) -> Finding:
    return Finding(
        "encoding",
        name == "UTF8",
        f"The database's encoding is {name}; UTF8 is needed.",
        f"数据库编码为 {name}；需要 UTF8。",
        "CREATE DATABASE kameng ENCODING 'UTF8' TEMPLATE template0; and use that one.",
    )


def checksums(value: str) -> Finding:
    return Finding(
        "data_checksums",
        value == "on",
        f"Data checksums are {value}; with them a decaying disk is noticed.",
        f"数据校验和为 {value}；开启后可以发现磁盘损坏。",
        "Stop the server and run: pg_checksums --enable -D FOLDER",
    )


def skew(skew_ms: int) -> Finding:
    return Finding(
        "clock",
        abs(skew_ms) <= SKEW_MAX_MS,
        f"The database's clock is {skew_ms} ms ahead of this machine's; {SKEW_MAX_MS} ms are tolerated.",
        f"数据库时钟比本机快 {skew_ms} 毫秒；允许相差 {SKEW_MAX_MS} 毫秒。",
        "Run a time service on both machines: apt-get install systemd-timesyncd",
    )


def connections(count_max: int) -> Finding:
    return Finding(
        "max_connections",
        count_max >= CONNECTIONS_MIN,
        f"The server takes {count_max} connections; {CONNECTIONS_MIN} are needed.",
        f"数据库最多接受 {count_max} 个连接；至少需要 {CONNECTIONS_MIN} 个。",
        "ALTER SYSTEM SET max_connections = 100; and restart the server.",
    )


def open_files(limit: int) -> Finding:
    limit_is_high = limit == resource.RLIM_INFINITY or limit >= OPEN_FILES_MIN
    return Finding(
        "open_files",
        limit_is_high,
        f"A process may open {_count(limit)} files; a client takes one, {OPEN_FILES_MIN} are needed.",
        f"一个进程最多打开 {_count(limit)} 个文件；每个客户端占用一个，至少需要 {OPEN_FILES_MIN} 个。",
        "ulimit -n 65536, or LimitNOFILE=65536 in the service.",
    )


def disk_free(free_bytes: int) -> Finding:
    free_gb = free_bytes / (1 << 30)
    return Finding(
        "disk",
        free_gb >= DISK_FREE_MIN_GB,
        f"{free_gb:.1f} GB of disk are free where the data is; below {DISK_FREE_MIN_GB} GB orders may stop.",
        f"数据所在磁盘剩余 {free_gb:.1f} GB；低于 {DISK_FREE_MIN_GB} GB 时可能无法下单。",
        "Make room, or move the data folder to a larger disk.",
    )


def wal_archive(found: Archived) -> Finding:
    is_late = found.waiting > WAL_WAITING_MAX and (found.age_s is None or found.age_s > WAL_AGE_MAX_S)
    age = "never" if found.age_s is None else f"{found.age_s} s ago"
    age_zh = "从未" if found.age_s is None else f"{found.age_s} 秒前"
    return Finding(
        "wal_archive",
        found.is_on and not found.is_failing and not is_late,
        f"The WAL archive is {'on' if found.is_on else 'off'}; last kept: {age}, waiting: {found.waiting},"
        f" failures: {found.failures}{', the last attempt failed' if found.is_failing else ''}.",
        f"WAL 归档{'已开启' if found.is_on else '未开启'}；上次归档：{age_zh}，等待 {found.waiting} 个，"
        f"失败 {found.failures} 次{'，最近一次失败' if found.is_failing else ''}。",
        "Look into server.log in pg18/log, and at the folder and disk of KAMENG_BACKUP_DIR."
        if found.is_on
        else "KAMENG_WAL_ARCHIVE is on since the database was started: stop and start Kameng.",
    )


def standby(found: Followed, *, wanted: bool) -> Finding:
    is_as_wanted = found.is_waited_for or not wanted
    is_near = found.behind_bytes <= STANDBY_BEHIND_MAX_BYTES
    is_well = found.following > 0 and is_near and not found.away and not found.lost
    behind_mb = found.behind_bytes / (1 << 20)
    return Finding(
        "standby",
        is_well and is_as_wanted,
        f"Standbys that follow: {found.following}, behind by {behind_mb:.0f} MB; away: {found.away}, lost:"
        f" {found.lost}; orders {'wait' if found.is_waited_for else 'do not wait'} for one.",
        f"跟随中的备用库：{found.following}，落后 {behind_mb:.0f} MB；失联 {found.away}，作废 {found.lost}；"
        f"订单{'等待' if found.is_waited_for else '不等待'}备用库。",
        "Let it follow: kameng standby run DIR; one that is lost is made anew: kameng standby make."
        if is_as_wanted
        else "KAMENG_SYNCHRONOUS_STANDBY is on since the database was started: stop and start Kameng.",
    )


def waiting(found: Mapping[str, int], served: Collection[str]) -> Finding:
    """Orders by the job they wait for, and the jobs for which there is somebody."""
    unserved = {kind: orders_count for kind, orders_count in found.items() if orders_count and kind not in served}
    shown = ", ".join(f"{kind} {orders_count}" for kind, orders_count in unserved.items()) or "0"
    return Finding(
        "waiting",
        not unserved,
        f"Orders that wait for what this version can't do by itself: {shown}.",
        f"等待本版本尚不能自动处理的订单：{shown}。",
        "Deliver or fail them by hand: kameng order deliver, kameng order fail.",
    )


def _count(limit: int) -> str:
    return "any number of" if limit == resource.RLIM_INFINITY else str(limit)


async def _skew_ms(connection: Connection) -> int:
    """The server's clock less the host's (not the one that tests hold), in the middle of a round trip."""
    before_s = time.time()
    server_s = float(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())"))
    return round((server_s - (before_s + time.time()) / 2) * 1000)


async def _archived(connection: Connection) -> Archived:
    row = await connection.fetchrow(
        "SELECT current_setting('archive_mode') <> 'off' AS is_on, last_archived_wal, failed_count,"
        " extract(epoch FROM clock_timestamp() - last_archived_time)::int AS age_s,"
        " coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) AS is_failing,"
        " pg_walfile_name(pg_current_wal_lsn()) AS wal_now FROM pg_stat_archiver"
    )
    assert row is not None
    last = row["last_archived_wal"] or ""
    waiting = max(0, _wal_number(row["wal_now"]) - _wal_number(last) - 1) if last[8:24].isalnum() else 0
    return Archived(row["is_on"], waiting, row["age_s"], row["failed_count"], row["is_failing"])


async def _followed(connection: Connection) -> Followed:
    row = await connection.fetchrow(
        "SELECT current_setting('synchronous_standby_names') <> '' AS is_waited_for,"
        " count(f.pid) AS following, coalesce(max(pg_current_wal_lsn() - f.replay_lsn), 0)::bigint AS behind_bytes,"
        " (SELECT count(*) FROM pg_replication_slots WHERE slot_name ~ $2 AND NOT active"
        "  AND wal_status <> 'lost') AS away,"
        " (SELECT count(*) FROM pg_replication_slots WHERE slot_name ~ $2 AND wal_status = 'lost') AS lost"
        " FROM pg_stat_replication f WHERE f.application_name = $1 AND f.state = 'streaming'",
        embedded.STANDBY, f"^{embedded.STANDBY}_",
    )  # fmt: skip
    assert row is not None
    return Followed(*row.values())


def _wal_number(name: str) -> int:
    """Which file of 16 MB it is, whatever its timeline: 256 have the same middle."""
    return int(name[8:16], 16) * 256 + int(name[16:24], 16)


def _free_bytes(folder: Path) -> int:
    """On the file system of a folder that may be closed to us: then its nearest open parent tells."""
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return 0
