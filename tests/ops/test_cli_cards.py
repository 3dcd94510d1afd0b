"""``kameng cards load`` from a shell: what is said of a batch beside its file."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from command import fetch, kameng

from kameng.ops.commands import cards
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


def test_links_reusable_and_chosen_cards_from_a_shell(server: Embedded, data: Path) -> None:
    reusable = data / "reusable.txt"
    reusable.write_text("REUSE-00000001----SHARED-0001\n")
    for wrong, said in ((["--uses", "0"], "应为正整数或 unlimited"), (["--uses", "x"], "应为非负整数")):
        refused = kameng(data, "cards", "load", str(reusable), "--sku", SKU, *wrong)
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
    done = kameng(data, "cards", "load", str(reusable), "--sku", SKU, "--uses", "7")
    assert done.returncode == 0, done.stderr
    assert fetch(server, "SELECT uses, issued FROM reusable_card") == [(7, 7)]

    set_ = kameng(data, "sku", "set", SKU, "--pickable", "yes", "--pick-fee", "5")
    assert "可自选，加价 the buyer may choose, for 5.0000 more" in set_.stdout, set_.stderr
    chosen = data / "chosen.csv"
    chosen.write_text("卡号,卡密,靓号,加价\n13800001111,SECRET-1,尾号 1111,20\n13800002222,SECRET-2,,\n")
    done = kameng(data, "cards", "load", str(chosen), "--sku", SKU)
    assert done.returncode == 0, done.stderr
    refused = kameng(data, "cards", "load", str(chosen), "--sku", SKU, "--uses", "2")
    assert (refused.returncode, "a card that can be chosen is sold once" in refused.stderr) == (1, True)
    shown = kameng(data, "cards", "display", SKU).stdout.splitlines()
    assert [line.partition(" ")[2] for line in shown] == ["尾号 1111 +20.0000", "13800002222 +5.0000"]


def test_lists_are_whole_however_long(
    server: Embedded, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = kameng(data, "organisation", "found", "长单卡商", "--kind", "supplier")
    supplier = found.stdout.partition("Organisation ")[2].split()[0]
    for n in range(3):
        file = data / f"page-{n}.txt"
        file.write_text(f"PAGE-{n:08d}----SECRET-{n:04d}\n")
        done = kameng(data, "cards", "load", str(file), "--sku", "100120", "--supplier", supplier)
        assert done.returncode == 0, done.stderr
    fetch(server, "UPDATE card SET state = 'on_display', label = card_id::text WHERE sku_id = 100120")
    monkeypatch.setenv("KAMENG_DATA_DIR", str(data))
    monkeypatch.setattr(cards, "ROWS_AT_ONCE", 2)
    cards.show_stock(argparse.Namespace(supplier=int(supplier)))
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()] == [
        "page-2.txt:", "page-1.txt:", "page-0.txt:"
    ]  # fmt: skip
    cards.list_displayed(argparse.Namespace(sku=100120))
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_cards_are_taken_off_from_a_shell(server: Embedded, data: Path) -> None:
    found = kameng(data, "organisation", "found", "作废卡商", "--kind", "supplier")
    supplier = found.stdout.partition("Organisation ")[2].split()[0]
    file, numbers = data / "void.txt", data / "numbers.txt"
    file.write_text("".join(f"VOID-{n:08d}----SECRET-{n:04d}\n" for n in range(5)))
    done = kameng(data, "cards", "load", str(file), "--sku", "100119", "--supplier", supplier)
    assert done.returncode == 0, done.stderr
    batch = done.stdout.partition("(batch ")[2].partition(")")[0]
    numbers.write_text("VOID-00000001\n\nVOID-99999999\n")
    named = ["--sku", "100119", "--numbers", str(numbers), "--reason", "recalled"]
    done = kameng(data, "cards", "void", *named)
    assert (done.returncode, done.stdout.splitlines()) == (1, [
        "作废 voided 1，此前已作废 before 0，已售 sold 0，已预留 reserved 0",
        "  第 3 行 line 3: VOI**** 该商品下没有您的此卡号。 No card of yours for this SKU has this number. [unknown]",
    ])  # fmt: skip
    done = kameng(data, "cards", "void", "--batch", batch, "--reason", "recalled")
    assert (done.returncode, done.stdout) == (0, "作废 voided 4，此前已作废 before 1，已售 sold 0，已预留 reserved 0\n")
    shown = kameng(data, "cards", "stock", supplier).stdout
    assert shown.startswith(f"{batch} 100119 void.txt: 在架 on the shelf 0，")
    assert "作废 void 5" in shown
    for wrong, said in (
        (["--batch", "4711", "--reason", "x"], "There is no such batch"),
        (["--numbers", str(numbers), "--reason", "x"], "Numbers are of one SKU: name both"),
    ):
        refused = kameng(data, "cards", "void", *wrong)
        assert (refused.returncode, said in refused.stdout + refused.stderr) == (1, True), refused.stderr
    numbers.write_text("VOID-00000002\n", "utf-16")
    unread = kameng(data, "cards", "void", *named)
    assert (unread.returncode, unread.stderr) == (2, f"kameng: {numbers} is not UTF-8.\n{numbers} 不是 UTF-8 编码。\n")
