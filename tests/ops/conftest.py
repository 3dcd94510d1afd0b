"""A platform that commands are tried on: its data folder, its database, and an organisation."""

from __future__ import annotations

import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import DEMO_CATALOGUE, data_folder, kameng

from kameng.ops import embedded
from kameng.ops.embedded import Embedded

SMALL = {"shared_buffers": "128MB"}


@pytest.fixture(scope="session")
def set_up() -> Iterator[Path]:
    """A data folder to copy: set up, twice, with the demo catalogue; its database is stopped."""
    with data_folder() as data:
        with embedded.start(data / "pg18", extra_settings=SMALL):
            _set_up(data)
        yield data


def _set_up(data: Path) -> None:
    first = kameng(data, "init")
    assert first.returncode == 0, first.stderr
    assert f"已就绪。Ready: {data}" in first.stdout
    assert "migrations applied" in first.stdout
    ring = (data / "keyring.json").read_bytes()
    assert stat.S_IMODE((data / "keyring.json").stat().st_mode) == 0o600
    second = kameng(data, "init")
    assert second.returncode == 0, second.stderr
    assert "migrations applied" not in second.stdout
    assert (data / "keyring.json").read_bytes() == ring
    imported = kameng(data, "catalogue", "import", str(DEMO_CATALOGUE))
    assert (imported.returncode, imported.stdout) == (
        0, "新增 created 176，修改 changed 0，未变 unchanged 0，拒绝 refused 0\n"
    )  # fmt: skip


@pytest.fixture(scope="module")
def server(set_up: Path) -> Iterator[Embedded]:
    """A data folder of the module's own that was set up; its database runs all the while: commands attach to it."""
    with data_folder() as data:
        subprocess.run(["cp", "-a", f"{set_up}/.", data], check=True)
        with embedded.start(data / "pg18", extra_settings=SMALL) as running:
            yield running


@pytest.fixture
def data(server: Embedded) -> Path:
    return server.data_dir.parent


@pytest.fixture(scope="module")
def shop(server: Embedded) -> dict[str, str]:
    """An organisation as ``organisation found`` printed it."""
    done = kameng(server.data_dir.parent, "organisation", "found", "小店 Shop", "--level", "2")
    assert done.returncode == 0, done.stderr
    found = re.search(
        r"商户 Organisation (?P<org>\d+) 小店 Shop\n  密钥 key (?P<key>ak_\d+)\n  密文（仅显示一次）secret, shown once:"
        r" (?P<secret>ks_\S{43})\n沙箱 Sandbox (?P<sandbox>\d+)\n  密钥 key (?P<sandbox_key>ak_test_\d+)\n",
        done.stdout,
    )
    assert found, done.stdout
    return found.groupdict()
