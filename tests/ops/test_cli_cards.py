"""``kameng cards load`` from a shell: what is said of a batch beside its file."""

from __future__ import annotations

from pathlib import Path

from command import fetch, kameng

from kameng.ops.embedded import Embedded

SKU = "100118"
QUERY = "SELECT supplier_org_id, loaded, refused, paid_e4, cost_e4, expires_on::text FROM card_batch ORDER BY batch_id"


def test_a_batch_has_its_cost_its_last_day_and_its_supplier(server: Embedded, data: Path) -> None:
    found = kameng(data, "organisation", "found", "卡商", "--kind", "supplier")
    supplier = found.stdout.partition("Organisation ")[2].split()[0]
    file = data / "cards.txt"
    file.write_text("C1----S1\nC2----S2\n")
    for wrong, status, said in (
        (["--supplier", "77"], 1, "supplier: 77 is no active supplier"),
        (["--expires", "2020-12-31"], 1, "expires: not before "),
        (["--cost", "100000000001"], 1, "cost: 0 to 100000000000.0000"),
        (["--cost", "-1"], 2, "--cost"),
        (["--expires", "2028-13-31"], 2, "--expires: 应为日期 a day like 2028-12-31, not '2028-13-31'"),
        (["--expires", "tomorrow"], 2, "--expires: 应为日期"),
        (["--expires", "20281231"], 2, "--expires: 应为日期"),
    ):
        refused = kameng(data, "cards", "load", str(file), "--sku", SKU, *wrong)
        assert (refused.returncode, refused.stdout) == (status, ""), wrong
        assert said in refused.stderr, refused.stderr
    assert fetch(server, QUERY) == []
    done = kameng(
        data, "cards", "load", str(file), "--sku", SKU, "--cost", "95.5", "--expires", "2099-12-31",
        "--supplier", supplier,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert fetch(server, QUERY) == [(int(supplier), 2, 0, 1_910_000, 955_000, "2099-12-31")]


def test_nothing_has_to_be_said(server: Embedded, data: Path) -> None:
    file = data / "more.txt"
    file.write_text("C3----S3\n")
    assert kameng(data, "cards", "load", str(file), "--sku", SKU).returncode == 0
    assert fetch(server, QUERY)[-1] == (0, 1, 0, None, None, None)
