"""``kameng route`` from a shell: rules in their order, the mode, a dry run, and why a payment went where it went."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from command import fetch, kameng

from kameng import payments
from kameng.kit import crypto, db
from kameng.ops.embedded import Embedded


def channels(server: Embedded, data: Path) -> None:
    """Two accounts that offer a bank transfer, so that nobody is called."""

    async def work() -> None:
        database = await db.open_database(server.url)
        ring = crypto.KeyRing(crypto.KeyFile(data / "keyring.json").load())
        for name in ("one", "two"):
            number = await payments.add_channel(
                database, ring, protocol="bank", name=name, actor_id=0,
                credentials={"bank": "招商银行", "name": "卡盟", "number": "6225"},
            )  # fmt: skip
            await payments.switch_channel(database, number, on=True, reason="go", actor_id=0)
        await database.close()

    asyncio.run(work())


def test_rules_mode_and_why(server: Embedded, data: Path) -> None:
    channels(server, data)
    scene = fetch(server, "SELECT offers -> 0 ->> 1 FROM payment_channel")[0][0]
    why = ("route", "why", "--method", "bank", "--scene", scene)
    add = ("route", "rule", "add", "大额走二号", "pin", "--channels", "2", "--from-amount", "500", "--methods", "bank")
    made = kameng(data, *add, "--hours", "00:00-23:59")
    assert made.stdout == "规则 Rule 1 大额走二号\n", made.stderr
    assert kameng(data, "route", "rule", "add", "share", "split", "--shares", "1=2500").returncode == 0
    moved = kameng(data, "route", "rule", "move", "2", "-1").stdout.splitlines()
    assert moved == [
        "2 share: 按比例 split #1 25%",
        "1 大额走二号: 指定 pin #2 methods=bank amount=500.0000.. hours=00:00-23:59",
    ]
    assert kameng(data, "route", "rule", "end", "2", "--reason", "over").returncode == 0
    large = kameng(data, *why, "--amount", "800")
    assert "选择 two：规则指定（大额走二号）。" in large.stdout, large.stderr
    assert "one: a rule pins another (大额走二号)" in large.stdout
    none = kameng(data, "route", "why", "--method", "usdt", "--amount", "8")
    assert (none.returncode, none.stdout.splitlines()[0]) == (1, "没有可用通道。")
    bad = kameng(data, "route", "rule", "add", "bad", "only", "--channels", "9")
    assert (bad.returncode, "通道：填写有误" in bad.stderr) == (1, True), bad.stderr
    switched = kameng(data, "route", "mode", "order", "--fee-weight", "0.25", "--reason", "try")
    assert switched.stdout == "方式 Mode: 按顺序 order\n", switched.stderr
    assert msgspec.json.decode(fetch(server, "SELECT policy::text FROM routing_policy")[0][0])["fee_weight"] == 0.25
    shown = kameng(data, "route", "show").stdout
    assert shown.startswith("方式 Mode: 按顺序 order\n1 one: 启用 on, 正常 well"), shown
    assert "选择 one：按顺序。" in kameng(data, *why, "--amount", "1").stdout
    assert kameng(data, "route", "decision", "K5").returncode == 1
    acts = [act for (act,) in fetch(server, "SELECT act FROM audit_line WHERE act LIKE 'routing.%' ORDER BY audit_id")]
    assert acts == [f"routing.{act}" for act in ("rule.add", "rule.add", "rule.move", "rule.end", "policy")]
