"""What tests of an order's life share: orders placed through a gateway, commands, books, the worker's turns."""

from __future__ import annotations

from itertools import count
from typing import Any

from kameng import orders
from kameng.catalogue import Sku
from kameng.kit.working import Limits, Worker
from kameng.ledger import House, house_account
from kameng.orders import Acted, By, Instruction, Refused, ShownOrder, Terms
from kameng.orders.model import Command
from laws.world import Gateway, Merchant, World

_keys = count(1)


async def ordered(gateway: Gateway, merchant: Merchant, sku: Sku, quantity: int = 1) -> ShownOrder:
    answer = await gateway.place(merchant.caller, f"order-{next(_keys)}", sku, quantity)
    assert isinstance(answer, ShownOrder), answer
    return answer


async def ask(world: World, order_id: int, command: Command, key: str = "", **more: Any) -> Acted | Refused:
    """One command, as Kameng itself gives it unless told otherwise."""
    terms: Terms | None = more.pop("terms", None)
    if more.get("by") is By.staff:
        more.setdefault("reason", "because")
    instruction = Instruction(order_id=order_id, command=command, key=key or f"key-{next(_keys)}", **more)
    (outcome,) = await orders.act(world.db, world.ring, [instruction], terms=terms)
    return outcome


def code(outcome: Acted | Refused) -> str:
    """The state that it led to, or the refusal."""
    return outcome.state.value if isinstance(outcome, Acted) else outcome.reason.code


async def houses(world: World) -> dict[str, int]:
    """What the house's accounts hold in all lanes, without those that hold nothing."""
    rows = await world.rows(
        "SELECT code, sum(posted_e4)::bigint AS e4 FROM account WHERE org_id = 0 AND currency = 'CNY' GROUP BY code"
    )
    return {row["code"]: row["e4"] for row in rows if row["e4"]}


async def wallet(world: World, merchant: Merchant) -> int:
    return int(await world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", merchant.org_id))


async def cards(world: World) -> dict[str, int]:
    rows = await world.rows("SELECT state, count(*)::int AS n FROM card GROUP BY state")
    return {row["state"]: row["n"] for row in rows}


async def story(world: World, order_id: int) -> list[str]:
    rows = await world.rows("SELECT kind FROM event WHERE subject_id = $1 ORDER BY sequence", order_id)
    return [row["kind"] for row in rows]


async def waits_for(world: World, order_id: int) -> list[tuple[str, str]]:
    rows = await world.rows("SELECT kind, state FROM job WHERE subject_id = $1 ORDER BY kind", order_id)
    return [(row["kind"], row["state"]) for row in rows]


async def work(world: World, terms: Terms | None = None) -> int:
    """The worker's turns until nothing is due."""
    worker = Worker(
        world.db, orders.handlers(world.ring, terms or Terms()), lanes=world.lanes, limits=Limits(attempts_max=1)
    )
    done = 0
    while turn := await worker.work_once():
        done += turn
    return done


def escrow(currency: str = "CNY") -> int:
    return house_account(House.escrow, currency)
