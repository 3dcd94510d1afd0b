"""``kameng notice`` from a shell: who is told of what; and what serves, as the role that owns nothing."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
from command import fetch, kameng

from kameng.kit import crypto
from kameng.kit.migrations import APP_ROLE
from kameng.notices import messages
from kameng.ops.embedded import Embedded

OPS = "ops@kameng.example"


def test_somebody_is_told_and_no_more(server: Embedded, data: Path, shop: dict[str, str]) -> None:
    for whose, topic in (("staff", "desk_opened"), (shop["org"], "balance_low")):
        made = kameng(data, "notice", "subscribe", whose, topic, "mail", OPS, "--language", "both")
        found = re.fullmatch(rf"已订阅 Subscribed (\d+): {topic}\n", made.stdout)
        assert found, made.stderr
        listed = kameng(data, "notice", "list", whose)
        assert listed.stdout == f"{found[1]} {topic}: mail o***@kameng.example, both\n"
        assert OPS not in listed.stdout
    other = kameng(data, "notice", "remove", "staff", found[1])
    assert (other.returncode, "没有这个订阅" in other.stderr) == (1, True)
    gone = kameng(data, "notice", "remove", shop["org"], found[1])
    assert (gone.returncode, gone.stdout) == (0, f"已取消 Removed {found[1]}: balance_low\n")
    assert kameng(data, "notice", "list", shop["org"]).stdout == ""
    assert fetch(server, "SELECT count(*) FROM notice_subscription") == [(1,)]


def test_a_robot_s_address_and_its_secret_come_from_stdin(server: Embedded, data: Path) -> None:
    """There no list of processes shows them."""
    url = "https://oapi.dingtalk.com/robot/send?access_token=x"
    line = ["notice", "subscribe", "staff", "desk_overdue", "dingtalk", "-", "--secret", "-"]
    done = kameng(data, *line, said=f"{url}\nSEC7\n")
    assert done.returncode == 0, done.stderr
    assert url not in done.stdout
    ((number, sealed),) = fetch(
        server, "SELECT subscription_id, address FROM notice_subscription WHERE channel = 'dingtalk'"
    )
    ring = crypto.KeyRing(crypto.KeyFile(data / "keyring.json").load())
    assert isinstance(number, int)
    assert isinstance(sealed, bytes)
    told = msgspec.json.decode(ring.open(messages.ADDRESS, number, sealed))
    assert told == {"to": url, "secret": "SEC7"}


def test_what_was_told_is_shown_without_addresses(server: Embedded, data: Path, shop: dict[str, str]) -> None:
    sent = kameng(data, "notice", "test", shop["org"], "sms", "13912345678")
    assert sent.returncode == 0, sent.stderr
    told = kameng(data, "notice", "log", shop["org"]).stdout
    assert re.fullmatch(r"\d+ \S+ test: sms 139\*\*\*\*5678, 待发 waiting\n", told), told


def test_a_topic_must_be_theirs(data: Path, shop: dict[str, str]) -> None:
    for whose, topic, channel, to in (
        ("staff", "balance_low", "mail", OPS), (shop["org"], "balance_low", "mail", "nobody"),
        (shop["org"], "balance_low", "dingtalk", "http://127.0.0.1/robot"), ("4711", "balance_low", "mail", OPS),
    ):  # fmt: skip
        refused = kameng(data, "notice", "subscribe", whose, topic, channel, to)
        assert refused.returncode == 1, refused.stdout
        assert "Traceback" not in refused.stderr


def test_the_embedded_server_knows_the_applications_role(server: Embedded, data: Path) -> None:
    (row,) = fetch(server, "SELECT rolsuper OR rolcreaterole, rolcanlogin FROM pg_roles WHERE rolname = $1", APP_ROLE)
    assert tuple(row) == (False, True)
    assert fetch(server, "SELECT has_table_privilege($1, 'transfer', 'UPDATE')", APP_ROLE) == [(False,)]
    assert fetch(server, "SELECT has_table_privilege($1, 'orders', 'UPDATE')", APP_ROLE) == [(True,)]
