"""The WAL archive: what the embedded server keeps of all it wrote, so that it can be restored to any second.

    backup_dir/            0700, owned by the server's user (see ``ground``)
      wal/                 one file for each 16 MB of WAL, begun anew at least every ``TIMEOUT_S``

A file gets its name when it is whole and on the disk, and no file is ever written over: a second server that
archives into the same folder fails, and the doctor tells. Zeros at the end of a file take no room (sparse).
"""

from __future__ import annotations

import shlex
from pathlib import Path

from kameng.kit.settings import Settings
from kameng.ops import ground
from kameng.ops.ground import as_server

TIMEOUT_S = 60
"""What a lost disk can take with it at most, where the archive is on another."""

_KEEP = (
    'to={to}; if [ -e "$to/%f" ]; then cmp "%p" "$to/%f"; else'
    ' dd if="%p" of="$to/.%f" bs=64k conv=sparse,fsync status=none && ln -T "$to/.%f" "$to/%f"'
    ' && rm -f "$to/.%f" && sync "$to"; fi'
)
"""The same file again is well (it was kept in the moment of a crash); another of its name is not."""


def server_settings(chosen: Settings) -> dict[str, str]:
    """What makes the embedded server keep its WAL; nothing where that is off."""
    if chosen.wal_archive == "off" or chosen.database_url:
        return {}
    return {
        "archive_mode": "on",
        "archive_command": keep_command(wal_folder(home(chosen))),
        "archive_timeout": f"{TIMEOUT_S}s",
    }


def home(chosen: Settings) -> Path:
    """The folder of backups and archive, made or checked."""
    user = ground.server_user()
    folder = ground.own_folder(chosen.backup_dir, user, by="KAMENG_BACKUP_DIR")
    as_server(user, "mkdir", "-p", wal_folder(folder))
    return folder


def wal_folder(home: Path) -> Path:
    return home / "wal"


def keep_command(folder: Path) -> str:
    return _KEEP.format(to=_quoted(folder))


def fetch_command(folder: Path) -> str:
    """The other way: for a server that is being restored."""
    return f'from={_quoted(folder)}; [ -f "$from/%f" ] && cp "$from/%f" "%p"'


def _quoted(folder: Path) -> str:
    """For the shell, and for PostgreSQL, to which a per cent sign begins a name."""
    return shlex.quote(str(folder)).replace("%", "%%")
