"""Registering at a shop with an address that has an account elsewhere: a customer here too, and nobody is told."""

from __future__ import annotations

import msgspec
import pytest
from test_shops_hosts import HOUSE, PASSWORD, B, Browser, people

from kameng import access, identity
from kameng.access import ENTER, Contact, Sender
from kameng.identity import Organisation
from kameng.kit import switches
from kameng.notices import Address
from running import Answer, Platform

__all__ = ["people"]

MAIL = "customer-a@test.kameng"


async def proved(platform: Platform, browser: Browser, seller: Organisation, *, to: str = MAIL, kind: str) -> Answer:
    """The code that was sent to this address comes back; ``kind``: as what somebody registers, '' to sign in."""
    await platform.db.pool.execute("DELETE FROM try_limit")  # as after a long while
    contact, sender = Contact("mail", to), Sender(seller.org_id, "店铺", "zh", ("mail",))
    ticket = await access.send_code(platform.db, platform.ring, contact, purpose=ENTER, sender=sender, ip="127.0.0.1")
    row = await platform.db.pool.fetchrow("SELECT message_id, address FROM message ORDER BY message_id DESC LIMIT 1")
    opened = platform.ring.open(b"message_address", row["message_id"], row["address"])
    code = msgspec.json.decode(opened, type=Address).secret
    await browser.get("/signin")
    ticket = msgspec.structs.replace(ticket, factor=kind)
    sealed = access.seal_ticket(platform.ring, browser.cookies["kameng_visitor"], ticket)
    browser.cookies["__Host-kameng_step"] = sealed
    return await browser.post("/signin/check", code=code)


async def customers_of(platform: Platform, person: str, seller: Organisation | None) -> int:
    found = await identity.find_by_sign_in(platform.db, person)
    assert found is not None
    return int(
        await platform.db.pool.fetchval(
            "SELECT count(*) FROM organisation o JOIN membership m USING (lane, org_id) WHERE m.person_id = $1"
            " AND o.kind = 'customer' AND o.parent_id IS NOT DISTINCT FROM $2",
            found.person_id, None if seller is None else seller.org_id,
        )
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["customer", ""])
async def test_who_is_a_customer_elsewhere_becomes_one_here_and_is_in(
    platform: Platform, people: dict[str, Organisation], kind: str
) -> None:
    browser, seller = Browser(platform, B), people["b"]
    assert (await browser.sign_in("customer-a")).status == 422  # the password alone opens nothing here
    answer = await proved(platform, browser, seller, kind=kind)
    assert (answer.status, await browser.is_in()) == (303, True)
    assert await customers_of(platform, MAIL, seller) == 1
    again = Browser(platform, B)
    assert (await proved(platform, again, seller, kind=kind)).status == 303
    assert await customers_of(platform, MAIL, seller) == 1
    assert (await Browser(platform, B).sign_in("customer-a")).status == 303
    assert await platform.count("person") == len(people)


async def test_the_house_takes_an_agents_customer_too(platform: Platform, people: dict[str, Organisation]) -> None:
    browser = Browser(platform, HOUSE)
    assert (await proved(platform, browser, people["platform"], kind="customer")).status == 303
    assert await browser.is_in()
    assert await customers_of(platform, MAIL, None) == 1


async def test_an_account_that_came_up_meanwhile_is_no_news_either(
    platform: Platform, people: dict[str, Organisation]
) -> None:
    """Two pages with the same code: the second finds the account that the first has made."""
    browser, to = Browser(platform, B), "twice@test.kameng"
    answer = await proved(platform, browser, people["b"], to=to, kind="customer")
    assert answer.headers["location"] == "/register/details"
    await identity.enrol(platform.db, sign_in=to, name="先到")
    answer = await browser.post("/register/details", name="后到", password=PASSWORD)
    assert (answer.status, answer.headers.get("location")) == (303, "/")
    assert await customers_of(platform, to, people["b"]) == 1


async def test_where_nobody_may_register_a_stranger_stays_one(
    platform: Platform, people: dict[str, Organisation]
) -> None:
    await switches.flip(platform.db, "registration", on=False, reason="test", actor_id=0)
    browser = Browser(platform, B)
    assert (await proved(platform, browser, people["b"], kind="customer")).status == 401
    assert not await browser.is_in()
    assert await customers_of(platform, MAIL, people["b"]) == 0
