"""Authenticator apps, recovery codes, limits, sessions, staff: what the database must hold, whoever comes at once."""

from __future__ import annotations

import asyncio
import os

import msgspec
import pyotp
import pytest

from kameng import access, identity
from kameng.access import Applicant, BadCode, InvitationGone, SignInRefused, TooManyTries, Visit
from kameng.access.limiting import Limit, Try, count_tries, give_back
from kameng.identity import Organisation
from kameng.kit import clock, crypto
from kameng.notices import Address
from kameng.ops import founding
from running import Platform

VISIT = Visit("218.0.0.1", "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0")
WORDS = "long enough words"
NOW_MS = 1_795_000_000_000


async def person(platform: Platform, sign_in: str = "13800138000") -> int:
    person_id = await identity.enrol(platform.db, sign_in=sign_in, name="王")
    await access.set_password(platform.db, person_id, WORDS, actor_id=0)
    return person_id


async def with_app(platform: Platform, person_id: int) -> pyotp.TOTP:
    secret = await access.begin_totp(platform.db, platform.ring, person_id)
    assert secret is not None
    return pyotp.TOTP(secret)


async def test_an_app_counts_from_its_first_code_on(platform: Platform) -> None:
    person_id = await person(platform)
    with clock.hold(NOW_MS):
        app = await with_app(platform, person_id)
        assert not await access.has_totp(platform.db, person_id)
        assert (await access.sign_in(platform.db, platform.ring, "13800138000", WORDS, VISIT)).token is not None
        with pytest.raises(BadCode):
            await access.confirm_totp(platform.db, platform.ring, person_id, "000000")
        await access.confirm_totp(platform.db, platform.ring, person_id, app.at(NOW_MS // 1000))
        assert await access.shown_totp(platform.db, platform.ring, person_id) is None  # never again
        assert await access.begin_totp(platform.db, platform.ring, person_id) is None  # nor another in its place
        entry = await access.sign_in(platform.db, platform.ring, "+86 138 0013 8000", WORDS, VISIT)
        assert (entry.person_id, entry.token) == (person_id, None)


async def test_a_code_of_an_app_is_taken_once_and_none_before_it(platform: Platform) -> None:
    person_id = await person(platform)
    with clock.hold(NOW_MS):
        app = await with_app(platform, person_id)
        await access.confirm_totp(platform.db, platform.ring, person_id, app.at(NOW_MS // 1000 - 30))

    async def second(code: str) -> bool:
        try:
            await access.pass_second(platform.db, platform.ring, person_id, "totp", code, VISIT)
        except BadCode:
            return False
        return True

    with clock.hold(NOW_MS):
        code = app.at(NOW_MS // 1000)
        assert sorted(await asyncio.gather(*(second(code) for _ in range(4)))) == [False, False, False, True]
        assert not await second(app.at(NOW_MS // 1000 - 30))
    days_s = 2 * 86_400  # by then the tries are forgotten: the one that passed may have been any of the four
    with clock.hold(NOW_MS + days_s * 1000):
        assert not await second(code)
        assert not await second(app.at(NOW_MS // 1000 + days_s + 90))  # a clock that is three steps wrong
        assert await second(app.at(NOW_MS // 1000 + days_s + 30))


async def test_a_recovery_code_works_once_and_new_ones_end_the_old(platform: Platform) -> None:
    person_id = await person(platform)
    first = await access.new_recovery_codes(platform.db, platform.ring, person_id)
    await access.pass_second(platform.db, platform.ring, person_id, "recovery", f" {first[0].upper()} ", VISIT)
    with pytest.raises(BadCode):
        await access.pass_second(platform.db, platform.ring, person_id, "recovery", first[0], VISIT)
    assert await access.recovery_codes_left(platform.db, person_id) == 9
    second = await access.new_recovery_codes(platform.db, platform.ring, person_id)
    assert not set(first) & set(second)
    with pytest.raises(BadCode):
        await access.pass_second(platform.db, platform.ring, person_id, "recovery", first[1], VISIT)
    rows = str(await platform.db.pool.fetch("SELECT * FROM recovery_code"))
    assert not any(code.replace("-", "") in rows for code in second)


async def test_a_hundred_guesses_at_once_count_as_a_hundred(platform: Platform) -> None:
    await person(platform)

    async def guess(number: int) -> str:
        try:
            await access.sign_in(
                platform.db, platform.ring, "13800138000", f"wrong {number}", Visit(f"9.9.9.{number}", "")
            )
        except SignInRefused:
            return "refused"
        except TooManyTries:
            return "waits"
        return "in"

    with clock.hold(NOW_MS):
        answers = await asyncio.gather(*(guess(number) for number in range(40)))
    assert {word: answers.count(word) for word in ("refused", "waits", "in")} == {"refused": 5, "waits": 35, "in": 0}
    assert await platform.count("sign_in_event") == 5  # who waits fills no table


async def test_waits_double_up_to_their_most_and_are_forgotten(platform: Platform) -> None:
    limit, at_ms, waits = Limit("test", 2, 10, 60, 3600), NOW_MS, []
    tries = [Try(limit, "x")]
    for _ in range(8):
        with clock.hold(at_ms):
            await count_tries(platform.db, platform.ring, tries)
        free_at = await platform.db.pool.fetchval("SELECT free_at FROM try_limit")
        waits.append(round(free_at.timestamp() * 1000 - at_ms) // 1000)
        if waits[-1]:
            with clock.hold(at_ms + waits[-1] * 1000 - 1), pytest.raises(TooManyTries):
                await count_tries(platform.db, platform.ring, tries)
        at_ms += waits[-1] * 1000
    assert waits == [0, 10, 20, 40, 60, 60, 60, 60]
    with clock.hold(at_ms):
        await give_back(platform.db, platform.ring, tries, wholly=False)
    assert await platform.db.pool.fetchval("SELECT tries FROM try_limit") == 7
    with clock.hold(at_ms + 3_600_001):
        await count_tries(platform.db, platform.ring, tries)
    assert await platform.db.pool.fetchval("SELECT tries FROM try_limit") == 1


async def test_sign_ins_are_written_down_with_place_and_device(platform: Platform) -> None:
    person_id = await person(platform)
    with pytest.raises(SignInRefused):
        await access.sign_in(platform.db, platform.ring, "13800138000", "wrong", VISIT)
    await access.sign_in(platform.db, platform.ring, "13800138000", WORDS, VISIT)
    good, bad = await access.sign_ins(platform.db, person_id)
    assert [(one.outcome, one.method, one.shown, one.ip) for one in (good, bad)] == [
        ("signed_in", "password", "138****8000", "218.0.0.1"), ("refused", "password", "138****8000", "218.0.0.1"),
    ]  # fmt: skip
    assert good.device.text("en") == "Chrome 140 · Windows"
    assert good.place("zh") in ("", "中国 浙江 宁波 电信")  # empty where the lists are not there


async def test_what_is_old_is_purged_and_who_is_forgotten_leaves_nothing(platform: Platform) -> None:
    person_id, other_id = await person(platform), await person(platform, "wang@example.com")
    day_ms = 86_400_000
    with clock.hold(NOW_MS):
        await access.sign_in(platform.db, platform.ring, "13800138000", WORDS, VISIT)
    with clock.hold(NOW_MS + 20 * day_ms):
        await access.sign_in(platform.db, platform.ring, "wang@example.com", WORDS, VISIT)
        await access.purge(platform.db, kept_days=30)
        assert (await platform.count("sign_in_event"), await platform.count("web_session")) == (2, 2)
    with clock.hold(NOW_MS + 31 * day_ms):
        await access.purge(platform.db, kept_days=30)
    assert (await platform.count("sign_in_event"), await platform.count("web_session")) == (1, 1)
    await access.new_recovery_codes(platform.db, platform.ring, other_id)
    await with_app(platform, other_id)
    await access.forget_person(platform.db, other_id)
    for table in ("web_session", "sign_in_event", "totp_secret", "recovery_code", "passkey"):
        assert await platform.count(table) == 0, table
    assert person_id != other_id


async def test_who_was_closed_comes_in_no_more(platform: Platform) -> None:
    person_id = await person(platform)
    with clock.hold(NOW_MS):
        app = await with_app(platform, person_id)
        await access.confirm_totp(platform.db, platform.ring, person_id, app.at(NOW_MS // 1000))
    await identity.erase_person(platform.db, person_id, reason="test")
    with clock.hold(NOW_MS + 60_000):
        with pytest.raises(SignInRefused):
            await access.sign_in(platform.db, platform.ring, "13800138000", WORDS, VISIT)
        code = app.at(NOW_MS // 1000 + 60)
        with pytest.raises(SignInRefused):
            await access.pass_second(platform.db, platform.ring, person_id, "totp", code, VISIT)
    assert await platform.count("web_session") == 0


async def test_secrets_of_apps_are_sealed_anew_after_a_rotation(platform: Platform) -> None:
    person_id = await person(platform)
    app = await with_app(platform, person_id)
    old = platform.ring
    keys = {1: os.urandom(32), 2: os.urandom(32)}
    before, after = (crypto.KeyRing(crypto.KeyMaterial(number, keys, os.urandom(32))) for number in (1, 2))
    sealed = before.seal(b"totp", person_id, app.secret.encode())
    await platform.db.pool.execute("UPDATE totp_secret SET sealed = $1", sealed)
    assert (await access.reseal(platform.db, after), await access.reseal(platform.db, after)) == (1, 0)
    assert await access.shown_totp(platform.db, after, person_id) == app.secret
    with pytest.raises(crypto.Unsealable):
        await access.shown_totp(platform.db, old, person_id)


async def test_a_person_opens_no_companies_without_end(platform: Platform) -> None:
    person_id = await person(platform)
    house = await founding.found_house(platform.db)
    entry = await access.sign_in(platform.db, platform.ring, "13800138000", WORDS, VISIT)
    assert entry.token is not None
    async with platform.db.connection() as connection:
        session = await access.find_session(connection, entry.token.text)
    assert session is not None
    for number in range(3):
        await access.open_company(platform.db, platform.ring, session, f"长风 {number}", seller=house)
    with pytest.raises(TooManyTries):
        await access.open_company(platform.db, platform.ring, session, "长风 3", seller=house)
    assert len(await identity.memberships(platform.db, person_id)) == 3


async def test_a_customer_of_two_at_once_is_one_customer_of_each_shop(platform: Platform) -> None:
    person_id = await person(platform)
    house, agent = await founding.found_house(platform.db), (await found_agent(platform))
    applicant = Applicant("customer", "王", "")
    await asyncio.gather(
        *(access.open_account(platform.db, person_id, applicant, seller=seller) for seller in (house, agent) * 3)
    )
    rows = await platform.db.pool.fetch("SELECT parent_id FROM organisation WHERE kind = 'customer' ORDER BY parent_id")
    assert [row["parent_id"] for row in rows] == [agent.org_id, None]


async def found_agent(platform: Platform) -> Organisation:
    return (await founding.found_member(platform.db, platform.ring, "江南分站", kind="agent")).organisation


async def test_an_invitation_is_accepted_once_and_none_of_who_left(platform: Platform) -> None:
    shop = platform.seed.shop.organisation
    boss, partner, guest = [await person(platform, f"{name}@example.com") for name in ("boss", "partner", "guest")]
    for one in (boss, partner):
        await identity.join(platform.db, shop, one, "owner")
    links = [await invited(platform, boss), await invited(platform, partner)]
    await identity.leave(platform.db, shop.org_id, partner, actor_id=boss)

    async def accept(token: str) -> bool:
        try:
            await access.accept_invitation(platform.db, token, guest)
        except InvitationGone:
            return False
        return True

    assert not await accept(links[1])
    assert not await accept(links[0][:-2] + "AA")
    assert sorted(await asyncio.gather(*(accept(links[0]) for _ in range(4)))) == [False, False, False, True]
    async with platform.db.connection() as connection:
        assert await identity.role_of(connection, shop.org_id, guest) == "clerk"
    with pytest.raises(identity.LastOwner):
        await identity.leave(platform.db, shop.org_id, boss)
    with pytest.raises(identity.LastOwner):
        await identity.join(platform.db, shop, boss, "finance")


async def invited(platform: Platform, by: int) -> str:
    """The token of a link that this person sent."""
    token = await access.begin(platform.db, by, "password", VISIT)
    async with platform.db.connection() as connection:
        session = await access.find_session(connection, token.text)
    contact = access.read_contact(f"staff{by}@example.com")
    assert session is not None
    assert contact is not None
    shop = platform.seed.shop.organisation
    sender = access.Sender(shop.org_id, "卡盟", "zh")
    await access.invite(
        platform.db, platform.ring, shop, contact, "clerk", by=session, sender=sender, base="https://shop.example"
    )
    row = await platform.db.pool.fetchrow("SELECT message_id, address FROM message ORDER BY message_id DESC LIMIT 1")
    opened = platform.ring.open(b"message_address", row["message_id"], row["address"])
    link = msgspec.json.decode(opened, type=Address).secret
    assert link.startswith("https://shop.example/invitation/")
    return link.rpartition("/")[2]
