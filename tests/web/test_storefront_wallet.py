"""A customer's wallet in the shop: bills with the posting behind each, and withdrawals."""

from __future__ import annotations

from kameng import finance, ledger
from kameng.identity import Organisation
from kameng.ops import auditing, founding
from pages import Visitor, rows_of, signed_in, text_of
from running import Platform

PAYEE = {"method": "alipay", "name": "周女士", "account": "13800001111"}


async def customer_of(platform: Platform) -> Organisation:
    one = (await founding.found_member(platform.db, platform.ring, "周女士", kind="customer")).organisation
    await ledger.recharge(platform.db, one.lane, one.org_id, 1_000_000, key=f"test:{one.org_id}")
    return one


async def hold_of(mine: Visitor) -> str:
    """Where the newest bill leads."""
    body = (await mine.get("/wallet")).body.decode()
    return body.partition('href="/wallet/bills/')[2].partition('"')[0]


async def test_a_bill_opens_its_posting(platform: Platform) -> None:
    customer = await customer_of(platform)
    mine = await signed_in(platform, customer)
    number = await hold_of(mine)
    page = await mine.get(f"/wallet/bills/{number}")
    assert page.status == 200
    assert "+¥100.00" in text_of(page)
    assert [row.split()[0] for row in rows_of(page)] == ["借", "贷"]
    theirs = await signed_in(platform, platform.seed.shop.organisation)
    assert (await theirs.get(f"/wallet/bills/{number}")).status == 404
    assert (await mine.get("/wallet/bills/x")).status == 404


async def test_a_customer_asks_for_a_withdrawal_once_and_takes_it_back(platform: Platform) -> None:
    customer = await customer_of(platform)
    mine = await signed_in(platform, customer)
    form = {**PAYEE, "amount": "60", "token": "web-customer"}
    first, again = [await mine.post("/wallet/withdrawals/new", form) for _ in range(2)]
    where = first.headers["location"]
    assert (first.status, again.headers["location"]) == (303, where)
    assert where.startswith("/wallet/withdrawals/")
    assert len(rows_of(await mine.get("/wallet/withdrawals"))) == 1
    assert "待审核" in text_of(await mine.get(where))
    assert f"/wallet/bills/{await hold_of(mine)}" in (await mine.get(where)).body.decode()
    refused = await mine.post("/wallet/withdrawals/new", {**form, "amount": "60", "token": "web-second"})
    assert (refused.status, 'id="amount-error"' in refused.body.decode()) == (422, True)
    clerk = await signed_in(platform, customer, "clerk")
    theirs = await signed_in(platform, platform.seed.shop.organisation)
    assert (await clerk.post("/wallet/withdrawals/new", form)).status == 403
    assert [(await theirs.get(where)).status, (await theirs.post(f"{where}/cancel")).status] == [404, 404]
    assert (await mine.post(f"{where}/cancel")).status == 303
    (one,) = await finance.list_withdrawals(platform.db, org_id=customer.org_id)
    assert one.state is finance.State.cancelled
    assert (await auditing.run(platform.db, platform.ring)).broken == ()


async def test_money_out_asks_who_one_is_once_more(platform: Platform) -> None:
    mine = await signed_in(platform, await customer_of(platform))
    await platform.db.pool.execute("UPDATE web_session SET proved_at = proved_at - interval '11 minutes'")
    for answer in (await mine.get("/wallet/withdrawals/new"), await mine.post("/wallet/withdrawals/new", PAYEE)):
        assert (answer.status, answer.headers["location"].partition("?")[0]) == (303, "/prove")
    assert await platform.count("withdrawal") == 0


async def test_who_does_not_buy_has_no_wallet_in_the_shop(platform: Platform) -> None:
    supplier = (await founding.found_member(platform.db, platform.ring, "海星", kind="supplier")).organisation
    theirs = await signed_in(platform, supplier)
    for path in ("/wallet", "/wallet/withdrawals", "/wallet/withdrawals/new", "/wallet/bills/1"):
        assert (await theirs.get(path)).status == 403, path
