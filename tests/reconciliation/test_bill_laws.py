"""Whatever is missing from a bill, changed in it or added: exactly these differences are found, and books are whole.

Each example is a channel of its own on one platform, drawn by a seed; the audit looks at all of them at the end.
"""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from kameng.channels import BillLine, NoticeKind
from kameng.kit import clock
from kameng.reconciliation import matching
from laws.world import World
from reconciliation.shopping import DAY, DAYS, LARGE_E4, Desk, at, open_desk

FATES = ("same", "same", "missing", "amount", "fee", "twice", "unpaid", "rounded")
EXAMPLES = 6


@pytest.mark.parametrize("seed", range(3))
async def test_any_bill_shows_exactly_what_differs(world: World, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(EXAMPLES):
        desk = await open_desk(world, name=f"seed {seed} {number}")
        wanted = await _play(desk, chance)
        rows = await world.rows(
            "SELECT kind, suspense_e4 FROM bill_case WHERE channel_id = $1", desk.channel.channel_id
        )
        assert sorted((row["kind"], row["suspense_e4"]) for row in rows) == sorted(wanted), (seed, number)
        owed = await world.scalar(
            "SELECT coalesce(sum(posted_e4), 0)::bigint FROM account WHERE channel_id = $1 AND code = 'channel'",
            desk.channel.channel_id,
        )
        assert owed == 0, (seed, number)
    await world.assert_clean()


async def _play(desk: Desk, chance: random.Random) -> list[tuple[str, int]]:
    """A day of some payments, its bill, and the days after; what has to be found."""
    lines: list[BillLine] = []
    wanted: list[tuple[str, int]] = []
    for _ in range(chance.randrange(9)):
        fate = chance.choice(FATES)
        amount_e4 = chance.randrange(1000, 900_000) * 100
        paid = await desk.pay(amount_e4, lane=chance.randrange(2), state="waiting" if fate == "unpaid" else "paid")
        net_e4 = paid.amount_e4 - paid.fee_e4
        if fate == "missing":
            wanted.append(("SHORT", -net_e4))
        elif fate == "amount":
            lines.append(paid.line(amount_minor=amount_e4 // 100 + 7))
            wanted.append(("AMOUNT", 700))
        elif fate == "fee":
            lines.append(paid.line(fee_minor=paid.fee_e4 // 100 + 2))
            wanted.append(("FEE", -200))
        elif fate == "rounded":
            lines.append(paid.line(fee_minor=paid.fee_e4 // 100 + 1))
        else:
            lines += [paid.line()] * (2 if fate == "twice" else 1)
            wanted += {"twice": [("DUPLICATE", net_e4)], "unpaid": [("STATUS", net_e4)]}.get(fate, [])
    for number in range(chance.randrange(3)):
        amount = chance.randrange(1, 1000)
        stray = BillLine(
            kind=NoticeKind.payment, payment_no=f"X{number}", provider_no="p", amount_minor=amount, at=at()
        )
        lines.append(stray)
        wanted.append(("LONG", amount * 100))
    chance.shuffle(lines)
    await desk.bill(lines)
    for day in DAYS[1:4]:
        await desk.bill([], day=day)
    with clock.hold(int(at(day=DAY + timedelta(days=4)).timestamp() * 1000)):
        await matching.close(desk.world.db, desk.channel, large_e4=LARGE_E4)
    return wanted
