"""``kameng`` from a shell, about agents: their tree, their limits, what each adds to a price."""

from __future__ import annotations

import re
from pathlib import Path

from command import fetch, kameng

from kameng.ops.embedded import Embedded


def found(data: Path, name: str, *more: str) -> str:
    done = kameng(data, "org", "found", name, *more)
    assert done.returncode == 0, done.stderr
    match = re.search(r"Organisation (\d+) ", done.stdout)
    assert match
    return match[1]


def test_a_tree_is_founded_moved_and_shown(server: Embedded, data: Path) -> None:
    top = found(data, "总代", "--kind", "agent", "--level", "3")
    below = found(data, "二级", "--kind", "agent", "--parent", top)
    shop = found(data, "小店", "--parent", below)
    shown = kameng(data, "org", "tree", below).stdout
    assert shown == (
        f"{top} 总代 (agent): level 3, active\n  {below} 二级 (agent): level 0, active\n"
        f"    {shop} 小店 (merchant): level 0, active\n"
    )
    refused = kameng(data, "org", "move", top, below, "--reason", "合同")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "上级：不能是其自身或其下级" in refused.stderr
    done = kameng(data, "org", "move", shop, "platform", "--reason", "合同")
    assert (done.returncode, done.stdout) == (0, f"{shop} 小店: 上级 under 平台 the platform\n")
    query = "SELECT parent_id FROM organisation WHERE org_id = $1"
    assert fetch(server, query, int(shop)) == [(None,)]
    assert kameng(data, "org", "move", shop, top).returncode == 2  # no reason


def test_nobody_is_moved_before_he_is_settled_with(server: Embedded, data: Path) -> None:
    agent = found(data, "代理", "--kind", "agent")
    fetch(
        server, "INSERT INTO account (lane, account_id, org_id, code, currency, posted_e4, unbounded)"
        " VALUES (1, 4711, $1, 'sub_account', 'CNY', 12345, true)", int(agent),
    )  # fmt: skip
    assert kameng(data, "org", "tree", agent).stdout.endswith("active, 待结算 to settle 1.2345\n")
    refused = kameng(data, "org", "move", agent, "platform", "--reason", "合同")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "1.2345 in lane 1" in refused.stderr
    fetch(server, "DELETE FROM account WHERE account_id = 4711")
    assert kameng(data, "org", "move", agent, "platform", "--reason", "合同").returncode == 0


def test_terms(data: Path) -> None:
    agent = found(data, "代理", "--kind", "agent")
    done = kameng(
        data, "org", "terms", agent, "--self-collected", "yes", "--minimum-balance", "100", "--day-budget", "2000",
        "--reason", "合同",
    )  # fmt: skip
    assert done.stdout == (
        f"{agent} 代理: 自收款 collects itself, 最低余额 minimum balance 100.0000, 每日预算 day budget 2000.0000\n"
    )
    less = ["--minimum-balance", "none", "--self-collected", "no"]
    done = kameng(data, "org", "terms", agent, *less, "--reason", "合同")
    assert done.stdout == f"{agent} 代理: 每日预算 day budget 2000.0000\n"
    assert kameng(data, "org", "terms", agent, "--day-budget", "0", "--reason", "合同").returncode == 1


def test_markups_and_bounds(server: Embedded, data: Path) -> None:
    agent = found(data, "代理", "--kind", "agent")
    buyer = found(data, "买家", "--parent", agent)
    for arguments in (
        ["markup", agent, "sku", "100118", "--fixed", "1.5"],
        ["markup", agent, "brand", "网易", "--percent", "5.25", "--unit", "1", "--ending", "0.9"],
        ["markup", agent, "all", "--percent", "-2", "--rounding", "down", "--unit", "0.01", "--level", "2"],
        ["named", "100118", buyer, "96.25"],
        ["bound", "platform", "100118", "--floor", "90", "--ceiling", "120"],
        ["bound", agent, "100118", "--ceiling", "110"],
    ):
        done = kameng(data, "price", *arguments)
        assert done.returncode == 0, (arguments, done.stderr)
    assert kameng(data, "price", "templates", agent).stdout == (
        "sku 100118: 固定 fixed 1.5000, 比例 0.0000 %, 取整 up to 0.0001\n"
        "brand 网易: 固定 fixed 0.0000, 比例 5.2500 %, 取整 up to 1.0000 尾数 ending 0.9000\n"
        "all 等级 level 2: 固定 fixed 0.0000, 比例 -2.0000 %, 取整 down to 0.0100\n"
    )
    query = "SELECT seller_id, price_e4 FROM named_price WHERE org_id = $1"
    assert fetch(server, query, int(buyer)) == [(int(agent), 962_500)]
    query = "SELECT floor_e4, ceiling_e4 FROM agent_bound WHERE owner_id = ANY($1) ORDER BY owner_id"
    assert fetch(server, query, [0, int(agent)]) == [(900_000, 1_200_000), (None, 1_100_000)]
    done = kameng(data, "price", "unmark", agent, "brand", "网易")
    assert (done.returncode, done.stdout) == (0, f"{agent} 已取消 removed: brand 网易\n")
    assert kameng(data, "price", "bound", agent, "100118").returncode == 0
    for wrong in (
        ["unmark", agent, "brand", "网易"], ["markup", buyer, "all"], ["markup", agent, "sku", "5"],
        ["markup", agent, "all", "--unit", "2"], ["bound", agent, "100118"], ["templates", buyer],
    ):  # fmt: skip
        assert kameng(data, "price", *wrong).returncode == 1, wrong
