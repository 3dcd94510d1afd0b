"""The finance desk's commands, to the last line that they say."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import msgspec
import pytest
from command import fetch, kameng

from kameng.kit import clock
from kameng.ops.embedded import Embedded


def said(data: Path, *arguments: str, status: int = 0, **more: str) -> str:
    done = kameng(data, *arguments, **more)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


@pytest.fixture(scope="module")
def people(server: Embedded) -> tuple[str, str]:
    data = server.data_dir.parent
    made = (said(data, "person", "add", f"{name}@desk.example", name) for name in ("ann", "bob"))
    ann, bob = (re.findall(r"\d+", line)[0] for line in made)
    return ann, bob


def test_adjustments_need_a_second_person_above_the_limit(
    server: Embedded, data: Path, shop: dict[str, str], people: tuple[str, str]
) -> None:
    ann, bob = people
    org = shop["org"]
    words = ("wallet", "adjust", org, "--add", "1000.0001", "--reason", "compensation", "--note", "ticket 31",
             "--key", "CS-31", "--by", ann)  # fmt: skip
    asked = said(data, *words)
    number = asked.split()[0]
    assert asked == (
        f"{number} 待复核 pending: {org} 加款 added 1000.0001, compensation, ticket 31, by {ann}\n"
    )
    assert said(data, "wallet", "pending") == asked
    assert "另一人复核" in said(data, "wallet", "approve", number, "--by", ann, status=1)
    assert "已入账 executed" in said(data, "wallet", "approve", number, "--by", bob)
    assert "当前状态" in said(data, "wallet", "refuse", number, "--note", "no", "--by", bob, status=1)
    assert "executed" in said(data, *words)
    assert "没有待复核" in said(data, "wallet", "pending")
    take = said(data, "wallet", "adjust", org, "--take", "0.0001", "--reason", "correction", "--note", "n", "--key",
                "CS-32", "--by", ann)  # fmt: skip
    assert "扣款 taken 0.0001" in take
    assert fetch(server, "SELECT posted_e4 FROM account WHERE account_id = $1", int(org)) == [(10_000_000,)]
    said(data, "wallet", "alert", org, "5000", "--by", ann)
    assert fetch(server, "SELECT low_at_e4 FROM balance_alert WHERE org_id = $1", int(org)) == [(50_000_000,)]


def test_statements_are_files_and_the_log_is_read_page_by_page(
    data: Path, shop: dict[str, str], people: tuple[str, str], tmp_path: Path
) -> None:
    ann, _ = people
    org = shop["org"]
    said(data, "wallet", "recharge", org, "12.5", "--key", "R-1")
    today = str(clock.china_day())
    file = tmp_path / "statement.csv"
    for group in ("day", "product", "customer", "line"):
        said(data, "statement", group, "--organisation", org, "--from", today, "--to", today, "--out", str(file))
        assert file.read_bytes().startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
        assert rows[-1] == ["合计 total", "", "期末 closing", "", "", "", "", "1012.5000"]
    assert "合计 total" in said(data, "statement", "customer", "--from", today, "--to", today)
    assert "逐笔" in said(data, "statement", "line", "--from", today, "--to", today, status=1)

    log = said(data, "audit-log", "--organisation", org, "--limit", "3")
    lines = [msgspec.json.decode(line) for line in log.splitlines()]
    assert [line["act"] for line in lines] == ["wallet.recharge", "wallet.low_at", "adjustment.executed"]
    more = said(data, "audit-log", "--organisation", org, "--act", "adjustment", "--cursor", str(lines[-1]["id"]))
    acts = [msgspec.json.decode(line)["act"] for line in more.splitlines()]
    assert acts == ["adjustment.requested", "adjustment.executed", "adjustment.requested"]
    own = said(data, "audit-log", "--by", ann, "--act", "wallet", "--from", today)
    assert [msgspec.json.decode(line)["act"] for line in own.splitlines()] == ["wallet.low_at"]


def test_months_that_are_not_over_stay_open(data: Path, people: tuple[str, str]) -> None:
    month = f"{clock.china_day():%Y-%m}"
    assert "仅可结账已结束的月份" in said(data, "month", "close", month, "--by", people[0], status=1)
    closed = said(data, "month", "close", "2025-01", "--by", people[0])
    assert closed.splitlines()[0] == "2025-01 分区 lane 0: 已结账 closed, 0 项 sums"
    assert said(data, "month", "close", "2025-01", "--by", people[0]).count("此前已结账") == 4
    assert said(data, "month", "list") == "2025-01: 4 个分区 lanes\n"


def test_a_threshold_for_stock(server: Embedded, data: Path) -> None:
    assert said(data, "stock", "alert", "100001", "5") == "100001 低库存预警 low-stock alert: 5\n"
    assert fetch(server, "SELECT sku_id, low_at FROM stock_threshold") == [(100001, 5)]
    said(data, "stock", "alert", "100001", "0")
    assert fetch(server, "SELECT count(*) FROM stock_threshold") == [(0,)]
    said(data, "stock", "alert", "4711", "5", status=1)


def test_withdrawals_are_listed(data: Path, people: tuple[str, str]) -> None:
    assert said(data, "withdrawal", "list", "--state", "requested") == ""
    for words in (("payee", "4711"), ("approve", "4711"), ("pay", "4711", "--reference", "B-1")):
        assert "没有这笔提现" in said(data, "withdrawal", *words, "--by", people[0], status=1)
