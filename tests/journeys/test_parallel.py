"""Many at once, through several gateways on one database: limits, references and the last card stay exact."""

from __future__ import annotations

from collections import Counter

import pytest

from kameng import identity, ledger, risk
from kameng.kit import clock
from laws.world import World, cards_of, codes, placed, together


async def test_200_at_once_against_a_limit_of_10_on_one_number_through_two_gateways(world: World) -> None:
    await risk.set_rule(world.db, risk.Rule(0, "one number", "target", ("topup",), 3600, 10, None))
    merchants = [await world.merchant(lane=lane) for lane in (0, 1)]
    with clock.hold(clock.now_ms()):  # or the hour could turn
        async with world.gateway(batch_max=16) as one, world.gateway(batch_max=16) as two:
            answers = await together(
                *(
                    (one, two)[n % 2].place(merchants[n // 2 % 2].caller, f"r{n}", world.phone)
                    for n in range(200)
                ),
            )
            others = [await one.place(merchants[0].caller, "other", world.phone, phone="13912345678")]
    assert codes(answers) == {"placed": 10, "velocity_exceeded": 190}
    assert codes(others) == {"placed": 1}
    assert await world.scalar("SELECT count(*) FROM orders") == 11
    taken = "SELECT sum(taken_count) FROM counter JOIN risk_rule USING (rule_id) WHERE name = 'one number'"
    assert await world.scalar(taken) == 11
    await world.assert_clean()


async def test_places_that_were_reserved_in_vain_are_given_back(world: World) -> None:
    await risk.set_rule(world.db, risk.Rule(0, "one number", "target", ("topup",), 3600, 10, None))
    poor, rich = await world.merchant(lane=0, money_e4=3 * 996_500), await world.merchant(lane=1)
    with clock.hold(clock.now_ms()):
        async with world.gateway() as gateway:
            first = await together(*(gateway.place(poor.caller, f"r{n}", world.phone) for n in range(10)))
            stands = [answer.client_ref for answer in placed(first)]
            repeats = await together(*(gateway.place(poor.caller, ref, world.phone) for ref in stands * 10))
            rest = await together(*(gateway.place(rich.caller, f"r{n}", world.phone) for n in range(10)))
    assert codes(first) == {"placed": 3, "insufficient_balance": 7}
    assert codes(repeats) == {"replayed": 30}
    assert codes(rest) == {"placed": 7, "velocity_exceeded": 3}
    await world.assert_clean()


async def test_a_limit_in_money_on_one_address(world: World) -> None:
    await risk.set_rule(world.db, risk.Rule(0, "address", "ip", (), 3600, None, 5 * 985_000))
    await world.load(world.card, 30)
    merchant = await world.merchant(lane=0)
    with clock.hold(clock.now_ms()):
        async with world.gateway() as one, world.gateway() as two:
            answers = await together(
                *((one, two)[n % 2].place(merchant.caller, f"r{n}", world.card) for n in range(20))
            )
    assert codes(answers) == {"placed": 5, "velocity_exceeded": 15}
    await world.assert_clean()


async def test_a_limit_on_an_organisation_through_two_gateways(world: World) -> None:
    await risk.set_rule(world.db, risk.Rule(0, "organisation", "organisation", (), 3600, 7, None))
    merchant, other = await world.merchant(lane=0), await world.merchant(lane=0)
    with clock.hold(clock.now_ms()):
        async with world.gateway(batch_max=4) as one, world.gateway(batch_max=4) as two:
            answers = await together(
                *((one, two)[n % 2].place(merchant.caller, f"r{n}", world.phone) for n in range(50)),
            )
            more = await together(*(one.place(other.caller, f"r{n}", world.phone) for n in range(7)))
    assert codes(answers) == {"placed": 7, "velocity_exceeded": 43}
    assert codes(more) == {"placed": 7}
    await world.assert_clean()


async def test_the_money_a_key_may_spend_in_a_day_is_exact(world: World) -> None:
    await world.load(world.card, 60)
    merchant = await world.merchant(lane=0)
    caller = await world.key(merchant, daily_limit_e4=10 * 985_000 + 984_999)
    noon_in_china = 1_795_320_000_000 // 86_400_000 * 86_400_000 + 4 * 3_600_000
    async with world.gateway(batch_max=8) as one, world.gateway(batch_max=8) as two:
        with clock.hold(noon_in_china):
            today = await together(*((one, two)[n % 2].place(caller, f"a{n}", world.card) for n in range(40)))
            free = await one.place(merchant.caller, "no-limit", world.card)
        with clock.hold(noon_in_china + 12 * 3_600_000 - 1):
            late = await one.place(caller, "b", world.card)
        with clock.hold(noon_in_china + 12 * 3_600_000):
            tomorrow = await together(*(one.place(caller, f"c{n}", world.card) for n in range(12)))
    assert codes(today) == {"placed": 10, "daily_limit_exceeded": 30}
    assert codes([free]) == {"placed": 1}
    assert codes([late]) == {"daily_limit_exceeded": 1}
    assert codes(tomorrow) == {"placed": 10, "daily_limit_exceeded": 2}
    await world.assert_clean()


async def test_two_gateways_and_the_same_300_references(world: World) -> None:
    await world.load(world.card, 700)
    merchant = await world.merchant(lane=0)
    async with world.gateway(batch_max=32) as one, world.gateway(batch_max=48) as two:
        answers = await together(
            *(gateway.place(merchant.caller, f"r{n}", world.card) for n in range(300) for gateway in (one, two))
        )
    assert codes(answers) == {"placed": 300, "replayed": 300}
    by_ref: dict[str, set[tuple[int, bytes]]] = {}
    for answer in placed(answers):
        by_ref.setdefault(answer.client_ref, set()).add((answer.order_id, answer.cards[0].text or b""))
    assert {len(found) for found in by_ref.values()} == {1}
    assert len(by_ref) == 300
    balance = await world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", merchant.org_id)
    assert balance == 10**10 - 300 * 985_000
    await world.assert_clean()


async def test_one_reference_with_two_contents_at_once(world: World) -> None:
    await world.load(world.card, 50)
    merchant = await world.merchant(lane=0)
    async with world.gateway(batch_max=3) as one, world.gateway(batch_max=3) as two:
        answers = await together(
            *((one, two)[n % 2].place(merchant.caller, "same", world.card, 1 + n // 2 % 2) for n in range(40))
        )
    assert len({answer.order_id for answer in placed(answers)}) == 1
    found = codes(answers)
    assert (found["placed"], found["replayed"], found["reference_reused"]) == (1, 19, 20)
    await world.assert_clean()


async def test_one_nonce_used_at_once_by_two_gateways(world: World) -> None:
    await world.load(world.card, 50)
    merchant = await world.merchant(lane=0)
    nonce = identity.nonce_of(merchant.caller.key.key_id, b"n" * 16, 1_800_000_000)
    async with world.gateway() as one, world.gateway() as two:
        answers = await together(
            *((one, two)[n % 2].place(merchant.caller, f"r{n}", world.card, nonce=nonce) for n in range(20))
        )
    assert codes(answers) == {"placed": 1, "nonce_used": 19}
    await world.assert_clean()


async def test_money_for_three_and_thirty_who_want_it(world: World) -> None:
    await world.load(world.card, 50)
    merchant = await world.merchant(lane=0, money_e4=2 * 985_000, credit_line_e4=985_000)
    async with world.gateway(batch_max=5) as one, world.gateway(batch_max=5) as two:
        answers = await together(
            *((one, two)[n % 2].place(merchant.caller, f"r{n}", world.card) for n in range(30)),
        )
    assert codes(answers) == {"placed": 3, "insufficient_balance": 27}
    assert await world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", merchant.org_id) == -985_000
    await world.assert_clean()


async def test_orders_recharges_and_holds_on_one_wallet_at_once(world: World) -> None:
    await world.load(world.card, 300)
    merchant = await world.merchant(lane=0, money_e4=0)

    async def recharge(n: int) -> None:
        await ledger.recharge(world.db, 0, merchant.org_id, 985_000, key=f"receipt {n % 20}")

    async with world.gateway(batch_max=7) as one, world.gateway(batch_max=7) as two:
        answers = (
            await together(
                *((one, two)[n % 2].place(merchant.caller, f"r{n}", world.card) for n in range(60)),
                *(recharge(n) for n in range(40)),
            )
        )[:60]
        for n in range(60):  # whoever found no money comes again
            answers.append(await one.place(merchant.caller, f"r{n}", world.card))
    assert len({answer.order_id for answer in placed(answers)}) == 20
    assert await world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", merchant.org_id) == 0
    await world.assert_clean()


@pytest.mark.parametrize("card_lane", [0, 1])
async def test_the_last_card_and_100_who_want_it_in_two_lanes(world: World, card_lane: int) -> None:
    await world.load(world.card, 1, lane=card_lane)
    merchants = [await world.merchant(lane=lane) for lane in (0, 1)]
    async with world.gateway(batch_max=8) as one, world.gateway(batch_max=8) as two:
        answers = await together(
            *(
                (one, two)[n % 2].place(merchants[n // 2 % 2].caller, f"r{n}", world.card)
                for n in range(100)
            )
        )
    assert codes(answers) == {"placed": 1, "sold_out": 99}
    await world.assert_clean()


async def test_every_card_is_sold_to_somebody_once(world: World) -> None:
    """Demand of three times the stock, in two lanes through two gateways, in orders of one to four cards."""
    await world.load(world.card, 1200)
    merchants = [await world.merchant(lane=lane) for lane in (0, 1, 0, 1)]
    async with world.gateway(batch_max=64) as one, world.gateway(batch_max=64) as two:
        answers = await together(
            *(
                (one, two)[n % 2].place(merchants[n // 2 % 4].caller, f"r{n}", world.card, 1 + n % 4)
                for n in range(1600)
            )
        )
    cards = cards_of(answers)
    assert max(Counter(cards).values()) == 1
    left = await world.scalar("SELECT count(*) FROM card WHERE state = 'on_shelf'")
    assert len(cards) + left == 1200
    refused = [n for n, answer in enumerate(answers) if answer not in placed(answers)]
    assert set(codes(answers)) == {"placed", "sold_out"}
    if left:  # only what nobody who was refused could have taken
        assert left < min(1 + n % 4 for n in refused)
    await world.assert_clean()
