"""For tests of goods that people work: SKUs for the staff and for a supplier, orders of them, the clock's turns."""

from __future__ import annotations

from typing import Any

from kameng import catalogue, fulfilment, orders
from kameng.catalogue import Sku
from kameng.fulfilment import STAFF, Answer, Task, Terms, Worker, packing
from kameng.fulfilment.store import NewAnswer, insert_answers
from kameng.kit import clock, ids
from kameng.kit.crypto import KeyRing
from kameng.kit.db import Database
from kameng.kit.errors import Refusal
from kameng.kit.working import Limits
from kameng.kit.working import Worker as JobWorker
from laws.world import Merchant, World

CSV = """场景,品牌,商品,规格,类型,面值,成本,标价,下单表单,地区,备注
营销,代办,代办服务,1,manual,10,8,9,,全国,
营销,代办,代充服务,1,manual,10,8,9,phone,全国,
"""
PRICE_E4 = 90_000
CLERK = Worker(STAFF, 71)
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64
TERMS = Terms(manual_due_minutes=120, manual_take_minutes=30)
MINUTE_MS = 60_000


async def by_hand(world: World, supplier: Merchant | None = None, *, minutes: int | None = None) -> tuple[Sku, Sku]:
    """One that asks for nothing, and one for a phone number; worked by the staff, or by a supplier."""
    await catalogue.import_file(world.db, CSV.encode())
    async with world.db.connection() as connection:
        skus = (await catalogue.load(connection, None, 1 << 40)).skus.values()
    changes = {
        "worked_by": 0 if supplier is None else supplier.org_id, "delivery_promise_minutes": minutes, "confirm_days": 0
    }  # fmt: skip
    plain, phone = [
        await catalogue.set_sku(world.db, sku.sku_id, changes)
        for product in ("代办服务", "代充服务")
        for sku in skus
        if sku.product == product
    ]
    return plain, phone


def worker_of(supplier: Merchant) -> Worker:
    return Worker(supplier.org_id, supplier.caller.key.key_id)


async def work(world: World, terms: Terms = TERMS) -> int:
    """The worker's turns until nothing is due, and a look at the clock before and after."""
    order_terms = orders.Terms()
    worker = JobWorker(
        world.db,
        [*orders.handlers(world.ring, order_terms), *fulfilment.handlers(world.ring, terms, order_terms)],
        lanes=world.lanes, limits=Limits(attempts_max=1),
    )  # fmt: skip
    done = 0
    while turn := await worker.work_once():
        done += turn
    for lane in world.lanes:
        await fulfilment.watch(world.db, world.ring, lane)
        await fulfilment.tell_suppliers(world.db, lane)
    return done


async def task_of(world: World, order_id: int) -> Task:
    async with world.db.connection() as connection:
        (task,) = await fulfilment.tasks_of(connection, ids.lane_of(order_id), [order_id])
    return task


async def take(world: World, worker: Worker, task_id: int) -> fulfilment.Taken:
    return await fulfilment.take(world.db, world.ring, worker, task_id, terms=TERMS)


async def answer(world: World, worker: Worker, task_id: int, content: Answer) -> Task:
    return await fulfilment.answer(world.db, world.ring, worker, task_id, content, terms=orders.Terms())


async def refuse(world: World, worker: Worker, task_id: int, reason: str = "做不了") -> Task:
    return await fulfilment.refuse(world.db, world.ring, worker, task_id, reason, terms=orders.Terms())


async def code(doing: Any) -> str:
    """The state that a task came to, or the refusal."""
    try:
        task = await doing
    except Refusal as refusal:
        return refusal.code
    return str(task.task.state if isinstance(task, fulfilment.Taken) else task.state)


async def add_image(db: Database, ring: KeyRing, order_id: int) -> None:
    """As if somebody had answered with one."""
    sealed, image = packing.seal(ring, order_id, 0, Answer(image=PNG))
    new = NewAnswer(order_id, 0, sealed, image, "image/png", len(PNG))
    async with db.transaction() as connection:
        await insert_answers(connection, ids.lane_of(order_id), clock.now(), [new])
