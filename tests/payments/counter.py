"""What tests of payments share: orders that await payment, a cashier with channels at a bank, the worker's turns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import msgspec

from kameng import orders, payments
from kameng.catalogue import Sku
from kameng.channels import Incoming, Method, Scene
from kameng.kit import clock
from kameng.kit.working import Limits, Worker
from kameng.notices import Policy
from kameng.orders import ShownOrder, Terms
from kameng.payments import Begin, Cashier, Payer, Payment
from laws.world import Gateway, Merchant, World
from payments.bank import PROTOCOL, Bank, open_bank

TERMS = Terms(reserve_share_percent=100, reserve_buyer_max=1000, reserve_ip_max=1000)
CARD_E4 = 985_000
HERE = Policy.of("on", ["127.0.0.0/8"])
_numbers = count(1)


@dataclass
class Counter:
    world: World
    gateway: Gateway
    bank: Bank
    cashier: Cashier
    channel: int

    async def another(self, **more: Any) -> int:
        """One more channel at the bank, switched on."""
        number = await payments.add_channel(
            self.world.db, self.world.ring, protocol=PROTOCOL, name=f"channel {next(_numbers)}", account_no="M-1",
            credentials={"base": self.bank.base, "secret": self.bank.secret}, actor_id=7, **more,
        )  # fmt: skip
        await payments.switch_channel(self.world.db, number, on=True, reason="open", actor_id=7)
        self.forget()
        return number

    def forget(self) -> None:
        """Read channels anew."""
        self.cashier.channels._read_at_s = float("-inf")

    async def order(
        self, merchant: Merchant, sku: Sku | None = None, *, quantity: int = 1, contact: str = ""
    ) -> ShownOrder:
        """One that awaits its payment; of a guest, if there is a contact."""
        key = orders.key_of_guest(merchant.caller.organisation) if contact else merchant.caller.key
        wish = await self.gateway.wish(merchant.caller, f"r-{next(_numbers)}", sku or self.world.card, quantity)
        wish = msgspec.structs.replace(wish, key=key)
        guest = orders.guest_from(contact, "secret1") if contact else None
        answer = await orders.await_payment(self.gateway.snapshot, wish, guest=guest)
        assert isinstance(answer, ShownOrder), answer
        return answer

    async def begin(
        self, merchant: Merchant, order_id: int, method: Method = Method.wechat, scene: Scene = Scene.qr, **more: Any
    ) -> Begin:
        payer = more.pop("payer", Payer())
        return await payments.begin_order(
            self.cashier, merchant.caller.organisation, order_id, method=method, scene=scene, payer=payer, **more
        )

    async def recharge(self, merchant: Merchant, amount_e4: int, ref: str = "rc-1") -> Begin:
        return await payments.begin_recharge(
            self.cashier, merchant.caller.organisation, amount_e4, client_ref=ref, method=Method.wechat,
            scene=Scene.qr, payer=Payer(),
        )  # fmt: skip

    async def hear(self, incoming: Incoming, *, channel: int | None = None, address: str = "127.0.0.1") -> int:
        """The status of the answer."""
        ack = await payments.hear(self.cashier, channel or self.channel, incoming, address=address)
        return ack.status

    async def paid(self, payment: Payment, **facts: Any) -> int:
        """A customer pays, and the bank tells; in a test of one channel."""
        self.bank.pay(payment.payment_no, facts.get("amount_minor"))
        return await self.hear(self.bank.notice(payment.payment_no, **facts), channel=payment.channel_id)

    async def paid_again(self, payment: Payment) -> int:
        """The bank tells of what was paid before."""
        return await self.hear(self.bank.notice(payment.payment_no), channel=payment.channel_id)

    async def work(self, *, minutes: float = 0) -> None:
        """The worker's turns until nothing is due, so much later."""
        with clock.hold(clock.now_ms() + int(minutes * 60_000)):
            handlers = [*orders.handlers(self.world.ring, TERMS), *payments.handlers(self.cashier)]
            worker = Worker(self.cashier.db, handlers, lanes=self.world.lanes, limits=Limits())
            while await worker.work_once():
                pass

    async def state(self, order_id: int) -> str:
        return str(await self.world.scalar("SELECT state FROM orders WHERE order_id = $1", order_id))

    async def payment(self, payment: Payment) -> Payment:
        return await payments.find_payment(self.cashier, payment.payment_id)

    async def houses(self) -> dict[str, int]:
        """What the house's accounts hold in all lanes, without those that hold nothing."""
        rows = await self.world.rows(
            "SELECT code, sum(posted_e4)::bigint AS e4 FROM account WHERE org_id = 0 AND currency = 'CNY' GROUP BY code"
        )
        return {row["code"]: row["e4"] for row in rows if row["e4"]}

    async def desk(self) -> list[str]:
        rows = await self.world.rows("SELECT kind FROM job WHERE state IN ('dead', 'unknown') ORDER BY kind")
        return [row["kind"] for row in rows]

    async def waiting(self) -> list[str]:
        rows = await self.world.rows("SELECT kind FROM job WHERE state NOT IN ('dead', 'unknown') ORDER BY kind")
        return [row["kind"] for row in rows]

    async def check(self) -> None:
        """Every law holds, and what the bank owes is what the books say that it owes, but for its fees."""
        await self.world.assert_clean()
        owed_e4 = await self.world.scalar(
            "SELECT coalesce(sum(-posted_e4), 0)::bigint FROM account WHERE code IN ('channel', 'channel_fee')"
        )
        assert owed_e4 == self.bank.owed_minor * 100


@asynccontextmanager
async def open_counter(world: World) -> AsyncIterator[Counter]:
    cashier = Cashier(world.db, world.ring, public_url="https://kameng.test", terms=TERMS, reach=HERE)
    async with open_bank() as bank, world.gateway(terms=TERMS) as gateway:
        opened = Counter(world, gateway, bank, cashier, 0)
        opened.channel = await opened.another(fee_ppm=6000)
        try:
            yield opened
        finally:
            await cashier.close()
