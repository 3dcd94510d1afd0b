"""``kameng task`` and what comes of it, from a shell: what the staff works by hand."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest
from command import fetch, kameng

from kameng import fulfilment, ledger, orders
from kameng.identity import Caller, parse_key_id
from kameng.kit import crypto, db, ids, lanes
from kameng.kit.working import Worker
from kameng.ops.embedded import Embedded
from kameng.orders import OrderBody, ShownOrder
from laws.handwork import CSV, PNG
from laws.world import PHONE

SUPPLIER = "供货 Supplier"


@pytest.fixture(scope="module")
def sku(server: Embedded) -> str:
    """A SKU for a phone number that the staff works."""
    file = server.data_dir.parent / "handwork.csv"
    file.write_text(CSV, "utf-8")
    done = kameng(server.data_dir.parent, "catalogue", "import", str(file))
    assert done.returncode == 0, done.stderr
    ((sku_id,),) = fetch(server, "SELECT max(sku_id) FROM sku WHERE kind = 'manual' AND form = 'phone'")
    return str(sku_id)


@pytest.fixture(scope="module")
def clerk(server: Embedded) -> str:
    done = kameng(server.data_dir.parent, "person", "add", "li@example.com", "小李")
    assert done.returncode == 0, done.stderr
    ((person_id,),) = fetch(server, "SELECT person_id FROM person WHERE sign_in = 'li@example.com'")
    return str(person_id)


@pytest.fixture(scope="module")
def placed(server: Embedded, shop: dict[str, str], sku: str) -> list[tuple[str, str]]:
    """Two orders, and their tasks."""
    return asyncio.run(_place(server, shop, int(sku)))


async def _place(server: Embedded, shop: dict[str, str], sku_id: int) -> list[tuple[str, str]]:
    ring = crypto.KeyRing(crypto.KeyFile(server.data_dir.parent / "keyring.json").load())
    database = await db.open_database(server.url)
    org_id = int(shop["org"])
    await ledger.recharge(database, ids.lane_of(org_id), org_id, 10**8, key="tasks")
    snapshot = orders.Snapshot(database, ring, orders.Terms())
    await snapshot.start()
    key = await snapshot.directory.key(parse_key_id(shop["key"])[0])
    assert key is not None
    caller = Caller(key, snapshot.directory.organisations[org_id], "127.0.0.1")
    async with database.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    queues = orders.Lanes(snapshot, numbers)
    queues.start()
    made = []
    for n in range(2):
        wish = orders.wish_from(snapshot, caller, OrderBody(f"task-{n}", str(sku_id), 1, {"phone": PHONE}))
        answer = await queues.place(wish)
        assert isinstance(answer, ShownOrder), answer
        made.append(answer.order_id)
    await queues.stop()
    await Worker(
        database, fulfilment.handlers(ring, fulfilment.Terms(), orders.Terms()), lanes=numbers
    ).work_once()  # fmt: skip
    async with database.connection() as connection:
        tasks = await fulfilment.tasks_of(connection, ids.lane_of(made[0]), made)
    await database.close()
    return [(str(task.order_id), str(task.task_id)) for task in sorted(tasks, key=lambda task: task.order_id)]


def test_taken_answered_and_revealed(
    server: Embedded, data: Path, placed: list[tuple[str, str]], clerk: str, tmp_path: Path
) -> None:
    order, task = placed[0]
    listed = kameng(data, "task", "list")
    assert (listed.returncode, len(listed.stdout.splitlines())) == (0, 2), listed.stderr
    first = listed.stdout.splitlines()[0]
    assert first.startswith(f"{task} 待领取 open: 订单 order {order} (fulfilling), sku ")
    assert first.endswith(", phone=138****5678")
    one, rest = kameng(data, "task", "list", "--limit", "1").stdout.splitlines()
    assert one == first
    second = kameng(data, "task", "list", *rest.split(": ")[1].split())
    assert second.stdout.splitlines() == listed.stdout.splitlines()[1:]
    none = kameng(data, "task", "list", "--limit", "0")
    assert (none.returncode, "a whole number from 1 on" in none.stderr) == (2, True)
    shown = kameng(data, "order", "show", order).stdout
    assert f"人工任务 task {task} part 0: open, " in shown
    early = kameng(data, "task", "answer", task, "--text", "x", "--by", clerk)
    assert (early.returncode, "请先领取该任务" in early.stderr) == (1, True)
    taken = kameng(data, "task", "take", task, "--by", clerk)
    assert (taken.returncode, taken.stdout.splitlines()[1:]) == (0, [f"  phone={PHONE}"]), taken.stderr
    assert kameng(data, "task", "give-back", task, "--by", clerk).stdout.startswith(f"{task} 待领取 open: ")
    kameng(data, "task", "take", task, "--by", clerk)
    (tmp_path / "cards.txt").write_text("HAND00000001 S3CRET-0001\nHAND00000002\n")
    (tmp_path / "image.bin").write_bytes(PNG)
    bad = kameng(data, "task", "answer", task, "--cards", str(tmp_path / "cards.txt"), "--by", clerk)
    assert (bad.returncode, "line 2" in bad.stderr) == (2, True)
    (tmp_path / "cards.txt").write_text("HAND00000001 S3CRET-0001\nHAND00000002 S3CRET-0002\n")
    answered = kameng(
        data, "task", "answer", task, "--text", "已办理", "--cards", str(tmp_path / "cards.txt"),
        "--image", str(tmp_path / "image.bin"), "--by", clerk,
    )  # fmt: skip
    assert answered.stdout == f"{task} 已完成 answered: 订单 order {order} delivered\n", answered.stderr
    shown = kameng(data, "order", "show", order).stdout
    assert f"人工交付 answer part 0, 图片 image image/png {len(PNG)} B: kameng order reveal {order}" in shown
    assert "S3CRET" not in shown
    saved = data / "came.png"
    revealed = kameng(data, "order", "reveal", order, "--reason", "来电", "--by", clerk, "--image", str(saved))
    assert revealed.stdout.splitlines() == [
        "0: 已办理", "  HAND00000001 S3CRET-0001", "  HAND00000002 S3CRET-0002", f"图片 image: {saved}"
    ], revealed.stderr  # fmt: skip
    assert (saved.read_bytes(), stat.S_IMODE(saved.stat().st_mode)) == (PNG, 0o600)
    assert kameng(data, "order", "reveal", order, "--reason", "x", "--by", clerk, "--image", str(saved)).returncode == 2


def test_extended_and_refused(server: Embedded, data: Path, placed: list[tuple[str, str]]) -> None:
    order, task = placed[1]
    assert kameng(data, "task", "extend", task, "--minutes", "60", "--reason", "等待").returncode == 0
    again = kameng(data, "task", "extend", task, "--minutes", "60", "--reason", "等待")
    assert (again.returncode, "只能在到期前延长一次" in again.stderr) == (1, True)
    kameng(data, "task", "take", task)
    refused = kameng(data, "task", "refuse", task, "--reason", "无法办理")
    assert refused.stdout == f"{task} 已拒绝 refused: 订单 order {order} refunded\n", refused.stderr
    assert kameng(data, "task", "list").stdout == "没有任务。There are no tasks.\n"
    assert kameng(data, "task", "list", "--state", "refused").stdout.startswith(f"{task} 已拒绝 refused")
    assert kameng(data, "task", "take", "4096").returncode == 1
    assert kameng(data, "audit").returncode == 0


def test_a_sku_is_given_to_a_supplier(server: Embedded, data: Path, sku: str, shop: dict[str, str]) -> None:
    found = kameng(data, "organisation", "found", SUPPLIER, "--kind", "supplier").stdout
    supplier = found.split()[2]
    assert "处理方 worked by 平台 the staff" in kameng(data, "sku", "show", sku).stdout
    done = kameng(data, "sku", "set", sku, "--worked-by", supplier)
    assert f"处理方 worked by {supplier}" in done.stdout, done.stderr
    refused = kameng(data, "sku", "set", sku, "--worked-by", shop["org"])
    assert (refused.returncode, "应为供货商" in refused.stderr) == (1, True)
    card = kameng(data, "sku", "set", "100118", "--worked-by", supplier)
    assert (card.returncode, "仅人工处理" in card.stderr) == (1, True)
    assert "worked by 平台 the staff" in kameng(data, "sku", "set", sku, "--worked-by", "none").stdout


def test_the_doctor_counts_what_nobody_does(server: Embedded, data: Path) -> None:
    done = kameng(data, "doctor")
    assert "✓ waiting: 等待本版本尚不能自动处理的订单：0。" in done.stdout, done.stdout
