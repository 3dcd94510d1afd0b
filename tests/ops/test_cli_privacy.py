"""``kameng`` from a shell, about whom orders are for: finding, revealing, exporting, erasing."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from command import fetch, kameng

from kameng.ops.embedded import Embedded

PHONE = "13912345678"
WHY = ("--reason", "投诉 18")


@pytest.fixture(scope="module")
def person(server: Embedded) -> str:
    done = kameng(server.data_dir.parent, "person", "add", PHONE, "王小明")
    assert done.returncode == 0, done.stderr
    found = re.fullmatch(r"用户 Person (\d+) 王小明\n", done.stdout)
    assert found
    return found[1]


def test_nobody_ordered_anything(data: Path) -> None:
    for option, text in (("--phone", PHONE), ("--account", "10001"), ("--email", "a@b.cn"), ("--identity", "4403")):
        done = kameng(data, "order", "find", option, text)
        assert (done.returncode, done.stdout) == (0, "没有找到订单。No order was found.\n"), done.stderr
    refused = kameng(data, "order", "account", "4096", *WHY)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "You have no such order" in refused.stderr
    assert kameng(data, "order", "find").returncode == 2
    assert "Nobody is named" in kameng(data, "order", "find", "--phone", "-").stderr
    assert kameng(data, "order", "find", "--phone", PHONE, "--email", "a@b.cn").returncode == 2
    assert kameng(data, "order", "account", "4096").returncode == 2


def test_a_person_is_exported_and_erased(server: Embedded, data: Path, person: str, tmp_path: Path) -> None:
    file = tmp_path / "wang.json"
    typed = kameng(data, "person", "export", "--phone", "-", "--to", str(file), *WHY, said=f"{PHONE}\n")
    assert typed.returncode == 0, typed.stderr
    assert re.fullmatch(rf"已导出 Exported: 0 笔订单 orders, \S+Z: {file}\n", typed.stdout)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    told = json.loads(file.read_text("utf-8"))
    assert (told["of"], told["person"]["id"], told["orders"]) == ("139****5678", person, [])
    again = kameng(data, "person", "export", "--person", person, "--to", str(file), *WHY)
    assert (again.returncode, again.stdout) == (2, "")
    assert "is there already" in again.stderr
    named = kameng(data, "person", "erase", "--person", person, "--reason", f"he of {PHONE}")
    assert named.returncode == 1
    assert "without the number itself" in named.stderr
    assert PHONE not in named.stderr
    for users in (1, 0):
        done = kameng(data, "person", "erase", "--person", person, *WHY)
        said = f"已清除 Erased: 0 笔订单的账号 accounts of orders, {users} 个用户 users\n"
        assert (done.returncode, done.stdout) == (0, said), done.stderr
    listed = kameng(data, "person", "list").stdout
    assert f"{person} erased-{person} : closed" in listed
    lines = fetch(server, "SELECT act, data FROM audit_line WHERE subject_id = $1 ORDER BY audit_id", int(person))
    assert [(act, data and json.loads(str(data))) for act, data in lines] == [
        ("person.enrol", None), ("person.export", {"orders": 0, "reason": "投诉 18"}),
        ("person.erase", {"reason": "投诉 18"}),
    ]  # fmt: skip
