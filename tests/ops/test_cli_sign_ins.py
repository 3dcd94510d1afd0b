"""``kameng person`` from a shell, about how somebody signs in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command import fetch, kameng

from kameng.ops.embedded import Embedded


@pytest.fixture(scope="module")
def person(server: Embedded) -> str:
    done = kameng(server.data_dir.parent, "person", "add", "13712345678", "李四")
    found = re.fullmatch(r"用户 Person (\d+) 李四\n", done.stdout)
    assert found, done.stderr
    return found[1]


def test_a_new_password_is_shown_once_and_kept_as_a_hash(server: Embedded, data: Path, person: str) -> None:
    done = kameng(data, "person", "password", person)
    found = re.fullmatch(rf"{person} 13712345678: (\S{{16}})\n", done.stdout)
    assert found, done.stderr
    ((hashed,),) = fetch(server, "SELECT password_hash FROM person WHERE person_id = $1", int(person))
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert found[1] not in hashed
    lines = fetch(server, "SELECT act FROM audit_line WHERE subject_id = $1 ORDER BY audit_id", int(person))
    assert [act for (act,) in lines] == ["person.enrol", "person.password"]


def test_his_second_step_goes_and_his_sign_ins_are_listed(data: Path, person: str) -> None:
    done = kameng(data, "person", "second-off", person)
    assert done.stdout == f"{person} 13712345678: 二次验证已关闭 no second step\n", done.stderr
    assert (kameng(data, "person", "sign-ins", person).stdout, done.returncode) == ("", 0)


def test_a_role_is_taken_away_but_not_the_last_owner_s(data: Path, person: str) -> None:
    founded = kameng(data, "org", "found", "登录测试商户")
    org = re.search(r"\d{10,}", founded.stdout)
    assert org, founded.stderr
    assert kameng(data, "person", "join", person, org[0], "owner").returncode == 0
    refused = kameng(data, "person", "leave", person, org[0])
    assert refused.returncode == 1
    assert "one owner at least" in refused.stderr
