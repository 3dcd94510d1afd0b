"""The morning's round: asked until the bill is there, matched once, one channel's trouble left alone; the report."""

from __future__ import annotations

import io
from datetime import date, timedelta

from python_calamine import CalamineWorkbook

from kameng import channels, reconciliation
from kameng.channels import Bill, BillNotReady, BillRefused
from kameng.kit import clock
from laws.world import World
from reconciliation.shopping import DAY, LARGE_E4, at, open_desk


class Provider:
    """Gives what it has; says how often it was asked."""

    def __init__(self, *answers: Bill | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[date] = []

    async def fetch_bill(self, day: date) -> Bill:
        self.asked.append(day)
        answer = self.answers.pop(0) if self.answers else BillNotReady()
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_a_bill_is_asked_for_from_ten_until_it_is_there(world: World) -> None:
    desk = await open_desk(world, name="slow")
    paid = await desk.pay()
    provider = Provider(BillNotReady(), BillRefused("no"), Bill(day=DAY, lines=[paid.line()]))

    async def adapters(_: int) -> channels.Channel:
        return provider  # type: ignore[return-value]

    morning = at(10, day=DAY + timedelta(days=1))
    for after, asked in ((timedelta(hours=-1), 0), (timedelta(0), 1), (timedelta(minutes=5), 1),
                         (timedelta(minutes=11), 2), (timedelta(minutes=40), 3), (timedelta(hours=3), 3)):  # fmt: skip
        with clock.hold(int((morning + after).timestamp() * 1000)):
            await reconciliation.make_round(world.db, adapters, large_e4=LARGE_E4)
        assert len(provider.asked) == asked, after
    (day,) = await reconciliation.days(world.db, DAY, DAY)
    assert (day.bill.state, day.bill.lines, day.net_e4, day.differences) == ("settled", 1, 994_000, 0)
    assert await reconciliation.owed(world.db) == {desk.channel.channel_id: 0}
    await world.assert_clean()


async def test_a_day_without_payments_counts_as_empty_later(world: World) -> None:
    desk = await open_desk(world, name="idle")
    provider = Provider()
    for days, state in ((1, "waiting"), (2, "fetched")):
        with clock.hold(int(at(11, day=DAY + timedelta(days=days)).timestamp() * 1000)):
            bill = await reconciliation.fetch(world.db, desk.channel, DAY, provider)  # type: ignore[arg-type]
        assert bill.state == state


async def test_a_protocol_without_bills_is_asked_for_none(world: World) -> None:
    provider = Provider()
    for protocol in ("usdt", "bank"):
        await open_desk(world, name=protocol, protocol=protocol)

    async def adapters(_: int) -> channels.Channel:
        return provider  # type: ignore[return-value]

    with clock.hold(int(at(11, day=DAY + timedelta(days=1)).timestamp() * 1000)):
        await reconciliation.make_round(world.db, adapters, large_e4=LARGE_E4)
        assert provider.asked == []
        assert await reconciliation.days(world.db, DAY, DAY) == []
        await open_desk(world, name="epay", protocol="epay_v1")
        await reconciliation.make_round(world.db, adapters, large_e4=LARGE_E4)
    assert provider.asked == [DAY]


async def test_the_workbook_of_a_day_has_its_bills_and_its_differences(world: World) -> None:
    desk = await open_desk(world, name="报表")
    paid = await desk.pay()
    await desk.bill([paid.line(fee_minor=90)])
    book = CalamineWorkbook.from_filelike(io.BytesIO(await reconciliation.report(world.db, DAY)))
    bills, cases = (book.get_sheet_by_name(name).to_python() for name in book.sheet_names)
    assert bills[1][:8] == ["2026-11-20", "报表", "settled", 1, 100, 0, 0.9, 99.1]
    assert (len(cases), cases[1][2], cases[1][6]) == (2, "手续费不符 FEE", -0.3)
