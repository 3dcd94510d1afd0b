"""Bills beside payments and the ledger: every kind of difference is found, nothing else, and no money is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kameng.channels import Bill, BillLine, NoticeKind
from kameng.kit import clock
from kameng.reconciliation import BillChanged, BillNotThere, fetching, matching
from laws.world import World
from reconciliation.shopping import DAY, DAYS, LARGE_E4, Desk, at, open_desk


@pytest.fixture
async def desk(world: World) -> Desk:
    return await open_desk(world)


async def test_what_agrees_is_settled_to_the_bank_and_nothing_else_happens(desk: Desk) -> None:
    paid = [await desk.pay(lane=lane) for lane in (0, 0, 1)]
    assert await desk.balance("channel") == -3 * (1_000_000 - 6000)
    await desk.bill([one.line() for one in paid])
    assert await desk.cases() == []
    assert await desk.balance("channel") == 0
    assert await desk.balance("bank") == -3 * (1_000_000 - 6000)
    assert await desk.balance("channel_fee") == -3 * 6000
    assert await desk.balance("suspense") == 0
    await desk.world.assert_clean()


async def test_each_kind_of_difference_is_found_once_and_its_money_lies_in_suspense(desk: Desk) -> None:
    good, dear, odd, twice = [await desk.pay() for _ in range(4)]
    waiting = await desk.pay(state="waiting")
    stranger = BillLine(kind=NoticeKind.payment, payment_no="X1", provider_no="p1", amount_minor=500, at=at())
    lines = [
        good.line(), dear.line(fee_minor=90), odd.line(amount_minor=9000), twice.line(),
        twice.line(provider_no="again"), waiting.line(), stranger,
    ]  # fmt: skip
    await desk.bill(lines)
    assert await desk.cases() == [
        ("AMOUNT", -100_000, "open"),
        ("DUPLICATE", 994_000, "open"),
        ("FEE", -3000, "open"),
        ("LONG", 50_000, "open"),
        ("STATUS", 994_000, "open"),
    ]
    assert await desk.balance("channel") == 0
    assert await desk.balance("suspense") == 994_000 * 2 + 50_000 - 100_000 - 3000
    await desk.world.assert_clean()


async def test_a_fee_that_differs_by_a_rounding_is_booked_as_it_is(desk: Desk) -> None:
    paid = [await desk.pay() for _ in range(2)]
    await desk.bill([paid[0].line(fee_minor=61), paid[1].line(fee_minor=62)])
    assert await desk.cases() == [("FEE", -200, "open")]
    assert await desk.balance("channel_fee") == -12_000 - 100
    assert await desk.balance("channel") == 0
    await desk.world.assert_clean()


async def test_refunds_are_matched_and_a_fee_that_comes_back_is_no_difference(desk: Desk) -> None:
    paid = [await desk.pay() for _ in range(3)]
    done, whole = await desk.refund(paid[0], 400_000), await desk.refund(paid[1], 1_000_000)
    asked = await desk.refund(paid[2], 1_000_000, state="sent")

    def back(number: int, one: int, amount_minor: int, fee_minor: int = 0) -> BillLine:
        return BillLine(
            kind=NoticeKind.refund, payment_no=f"K{paid[one].payment_id}", refund_no=f"R{number}",
            provider_no=f"5{number}", amount_minor=amount_minor, fee_minor=fee_minor, at=at(),
        )  # fmt: skip

    unknown = BillLine(kind=NoticeKind.refund, payment_no=f"K{paid[2].payment_id}", amount_minor=100, at=at())
    await desk.bill(
        [one.line() for one in paid]
        + [back(done, 0, 4000, -24), back(whole, 1, 10_000), back(asked, 2, 10_000), unknown]
    )
    assert await desk.cases() == [("LONG", -10_000, "open"), ("STATUS", -1_000_000, "open")]
    assert await desk.balance("channel") == 0
    assert await desk.balance("channel_fee") == -3 * 6000 + 2400
    await desk.world.assert_clean()


async def test_what_a_bill_has_no_word_for_is_no_difference(desk: Desk) -> None:
    """As epay's: no fees, no refunds; the books are told of both all the same, and of what is wrong beside them."""
    paid = [await desk.pay(lane=lane) for lane in (0, 1, 0)]
    odd = await desk.pay(fee_e4=6049)
    await desk.refund(paid[0], 400_000)
    await desk.refund(paid[1], 1_000_000, when=at(23, 59))
    later = await desk.refund(paid[2], 300_000, when=at(0, day=DAY + timedelta(days=1)))
    await desk.refund(odd, 1_000_000, state="sent")
    stranger = BillLine(kind=NoticeKind.payment, payment_no="X1", provider_no="p1", amount_minor=500, at=at())
    lines = [one.line(fee_minor=0) for one in (*paid, odd)]
    bill = Bill(day=DAY, lines=[*lines, stranger], tells_fees=False, tells_refunds=False)
    for _ in range(2):  # the same once more
        await fetching.keep(desk.world.db, desk.channel, bill)
        await matching.match(desk.world.db, desk.channel, DAY, large_e4=LARGE_E4)
        assert await desk.cases() == [("LONG", 50_000, "open")]
    assert await desk.balance("channel_fee") == -4 * 6000
    assert await desk.balance("suspense") == 50_000
    assert await desk.balance("channel") == 300_000  # of the day after
    kept = await desk.world.rows("SELECT subject_id, amount_e4 FROM bill_line WHERE kind = 'refund' ORDER BY amount_e4")
    assert [row["amount_e4"] for row in kept] == [400_000, 1_000_000]
    second = Bill(day=DAY + timedelta(days=1), lines=[], tells_fees=False, tells_refunds=False)
    await fetching.keep(desk.world.db, desk.channel, second)
    await matching.match(desk.world.db, desk.channel, second.day, large_e4=LARGE_E4)
    assert await desk.balance("channel") == 0
    assert await desk.world.scalar("SELECT count(*) FROM bill_line WHERE subject_id = $1", later) == 1
    assert await desk.cases() == [("LONG", 50_000, "open")]
    await desk.world.assert_clean()


async def test_a_payment_that_the_ledger_lacks_is_a_difference(desk: Desk) -> None:
    paid = [await desk.pay() for _ in range(2)]
    await desk.world.db.pool.execute("UPDATE payment SET transfer_id = 4711 WHERE payment_id = $1", paid[0].payment_id)
    await desk.bill([one.line() for one in paid])
    assert await desk.cases() == [("STATUS", 994_000, "open")]


async def test_fetched_and_matched_again_nothing_changes(desk: Desk) -> None:
    paid = [await desk.pay(lane=lane) for lane in (0, 1)]
    lines = [paid[0].line(), paid[1].line(amount_minor=1), paid[0].line(), paid[0].line()]
    await desk.bill(lines)
    before = await _everything(desk)
    keys = await desk.world.rows("SELECT line_key FROM bill_line")
    assert sorted(row["line_key"][-2:] for row in keys if "#" in row["line_key"]) == ["#2", "#3"]
    await desk.bill(lines[::-1])
    await matching.match(desk.world.db, desk.channel, DAY, large_e4=LARGE_E4)
    assert await _everything(desk) == before
    with pytest.raises(BillChanged):
        await fetching.keep(desk.world.db, desk.channel, Bill(day=DAY, lines=lines[:1]))
    assert await _everything(desk) == before
    await desk.world.assert_clean()


async def _everything(desk: Desk) -> list[object]:
    tables = ("bill_line", "bill_case", "bill_settlement", "transfer", "account")
    return [await desk.world.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables]


async def test_before_it_is_settled_another_version_takes_its_place(desk: Desk) -> None:
    paid = await desk.pay()
    await fetching.keep(desk.world.db, desk.channel, Bill(day=DAY, lines=[paid.line(amount_minor=1)]))
    await desk.bill([paid.line()])
    assert await desk.cases() == []
    assert await desk.world.scalar("SELECT count(*) FROM bill_line") == 1


async def test_without_a_bill_nothing_is_matched(desk: Desk) -> None:
    with pytest.raises(BillNotThere):
        await matching.match(desk.world.db, desk.channel, DAY, large_e4=LARGE_E4)


async def test_a_line_of_the_day_after_is_noted_and_nothing_to_do(desk: Desk) -> None:
    """The provider's clock was past midnight of China when ours was not."""
    late = await desk.pay(when=at(23, 59, 59))
    early = await desk.pay(when=at(0, 0, 0, day=DAYS[1]))
    await desk.bill([])
    await desk.bill([late.line(), early.line()], day=DAYS[1])
    assert await desk.cases() == [("CUT_OFF", 0, "resolved")]
    assert await desk.balance("channel") == 0
    with clock.hold(int(at(day=DAY + timedelta(days=8)).timestamp() * 1000)):
        assert await matching.close(desk.world.db, desk.channel, large_e4=LARGE_E4) == DAYS[:2]
    assert await desk.cases() == [("CUT_OFF", 0, "resolved")]
    await desk.world.assert_clean()


@pytest.mark.parametrize("first", [0, 1])
async def test_the_same_payment_in_two_days_bills_is_counted_once(desk: Desk, first: int) -> None:
    paid = await desk.pay()
    for day in (DAYS[0], DAYS[1])[:: 1 - 2 * first]:
        await desk.bill([paid.line()], day=day)
    kinds = [kind for kind, _, _ in await desk.cases()]
    assert kinds == (["CUT_OFF", "DUPLICATE"] if first else ["DUPLICATE"])
    assert await desk.balance("channel") == 0
    assert await desk.balance("suspense") == 994_000
    await desk.world.assert_clean()


async def test_what_no_bill_has_is_short_after_the_buffer_and_not_before(desk: Desk) -> None:
    paid, other = await desk.pay(), await desk.pay()
    await desk.refund(other, 100_000)
    await desk.bill([other.line()])
    for day in DAYS[1:3]:
        await desk.bill([], day=day)
    with clock.hold(int(at(day=DAYS[4]).timestamp() * 1000)):
        assert await matching.close(desk.world.db, desk.channel, large_e4=LARGE_E4) == []
        assert await desk.cases() == []
        assert await desk.balance("channel") == -994_000 + 100_000
        await desk.bill([], day=DAYS[3])
        assert await matching.close(desk.world.db, desk.channel, large_e4=LARGE_E4) == [DAY]
        assert await matching.close(desk.world.db, desk.channel, large_e4=LARGE_E4) == []
    assert await desk.cases() == [("SHORT", -994_000, "open"), ("SHORT", 100_000, "open")]
    assert await desk.balance("channel") == 0
    assert await desk.world.scalar("SELECT subject_id FROM bill_case WHERE line_kind = 'payment'") == paid.payment_id
    await desk.world.assert_clean()


async def test_a_day_without_a_bill_makes_nothing_short(desk: Desk) -> None:
    await desk.pay()
    for day in DAYS[1:5]:
        await desk.bill([], day=day)
    with clock.hold(int(at(day=DAY + timedelta(days=30)).timestamp() * 1000)):
        await matching.close(desk.world.db, desk.channel, large_e4=LARGE_E4)
    assert await desk.cases() == []


async def test_lines_without_our_number_are_found_by_the_providers(desk: Desk) -> None:
    paid = [await desk.pay(lane=lane) for lane in (0, 1)]
    await desk.bill([one.line(payment_no="") for one in paid])
    assert await desk.cases() == []
    assert await desk.balance("channel") == 0
