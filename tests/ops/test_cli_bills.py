"""``kameng bill`` and ``kameng bonus`` from a shell: a provider's bill of today beside the simulator, a statement."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from command import fetch, kameng

from kameng import identity, payments
from kameng.channels import Method, Scene
from kameng.kit import clock, crypto, db
from kameng.ops.embedded import Embedded
from kameng.payments import Payer, Payment

HEAD = "交易日期,交易时间,借方发生额（支出）,贷方发生额（收入）,余额,对方户名,摘要,备注\n"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """Where the providers are, and what the first epay merchant is given."""
    folder = tmp_path_factory.mktemp("sim")
    command = [sys.executable, "-m", "kameng.sim.pay", "--data", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = process.stdout.readline().strip().removeprefix("port=")
        given = json.loads((folder / "merchants.json").read_bytes())
        yield f"http://127.0.0.1:{port}", next(x["credentials"] for x in given if x["protocol"] == "epay_v1")
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def steer(base: str, what: str, sent: Any) -> None:
    body = json.dumps(sent).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{base}/_sim/{what}", body), timeout=10) as answer:
        assert answer.status == 200


def channel(data: Path, protocol: str, name: str, credentials: dict[str, str], *more: str) -> str:
    done = kameng(data, "channel", "add", protocol, name, *more, said=json.dumps(credentials))
    assert done.returncode == 0, done.stderr
    number = done.stdout.split()[2]
    assert kameng(data, "channel", "on", number, "--reason", "test").returncode == 0
    return number


def recharge(server: Embedded, data: Path, org_id: int, ref: str, method: Method, *, base: str = "") -> Payment:
    """Begun through whatever channel takes it; paid at the simulator and asked about, if it is there."""

    async def work() -> Payment:
        database = await db.open_database(server.url)
        cashier = payments.Cashier(
            database, crypto.KeyRing(crypto.KeyFile(data / "keyring.json").load()), public_url="http://127.0.0.1:1"
        )
        async with database.connection() as connection:
            organisation = await identity.find_organisation(connection, org_id)
        assert organisation is not None
        scene = Scene.page if method is Method.bank else Scene.qr
        begun = await payments.begin_recharge(
            cashier, organisation, 1_000_000, client_ref=ref, method=method, scene=scene, payer=Payer()
        )
        if base:
            await asyncio.to_thread(
                steer, base, "pay", {"provider": "epay", "payment_no": begun.payment.payment_no, "is_quiet": True}
            )
        found = await payments.query_now(cashier, begun.payment.payment_id) if base else begun.payment
        await cashier.close()
        await database.close()
        return found

    return asyncio.run(work())


def test_a_bill_is_fetched_matched_and_reported(
    server: Embedded, data: Path, shop: dict[str, str], simulator: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    base, credentials = simulator
    number = channel(data, "epay_v1", "易支付", credentials)
    paid = recharge(server, data, int(shop["org"]), "cli-1", Method.wechat, base=base)
    assert paid.state == "paid"
    today = clock.china_day().isoformat()
    early = kameng(data, "bill", "match", number, today)
    assert (early.returncode, "no bill" in early.stderr.lower()) == (1, True), early.stderr
    steer(base, "faults", [{"what": "extra", "call": "lines", "payment_no": "*", "account": credentials["pid"]}])
    fetched = kameng(data, "bill", "fetch", number, today)
    assert fetched.stdout.startswith(f"{today}  fetched  2 lines 行  "), fetched.stdout + fetched.stderr
    matched = kameng(data, "bill", "match", number, today)
    assert matched.stdout.splitlines()[-1] == "1 differences wait. 待处理差错 1 笔。", matched.stdout + matched.stderr
    again = kameng(data, "bill", "match", number, today)
    assert again.stdout == matched.stdout
    file = tmp_path / "day.xlsx"
    assert kameng(data, "bill", "report", today, "--file", str(file)).returncode == 0
    assert file.read_bytes().startswith(b"PK")
    assert kameng(data, "bill", "fetch", "99", today).returncode == 1
    assert kameng(data, "bill", "fetch", number, "yesterday").returncode == 2
    assert fetch(server, "SELECT kind FROM bill_case") == [("DUPLICATE",)]
    assert kameng(data, "channel", "off", number, "--reason", "done").returncode == 0


def test_a_statement_is_brought_in_once(server: Embedded, data: Path, shop: dict[str, str], tmp_path: Path) -> None:
    from kameng.channels import code_of

    number = channel(data, "bank", "招行", {"bank": "招商银行", "name": "卡盟公司", "number": "6225"})
    payment = recharge(server, data, int(shop["org"]), "cli-2", Method.bank)
    day = datetime.now(clock.CHINA).strftime("%Y-%m-%d")
    known = f'{day},10:00:00,,"100.00",1,张三,转账,{code_of(payment.payment_no)}\n'
    file = tmp_path / "statement.csv"
    file.write_bytes((HEAD + known + f'{day},11:00:00,,"5.00",2,李四,转账,无备注\n').encode("gbk"))
    first = kameng(data, "bill", "import", "--by", "3", number, str(file))
    assert first.stdout.startswith("2 credits, 0 known before, 1 booked, 1 wait for a person."), first.stderr
    again = kameng(data, "bill", "import", "--by", "3", number, str(file))
    assert again.stdout.startswith("2 credits, 2 known before, 0 booked, 1 wait for a person."), again.stderr
    assert fetch(server, "SELECT state FROM payment WHERE payment_id = $1", payment.payment_id) == [("paid",)]
    file.write_text("nonsense")
    assert kameng(data, "bill", "import", "--by", "3", number, str(file)).returncode == 1
    assert kameng(data, "bill", "import", "--by", "3", number, str(tmp_path / "none.csv")).returncode == 2


def test_bonuses_from_their_adding_to_their_end(data: Path) -> None:
    added = kameng(data, "bonus", "add", "500", "--percent", "2.5", "--most", "50", "--starts", "2026-12-12T20:00")
    assert added.stdout == (
        "规则 Bonus 1: 满 from 500.0000, 送 gives 2.5000%, 最高 at most 50.0000, 2026-12-12T20:00 – …\n"
    ), added.stderr
    assert kameng(data, "bonus", "list").stdout == added.stdout
    wrong = kameng(data, "bonus", "add", "500")
    assert (wrong.returncode, "赠送金额" in wrong.stderr) == (1, True), wrong.stderr
    assert kameng(data, "bonus", "add", "500", "--percent", "half").returncode == 2
    assert kameng(data, "bonus", "end", "1").stdout == "规则 Bonus 1: 已停用 ended\n"
    ended = kameng(data, "bonus", "end", "7")
    assert (ended.returncode, "no bonus 7" in ended.stderr) == (1, True), ended.stderr
