"""Who runs here: each supervisor keeps a small file in ``<data dir>/run``, so that commands find it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from kameng.ops import processes


class Running(msgspec.Struct):
    """A supervisor and its children by name. ``generation`` rises when a reload is complete."""

    pid: int
    born: str
    roles: tuple[str, ...]
    url: str = ""
    children: dict[str, int] = {}
    generation: int = 0

    @property
    def is_alive(self) -> bool:
        return processes.is_alive(self.pid) and processes.born(self.pid) == self.born


def new(roles: tuple[str, ...]) -> Running:
    return Running(os.getpid(), processes.born(os.getpid()), roles)


def write(data_dir: Path, running: Running) -> None:
    path = _path(data_dir, running.pid)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    scratch.write_bytes(msgspec.json.encode(running))
    scratch.rename(path)


def remove(data_dir: Path, running: Running) -> None:
    _path(data_dir, running.pid).unlink(missing_ok=True)


def all_of(data_dir: Path) -> list[Running]:
    """Every supervisor that lives; files of those that were killed are swept away."""
    found = []
    for path in sorted((data_dir / "run").glob("*.json")):
        with suppress(FileNotFoundError, msgspec.MsgspecError):
            running = msgspec.json.decode(path.read_bytes(), type=Running)
            if running.is_alive:
                found.append(running)
            else:
                path.unlink(missing_ok=True)
    return found


def _path(data_dir: Path, pid: int) -> Path:
    return data_dir / "run" / f"{pid}.json"
