"""Backups: made while orders run, restored to a moment elsewhere, pruned; and everything that is refused."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import asyncpg
import msgspec
import pytest
from command import Service, data_folder, fetch, kameng

from kameng.kit import crypto, migrations, settings
from kameng.kit.errors import Fault
from kameng.ops import archiving, backup, doctor, embedded, ground, restoring
from kameng.ops.backup import Note
from kameng.ops.doctor import Archived
from kameng.ops.embedded import Embedded
from kameng.ops.laws import LAWS
from laws.world import MONEY_E4, Merchant, World, new_world

SMALL = {"shared_buffers": "128MB"}
ON = {"KAMENG_WAL_ARCHIVE": "on"}
OWN_SERVER = {"KAMENG_DATABASE_URL": "postgresql://kameng@127.0.0.1:1/kameng"}


class Shop:
    """A platform whose database keeps its WAL, and what happened on it."""

    def __init__(self, data: Path, server: Embedded) -> None:
        self.data, self.server = data, server
        self.refs: dict[str, list[str]] = {}
        self.moments: dict[str, datetime] = {}

    @property
    def home(self) -> Path:
        return self.data / "backups"

    def all_refs(self) -> list[str]:
        return sorted(ref for refs in self.refs.values() for ref in refs)

    def notes(self) -> list[Note]:
        return backup.known(self.home)

    def chosen(self, folder: Path | None = None) -> settings.Settings:
        return settings.load({"KAMENG_DATA_DIR": str(folder or self.data), **ON})


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """Three orders, a backup, two orders, a moment, two orders, all in the archive."""
    with data_folder() as data, archiving_server(data) as server:
        made = Shop(data, server)
        asyncio.run(trade(made))
        yield made


def archiving_server(data: Path, **more: str) -> Embedded:
    chosen = settings.load({"KAMENG_DATA_DIR": str(data), **ON})
    return embedded.start(data / "pg18", extra_settings=SMALL | archiving.server_settings(chosen) | more)


@asynccontextmanager
async def opened(shop: Shop, *, card_count: int) -> AsyncIterator[tuple[World, Merchant]]:
    """A world under the ring of the shop's folder, with one merchant; in the end all it wrote is in the archive."""
    await migrations.migrate(shop.server.url)
    async with new_world(shop.server.url) as world:
        world.ring = crypto.KeyRing(crypto.KeyFile(shop.data / "keyring.json").create())
        merchant = await world.merchant()
        await world.load(world.card, card_count)
        yield world, merchant
        await world.assert_clean()
        await archived(world)


async def trade(shop: Shop) -> None:
    async with opened(shop, card_count=20) as (world, merchant), world.gateway() as gateway:
        for part, order_count in (("before", 3), ("between", 2), ("after", 2)):
            shop.refs[part] = [f"{part}-{n}" for n in range(order_count)]
            for ref in shop.refs[part]:
                answer = await gateway.place(merchant.caller, ref, world.card)
                assert not hasattr(answer, "reason"), answer
            shop.moments[part] = await world.scalar("SELECT clock_timestamp()")
            if part == "before":
                done = await asyncio.to_thread(kameng, shop.data, "backup", "make", **ON)
                assert done.returncode == 0, done.stderr
                assert "已备份并校验 Backed up and checked" in done.stdout
                assert "It can be restored to any second after." in done.stdout
                assert f"The key ring is NOT in the backup; keep it apart: {shop.data}/keyring.json" in done.stdout


async def archived(world: World) -> None:
    """All that was written so far lies in the archive."""
    name = await world.scalar("SELECT pg_walfile_name(pg_switch_wal())")
    for _ in range(600):
        if await world.scalar("SELECT last_archived_wal >= $1 FROM pg_stat_archiver", name):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(await world.rows("SELECT * FROM pg_stat_archiver"))


@pytest.fixture
def fresh() -> Iterator[Path]:
    """The name of a data folder that is not there yet, in one that the server's user reaches."""
    with data_folder() as parent:
        yield parent / "copy"


def refs_of(folder: Path) -> list[str]:
    with embedded.start(folder / "pg18", extra_settings=SMALL) as server:
        return [str(row[0]) for row in fetch(server, "SELECT client_ref FROM orders ORDER BY client_ref")]


def restore(shop: Shop, fresh: Path, *more: str) -> tuple[int, str, str]:
    name = max(note.place for note in shop.notes() if note.is_there)
    ring = ("--keyring", str(shop.data / "keyring.json"))
    done = kameng(fresh.parent, "restore", name, "--data", str(fresh), *ring, *more)
    return done.returncode, done.stdout, done.stderr


def test_a_restore_to_a_moment_has_exactly_the_orders_before_it(shop: Shop, fresh: Path) -> None:
    status, said, wrong = restore(shop, fresh, "--at", shop.moments["between"].isoformat())
    assert (status, wrong) == (0, "")
    assert f"已恢复 Restored: {fresh}，" in said
    assert "The key ring fits: 20 sample cards opened" in said
    assert "laws hold. 全部" in said
    assert refs_of(fresh) == sorted(shop.refs["before"] + shop.refs["between"])
    assert len(fetch(shop.server, "SELECT FROM orders")) == 7  # the platform itself goes on as it was
    again = restore(shop, fresh)
    assert again[0] == 2
    assert "is there already, and a restore never writes over anything" in again[2]
    assert "恢复绝不覆盖任何数据" in again[2]


def test_without_a_moment_all_there_is_comes_back(shop: Shop, fresh: Path) -> None:
    assert restore(shop, fresh)[::2] == (0, "")
    assert refs_of(fresh) == shop.all_refs()


async def trade_on(shop: Shop) -> list[str]:
    """Four that buy without a pause, a backup, and a moment; which references stood at it.

    Of one merchant: the commits of a lane follow each other, so their times say which were before.
    """
    async with opened(shop, card_count=6000) as (world, merchant), world.gateway() as gateway:
        told: list[str] = []
        enough = asyncio.Event()

        async def buy(number: int) -> None:
            for ref in (f"{number}-{n}" for n in count()):
                answer = await gateway.place(merchant.caller, ref, world.card)
                assert not hasattr(answer, "reason"), answer
                told.append(ref)
                if enough.is_set():
                    return
                await asyncio.sleep(0.02)

        async def some_more() -> int:
            wanted = len(told) + 40
            while len(told) < wanted:  # noqa: ASYNC110 - each of the four tells on its own
                await asyncio.sleep(0.01)
            return len(told)

        async with asyncio.TaskGroup() as buyers:
            for number in range(4):
                buyers.create_task(buy(number))
            before = await some_more()
            done = await asyncio.to_thread(kameng, shop.data, "backup", "make", **ON)
            assert done.returncode == 0, done.stderr
            assert len(told) > before
            acknowledged = told[: await some_more()]
            shop.moments["midst"] = await world.scalar("SELECT clock_timestamp()")
            await some_more()
            enough.set()
        query = "SELECT client_ref FROM orders WHERE pg_xact_commit_timestamp(xmin) <= $1"
        stood = [str(row[0]) for row in await world.rows(query, shop.moments["midst"])]
        assert set(acknowledged) <= set(stood) < set(told)
    return stood


def test_a_copy_of_the_midst_of_a_load_is_whole_and_serves(fresh: Path) -> None:
    """Nobody stopped for the backup, nor at the moment: the copy has each order of before, and nothing of any other."""
    with data_folder() as data, archiving_server(data, track_commit_timestamp="on") as server:
        shop = Shop(data, server)
        stood = asyncio.run(trade_on(shop))
        status, said, wrong = restore(shop, fresh, "--at", shop.moments["midst"].isoformat())
        assert (status, wrong) == (0, "")
        assert "laws hold. 全部" in said
        shutil.copy(data / "keyring.json", fresh / "keyring.json")
    with Service(fresh, "serve", "--plain-http", "--port", "0") as copy:
        copy.await_said("Kameng is running")
        audited = kameng(fresh, "audit")
        assert audited.returncode == 0, audited.stdout
        for law in ("orders_have_their_cards", "orders_have_one_sale", "cards_have_their_order"):
            (line,) = [line for line in audited.stdout.splitlines() if LAWS[law][0] in line]
            assert line.split()[:2] == ["ok", f"{len(stood):,}"], line
        with embedded.start(fresh / "pg18") as server:
            assert server.attached
            refs = [str(row[0]) for row in fetch(server, "SELECT client_ref FROM orders")]
            assert sorted(refs) == sorted(stood)
            assert fetch(server, "SELECT state, count(*) FROM card GROUP BY state ORDER BY state") == [
                ("on_shelf", 6000 - len(stood)), ("sold", len(stood)),
            ]  # fmt: skip
            paid = "SELECT posted_e4 FROM account WHERE account_id IN (SELECT org_id FROM orders)"
            assert fetch(server, paid) == [(MONEY_E4 - 985_000 * len(stood),)]
        assert copy.stop() == 0


def test_moments_that_no_archive_reaches_are_refused_and_leave_nothing(shop: Shop, fresh: Path) -> None:
    early = shop.notes()[-1].began_at - timedelta(seconds=1)
    for at, said in (
        (early, "and --at is before: choose an older one"),
        (datetime.now(UTC) + timedelta(days=1), "--at is in the future"),
        (datetime.now(UTC) - timedelta(milliseconds=1), "The WAL archive does not reach to --at"),
    ):
        status, _, wrong = restore(shop, fresh, "--at", at.isoformat())
        assert (status, said in wrong) == (2, True), wrong
        assert not fresh.exists()


def test_a_ring_that_does_not_fit_is_told_and_the_copy_stays(shop: Shop, fresh: Path) -> None:
    other = fresh.parent / "other.json"
    crypto.KeyFile(other).create()
    status, said, wrong = restore(shop, fresh, "--keyring", str(other))
    assert status == 2
    assert f"the key ring {other} does not open its cards" in wrong
    assert "无法解密其中的卡密" in wrong
    assert "laws hold" not in said
    assert (fresh / "pg18/cluster/PG_VERSION").exists()


def test_without_a_key_ring_or_a_folder_nothing_begins(shop: Shop, fresh: Path) -> None:
    name = str(shop.notes()[0].place)
    done = kameng(fresh.parent, "restore", name, "--data", str(fresh))
    assert (done.returncode, "name its file with --keyring" in done.stderr) == (2, True)
    done = kameng(fresh.parent, "restore", name)
    assert (done.returncode, "请用 --data 指定" in done.stderr) == (2, True)
    assert not fresh.exists()


@pytest.fixture
def copied(shop: Shop) -> Iterator[Path]:
    """A backup that was carried elsewhere."""
    with data_folder() as parent:
        target = parent / "carried"
        shutil.copytree(shop.notes()[-1].place, target, symlinks=True)
        yield target


@pytest.mark.parametrize("how", ["changed", "missing", "manifest", "wal", "unfinished"])
def test_a_broken_backup_is_refused(shop: Shop, fresh: Path, copied: Path, how: str) -> None:
    cluster = copied / "cluster"
    if how == "changed":
        with (cluster / "global/pg_control").open("r+b") as file:
            file.write(b"\0")
    elif how == "missing":
        (cluster / "global/pg_filenode.map").unlink()
    elif how == "manifest":
        manifest = cluster / "backup_manifest"
        manifest.write_text(manifest.read_text().replace('"Path": "PG_VERSION"', '"Path": "PG_VERSIOM"'))
    elif how == "wal":
        for segment in (cluster / "pg_wal").glob("0*"):
            segment.unlink()
    else:
        (copied / "backup.json").unlink()
    said = "is no complete backup" if how == "unfinished" else "is broken or incomplete"
    with pytest.raises(Fault, match=rf"{said}[\s\S]*备份"):
        restoring.restore(shop.chosen(fresh), copied, at=None)
    assert not fresh.exists()


def test_what_is_kept_is_closed_and_belongs_to_the_servers_user(shop: Shop) -> None:
    owner_uid = ground.server_user().uid
    (note,) = shop.notes()[-1:]
    for folder in (shop.home, shop.home / "wal", Path(note.place), Path(note.place, "cluster")):
        found = folder.stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (owner_uid, 0o700), folder
    for file in (shop.home / "wal").glob("0*"):
        assert (file.stat().st_uid, stat.S_IMODE(file.stat().st_mode)) == (owner_uid, 0o600), file
    assert not list(shop.home.rglob("keyring*"))


def test_a_file_of_the_archive_is_never_written_over() -> None:
    user = ground.server_user()
    with data_folder() as parent:
        to = parent / "it's 100%"
        to.mkdir()
        os.chown(to, user.uid, user.gid)
        source = parent / "segment"
        source.write_bytes(b"wal" * 50_000 + bytes(1 << 20))
        source.chmod(0o644)
        command = archiving.keep_command(to).replace("%p", str(source)).replace("%f", "0A").replace("%%", "%")
        ground.as_server(user, "sh", "-c", command)
        assert (to / "0A").read_bytes() == source.read_bytes()
        assert (to / "0A").stat().st_blocks * 512 < 300_000  # zeros take no room
        ground.as_server(user, "sh", "-c", command)  # the same again is well
        source.write_bytes(b"another")
        with pytest.raises(Fault):
            ground.as_server(user, "sh", "-c", command)
        assert (to / "0A").read_bytes() == b"wal" * 50_000 + bytes(1 << 20)
        assert [path.name for path in to.iterdir()] == ["0A"]


def test_prune_keeps_the_newest_and_the_wal_they_need(shop: Shop, fresh: Path) -> None:
    elsewhere = fresh.parent / "disk"
    done = kameng(shop.data, "backup", "make", "--to", str(elsewhere), **ON)
    assert done.returncode == 0, done.stderr
    newest, oldest = shop.notes()
    assert Path(newest.place).parent == elsewhere
    listed = kameng(shop.data, "backup", "list", **ON).stdout.splitlines()
    assert [line.split()[0] for line in listed[:-1]] == [newest.name, oldest.name]
    wal = shop.home / "wal"
    before = sorted(path.name for path in wal.iterdir())
    assert oldest.wal_first in before

    none_went = "保留 kept: 2，删除 removed: 0"
    for keep, said in (("0", "at least 1"), ("2", none_went), ("9", none_went)):
        done = kameng(shop.data, "backup", "prune", "--keep", keep, **ON)
        assert said in done.stdout + done.stderr
    needed = {name for name in before if name >= oldest.wal_first and not name.endswith(".backup")}
    assert {path.name for path in wal.iterdir()} >= needed

    done = kameng(shop.data, "backup", "prune", "--keep", "1", **ON)
    assert done.stdout == f"已删除 removed: {oldest.name}\n保留 kept: 1，删除 removed: 1\n", done.stderr
    assert shop.notes() == [newest]
    assert not Path(oldest.place).exists()
    left = {path.name for path in wal.iterdir()}
    assert left >= {name for name in needed if name >= newest.wal_first}
    assert {name for name in left if name < newest.wal_first} == set()
    assert restore(shop, fresh)[::2] == (0, "")
    assert refs_of(fresh) == shop.all_refs()


def test_an_own_server_is_told_what_to_use(shop: Shop, fresh: Path) -> None:
    for command in (["make"], ["list"], ["prune", "--keep", "1"]):
        done = kameng(shop.data, "backup", *command, **OWN_SERVER)
        assert done.returncode == 2
        assert "pg_basebackup with archive_command, or pgBackRest" in done.stderr
        assert "卡盟不备份也不恢复它" in done.stderr
    done = kameng(fresh.parent, "restore", "x", "--data", str(fresh), **OWN_SERVER)
    assert (done.returncode, "pgBackRest" in done.stderr) == (2, True)


async def test_the_doctor_looks_at_the_archive(shop: Shop, postgres: Embedded) -> None:
    async def found(url: str, *, wants: bool) -> list[doctor.Finding]:
        connection = await asyncpg.connect(url)
        try:
            return [x for x in await doctor.check(connection, wants_archive=wants) if x.name == "wal_archive"]
        finally:
            await connection.close()

    (ours,) = await found(shop.server.url, wants=True)
    assert (ours.ok, "The WAL archive is on; last kept: " in ours.what) == (True, True)
    assert await found(postgres.url, wants=False) == []
    (off,) = await found(postgres.url, wants=True)
    assert (off.ok, off.is_fatal) == (False, False)
    assert "stop and start Kameng" in off.remedy


@pytest.mark.parametrize(
    ("archived", "ok"),
    [
        (Archived(True, 0, 5, 0, False), True), (Archived(True, 0, 90_000, 3, False), True),
        (Archived(True, 2, 601, 0, False), True), (Archived(True, 3, 600, 0, False), True),
        (Archived(True, 3, 601, 0, False), False), (Archived(True, 0, 5, 1, True), False),
        (Archived(False, 0, None, 0, False), False), (Archived(True, 0, None, 0, False), True),
    ],
)  # fmt: skip
def test_what_the_doctor_makes_of_an_archive(archived: Archived, ok: bool) -> None:
    assert doctor.wal_archive(archived).ok is ok


def test_without_an_archive_a_backup_comes_back_to_its_end_only(fresh: Path) -> None:
    with data_folder() as data:
        assert kameng(data, "init").returncode == 0
        done = kameng(data, "backup", "make")
        assert done.returncode == 0, done.stderr
        assert "It can be restored to that moment only; KAMENG_WAL_ARCHIVE=on" in done.stdout
        (note,) = backup.known(data / "backups")
        assert note == msgspec.json.decode((Path(note.place) / "backup.json").read_bytes(), type=Note)
        ring = ("--keyring", str(data / "keyring.json"))
        at = note.ended_at + timedelta(milliseconds=1)
        done = kameng(data, "restore", note.place, "--data", str(fresh), *ring, "--at", at.isoformat())
        assert done.returncode == 2
        done = kameng(data, "restore", note.place, "--data", str(fresh), *ring)
        assert (done.returncode, done.stderr) == (0, "")
        assert "0 sample cards opened" in done.stdout
