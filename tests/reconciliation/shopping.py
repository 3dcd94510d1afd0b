"""Payments and refunds as payments leaves them, and bills that say so, for tests of what is made of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from kameng import ledger
from kameng.channels import Bill, BillLine, NoticeKind
from kameng.kit import clock, ids, jobs, lanes
from kameng.ledger import CHANNEL, CHANNEL_FEE, House, Leg, house_account
from kameng.reconciliation import fetching, matching, resolving
from kameng.reconciliation.model import Case, Channel
from laws.world import World

DAY = date(2026, 11, 20)
LARGE_E4 = 10_000_000
_numbers = count(1)


def at(hour: int = 12, minute: int = 0, second: int = 0, *, day: date = DAY) -> datetime:
    """A moment of a day of China."""
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=clock.CHINA)


@dataclass
class Paid:
    """A payment, and what its bill should say of it."""

    payment_id: int
    amount_e4: int
    fee_e4: int
    paid_at: datetime
    provider_no: str

    def line(self, **other: Any) -> BillLine:
        values: dict[str, Any] = {
            "kind": NoticeKind.payment, "payment_no": f"K{self.payment_id}", "provider_no": self.provider_no,
            "amount_minor": self.amount_e4 // 100, "fee_minor": self.fee_e4 // 100, "at": self.paid_at,
        }  # fmt: skip
        return BillLine(**values | other)


@dataclass
class Desk:
    """A channel on a small platform, and its days."""

    world: World
    channel: Channel
    paid: list[Paid] = field(default_factory=list)
    owners: dict[int, int] = field(default_factory=dict)

    async def pay(
        self, amount_e4: int = 1_000_000, *, lane: int = 0, when: datetime | None = None, state: str = "paid",
        fee_e4: int | None = None,
    ) -> Paid:  # fmt: skip
        """A payment of that moment: booked, or left open."""
        when = when or at()
        fee_e4 = amount_e4 * 6 // 1000 // 100 * 100 if fee_e4 is None else fee_e4
        owner = await self._owner(lane)
        with clock.hold(int(when.timestamp() * 1000)):
            async with self.world.db.transaction() as connection:
                passage = await lanes.pass_gate(connection, lane, id_count=1)
                number, booked = passage.ids[0], state == "paid"
                transfer_id = await self._book(lane, number, amount_e4, fee_e4, connection) if booked else None
                if not booked:
                    await self._look_after(connection, lane, "payments.query", number)
                await connection.execute(
                    "INSERT INTO payable (lane, payable_id, kind, org_id, amount_e4, currency, expires_at, made_at,"
                    " state, payment_id, ended_at)"
                    " VALUES ($1, $2, 'recharge', $8, $3, 'CNY', $4, $4, $5, $6, $7)",
                    lane, number, amount_e4, when, "paid" if booked else "open", number if booked else None,
                    when if booked else None, owner,
                )  # fmt: skip
                await connection.execute(
                    "INSERT INTO payment (lane, payment_id, payable_id, org_id, channel_id, attempt, method, scene,"
                    " amount_e4, currency, fee_e4, state, taken_as, paid_e4, provider_no, begun_at, expires_at, paid_at,"  # noqa: E501
                    " booked_at, transfer_id) VALUES ($1, $2, $2, $13, $3, 1, 'wechat', 'qr', $4, 'CNY', $5, $6, $7, $8,"  # noqa: E501
                    " $9, $10, $10, $11, $11, $12)",
                    lane, number, self.channel.channel_id, amount_e4, fee_e4, state, "recharge" if booked else None,
                    amount_e4 if booked else None, f"42{number}", when, when if booked else None, transfer_id, owner,
                )  # fmt: skip
        made = Paid(number, amount_e4, fee_e4, when, f"42{number}")
        self.paid.append(made)
        return made

    async def refund(self, paid: Paid, amount_e4: int, *, state: str = "done", when: datetime | None = None) -> int:
        """Money given back of a payment: its number."""
        when, lane = when or paid.paid_at, ids.lane_of(paid.payment_id)
        suspense = house_account(House.suspense, "CNY")
        async with self.world.db.transaction() as connection:
            passage = await lanes.pass_gate(connection, lane, id_count=2)
            number, done = passage.ids[0], state == "done"
            found = await ledger.open_channel_accounts(connection, lane, [(self.channel.channel_id, "CNY")])
            account = found[self.channel.channel_id, CHANNEL].account_id
            transfer_id = None
            if done:
                legs = [
                    Leg(f"aside:{number}", house_account(House.clearing, "CNY"), suspense, amount_e4, "stray_payment", paid.payment_id),  # noqa: E501
                    Leg(f"refund:{number}", suspense, account, amount_e4, "channel_refund", paid.payment_id),
                ]  # fmt: skip
                more = await lanes.pass_gate(connection, lane, id_count=2)
                posted = await ledger.post_chain(connection, lane, legs, more.ids)
                ledger.standing(posted)
                assert posted[1].transfer is not None
                transfer_id = posted[1].transfer.transfer_id
                await connection.execute(
                    "UPDATE payment SET refunded_e4 = refunded_e4 + $3, state = CASE WHEN refunded_e4 + $3 = paid_e4"
                    " THEN 'refunded' ELSE state END WHERE lane = $1 AND payment_id = $2",
                    lane, paid.payment_id, amount_e4,
                )  # fmt: skip
            if not done:
                await self._look_after(connection, lane, "payments.refund", number)
            await connection.execute(
                "INSERT INTO payment_refund (lane, refund_id, payment_id, payable_id, org_id, channel_id, request_key,"
                " cause, amount_e4, currency, state, asked_at, ended_at, transfer_id)"
                " VALUES ($1, $2, $3, $3, 0, $4, $5, 'order', $6, 'CNY', $7, $8, $9, $10)",
                lane, number, paid.payment_id, self.channel.channel_id, f"key:{number}", amount_e4, state, when,
                when if done else None, transfer_id,
            )  # fmt: skip
        return number

    async def book(self, payment_id: int, amount_e4: int, provider_no: str, reason: str, actor_id: int) -> str:
        """As payments' own handler does it: once."""
        lane = ids.lane_of(payment_id)
        async with self.world.db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            row = await connection.fetchrow(
                "SELECT fee_e4, booked_at FROM payment WHERE lane = $1 AND payment_id = $2", lane, payment_id
            )
            assert row is not None
            if row["booked_at"] is not None:
                return "repeated"
            transfer_id = await self._book(lane, payment_id, amount_e4, row["fee_e4"], connection)
            await connection.execute(
                "UPDATE payment SET state = 'paid', taken_as = 'recharge', paid_e4 = $3, paid_at = $4, booked_at = $4,"
                " transfer_id = $5, provider_no = $6 WHERE lane = $1 AND payment_id = $2",
                lane, payment_id, amount_e4, clock.now(), transfer_id, provider_no,
            )  # fmt: skip
            await connection.execute("DELETE FROM job WHERE lane = $1 AND subject_id = $2", lane, payment_id)
            await connection.execute(
                "UPDATE payable SET state = 'paid', payment_id = payable_id, ended_at = $3 WHERE lane = $1 AND payable_id = $2",  # noqa: E501
                lane, payment_id, clock.now(),
            )  # fmt: skip
        return "booked"

    async def _book(self, lane: int, number: int, amount_e4: int, fee_e4: int, connection: Any) -> int:
        found = await ledger.open_channel_accounts(connection, lane, [(self.channel.channel_id, "CNY")])
        channel, fee = (found[self.channel.channel_id, code].account_id for code in (CHANNEL, CHANNEL_FEE))
        clearing = house_account(House.clearing, "CNY")
        legs = [Leg(f"paid:{number}", channel, clearing, amount_e4, "channel_payment", number)]
        if fee_e4:
            legs.append(Leg(f"fee:{number}", fee, channel, fee_e4, "channel_fee", number))
        legs.append(Leg(f"credit:{number}", clearing, self.owners[lane], amount_e4, "recharge", number))
        passage = await lanes.pass_gate(connection, lane, id_count=len(legs))
        return ledger.standing(await ledger.post_chain(connection, lane, legs, passage.ids)).transfer_id

    async def _owner(self, lane: int) -> int:
        """Whose wallet is recharged."""
        if lane not in self.owners:
            self.owners[lane] = (await self.world.merchant(lane=lane, money_e4=0)).org_id
        return self.owners[lane]

    async def _look_after(self, connection: Any, lane: int, kind: str, number: int) -> None:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        job = jobs.NewJob(kind, number, due_at=clock.now() + timedelta(days=99))
        await jobs.add(connection, lane, [job], passage.ids)

    async def bill(self, lines: list[BillLine], *, day: date = DAY) -> None:
        """That day's bill, fetched and matched."""
        await fetching.keep(self.world.db, self.channel, Bill(day=day, lines=lines))
        await matching.match(self.world.db, self.channel, day, large_e4=LARGE_E4)

    async def cases(self) -> list[tuple[str, int, str]]:
        """(kind, what lies in suspense, state) of every difference."""
        rows = await self.world.rows("SELECT kind, suspense_e4, state FROM bill_case ORDER BY kind, suspense_e4, state")
        return [tuple(row) for row in rows]  # type: ignore[misc]

    async def only_case(self) -> Case:
        found = await resolving.list_cases(self.world.db)
        assert len(found) == 1
        return found[0]

    async def balance(self, code: str, *, lane: int | None = None) -> int:
        """What stands on accounts of a code: of the channel's own, or of the house."""
        return int(
            await self.world.scalar(
                "SELECT coalesce(sum(posted_e4), 0)::bigint FROM account WHERE code = $1 AND currency = 'CNY'"
                " AND ($2::smallint IS NULL OR lane = $2)", code, lane,
            )
        )  # fmt: skip


async def open_desk(world: World, *, name: str | None = None, protocol: str = "wechat") -> Desk:
    channel_id = await world.scalar(
        "INSERT INTO payment_channel (protocol, name, currency, account_no, offers, fee_ppm, made_at, changed_at)"
        " VALUES ($1, $2, 'CNY', '', '[[\"wechat\", \"qr\"]]'::text::jsonb, 6000, now(), now()) RETURNING channel_id",
        protocol, name or f"channel {next(_numbers)}",
    )  # fmt: skip
    return Desk(world, Channel(channel_id, name or "", protocol, "CNY"))


DAYS = [DAY + timedelta(days=n) for n in range(8)]
