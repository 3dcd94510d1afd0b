"""``kameng`` from a shell: what each command does, says and returns."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from command import data_folder, fetch, kameng

from kameng.kit import ids, jobs, lanes
from kameng.ops import chaos
from kameng.ops.cli import COMMANDS, parser
from kameng.ops.embedded import Embedded

SAMPLES = Path(__file__).parents[1] / "stock" / "samples"


def test_every_command_has_help_in_both_languages() -> None:
    def walk(at: object) -> Iterator[str]:
        for action in at._actions:  # type: ignore[attr-defined] # argparse shows its tree nowhere else
            if choices := getattr(action, "_choices_actions", None):
                for choice in choices:
                    yield choice.help
                for below in action.choices.values():
                    yield from walk(below)
            elif action.help not in (None, argparse.SUPPRESS) and action.dest != "help":
                yield action.help

    said = [*walk(parser()), *walk(chaos.parser())]
    assert len(said) > 50
    one_language = [text for text in said if not (re.search("[一-鿿]", text) and re.search("[a-z]{2}", text))]
    assert one_language == ["TXT, CSV, XLSX, XLS"]


def test_the_help_of_every_command_can_be_printed() -> None:
    """argparse fills in its help texts only then: a bare ``%`` in one is a traceback for whoever asks."""

    def walk(at: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
        yield at
        for action in at._actions:  # argparse shows its tree nowhere else
            if isinstance(action, argparse._SubParsersAction):
                for below in action.choices.values():
                    yield from walk(below)

    assert [one.prog for one in walk(parser()) if not one.format_help().startswith(f"usage: {one.prog}")] == []


@pytest.mark.parametrize(("module", "own"), COMMANDS.items())
def test_a_module_has_the_commands_that_it_is_listed_with(module: str, own: tuple[str, ...]) -> None:
    """One that is not listed can't be asked for alone."""
    (commands,) = [action for action in parser(own[0])._actions if isinstance(action, argparse._SubParsersAction)]
    assert tuple(commands.choices) == own
    assert set(own) <= set(next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)).choices)


def test_no_command_waits_for_what_it_does_not_need() -> None:
    program = (
        "import sys; from kameng.ops import cli; cli.parser('price'); print('aiohttp' in sys.modules);"
        " cli.parser(); print('litestar' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_folder_that_was_never_set_up_is_told_so() -> None:
    with data_folder() as empty:
        for command in (["audit"], ["serve"], ["doctor"], ["keyring", "rotate"]):
            done = kameng(empty, *command)
            assert done.returncode == 2, command
            assert "run `kameng init`" in done.stderr
            assert "Traceback" not in done.stderr
        assert list(empty.iterdir()) == []


def test_a_wrong_setting_and_an_absent_database_are_one_clear_line(data: Path) -> None:
    done = kameng(data, "settings", KAMENG_PROT="1")
    assert (done.returncode, done.stderr) == (
        2, "kameng: KAMENG_PROT in the environment is not a setting; did you mean KAMENG_PORT?\n"
    )  # fmt: skip
    done = kameng(data, "doctor", KAMENG_DATABASE_URL="postgresql://kameng:hunter22@127.0.0.1:1/kameng")
    assert done.returncode == 2
    assert "The database does not answer" in done.stderr
    assert "数据库没有响应" in done.stderr
    assert "hunter22" not in done.stderr


def test_settings_are_shown_without_the_password(data: Path) -> None:
    done = kameng(data, "settings", KAMENG_DATABASE_URL="postgresql://kameng:hunter22@db/kameng", KAMENG_PORT="9443")
    assert done.returncode == 0
    assert "database_url = ***\n" in done.stdout
    assert "port = 9443\n" in done.stdout
    assert "hunter22" not in done.stdout


def test_doctor_and_audit_find_it_well(data: Path) -> None:
    done = kameng(data, "doctor")
    assert done.returncode == 0, done.stdout
    assert "✓ fsync" in done.stdout
    laws = json.loads(kameng(data, "audit", "--json").stdout)["findings"]
    assert [law["broken"] for law in laws] == [0] * 71
    assert all(law["took_ms"] >= 0 for law in laws)
    done = kameng(data, "audit")
    assert done.returncode == 0, done.stdout


def test_an_open_transaction_over_a_broken_law_is_found(server: Embedded, data: Path) -> None:
    fetch(server, "UPDATE account SET posted_e4 = 5 WHERE lane = 1 AND account_id = 4")
    try:
        assert kameng(data, "audit").returncode == 1
    finally:
        fetch(server, "UPDATE account SET posted_e4 = 0 WHERE lane = 1 AND account_id = 4")
    assert kameng(data, "audit").returncode == 0


def test_staff_is_told_of_a_broken_law_after_whoever_asked(server: Embedded, data: Path) -> None:
    assert kameng(data, "notice", "subscribe", "staff", "audit_broken", "mail", "ops@kameng.example").returncode == 0
    fetch(server, "UPDATE account SET posted_e4 = 5 WHERE lane = 1 AND account_id = 4")
    fetch(server, "ALTER TABLE job ADD CONSTRAINT mute CHECK (kind <> 'notices.announce')")
    told = "SELECT payload -> 'facts' ->> 'count' FROM job WHERE kind = 'notices.announce'"
    try:
        mute = kameng(data, "audit")
        assert mute.returncode != 0
        assert "of 71 laws are broken" in mute.stdout, mute.stderr  # what is broken may be what telling needs
        fetch(server, "ALTER TABLE job DROP CONSTRAINT mute")
        assert kameng(data, "audit").returncode == 1
        assert fetch(server, told) == [("2",)]
    finally:
        fetch(server, "ALTER TABLE job DROP CONSTRAINT IF EXISTS mute")
        fetch(server, "UPDATE account SET posted_e4 = 0 WHERE lane = 1 AND account_id = 4")
        fetch(server, "DELETE FROM job WHERE kind = 'notices.announce'")
        fetch(server, "DELETE FROM notice_subscription")


def test_new_code_on_an_old_schema_does_not_start(server: Embedded, data: Path) -> None:
    ((name, checksum),) = fetch(
        server, "DELETE FROM schema_migration WHERE number = 8 RETURNING name, checksum"
    )
    try:
        for command in (["serve"], ["audit"]):
            done = kameng(data, *command)
            assert done.returncode == 2
            assert "1 migrations behind this version: run `kameng migrate --before`" in done.stderr
            assert "落后 1 个迁移" in done.stderr
    finally:
        fetch(
            server, "INSERT INTO schema_migration (number, phase, name, checksum) VALUES (8, 'before', $1, $2)",
            name, checksum,
        )  # fmt: skip
    done = kameng(data, "migrate", "--before")
    assert (done.returncode, done.stdout) == (0, "没有需要执行的迁移。Nothing to do.\n")


def test_organisations(data: Path, shop: dict[str, str], server: Embedded) -> None:
    query = "SELECT level, state, wants_events FROM organisation WHERE org_id = $1"
    assert fetch(server, query, int(shop["org"])) == [(2, "active", False)]
    done = kameng(data, "organisation", "set", shop["org"], "--level", "3", "--events", "on")
    assert done.stdout == f"{shop['org']} 小店 Shop: level 3, active, events on\n"
    assert fetch(server, query, int(shop["org"])) == [(3, "active", True)]
    done = kameng(data, "organisation", "set", "77", "--level", "3")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "kameng: 商户或密钥不存在。（77）\nkameng: There is no such organisation or key. (77)\n"


def test_keys(data: Path, shop: dict[str, str]) -> None:
    done = kameng(
        data, "key", "issue", shop["org"], "--name", "till", "--scope", "orders:place", "--ip", "10.0.0.0/8",
        "--rate", "5", "--daily-limit", "500",
    )  # fmt: skip
    (till,) = re.findall(r"ak_\d+", done.stdout)
    assert len(re.findall(r"ks_\S{43}", done.stdout)) == 1
    done = kameng(data, "key", "issue", shop["org"], "--name", "strong", "--public-key", "ab" * 32)
    (strong,) = re.findall(r"ak_\d+", done.stdout)
    assert "ks_" not in done.stdout
    done = kameng(data, "key", "rotate", till, "--overlap-days", "1")
    rotated, old = re.findall(r"ak_\d+", done.stdout)
    assert old == till
    refused = kameng(data, "key", "rotate", strong)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "这是 Ed25519 密钥，请提供新的公钥" in refused.stderr
    done = kameng(data, "key", "rotate", strong, "--public-key", "cd" * 32)
    assert re.search(r"ak_\d+", done.stdout)
    assert "ks_" not in done.stdout
    assert kameng(data, "key", "revoke", strong).returncode == 0
    refused = kameng(data, "key", "rotate", strong, "--public-key", "cd" * 32)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "该密钥已被吊销或已过期，不能轮换，请签发新密钥。" in refused.stderr
    listed = kameng(data, "key", "list", shop["org"]).stdout
    assert re.search(rf"^{till} till: active, until 20\S+ \S+ UTC, HMAC, 5/s, orders:place$", listed, re.MULTILINE)
    assert re.search(rf"^{rotated} rotated from \d+: active, HMAC, 5/s, orders:place$", listed, re.MULTILINE)
    assert re.search(rf"^{strong} strong: revoked, until 20\S+ \S+ UTC, Ed25519, 1000/s, ", listed, re.MULTILINE)
    assert "ks_" not in listed
    assert kameng(data, "key", "revoke", strong).returncode == 1  # it works no more
    refused = kameng(data, "key", "issue", shop["org"], "--ip", "here")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "密钥设置不正确。" in refused.stderr


def test_a_recharge_counts_once_for_each_receipt(server: Embedded, data: Path, shop: dict[str, str]) -> None:
    said = [kameng(data, "wallet", "recharge", shop["org"], "100.5", "--key", "receipt-1").stdout for _ in range(2)]
    assert said[0] == said[1]
    assert said[0].startswith("已入账 Credited 100.5000，当时余额 balance after it 100.5000 (transfer ")
    assert fetch(server, "SELECT posted_e4 FROM account WHERE account_id = $1", int(shop["org"])) == [(1_005_000,)]
    for org, amount, status in (("77", "1", 1), (shop["org"], "0", 1), (shop["org"], "1.00001", 2)):
        assert kameng(data, "wallet", "recharge", org, amount, "--key", "receipt-2").returncode == status
    assert fetch(server, "SELECT count(*) FROM transfer_key WHERE key = 'receipt-2'") == [(0,)]


def test_cards_are_loaded_with_a_report_that_shows_no_secret(server: Embedded, data: Path) -> None:
    file = SAMPLES / "cards_wangyi_100.txt"
    assert file.exists()
    first = kameng(data, "cards", "load", str(file), "--sku", "100118")
    head = re.match(r".+：入库 loaded (?P<loaded>\d+)，拒绝 refused (?P<refused>\d+) \(batch \d+\)\n", first.stdout)
    assert head
    assert int(head["refused"]) == len(first.stdout.splitlines()) - 1 > 0
    assert first.returncode == 1  # some lines were refused
    on_hand = "SELECT sum(on_hand) FROM allotment WHERE sku_id = 100118"
    assert fetch(server, on_hand) == [(int(head["loaded"]),)]
    again = kameng(data, "cards", "load", str(file), "--sku", "100118")
    assert "入库 loaded 0" in again.stdout
    assert again.stdout.count("[loaded_before]") == int(head["loaded"])
    assert fetch(server, on_hand) == [(int(head["loaded"]),)]
    words = re.findall(r"[A-Z0-9]{12,}|\d{10,}", file.read_text("utf-8", "replace"))
    assert len(words) > 50
    assert [word for word in words if word in first.stdout + again.stdout] == []
    for path, sku in ((file, "5"), (data / "no.txt", "100118")):
        assert kameng(data, "cards", "load", str(path), "--sku", sku).returncode == (1 if sku == "5" else 2)


def test_jobs_wait_on_the_desk_for_a_person(server: Embedded, data: Path) -> None:
    assert kameng(data, "jobs", "desk").stdout == "没有等待人工处理的任务。Nothing waits for a person.\n"

    async def break_three() -> list[int]:
        connection = await asyncpg.connect(server.url)
        try:
            async with connection.transaction():
                passage = await lanes.pass_gate(connection, 1, id_count=3)
                await jobs.add(connection, 1, [jobs.NewJob("test.job", 42)] * 3, passage.ids)
                for job_id, state in zip(passage.ids, ("dead", "dead", "unknown"), strict=True):
                    await connection.execute(
                        "UPDATE job SET state = $2, error = 'TimeoutError: nobody answered' WHERE job_id = $1",
                        job_id, state,
                    )  # fmt: skip
            return passage.ids
        finally:
            await connection.close()

    first, second, third = (str(number) for number in asyncio.run(break_three()))
    assert ids.lane_of(int(first)) == 1
    listed = kameng(data, "jobs", "desk").stdout
    assert listed.count('"error":"TimeoutError: nobody answered"') == 3
    done = kameng(data, "jobs", "retry", first, third)
    assert (done.returncode, done.stdout) == (
        1, f"{first}: 完成 done\n{third}: 不在人工处理台 not on the desk, or unknown\n"
    )  # fmt: skip
    assert kameng(data, "jobs", "retry", third, "--even-unknown").returncode == 0
    assert kameng(data, "jobs", "discard", second).returncode == 0
    assert fetch(server, "SELECT job_id, state FROM job WHERE kind = 'test.job' ORDER BY job_id") == [
        (int(first), "waiting"), (int(third), "waiting")
    ]  # fmt: skip


def test_the_key_ring_rotates(data: Path) -> None:
    done = kameng(data, "keyring", "rotate")
    assert done.returncode == 0
    assert "The key is now number 2" in done.stdout
    assert "The running processes" not in done.stdout  # none runs
    assert kameng(data, "audit").returncode == 0


def test_a_platform_in_earnest_gets_no_demo(data: Path, shop: dict[str, str]) -> None:
    done = kameng(data, "run", "--port", "0")
    assert done.returncode == 2
    assert "use `kameng serve`" in done.stderr
    assert "请使用 `kameng serve`" in done.stderr
    assert not (data / "demo.json").exists()


def test_a_key_s_checklist_is_shown(data: Path, shop: dict[str, str]) -> None:
    live = kameng(data, "key", "golive", shop["key"])
    assert (live.returncode, "sandbox keys have the checklist" in live.stdout) == (1, True)
    sandbox = kameng(data, "key", "golive", shop["sandbox_key"])
    assert sandbox.returncode == 1, sandbox.stderr
    assert "  待办 open  placed: 成功下一笔订单。 Place an order.\n" in sandbox.stdout
    assert "完成" not in sandbox.stdout
