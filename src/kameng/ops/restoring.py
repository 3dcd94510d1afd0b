"""Restoring a backup: into a new data folder, to a second or to the end, never over anything.

What was copied has no other use until recovery ended; when it fails, all that was made here goes again. The copy
archives nothing while it is restored: its WAL is of a line of its own and belongs into an archive of its own.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from kameng.kit.errors import Fault
from kameng.kit.settings import Settings
from kameng.ops import archiving, backup, embedded, ground
from kameng.ops.backup import Note
from kameng.ops.embedded import Embedded
from kameng.ops.ground import ServerUser, as_server

RECOVERY_TIMEOUT_S = 24 * 3600.0
"""Days of WAL on a slow disk."""

_LATER = "recovery ended before configured recovery target was reached"
_EARLIER = "requested recovery stop point is before consistent recovery point"


def restore(chosen: Settings, source: Path, *, at: datetime | None, wal: Path | None = None) -> Embedded:
    """Everything that was committed up to ``at`` (to the end, without); returns the server of the copy, running."""
    backup.refuse_own_server(chosen)
    _refuse_existing(chosen.data_dir)
    note = backup.read_note(source)
    wal = _archive_of(note, source, wal)
    _refuse_moment(note, at, has_archive=wal.is_dir())
    user = ground.server_user()
    backup.check(source, user)
    folder = chosen.data_dir / f"pg{note.major}"
    try:
        folder = ground.own_folder(folder, user, by="--data")
        backup.refuse_small_disk(note.size_bytes, folder)
        _copy(source, folder, user)
        return embedded.start(
            folder, major=note.major, extra_settings=_recovery(wal, at), start_timeout_s=RECOVERY_TIMEOUT_S
        )
    except BaseException as error:
        _remove(chosen.data_dir, folder, user)
        if isinstance(error, Fault):
            raise _explained(error, note) from None
        raise


def _refuse_existing(data_dir: Path) -> None:
    if data_dir.exists() or data_dir.is_symlink():
        raise Fault(
            f"{data_dir} is there already, and a restore never writes over anything: name a new folder with --data.\n"
            f"{data_dir} 已存在，恢复绝不覆盖任何数据：请用 --data 指定一个新目录。"
        )


def _archive_of(note: Note, source: Path, wal: Path | None) -> Path:
    """The one that was named, the one beside the backup, or the one that it was made with."""
    beside = archiving.wal_folder(source.parent)
    return wal or (beside if beside.is_dir() else Path(note.wal_folder))


def _refuse_moment(note: Note, at: datetime | None, *, has_archive: bool) -> None:
    if at is None:
        return
    if at < note.began_at:
        raise _too_early(note)
    if at > datetime.now(UTC):
        raise Fault("--at is in the future: name a moment that was.\n--at 是未来的时间：请指定已经过去的时刻。")
    if not has_archive:
        raise Fault(
            "There is no WAL archive, so this backup can be restored to its own end only: leave out --at, or name the"
            " archive with --wal.\n"
            "没有 WAL 归档，这份备份只能恢复到它自己的结束时刻：请去掉 --at，或用 --wal 指定归档目录。"
        )


def _too_early(note: Note) -> Fault:
    ended = note.ended_at.isoformat(timespec="seconds")
    return Fault(
        f"This backup ended at {ended}, and --at is before: choose an older one.\n"
        f"这份备份结束于 {ended}，晚于 --at：请选择更早的备份。"
    )


def _copy(source: Path, folder: Path, user: ServerUser) -> None:
    """On the disk before it has its name; not before that does a server start here."""
    fresh = folder / "cluster.new"
    as_server(user, "cp", "-a", "--reflink=auto", source / "cluster", fresh)
    as_server(user, "touch", fresh / "recovery.signal")
    as_server(user, "sync", "-f", fresh)
    as_server(user, "mv", "-T", fresh, folder / "cluster")


def _recovery(wal: Path, at: datetime | None) -> dict[str, str]:
    values = {
        "restore_command": archiving.fetch_command(wal),
        "recovery_target_timeline": "latest",
        "recovery_target_action": "promote",
        "hot_standby": "off",  # ready is it when all is done
        "archive_mode": "off",
    }
    if at is not None:
        values["recovery_target_time"] = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00"
    return values


def _explained(error: Fault, note: Note) -> Fault:
    """What PostgreSQL said, in words that help."""
    if _EARLIER in str(error):
        return _too_early(note)
    if _LATER in str(error):
        return Fault(
            "The WAL archive does not reach to --at: if the platform still runs, try again in a minute; if not, name an"
            " earlier moment, or leave out --at for all there is.\n"
            "WAL 归档尚未到达 --at：若平台仍在运行，请一分钟后重试；否则请指定更早的时刻，或去掉 --at 恢复全部。"
        )
    return error


def _remove(data_dir: Path, folder: Path, user: ServerUser) -> None:
    """Nothing of it was there before."""
    if folder.exists():
        as_server(user, "find", folder, "-mindepth", "1", "-delete", check=False)
    for made in (folder, data_dir):
        with suppress(OSError):
            made.rmdir()
