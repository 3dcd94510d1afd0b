"""``kameng`` from a shell, about rights and limits: rules, lists, people, states of merchants and keys."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from command import fetch, kameng

from kameng.kit import crypto
from kameng.kit.crypto import KeyRing
from kameng.ops.embedded import Embedded
from kameng.risk import whom

PHONE = "13912345678"
WHY = ("--reason", "投诉 17")


def lines(server: Embedded, act: str) -> list[tuple[Any, ...]]:
    """(lane, actor, data) of its audit lines, oldest first."""
    rows = fetch(server, "SELECT lane, actor_id, data FROM audit_line WHERE act = $1 ORDER BY at, audit_id", act)
    return [(lane, actor, json.loads(str(data))) for lane, actor, data in rows]


@pytest.fixture(scope="module")
def clerk(server: Embedded) -> str:
    """A person's number."""
    done = kameng(server.data_dir.parent, "person", "add", "Clerk@Example.com", "王小明")
    assert done.returncode == 0, done.stderr
    (number,) = re.fullmatch(r"用户 Person (\d+) 王小明\n", done.stdout).groups()  # type: ignore[union-attr]
    return str(number)


def test_rules(server: Embedded, data: Path, clerk: str) -> None:
    first = kameng(data, "risk", "rules").stdout
    assert "target-hour: 启用 enabled, target, topup, 3600 s, 30 笔 orders\n" in first
    assert "target-day: 启用 enabled, target, topup, 86400 s, 20000.0000\n" in first
    made = kameng(
        data, "risk", "rule", "set", "shop-day", "--entity", "org", "--kinds", "topup,secret", "--window", "1d",
        "--count", "1_000", "--amount", "50000.5", "--by", clerk, *WHY,
    )  # fmt: skip
    shown = "organisation, topup,secret, 86400 s, 1000 笔 orders, 50000.5000\n"
    assert (made.returncode, made.stdout) == (0, f"shop-day: 启用 enabled, {shown}"), made.stderr
    for act, state in (("disable", "停用 disabled"), ("enable", "启用 enabled"), ("disable", "停用 disabled")):
        done = kameng(data, "risk", "rule", act, "shop-day", *WHY)
        assert (done.returncode, done.stdout) == (0, f"shop-day: {state}\n")
    assert f"shop-day: 停用 disabled, {shown}" in kameng(data, "risk", "rules").stdout
    ((rule_id, enabled),) = fetch(server, "SELECT rule_id, enabled FROM risk_rule WHERE name = 'shop-day'")
    assert enabled is False
    said = {
        "name": "shop-day", "entity": "organisation", "kinds": ["topup", "secret"], "window_s": 86400,
        "limit_count": 1000, "limit_e4": 500_005_000, "outcome": "refuse", "enabled": True, "reason": "投诉 17",
    }  # fmt: skip
    assert lines(server, "risk.rule.set") == [(0, int(clerk), said)]
    switched = [(0, 0, {"name": "shop-day", "enabled": on, "reason": "投诉 17"}) for on in (False, True, False)]
    assert lines(server, "risk.rule.switch") == switched
    subjects = fetch(server, "SELECT DISTINCT subject_id FROM audit_line WHERE act LIKE 'risk.rule.%'")
    assert subjects == [(rule_id,)]


def test_what_no_rule_may_be_is_told_by_its_field(server: Embedded, data: Path) -> None:
    before, written = kameng(data, "risk", "rules").stdout, len(lines(server, "risk.rule.set"))
    good = {"--entity": "ip", "--window": "1h", "--count": "5", "--reason": "x"}
    changes: tuple[tuple[dict[str, str | None], str, str], ...] = (
        ({"--entity": "device"}, "对象：应为 ip, organisation, target 之一", "entity: one of ip, organisation, target"),
        ({"--kinds": "topups"}, "商品类型：应为 secret, topup", "kinds: one of secret, topup"),
        ({"--window": "2d"}, "时间窗口：应为 1 至 86400 秒", "window_s: 1 to 86400 seconds"),
        ({"--count": "2000000000"}, "次数上限：应为 0 至 1000000000", "limit_count: 0 to 1000000000"),
        ({"--count": None}, "次数上限：次数与金额至少限一项", "limit_count: a count, or money"),
        ({"--reason": " "}, "原因：应为 1 至 500 个可见字符", "reason: 1 to 500 printable characters"),
    )
    for change, zh, en in changes:
        asked = {**good, **change}
        options = [word for option, value in asked.items() if value is not None for word in (option, value)]
        refused = kameng(data, "risk", "rule", "set", "new", *options)
        assert (refused.returncode, refused.stdout) == (1, ""), change
        assert f"名单或限额设置不正确。（{zh}" in refused.stderr
        assert f"The list entry or the limit is wrong. ({en}" in refused.stderr
    absent = kameng(data, "risk", "rule", "disable", "new", *WHY)
    assert (absent.returncode, absent.stderr) == (
        1, "kameng: 没有此名称的限额规则。（new）\nkameng: There is no rule of this name. (new)\n"
    )  # fmt: skip
    assert (
        kameng(data, "risk", "rule", "set", "new", "--entity", "ip", "--window", "1h", "--count", "5").returncode == 2
    )
    assert kameng(data, "risk", "rule", "set", "new", "--entity", "ip", "--window", "soon", *WHY).returncode == 2
    assert (kameng(data, "risk", "rules").stdout, len(lines(server, "risk.rule.set"))) == (before, written)


def test_lists(server: Embedded, data: Path, shop: dict[str, str], clerk: str) -> None:
    add = ("risk", "list", "add")
    done = kameng(data, *add, "ip", "203.0.113.0/24", "--verdict", "refuse", "--until", "2126-12-31T00:00", *WHY)
    until = " 至 until 2126-12-31 00:00:00 +08:00"
    assert (done.returncode, done.stdout) == (0, f"ip 203.0.113.0/24: refuse{until}\n"), done.stderr
    done = kameng(data, *add, "org", shop["org"], "--verdict", "allow", "--by", clerk, *WHY)
    assert (done.returncode, done.stdout) == (0, f"org {shop['org']}: allow\n"), done.stderr
    listed = kameng(data, "risk", "list").stdout
    assert listed == f"ip 203.0.113.0/24: refuse{until}, 投诉 17\norg {shop['org']}: allow, 投诉 17\n"
    row = fetch(server, "SELECT until = '2126-12-30 16:00Z' FROM risk_listing WHERE entity = 'ip'")
    assert row == [(True,)]
    fetch(server, "UPDATE risk_listing SET until = now() WHERE entity = 'ip'")
    assert re.search(
        r"^ip 203\.0\.113\.0/24: refuse .+（已到期 ended）, 投诉 17$", kameng(data, "risk", "list").stdout, re.M
    )
    for entity, value in (("ip", "203.0.113.0/24"), ("org", shop["org"])):
        removed = kameng(data, "risk", "list", "remove", entity, value, *WHY)
        assert removed.returncode == 0, removed.stderr
        assert f"已移除 removed: {entity} {value} (" in removed.stdout
    again = kameng(data, "risk", "list", "remove", "ip", "203.0.113.0/24", *WHY)
    assert (again.returncode, again.stdout) == (1, "")
    assert "名单中没有此项。（ip 203.0.113.0/24）" in again.stderr
    assert "This is not on the list. (ip 203.0.113.0/24)" in again.stderr
    assert fetch(server, "SELECT * FROM risk_listing") == []
    said = {"entity": "organisation", "value": shop["org"], "reason": "投诉 17", "verdict": "allow"}
    assert lines(server, "risk.listing.set")[1] == (0, int(clerk), {**said, "until": None})
    assert lines(server, "risk.listing.remove")[1] == (0, 0, said)


def test_a_number_on_the_list_is_nowhere_in_clear(server: Embedded, data: Path) -> None:
    typed = f"+86 {PHONE[:3]} {PHONE[3:]}\n"
    piped = kameng(data, "risk", "list", "add", "target", "-", "--verdict", "refuse", *WHY, said=typed)
    assert piped.returncode == 0, piped.stderr
    ring = KeyRing(crypto.KeyFile(data / "keyring.json").load())
    # As an order's account is hashed: see orders.wishing.
    kept = ring.fingerprint(b"target", msgspec.json.encode({"phone": PHONE})).hex()
    assert piped.stdout == f"target {kept}: refuse\n"
    assert fetch(server, "SELECT entity, value FROM risk_listing") == [("target", kept)]
    listed = kameng(data, "risk", "list").stdout
    removed = kameng(data, "risk", "list", "remove", "target", PHONE, *WHY)
    assert removed.stdout == f"已移除 removed: target {kept} (refuse)\n"
    by_hash = kameng(data, "risk", "list", "add", "target", kept.upper(), "--verdict", "allow", *WHY)
    assert by_hash.returncode == 0
    assert kameng(data, "risk", "list", "remove", "target", kept, *WHY).returncode == 0
    written = fetch(server, "SELECT data::text FROM audit_line WHERE act LIKE 'risk.listing.%'")
    assert PHONE not in f"{piped.stdout}{piped.stderr}{listed}{removed.stdout}{removed.stderr}{written}"


def test_what_can_not_be_listed_is_told_by_its_field(server: Embedded, data: Path) -> None:
    written = len(lines(server, "risk.listing.set"))
    refuse = ("--verdict", "refuse", *WHY)
    for wrong, zh, en in (
        (
            ["device", "x", *refuse],
            "对象：应为 ip, organisation, target 之一",
            "entity: one of ip, organisation, target",
        ),
        (["ip", "10.0.0.1/8", *refuse], "取值：应为地址，或", "value: an address, or"),
        (["org", "shop", *refuse], "取值：应为商户编号", "value: the organisation's number"),
        (["org", "77", *refuse], "商户或密钥不存在。（77）", "There is no such organisation or key. (77)"),
        (["target", "1391234567", *refuse], "取值：手机号有10位，应为11位。", "value: Phone number: 10 characters"),
        (["target", PHONE, "--form", "fax", *refuse], "没有名为“fax”的下单表单", "no account form is named 'fax'"),
        (
            ["target", PHONE, "--verdict", "refuse", "--reason", f"是 {PHONE}"],
            "原因：请勿写出账号本身",
            "reason: without",
        ),
        (["ip", "10.0.0.1", "--verdict", "perhaps", *WHY], "结论：应为 refuse, review", "verdict: one of refuse"),
        (
            ["ip", "10.0.0.1", *refuse, "--until", "2020-01-01T00:00"],
            "截止时间：不得早于现在",
            "until: not in the past",
        ),
        (["ip", "10.0.0.1", *refuse, "--by", "5"], "没有此用户。（5）", "There is no such person. (5)"),
    ):
        refused = kameng(data, "risk", "list", "add", *wrong)
        assert (refused.returncode, refused.stdout) == (1, ""), (wrong, refused.stderr)
        assert zh in refused.stderr
        assert en in refused.stderr
        assert PHONE not in refused.stderr
    assert kameng(data, "risk", "list", "add", "ip", "10.0.0.1", *refuse, "--until", "soon").returncode == 2
    assert fetch(server, "SELECT * FROM risk_listing") == []
    assert len(lines(server, "risk.listing.set")) == written


def test_a_folder_named_before_the_act_is_the_one(data: Path, tmp_path: Path) -> None:
    """``list`` and its acts both take ``--data``: the inner one's absence is not the outer one's end."""
    named = kameng(tmp_path, "risk", "list", "--data", str(data), "remove", "ip", "10.9.9.9", *WHY)
    assert (named.returncode, named.stdout) == (1, "")
    assert "This is not on the list. (ip 10.9.9.9)" in named.stderr


def test_an_account_of_several_fields_is_hashed_as_its_order_is(data: Path) -> None:
    ring = KeyRing(crypto.KeyFile(data / "keyring.json").load())
    account = msgspec.json.encode({"qq": "123456789", "zone": "艾欧尼亚"}, order="sorted")
    found = whom(ring, "target", "zone=艾欧尼亚,qq=１２３ 456789", form="qq+zone", reason="x")
    assert found == ring.fingerprint(b"target", account).hex()


def test_people(server: Embedded, data: Path, shop: dict[str, str], clerk: str) -> None:
    done = kameng(data, "person", "join", clerk, shop["org"], "clerk")
    assert (done.returncode, done.stdout) == (0, f"{clerk} 王小明: {shop['org']} 小店 Shop clerk\n"), done.stderr
    assert kameng(data, "person", "join", clerk, shop["sandbox"], "owner", "--by", clerk).returncode == 0
    everybody = f"{clerk} clerk@example.com 王小明: active, {shop['org']} clerk, {shop['sandbox']} owner\n"
    assert kameng(data, "person", "list").stdout == everybody
    here = kameng(data, "person", "list", "--organisation", shop["sandbox"]).stdout
    assert here == f"{clerk} clerk@example.com 王小明: active, {shop['sandbox']} owner\n"
    for wrong, zh, en in (
        (["join", clerk, shop["org"], "king"], "角色应为 owner, finance", "role: one of owner, finance"),
        (["join", "5", shop["org"], "clerk"], "没有此用户。（5）", "There is no such person. (5)"),
        (["join", clerk, "77", "clerk"], "商户或密钥不存在。（77）", "no such organisation or key. (77)"),
        (["add", "CLERK@example.com", "李"], "该登录名已被使用。", "belongs to somebody already."),
        (["add", " ", "李"], "登录名：应为 1 至 254 个可见字符", "sign_in: 1 to 254 printable characters"),
        (["add", "li@example.com", "a\tb"], "姓名：应为 1 至 100 个可见字符", "name: 1 to 100 printable characters"),
    ):
        refused = kameng(data, "person", *wrong)
        assert (refused.returncode, refused.stdout) == (1, ""), wrong
        assert zh in refused.stderr
        assert en in refused.stderr
    assert kameng(data, "person", "list").stdout == everybody
    query = "SELECT act, lane, actor_id, data::text FROM audit_line WHERE subject_id = $1 ORDER BY at"
    lane = int(shop["org"]) >> 12 & 1023
    assert fetch(server, query, int(clerk)) == [
        ("person.enrol", 0, 0, None), ("membership.set", lane, 0, '{"role": "clerk"}'),
        ("membership.set", lane, int(clerk), '{"role": "owner"}'),
    ]  # fmt: skip


def test_the_state_of_a_merchant_is_changed_for_a_reason(
    server: Embedded, data: Path, shop: dict[str, str], clerk: str
) -> None:
    org = shop["org"]
    for act, shown, said in (
        (["suspend", org], "level 2, suspended", {"state": "suspended"}),
        (["activate", org], "level 2, active", {"state": "active"}),
        (["level", org, "7"], "level 7, active", {"level": 7}),
        (["set", org, "--level", "2"], "level 2, active", {"level": 2}),
    ):
        done = kameng(data, "org", *act, *WHY, "--by", clerk)
        assert (done.returncode, done.stdout) == (0, f"{org} 小店 Shop: {shown}, events off\n"), done.stderr
        assert lines(server, "organisation.set")[-1][1:] == (int(clerk), {**said, "reason": "投诉 17"})
    assert kameng(data, "org", "suspend", org).returncode == 2  # no reason
    refused = kameng(data, "org", "suspend", org, "--reason", " ")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "原因：应为 1 至 500 个可见字符" in refused.stderr
    refused = kameng(data, "org", "level", org, "100", *WHY)
    assert "level: 0 to 99" in refused.stderr
    assert fetch(server, "SELECT level, state FROM organisation WHERE org_id = $1", int(org)) == [(2, "active")]
    assert len(lines(server, "organisation.set")) == 4


def test_keys_are_shown_with_their_state(server: Embedded, data: Path, shop: dict[str, str], clerk: str) -> None:
    (play,) = re.findall(r"ak_test_\d+", kameng(data, "key", "list", shop["sandbox"]).stdout)
    rotated = kameng(data, "key", "rotate", play, "--overlap-days", "0", "--by", clerk)
    old = re.search(
        rf"^  旧密钥 old key {play} sandbox key: expired, until 20\S+ \S+ UTC, HMAC, ", rotated.stdout, re.M
    )
    assert old, rotated.stdout + rotated.stderr
    assert rotated.stdout.count("ks_") == 1  # the new one's, shown once
    listed = kameng(data, "key", "list", shop["sandbox"]).stdout
    assert f"{play} sandbox key: expired, until " in listed
    revoked = kameng(data, "key", "revoke", play, "--by", clerk, *WHY)
    assert revoked.returncode == 0
    assert revoked.stdout.startswith(f"已吊销 Revoked: {play} sandbox key: revoked, until ")
    again = kameng(data, "key", "revoke", play)
    assert again.returncode == 1
    assert again.stdout.startswith(f"此前已吊销 It was revoked before: {play} sandbox key: revoked, until ")
    assert "ks_" not in listed + revoked.stdout + again.stdout
    assert [line[1:] for line in lines(server, "api_key.revoke")] == [(int(clerk), {"reason": "投诉 17"})]
    refused = kameng(data, "key", "revoke", "ak_5")
    assert "There is no such organisation or key. (ak_5)" in refused.stderr


def test_the_books_are_clean_after_it(data: Path) -> None:
    done = kameng(data, "audit")
    assert done.returncode == 0, done.stdout


def test_a_review_by_list_and_by_rule(server: Embedded, data: Path) -> None:
    listed = kameng(data, "risk", "list", "add", "ip", "198.51.100.7", "--outcome", "review", *WHY)
    assert (listed.returncode, listed.stdout) == (0, "ip 198.51.100.7: review\n"), listed.stderr
    rule = ("risk", "rule", "set", "soft", "--entity", "ip", "--window", "1h", "--count", "9")
    made = kameng(data, *rule, "--outcome", "review", *WHY)
    assert made.stdout == "soft: 启用 enabled, ip, all, 3600 s, 9 笔 orders, 人工审核 review\n", made.stderr
    refused = kameng(data, *rule, "--outcome", "allow", *WHY)
    assert (refused.returncode, "结果" in refused.stderr) == (1, True)
    assert fetch(server, "SELECT outcome FROM risk_rule WHERE name = 'soft'") == [("review",)]
    for act in (("risk", "rule", "disable", "soft"), ("risk", "list", "remove", "ip", "198.51.100.7")):
        assert kameng(data, *act, *WHY).returncode == 0
