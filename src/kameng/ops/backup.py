"""Backups of the embedded server: made while orders run, listed, and pruned.

    backup_dir/
      20261122T231005123Z.json     what is known of a backup, wherever it lies
      20261122T231005123Z/         cluster/ as pg_basebackup took it, and backup.json, the same note again
      wal/                         see ``archiving``

A backup has its name when it is whole, checked and on the disk; until then ``.….new``. With its own WAL it can be
restored to its end; with the archive to any second after. The key ring is never in it. Checked is it here, against
its manifest: the wheel's ``pg_verifybackup`` can't run.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvloop

from kameng.kit.errors import Fault
from kameng.kit.settings import Settings
from kameng.ops import archiving, ground, opening
from kameng.ops.ground import ServerUser, as_server

MAJOR = 18
ROOM_SPARE_BYTES = 1 << 30
NOTE = "backup.json"
_READ_BYTES = 1 << 20


class Note(msgspec.Struct, frozen=True):
    """What is known of a backup."""

    name: str
    place: str
    """The folder it was made in; it may have been carried elsewhere since."""
    began_at: datetime
    ended_at: datetime
    major: int
    size_bytes: int
    wal_first: str
    """The first file of the archive that it needs."""
    wal_folder: str
    has_archive: bool
    """Whether the server kept its WAL, so that a restore can go beyond the end."""

    @property
    def is_there(self) -> bool:
        return Path(self.place, NOTE).exists()


def refuse_own_server(chosen: Settings) -> None:
    """Kameng knows nothing of the disks of another server."""
    if chosen.database_url:
        raise Fault(
            "The database is your own server (KAMENG_DATABASE_URL), which Kameng neither backs up nor restores: use"
            " pg_basebackup with archive_command, or pgBackRest, on that server.\n"
            "数据库是您自己的服务器（KAMENG_DATABASE_URL），卡盟不备份也不恢复它："
            "请在该服务器上使用 pg_basebackup 加 archive_command，或 pgBackRest。"
        )


def make(chosen: Settings, *, to: Path | None = None) -> Note:
    """A checked backup of the running database, here or in a folder on another disk."""
    refuse_own_server(chosen)
    opening.key_ring(chosen)  # a folder that was never set up has nothing to keep
    user = ground.server_user()
    home = archiving.home(chosen)
    target = home if to is None else ground.own_folder(to, user, by="--to")
    with opening.database(chosen) as place, _alone(home, target):
        for folder in (home, target):
            _sweep(folder, user)
        has_archive = uvloop.run(_keeps_wal(place.url))
        _refuse_full_disk(chosen.data_dir / f"pg{MAJOR}" / "cluster", target, user)
        began_at = datetime.now(UTC)
        name = f"{began_at:%Y%m%dT%H%M%S}{began_at.microsecond // 1000:03}Z"
        fresh = target / f".{name}.new"
        as_server(
            user, ground.server_programs(MAJOR, user) / "pg_basebackup", "--dbname", place.url, "--no-password",
            "--pgdata", fresh / "cluster", "--wal-method=stream", "--checkpoint=fast", "--label", name,
            "--manifest-checksums=SHA256",
        )  # fmt: skip
        ended_at = datetime.now(UTC)
        check(fresh, user)
        note = Note(
            name, str(target / name), began_at, ended_at, MAJOR, _size_bytes(fresh, user), _wal_first(fresh, user),
            str(archiving.wal_folder(home)), has_archive,
        )  # fmt: skip
        _write(fresh / NOTE, note, user)
        as_server(user, "mv", "-T", fresh, target / name)
        as_server(user, "sync", target)
        _write(home / f"{name}.json", note, user)
    return note


def known(home: Path) -> list[Note]:
    """The backups that were made from here, the newest first."""
    names = sorted((path for path in home.glob("2*Z.json")), reverse=True)
    return [msgspec.json.decode(path.read_bytes(), type=Note) for path in names]


def archive_size(home: Path) -> tuple[int, int]:
    """How many files the archive has, and the room they take."""
    found = [path.stat() for path in archiving.wal_folder(home).glob("[0-9A-F]*")]
    return len(found), sum(one.st_blocks * 512 for one in found)


def prune(chosen: Settings, *, keep: int) -> tuple[list[Note], list[Note]]:
    """Keep the newest that are there, and all WAL since the oldest of them; returns what stays and what went."""
    assert keep >= 1, "without a backup the archive is worth nothing"
    refuse_own_server(chosen)
    opening.key_ring(chosen)
    user, home = ground.server_user(), archiving.home(chosen)
    with _alone(home):
        _sweep(home, user)
        notes = known(home)
        there = [note for note in notes if note.is_there]
        if len(there) < keep:
            return notes, []
        # One that is out of reach and newer than the oldest kept stays known, for its WAL stays too.
        oldest = there[keep - 1]
        kept = [note for note in notes if note.name >= oldest.name]
        gone = [note for note in notes if note.name < oldest.name]
        for note in gone:
            _remove(note, home, user)
        first = min(note.wal_first[8:] for note in kept)  # a restored line's files count on where it branched off
        program = ground.server_programs(MAJOR, user) / "pg_archivecleanup"
        as_server(user, program, "-b", archiving.wal_folder(home), oldest.wal_first[:8] + first)
    return kept, gone


def check(folder: Path, user: ServerUser) -> None:
    """Every file of a backup against its manifest, and that its WAL can be read to its end; else ``Fault``."""
    try:
        ranges = _check_files(folder / "cluster")
        program = ground.server_programs(MAJOR, user) / "pg_waldump"
        for part in ranges:
            as_server(
                user, program, "--quiet", "--path", folder / "cluster" / "pg_wal", "--timeline", str(part["Timeline"]),
                "--start", part["Start-LSN"], "--end", part["End-LSN"],
            )  # fmt: skip
    except (Fault, OSError, ValueError, KeyError, msgspec.DecodeError) as error:
        raise Fault(
            f"The backup {folder} is broken or incomplete: take another one, and look after that disk.\n"
            f"备份 {folder} 已损坏或不完整：请使用另一份备份，并检查该磁盘。\n{error}"
        ) from None


def read_note(folder: Path) -> Note:
    """Of the backup in a folder; ``Fault`` if it is none, or was never finished."""
    try:
        return msgspec.json.decode((folder / NOTE).read_bytes(), type=Note)
    except (OSError, msgspec.DecodeError):
        raise Fault(
            f"{folder} is no complete backup: it has no {NOTE}. `kameng backup list` shows those there are.\n"
            f"{folder} 不是完整的备份：缺少 {NOTE}。可用 `kameng backup list` 查看已有备份。"
        ) from None


def refuse_small_disk(needed_bytes: int, folder: Path) -> None:
    """A disk that fills up in the middle may be the one that orders are written to."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes + ROOM_SPARE_BYTES:
        needed_gb, free_gb = (size / (1 << 30) for size in (needed_bytes + ROOM_SPARE_BYTES, free_bytes))
        raise Fault(
            f"{folder} has {free_gb:.1f} GB free, and {needed_gb:.1f} GB are needed: make room, or name another disk.\n"
            f"{folder} 剩余 {free_gb:.1f} GB，需要 {needed_gb:.1f} GB：请清理空间或指定另一块磁盘。"
        )


def _check_files(cluster: Path) -> list[dict[str, Any]]:
    """The manifest's own sum, then each file's size and sum; returns which WAL the backup needs."""
    raw = (cluster / "backup_manifest").read_bytes()
    manifest = msgspec.json.decode(raw)
    if hashlib.sha256(raw[: raw.rindex(b'"Manifest-Checksum"')]).hexdigest() != manifest["Manifest-Checksum"]:
        raise ValueError("backup_manifest: its own checksum is wrong")
    for entry in manifest["Files"]:
        name = entry["Path"] if "Path" in entry else os.fsdecode(bytes.fromhex(entry["Encoded-Path"]))
        if _sum(cluster / name) != (entry["Size"], entry["Checksum"]):
            raise ValueError(f"{name}: not what the manifest says")
    ranges: list[dict[str, Any]] = manifest["WAL-Ranges"]
    return ranges


def _sum(path: Path) -> tuple[int, str]:
    """A file's size and SHA-256; never through a link, for root reads what another user could have placed."""
    digest, size = hashlib.sha256(), 0
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        while part := file.read(_READ_BYTES):
            digest.update(part)
            size += len(part)
    return size, digest.hexdigest()


@contextmanager
def _alone(*folders: Path) -> Iterator[None]:
    """One backup or pruning at a time in each."""
    first, *others = dict.fromkeys(folders)
    with ground.alone(first):
        if not others:
            yield
            return
        with _alone(*others):
            yield


def _sweep(folder: Path, user: ServerUser) -> None:
    """What was cut short."""
    names = ["(", "-name", ".2*Z.new", "-o", "-name", ".2*Z.gone", ")"]
    as_server(user, "find", folder, "-maxdepth", "1", *names, "-exec", "rm", "-rf", "{}", "+")


def _remove(note: Note, home: Path, user: ServerUser) -> None:
    """It loses its name first, so that half a backup never has one."""
    place = Path(note.place)
    if note.is_there:
        gone = place.with_name(f".{note.name}.gone")
        as_server(user, "mv", "-T", place, gone)
        as_server(user, "rm", "-rf", gone)
    as_server(user, "rm", "-f", home / f"{note.name}.json")


async def _keeps_wal(url: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        return bool(await connection.fetchval("SELECT current_setting('archive_mode') <> 'off'"))
    finally:
        await connection.close()


def _refuse_full_disk(cluster: Path, target: Path, user: ServerUser) -> None:
    refuse_small_disk(_size_bytes(cluster, user), target)


def _size_bytes(folder: Path, user: ServerUser) -> int:
    # Files of a running server come and go: what du says of those that went is no failure.
    said = as_server(user, "du", "-sk", folder, check=False).split()
    with suppress(IndexError):
        return int(said[0]) << 10
    return 0


def _wal_first(fresh: Path, user: ServerUser) -> str:
    label = as_server(user, "cat", fresh / "cluster" / "backup_label")
    found = re.search(r"^START WAL LOCATION: .* \(file ([0-9A-F]{24})\)$", label, re.MULTILINE)
    assert found, "PostgreSQL writes it so"
    return found[1]


def _write(path: Path, note: Note, user: ServerUser) -> None:
    script = 'cat > "$1.new" && sync "$1.new" && mv -T "$1.new" "$1" && sync "${1%/*}"'
    text = msgspec.json.format(msgspec.json.encode(note)).decode() + "\n"
    as_server(user, "sh", "-c", script, "sh", path, text=text)
