"""The embedded PostgreSQL: who owns it, who gets in, what it refuses, and how it comes back."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest

from kameng.kit.errors import Fault
from kameng.ops import embedded, ground
from kameng.ops.embedded import Embedded

MAJOR = int(os.environ.get("KAMENG_TEST_PG", "18"))
OTHER_MAJOR = 16 if MAJOR == 18 else 18
SMALL = {"shared_buffers": "128MB"}
SECRET = "card-secret-4711"
NOBODY = 65534

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="root starts the server as somebody else")


def start(folder: Path, **more: str) -> Embedded:
    return embedded.start(folder, major=MAJOR, extra_settings=SMALL | more)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="kameng-test-", dir="/tmp"))
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def server() -> Iterator[Embedded]:
    made = Path(tempfile.mkdtemp(prefix="kameng-test-", dir="/tmp"))
    with start(made) as running:
        yield running
    shutil.rmtree(made)


def fetch_one(url: str, query: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def test_the_role_and_the_database_are_kameng(server: Embedded) -> None:
    assert fetch_one(server.url, "SELECT current_user || ' ' || current_database()") == "kameng kameng"
    assert fetch_one(server.url_for("postgres"), "SELECT current_database()") == "postgres"
    assert fetch_one(server.url, "SELECT current_setting('server_version_num')::int / 10000") == MAJOR


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on"), ("data_checksums", "on"),
        ("server_encoding", "UTF8"), ("listen_addresses", ""), ("max_wal_size", "8GB"), ("jit", "off"),
        ("TimeZone", "UTC"), ("wal_compression", "pglz"), ("shared_buffers", "128MB"),
    ],
)  # fmt: skip
def test_settings(server: Embedded, name: str, value: str) -> None:
    assert fetch_one(server.url, f"SHOW {name}") == value


def test_text_is_ordered_by_code_point_and_cased_as_unicode(server: Embedded) -> None:
    query = "SELECT string_agg(letter, '' ORDER BY letter) FROM unnest('{a,B,é,卡}'::text[]) AS letter"
    assert fetch_one(server.url, query) == "Baé卡"
    assert fetch_one(server.url, "SELECT upper('é卡')") == "É卡"


def test_what_it_keeps_is_closed_and_belongs_to_its_user(server: Embedded) -> None:
    owner_uid = ground.server_user().uid
    assert owner_uid != 0
    for part in (".", "cluster", "socket", "log"):
        found = (server.data_dir / part).stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (owner_uid, 0o700), part
    assert Path(f"/proc/{server.pid}").stat().st_uid == owner_uid


def test_it_has_a_process_group_of_its_own(server: Embedded) -> None:
    assert os.getpgid(server.pid) == server.pid != os.getpgid(0)


@only_root
def test_its_groups_are_its_users_alone(server: Embedded) -> None:
    user = ground.server_user()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{server.pid}/status").read_text().splitlines())
    assert status["Uid"].split() == [str(user.uid)] * 4
    assert status["Gid"].split() == [str(user.gid)] * 4
    assert status["Groups"].split() == []


@only_root
def test_another_user_does_not_get_in(folder: Path) -> None:
    def ask(server: Embedded) -> str:
        program = ground.server_programs(MAJOR, ground.server_user()) / "psql"
        command: list[str | Path] = [program, "-h", server.socket_dir, "-U", "kameng", "-c", "SELECT 1"]
        nobody = ground.ServerUser("nobody", NOBODY, NOBODY, is_other=True)
        said = ground.as_server(nobody, "sh", "-c", '"$@" 2>&1; echo "=$?"', "sh", *command)
        assert said.endswith("=2\n")
        return said

    with start(folder) as server:
        assert "Permission denied" in ask(server)
        folder.chmod(0o755)
        server.socket_dir.chmod(0o755)
        assert 'Peer authentication failed for user "kameng"' in ask(server)


def test_a_second_start_attaches_and_leaves_it_running(server: Embedded) -> None:
    with start(server.data_dir) as second:
        assert (second.attached, second.pid, second.url) == (True, server.pid, server.url)
    assert not server.attached
    assert fetch_one(server.url, "SELECT 1") == 1


def test_stop_ends_it_and_what_was_committed_is_there_again(folder: Path) -> None:
    with start(folder) as first:
        fetch_one(first.url, "CREATE TABLE kept AS SELECT 42 AS number")
    assert not is_alive(first.pid)
    with start(folder) as second:
        assert fetch_one(second.url, "SELECT number FROM kept") == 42
    assert "database system is shut down" in (folder / "log/server.log").read_text()
    assert "not properly shut down" not in (folder / "log/server.log").read_text()


async def test_a_killed_one_comes_back_past_a_busy_orphan(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "ORPHANS_TIMEOUT_S", 0.5)
    first = start(folder)
    busy = await asyncpg.connect(first.url)
    await busy.execute("CREATE TABLE kept AS SELECT 42 AS number")
    orphan = busy.get_server_pid()
    spinning = asyncio.create_task(busy.execute("DO 'BEGIN LOOP END LOOP; END'"))
    await asyncio.sleep(0.1)
    first.kill()
    assert not is_alive(first.pid)
    assert is_alive(orphan)

    with start(folder) as second:
        assert not is_alive(orphan)
        assert not second.attached
        again = await asyncpg.connect(second.url)
        assert await again.fetchval("SELECT number FROM kept") == 42
        await again.close()
    with pytest.raises((asyncpg.PostgresError, OSError, asyncpg.InterfaceError)):
        await spinning


def test_a_left_over_file_that_names_some_living_process_is_no_server(folder: Path) -> None:
    user = ground.server_user()
    first = start(folder)
    first.kill()
    note = folder / "cluster/postmaster.pid"
    command = ["sleep", "60"]
    with subprocess.Popen(command, cwd=folder / "cluster", **user.switch()) as bystander:
        note.write_text(note.read_text().replace(str(first.pid), str(bystander.pid), 1))
        with start(folder) as second:
            assert not second.attached
            assert fetch_one(second.url, "SELECT 1") == 1
        assert bystander.poll() is None
        bystander.kill()


def start_and_be_killed(folder: Path) -> int:
    """Another process starts the server and gets SIGKILL; the server's process id."""
    script = (
        "import time; from pathlib import Path; from kameng.ops import embedded\n"
        f"server = embedded.start(Path({str(folder)!r}), major={MAJOR}, extra_settings={SMALL!r})\n"
        "print(server.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as kameng:
        assert kameng.stdout is not None
        pid = int(kameng.stdout.readline())
        assert is_alive(pid)
        kameng.kill()
    return pid


def test_it_ends_with_a_kameng_that_was_killed(folder: Path) -> None:
    pid = start_and_be_killed(folder)
    deadline_s = time.monotonic() + 20
    while is_alive(pid) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert not is_alive(pid)
    assert "database system is shut down" in (folder / "log/server.log").read_text()


def test_nobody_attaches_to_one_that_is_about_to_end(folder: Path) -> None:
    pid = start_and_be_killed(folder)
    with start(folder) as second:
        assert not second.attached
        assert second.pid != pid
        assert fetch_one(second.url, "SELECT 1") == 1


def test_a_first_start_that_was_cut_short_is_done_again(folder: Path) -> None:
    (folder / "cluster.new").mkdir()
    (folder / "cluster.new/PG_VERSION").write_text("half")
    if os.geteuid() == 0:
        user = ground.server_user()
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.uid, user.gid)
    with start(folder) as server:
        assert fetch_one(server.url, "SELECT 1") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["cluster", "log", "socket"]


def test_data_of_another_major_is_refused_and_left_as_it_is(folder: Path) -> None:
    embedded.start(folder, major=OTHER_MAJOR, extra_settings=SMALL).stop()
    before = sorted(path.name for path in folder.rglob("*"))
    said = rf"holds PostgreSQL {OTHER_MAJOR}, and this is {MAJOR}[\s\S]*请用 {OTHER_MAJOR} 启动"
    with pytest.raises(Fault, match=said):
        start(folder)
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_a_folder_that_may_not_be_made_is_refused() -> None:
    if os.geteuid() == 0:
        pytest.skip("root may make folders anywhere")
    with pytest.raises(Fault, match=r"does not belong to[\s\S]*KAMENG_DATA_DIR[\s\S]*不属于用户"):
        start(Path("/kameng-test"))
    assert not Path("/kameng-test").exists()


@only_root
def test_another_users_folder_is_refused_and_left_as_it_is(folder: Path) -> None:
    os.chown(folder, NOBODY, NOBODY)
    with pytest.raises(Fault, match=r"does not belong to kameng: run Kameng as the user who made it"):
        start(folder)
    assert list(folder.iterdir()) == []
    assert folder.stat().st_uid == NOBODY


@only_root
def test_a_folder_of_roots_with_something_in_it_is_not_taken(folder: Path) -> None:
    (folder / "precious").write_text("root's")
    with pytest.raises(Fault, match="does not belong to kameng"):
        start(folder)
    assert folder.stat().st_uid == 0
    assert [path.name for path in folder.iterdir()] == ["precious"]


@only_root
def test_a_closed_parent_is_named_and_stays_closed(folder: Path) -> None:
    said = rf"can't reach {folder}/data, for {folder} is closed to it[\s\S]*不对它开放"
    with pytest.raises(Fault, match=said):
        start(folder / "data")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.stat().st_uid == 0


def test_a_long_path_gets_a_socket_elsewhere_that_goes_with_the_server(folder: Path) -> None:
    if os.geteuid() == 0:
        folder.chmod(0o711)
    with start(folder / ("long" * 25)) as server:
        assert server.socket_dir.parent == Path("/tmp")
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
        assert fetch_one(server.url, "SELECT 1") == 1
        with start(server.data_dir) as second:
            assert second.url == server.url
    assert not server.socket_dir.exists()


async def test_no_secret_reaches_the_log(folder: Path) -> None:
    with start(folder, log_min_duration_statement="0") as server:
        connection = await asyncpg.connect(server.url)
        await connection.execute("CREATE TABLE card (secret text PRIMARY KEY CHECK (secret <> 'x'))")
        await connection.execute("INSERT INTO card VALUES ($1)", SECRET)
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO card VALUES ($1)", SECRET)
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("UPDATE card SET secret = 'x' WHERE secret = $1", SECRET)
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await connection.execute(f"SELEKT '{SECRET}'")
        await connection.close()
    log = (folder / "log/server.log").read_text()
    assert "INSERT INTO card VALUES ($1)" in log  # slow statements are there, without what they were given
    assert "duplicate key value violates unique constraint" in log
    assert SECRET not in log


def test_extra_settings_win_and_are_quoted(folder: Path) -> None:
    with start(folder, application_name="it's", max_connections="23") as server:
        assert fetch_one(server.url, "SHOW max_connections") == "23"
        assert fetch_one(server.url, "SHOW application_name") == "it's"


def test_a_setting_that_can_not_be_is_reported_with_the_servers_words(folder: Path) -> None:
    with pytest.raises(Fault, match=r"did not start 数据库未能启动[\s\S]*max_connections"):
        start(folder, max_connections="many")


def test_a_port_opens_the_loopback_to_those_with_a_password(folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with embedded.start(folder, major=MAJOR, port=port, extra_settings=SMALL) as server:
        url = f"postgresql://kameng:guess@127.0.0.1:{port}/kameng"
        with pytest.raises(asyncpg.InvalidPasswordError):
            fetch_one(url, "SELECT 1")
        fetch_one(server.url, "ALTER ROLE kameng PASSWORD 'guess'")
        assert fetch_one(url, "SELECT 1") == 1


def test_only_the_main_thread_starts_it(folder: Path) -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(AssertionError, match="would end with this thread"):
        pool.submit(start, folder).result()
    assert list(folder.iterdir()) == []


def test_a_failed_program_says_what_it_said() -> None:
    with pytest.raises(Fault, match=r"sh failed \(3\) 运行失败：\nout of luck"):
        ground.as_server(ground.server_user(), "sh", "-c", "echo out of luck >&2; exit 3")
