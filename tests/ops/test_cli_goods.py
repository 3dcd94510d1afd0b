"""``kameng`` from a shell, about goods and money: SKUs, prices, recharges with a bonus, credit lines."""

from __future__ import annotations

from pathlib import Path

from command import DEMO_CATALOGUE, fetch, kameng

from kameng.ops.embedded import Embedded


def test_prices(server: Embedded, data: Path, shop: dict[str, str]) -> None:
    assert kameng(data, "price", "level", "100118", "1", "97.5").returncode == 0
    assert kameng(data, "price", "named", "100118", shop["org"], "96.25").returncode == 0
    assert kameng(data, "price", "tier", "100118", "10", "5").returncode == 0
    query = "SELECT what, after_e4 FROM price_change WHERE sku_id = 100118 ORDER BY change_id"
    assert fetch(server, query) == [("level:1", 975_000), (f"named:{shop['org']}", 962_500), ("tier:10", 5)]
    for wrong in (
        ["level", "1", "1", "1"], ["level", "100118", "1", "0"], ["tier", "100118", "1", "5"],
        ["level", "100118", "100", "5"], ["named", "100118", "77", "5"], ["remove", "100118", "level", "2"],
        ["remove", "100118", "level", "99999999"],
    ):  # fmt: skip
        assert kameng(data, "price", *wrong).returncode == 1, wrong
    assert len(fetch(server, query)) == 3
    listed = kameng(data, "price", "list", "100118").stdout
    assert listed.endswith(f"\n  level:1 97.5000\n  named:{shop['org']} 96.2500\n  tier:10 -5‰\n")
    done = kameng(data, "price", "remove", "100118", "named", shop["org"])
    assert (done.returncode, done.stdout) == (0, f"100118 已取消 removed: named {shop['org']}\n")
    assert "named:" not in kameng(data, "price", "list", "100118").stdout
    assert fetch(server, query)[3:] == [(f"named:{shop['org']}", None)]


def test_a_recharge_comes_with_its_bonus(server: Embedded, data: Path, shop: dict[str, str]) -> None:
    query = "SELECT posted_e4 FROM account WHERE account_id = $1"
    ((before_e4,),) = fetch(server, query, int(shop["org"]))
    gift = ["wallet", "recharge", shop["org"], "100", "--key", "receipt-3", "--bonus", "5"]
    refused = kameng(data, *gift)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "原因：应为 1 至 500 个可见字符" in refused.stderr
    assert "reason: 1 to 500 printable characters" in refused.stderr
    assert fetch(server, query, int(shop["org"])) == [(before_e4,)]
    done = kameng(data, *gift, "--reason", "开业活动")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("，另赠 and a bonus of 5.0000\n")
    assert fetch(server, query, int(shop["org"])) == [(before_e4 + 1_050_000,)]  # type: ignore[operator]


def test_a_credit_line_is_set_with_its_reason(server: Embedded, data: Path, shop: dict[str, str]) -> None:
    sandbox = shop["sandbox"]
    done = kameng(data, "credit", "set", sandbox, "500", "--reason", "合同 17")
    assert (done.returncode, done.stdout) == (
        0, f"{sandbox} 授信额度 credit line 500.0000，可用 available 1000500.0000\n"
    )  # fmt: skip
    query = "SELECT credit_line_e4 FROM account WHERE account_id = $1"
    assert fetch(server, query, int(sandbox)) == [(5_000_000,)]
    for org, reason, status, said in (
        ("77", "x", 1, "商户或密钥不存在。"), (sandbox, " ", 1, "原因：应为 1 至 500 个可见字符"),
    ):  # fmt: skip
        refused = kameng(data, "credit", "set", org, "5", "--reason", reason)
        assert (refused.returncode, refused.stdout) == (status, "")
        assert said in refused.stderr
    assert kameng(data, "credit", "set", sandbox, "5").returncode == 2  # no reason
    assert fetch(server, query, int(sandbox)) == [(5_000_000,)]


def test_one_sku_is_changed_by_what_is_named(server: Embedded, data: Path) -> None:
    sku = "100119"
    first = kameng(data, "sku", "show", sku).stdout
    done = kameng(
        data, "sku", "set", sku, "--floor", "40", "--ceiling", "60", "--list-price", "55", "--cost", "39.5", "--min",
        "2", "--max", "20", "--step", "2", "--below-cost", "yes", "--pause", "--refundable", "yes", "--promise", "30",
        "--redeem", "在官网兑换", "--barcode", "6901234567892", "--external-ref", "ERP-7",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    head = first.partition(":")[0]
    assert done.stdout == (
        f"{head}: paused, 版本 revision 2\n"
        "  标价 list 55.0000，成本 cost 39.5000，允许亏本 may be sold below it，限价 floor 40.0000, ceiling 60.0000\n"
        "  数量 quantity 2 to 20 in steps of 2，表单 form -\n"
        "  退款 refundable yes，撤销 reversible no，承诺 promise 30 min，"
        "条码 barcode 6901234567892，外部编码 external ERP-7\n"
        "  兑换说明 redeem: 在官网兑换\n"
    )
    again = kameng(data, "sku", "set", sku, "--floor", "none", "--promise", "none", "--resume")
    assert f"{head}: on_sale, 版本 revision 3\n" in again.stdout
    assert "floor -, ceiling 60.0000\n" in again.stdout
    assert "承诺 promise -，" in again.stdout
    query = "SELECT what, before_e4 IS NULL, after_e4 FROM price_change WHERE sku_id = $1 ORDER BY change_id"
    logged = [("list", False, 550_000), ("cost", False, 395_000), ("floor", True, 400_000), ("ceiling", True, 600_000)]
    assert fetch(server, query, int(sku)) == [*logged, ("floor", False, None)]
    assert kameng(data, "sku", "set", sku).stdout == again.stdout  # nothing was named


def test_what_no_sku_may_be_is_told_by_its_field(server: Embedded, data: Path) -> None:
    before = kameng(data, "sku", "show", "100120").stdout
    for wrong, zh, en in (
        (["--floor", "7", "--ceiling", "6"], "最高限价：不得低于最低限价 7.0000", "ceiling: not below the floor"),
        (["--list-price", "0"], "标价：应为 0.0001 至", "list_price: 0.0001 to"),
        (["--min", "0"], "最小数量：应为 1 至 1000", "quantity_min: 1 to 1000"),
        (["--step", "0"], "数量步长：", "quantity_step: "),
        (["--form", "fax"], "没有名为“fax”的下单表单", "no account form is named 'fax'"),
        (["--barcode", "123"], "条码：应为含校验位的", "barcode: an EAN"),
    ):
        refused = kameng(data, "sku", "set", "100120", *wrong)
        assert (refused.returncode, refused.stdout) == (1, ""), wrong
        assert zh in refused.stderr
        assert en in refused.stderr
    for unusable in (["--pause", "--resume"], ["--floor", "-1"], ["--below-cost", "perhaps"]):
        assert kameng(data, "sku", "set", "100120", *unusable).returncode == 2
    assert kameng(data, "sku", "set", "5", "--pause").returncode == 1
    assert kameng(data, "sku", "show", "100120").stdout == before


def test_a_bundle_has_parts_or_stays_paused(data: Path) -> None:
    file = data / "bundle.csv"
    file.write_text(f"{DEMO_CATALOGUE.read_text('utf-8-sig').splitlines()[0]}\n营销,礼包,新礼包,1,bundle,9,8,9,,全国,\n")
    done = kameng(data, "catalogue", "import", str(file))
    assert done.stdout == (
        "新增 created 1，修改 changed 0，未变 unchanged 0，拒绝 refused 0\n"
        "  组合商品 1 个已暂停销售，请用 `kameng sku bundle` 填写组成内容 bundles are paused until they have parts\n"
    )
    refused = kameng(data, "sku", "set", "100177", "--resume")
    assert refused.returncode == 1
    assert "组合商品尚无组成内容，不能上架销售。" in refused.stderr
    assert "A bundle without parts can't be put on sale" in refused.stderr
    made = kameng(
        data, "sku", "bundle", "100177", "--part", "100118x2=66.67", "--part", "100119=33.33", "--gift", "100120",
        "--discount", "12.5",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert "  第 1 项 part 1: 100118 × 2 (secret)，份额 share 66.67%\n" in made.stdout
    assert "  第 3 项 part 3: 100120 × 1 (secret)，赠品 gift\n" in made.stdout
    assert "  组合折扣 discount 12.5000%，标价随各项变动 the list price follows\n" in made.stdout
    assert kameng(data, "sku", "set", "100177", "--resume").returncode == 0
    refused = kameng(data, "sku", "set", "100177", "--list-price", "5")
    assert "标价：随组成内容而定，不能单独修改" in refused.stderr
    assert kameng(data, "sku", "set", "100120", "--pause").returncode == 0
    assert "(secret)，赠品 gift，未上架 not on sale\n" in kameng(data, "sku", "show", "100177").stdout
    assert kameng(data, "sku", "set", "100120", "--resume").returncode == 0
    for wrong in (["--part", "x"], ["--part", "100118=0"], ["--gift", "100118"], ["--part", "100118x-1"]):
        assert kameng(data, "sku", "bundle", "100177", *wrong).returncode == 2, wrong
