"""What becomes of differences: each act is a posting, two persons where it matters, and the books stay whole."""

from __future__ import annotations

import pytest

from kameng import reconciliation
from kameng.channels import BillLine, NoticeKind
from kameng.kit import clock
from kameng.ledger import House, house_account
from kameng.reconciliation import (
    Act,
    BadReconciliation,
    Case,
    CaseNotOpen,
    CaseState,
    Choice,
    SecondResolverNeeded,
    matching,
)
from laws.world import World
from reconciliation.shopping import DAYS, LARGE_E4, Desk, at, open_desk

ANN, BOB = 71, 72
SUSPENSE = house_account(House.suspense, "CNY")


@pytest.fixture
async def desk(world: World) -> Desk:
    return await open_desk(world)


async def resolve(desk: Desk, case: Case, act: Act, *, limit_e4: int = 10**12, by: int = ANN, **more: object) -> Case:
    choice = Choice(act, "looked at", **more)  # type: ignore[arg-type]
    return await reconciliation.resolve(desk.world.db, case.case_id, choice, limit_e4=limit_e4, actor_id=by)


def stranger(amount_minor: int = 500) -> BillLine:
    return BillLine(kind=NoticeKind.payment, payment_no="X1", provider_no="p1", amount_minor=amount_minor, at=at())


async def test_a_fee_is_accepted(desk: Desk) -> None:
    paid = await desk.pay()
    await desk.bill([paid.line(fee_minor=90)])
    case = await desk.only_case()
    assert (case.kind, case.choices) == ("FEE", [Act.accept, Act.write_off, Act.offset])
    with pytest.raises(BadReconciliation):
        await resolve(desk, case, Act.pay_out, reference="B-1")
    done = await resolve(desk, case, Act.accept)
    assert (done.state, done.act, done.asked_by, done.second_id) == (CaseState.resolved, Act.accept, ANN, None)
    assert await desk.balance("suspense") == 0
    assert await desk.balance("channel_fee") == -9000
    with pytest.raises(CaseNotOpen):
        await resolve(desk, case, Act.accept)
    await desk.world.assert_clean()


async def test_a_write_off_takes_two_persons(desk: Desk) -> None:
    paid = await desk.pay()
    await desk.bill([paid.line(amount_minor=9900)])
    case = await desk.only_case()
    asked = await resolve(desk, case, Act.write_off)
    assert (asked.state, await desk.balance("suspense")) == (CaseState.asked, -10_000)
    with pytest.raises(SecondResolverNeeded):
        await reconciliation.decide(desk.world.db, case.case_id, agree=True, actor_id=ANN)
    back = await reconciliation.decide(desk.world.db, case.case_id, agree=False, note="ask them first", actor_id=BOB)
    assert (back.state, back.act, await desk.balance("suspense")) == (CaseState.taken, None, -10_000)
    await resolve(desk, case, Act.write_off)
    done = await reconciliation.decide(desk.world.db, case.case_id, agree=True, actor_id=BOB)
    assert (done.state, done.second_id, await desk.balance("suspense")) == (CaseState.resolved, BOB, 0)
    assert await desk.balance("channel_fee") == -6000 - 10_000
    await desk.world.assert_clean()


async def test_above_the_limit_of_one_person_a_second_one_agrees(desk: Desk) -> None:
    await desk.bill([stranger()])
    case = await desk.only_case()
    asked = await resolve(desk, case, Act.pay_out, reference="CMB-1", limit_e4=49_999)
    assert (asked.state, await desk.balance("suspense")) == (CaseState.asked, 50_000)
    await reconciliation.decide(desk.world.db, case.case_id, agree=True, actor_id=BOB)
    assert (await desk.balance("suspense"), await desk.balance("bank")) == (0, 0)
    await desk.world.assert_clean()


async def test_stray_money_is_credited_to_whose_it_is(desk: Desk) -> None:
    merchant = await desk.world.merchant(lane=0, money_e4=0)
    elsewhere = await desk.world.merchant(lane=1, money_e4=0)
    await desk.bill([stranger()])
    case = await desk.only_case()
    with pytest.raises(BadReconciliation):
        await resolve(desk, case, Act.credit, org_id=elsewhere.org_id)
    done = await resolve(desk, case, Act.credit, org_id=merchant.org_id)
    assert done.transfer_id is not None
    wallet = "SELECT posted_e4 FROM account WHERE lane = 0 AND account_id = $1"
    assert await desk.world.scalar(wallet, merchant.org_id) == 50_000
    assert await desk.balance("suspense") == 0
    await desk.world.assert_clean()


async def test_a_payment_that_the_bill_knows_is_booked_and_the_difference_clears(desk: Desk) -> None:
    waiting = await desk.pay(state="waiting")
    await desk.bill([waiting.line()])
    case = await desk.only_case()
    assert case.may_be_booked
    for _ in range(2):
        if (await desk.cases())[0][2] == "open":
            done = await reconciliation.book(
                desk.world.db, desk.channel, case.case_id, desk.book, reason="the bill says so", actor_id=ANN
            )
    assert (done.state, done.act, done.suspense_e4, done.book_e4) == (CaseState.resolved, Act.cleared, 0, 1_000_000)
    assert [await desk.balance(code) for code in ("channel", "suspense", "bank")] == [0, 0, -994_000]
    noted = await desk.world.rows("SELECT act FROM audit_line WHERE act LIKE 'recon%' ORDER BY 1")
    assert [row["act"] for row in noted] == ["reconciliation.book", "reconciliation.clear"]
    await desk.world.assert_clean()


async def test_a_person_finds_the_payment_of_a_line_without_a_number(desk: Desk) -> None:
    waiting = await desk.pay(state="waiting", when=clock.now())
    other = await desk.pay(2_000_000, state="waiting", when=clock.now())
    line = waiting.line(payment_no="", provider_no="elsewhere")
    await desk.bill([line], day=clock.china_day())
    case = await desk.only_case()
    found = await reconciliation.candidates(desk.world.db, case.case_id)
    assert [one.payment_id for one in found] == [waiting.payment_id]
    arguments = {"reason": "same amount and time", "actor_id": ANN}
    with pytest.raises(BadReconciliation):
        await reconciliation.book(
            desk.world.db, desk.channel, case.case_id, desk.book, payment_id=other.payment_id, **arguments
        )
    done = await reconciliation.book(
        desk.world.db, desk.channel, case.case_id, desk.book, payment_id=waiting.payment_id, **arguments
    )
    assert (done.state, done.payment_id) == (CaseState.resolved, waiting.payment_id)
    assert [await desk.balance(code) for code in ("channel", "suspense")] == [0, 0]
    await desk.world.assert_clean()


async def test_a_line_that_comes_after_all_clears_what_was_short(desk: Desk) -> None:
    paid = await desk.pay()
    for day in DAYS[:4]:
        await desk.bill([], day=day)
    with clock.hold(int(at(day=DAYS[4]).timestamp() * 1000)):
        await matching.close(desk.world.db, desk.channel, large_e4=LARGE_E4)
        assert await desk.cases() == [("SHORT", -994_000, "open")]
        await desk.bill([paid.line()], day=DAYS[4])
        assert await reconciliation.clear(desk.world.db, desk.channel) == 1
        assert await reconciliation.clear(desk.world.db, desk.channel) == 0
    assert await desk.cases() == [("CUT_OFF", 0, "resolved"), ("SHORT", 0, "resolved")]
    assert [await desk.balance(code) for code in ("channel", "suspense", "bank")] == [0, 0, -994_000]
    await desk.world.assert_clean()


async def test_two_halves_offset_each_other(desk: Desk) -> None:
    """Money that nobody knew was given back at the provider's own desk."""
    await desk.bill([stranger()])
    case = await desk.only_case()
    back = BillLine(kind=NoticeKind.refund, payment_no="X1", provider_no="p2", amount_minor=500, at=at(day=DAYS[1]))
    await desk.bill([back, stranger(300)], day=DAYS[1])
    others = {one.suspense_e4: one for one in await reconciliation.list_cases(desk.world.db)}
    with pytest.raises(BadReconciliation):
        await resolve(desk, case, Act.offset, other_id=others[30_000].case_id)
    await resolve(desk, case, Act.offset, other_id=others[-50_000].case_id)
    assert sorted(await desk.cases()) == [
        ("LONG", -50_000, "resolved"), ("LONG", 30_000, "open"), ("LONG", 50_000, "resolved"),
    ]  # fmt: skip
    assert await desk.balance("suspense") == 30_000
    await desk.world.assert_clean()


async def test_large_differences_are_due_sooner_and_listed_first(desk: Desk) -> None:
    await desk.bill([stranger(), stranger(LARGE_E4)])
    found = await reconciliation.list_cases(desk.world.db)
    assert [((one.due_at - one.opened_at).total_seconds(), one.suspense_e4) for one in found] == [
        (4 * 3600, LARGE_E4 * 100), (24 * 3600, 50_000),
    ]  # fmt: skip
    taken = await reconciliation.take(desk.world.db, found[0].case_id, actor_id=ANN)
    assert (taken.state, taken.owner_id) == (CaseState.taken, ANN)
