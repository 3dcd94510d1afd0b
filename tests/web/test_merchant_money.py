"""Wallet, withdrawals, statements, API keys and webhooks of a merchant's pages, over HTTP."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

import pytest

from kameng import finance, identity, notices
from kameng.kit import clock, ids
from kameng.ops import auditing
from pages import Visitor, rows_of, signed_in, text_of
from running import BALANCE_E4, Answer, Platform

PAYEE = {"method": "bank", "name": "李四", "account": "6225 8888 8888 6789", "bank": "招商银行"}


def shown_once(answer: Answer) -> list[str]:
    return [html.unescape(text) for text in re.findall(r"<span[^>]*data-copied>([^<]*)</span>", answer.body.decode())]


async def owner(platform: Platform) -> Visitor:
    return await signed_in(platform, platform.seed.shop.organisation)


async def test_bills_have_both_legs_behind_them(platform: Platform) -> None:
    mine = await owner(platform)
    placed = (await platform.place("card", platform.goods.card)).json
    total_e4 = platform.goods.card.list_price_e4
    answer = await mine.get("/merchant/wallet")
    assert len(rows_of(answer)) == 2
    legs = rows_of(await mine.get(f"/merchant/wallet/{placed['id']}"))
    amount = f"¥{total_e4 / 10_000:,.2f}"
    after = f"¥{(BALANCE_E4 - total_e4) / 10_000:,.2f}"
    assert legs == [f"借 我的钱包 -{amount} {after}", f"贷 平台：销售 +{amount} –"]
    theirs = await signed_in(platform, platform.seed.other.organisation)
    assert (await theirs.get(f"/merchant/wallet/{placed['id']}")).status == 404
    assert rows_of(await mine.get("/merchant/wallet?day_from=2025-01-01&day_to=2025-01-02")) == []


async def test_a_withdrawal_is_asked_for_once_and_taken_back(platform: Platform) -> None:
    mine = await owner(platform)
    form = {**PAYEE, "amount": "1,000.50", "token": "web-withdraw"}
    first = await mine.post("/merchant/withdrawals/new", form)
    again = await mine.post("/merchant/withdrawals/new", form)
    assert (first.status, again.status, again.headers["location"]) == (303, 303, first.headers["location"])
    assert await platform.count("withdrawal") == 1
    page = await mine.get(first.headers["location"])
    assert "招商银行 李* ****6789" in text_of(page)
    assert "6225888888886789" not in page.body.decode()
    holds = [row for row in rows_of(await mine.get("/merchant/wallet")) if "提现" in row]
    assert ["冻结" in row for row in holds] == [True] * len(holds) != []
    theirs = await signed_in(platform, platform.seed.other.organisation)
    assert (await theirs.post(f"{first.headers['location']}/cancel")).status == 404
    assert (await mine.post(f"{first.headers['location']}/cancel")).status == 303
    (one,) = await finance.list_withdrawals(platform.db, org_id=platform.seed.shop.organisation.org_id)
    assert one.state is finance.State.cancelled
    assert (await auditing.run(platform.db, platform.ring)).broken == ()


async def test_what_is_wrong_with_a_withdrawal_stands_at_its_field(platform: Platform) -> None:
    mine = await owner(platform)
    form = {**PAYEE, "amount": "999999999", "account": "12", "token": "web-wrong"}
    answer = await mine.post("/merchant/withdrawals/new", form)
    assert answer.status == 422
    assert 'id="account-error"' in answer.body.decode()
    answer = await mine.post("/merchant/withdrawals/new", {**form, "account": PAYEE["account"]})
    assert 'id="amount-error"' in answer.body.decode()
    assert await platform.count("withdrawal") == 0
    clerk = await signed_in(platform, platform.seed.shop.organisation, "clerk")
    assert (await clerk.post("/merchant/withdrawals/new", {**PAYEE, "amount": "1", "token": "x"})).status == 403


async def test_money_and_keys_ask_who_one_is_once_more(platform: Platform) -> None:
    """Ten minutes after signing in; whoever found an open browser gets no further."""
    mine = await owner(platform)
    await platform.db.pool.execute("UPDATE web_session SET proved_at = proved_at - interval '11 minutes'")
    for path in ("/merchant/withdrawals/new", "/merchant/keys/new", "/merchant/webhooks/new"):
        for answer in (await mine.get(path), await mine.post(path, {"name": "x"})):
            assert (answer.status, answer.headers["location"].partition("?")[0]) == (303, "/prove"), path
    assert await platform.count("api_key") == 6
    assert await platform.count("webhook_endpoint") == 0


async def test_a_months_statement_adds_up(platform: Platform) -> None:
    mine = await owner(platform)
    card, few = platform.goods.card, platform.goods.few
    await platform.place("one", card, 2)
    await platform.place("two", few)
    out_e4 = 2 * card.list_price_e4 + few.list_price_e4
    out, left = f"¥{out_e4 / 10_000:,.2f}", f"¥{(BALANCE_E4 - out_e4) / 10_000:,.2f}"
    month = f"{clock.china_day():%Y-%m}"
    shown = text_of(await mine.get("/merchant/statements"))
    assert f"支出 {out}" in shown
    assert f"期末余额 {left}" in shown
    rows = rows_of(await mine.get(f"/merchant/statements?by=product&month={month}"))
    assert [row for row in rows if card.product in row and card.spec in row] != []
    file = (await mine.get(f"/merchant/statements.csv?by=line&month={month}")).body.decode("utf-8-sig")
    assert len(file.splitlines()) == 1 + 3 * 3 + 3
    assert file.rstrip().endswith(f"{(BALANCE_E4 - out_e4) / 10_000:.4f}")
    assert "本月没有资金变动" in text_of(await mine.get("/merchant/statements?month=2025-03"))


KEY = {
    "name": "ERP", "kind": "live", "rate_per_second": "50", "daily_limit": "200", "days": "30",
    "allowed_ips": "127.0.0.1\n203.0.113.0/24", "scope.orders:place": "on", "scope.orders:read": "on",
}  # fmt: skip


async def made_key(platform: Platform, mine: Visitor, **more: str) -> identity.IssuedKey:
    answer = await mine.post("/merchant/keys/new", {**KEY, **more})
    assert answer.status == 200, text_of(answer)
    shown, secret = shown_once(answer)
    key_id, sandbox = identity.parse_key_id(shown)
    return identity.IssuedKey(key_id, platform.seed.shop.organisation.org_id, secret, sandbox)


async def test_a_key_is_what_its_form_said(platform: Platform) -> None:
    mine = await owner(platform)
    key = await made_key(platform, mine)
    listed = await identity.find_key(platform.db, platform.seed.shop.organisation, key.key_id)
    assert (listed.scopes, listed.rate_per_second, listed.daily_limit_e4) == (
        ("orders:place", "orders:read"), 50, 200 * 10_000,
    )  # fmt: skip
    assert listed.expires_at is not None
    assert (listed.expires_at - datetime.now(UTC)).days in (29, 30)
    assert [str(network) for network in listed.allowed_ips] == ["127.0.0.1/32", "203.0.113.0/24"]
    assert (await platform.get("/api/v1/orders", key=key)).status == 200
    assert (await platform.get("/api/v1/balance", key=key)).code == "scope_missing"
    assert key.secret not in (await mine.get(f"/merchant/keys/{key.key_id}")).body.decode()
    # Bound to another address it is refused here, once the gateway looked: at the next batch, or within a second.
    change = {"name": "ERP", "allowed_ips": "198.51.100.7", "rate_per_second": "50"}
    assert (await mine.post(f"/merchant/keys/{key.key_id}", change)).status == 303
    await platform.place("a-batch", platform.goods.card)
    assert (await platform.place("elsewhere", platform.goods.card, key=key)).code == "ip_not_allowed"
    wrong = await mine.post(f"/merchant/keys/{key.key_id}", {**change, "allowed_ips": "300.1.1.1"})
    assert (wrong.status, 'id="allowed_ips-error"' in wrong.body.decode()) == (422, True)


async def test_a_key_is_rotated_and_revoked_by_its_owner_alone(platform: Platform) -> None:
    mine, theirs = await owner(platform), await signed_in(platform, platform.seed.other.organisation)
    key = await made_key(platform, mine, allowed_ips="")
    path = f"/merchant/keys/{key.key_id}"
    for address in (path, f"{path}/rotate", f"{path}/revoke", f"{path}/golive"):
        assert (await theirs.post(address, {**KEY, "reason": "mine now"})).status == 404, address
    rotated = shown_once(await mine.post(f"{path}/rotate"))
    assert rotated[1] != key.secret
    assert (await mine.post(f"{path}/revoke", {"reason": ""})).status == 422
    assert (await platform.get("/api/v1/orders", key=key)).status == 200
    assert (await mine.post(f"{path}/revoke", {"reason": "泄露"})).status == 303
    assert (await platform.place("late", platform.goods.card, key=key)).code == "key_revoked"
    acts = await platform.db.pool.fetch(
        "SELECT act FROM audit_line WHERE subject_id = $1 ORDER BY audit_id", key.key_id
    )
    assert [row["act"] for row in acts] == ["api_key.issue", "api_key.rotate", "api_key.revoke"]


async def test_a_sandbox_key_shows_what_is_left_before_going_live(platform: Platform) -> None:
    mine = await owner(platform)
    key = await made_key(platform, mine, kind="sandbox", allowed_ips="")
    path = f"/merchant/keys/{key.key_id}"
    assert "已完成 0/12" in text_of(await mine.get(path))
    await platform.place("first", platform.goods.card, key=key)
    await platform.place("first", platform.goods.card, key=key)
    assert (await mine.post(f"{path}/golive")).status == 303
    assert await platform.db.pool.fetchval("SELECT data->'done' FROM audit_line WHERE act = 'api_key.golive'") == [
        "placed", "repeated",
    ]  # fmt: skip


async def test_a_webhook_belongs_to_one_and_its_log_is_filtered(platform: Platform) -> None:
    mine, theirs = await owner(platform), await signed_in(platform, platform.seed.other.organisation)
    answer = await mine.post(
        "/merchant/webhooks/new", {"url": "https://shop.example/hook", "kinds": "order.* wallet.low"}
    )
    (secret,) = shown_once(answer)
    assert secret.startswith("whsec_")
    (endpoint,) = await notices.list_endpoints(platform.db, platform.seed.shop.organisation.org_id)
    assert endpoint.kinds == ("order.*", "wallet.low")
    path = f"/merchant/webhooks/{endpoint.endpoint_id}"
    for address in (path, f"{path}/state", f"{path}/rotate", f"{path}/remove", f"{path}/test", f"{path}/replay"):
        assert (await theirs.post(address, {"url": "https://evil.example/"})).status == 404, address
    bad = await mine.post(path, {"url": "https://10.0.0.1/", "kinds": ""})
    assert (bad.status, 'id="url-error"' in bad.body.decode()) == (422, True)
    event_ids = [ids.id_of(ids.tick_at(clock.now_ms()) + n, endpoint.lane) for n in range(3)]
    await platform.db.pool.execute(
        "INSERT INTO webhook_log (lane, log_id, endpoint_id, at, event_ids, statuses, took_ms, attempts, faults)"
        " VALUES ($1, $2, $3, now(), $4, '{204,500,0}', '{5,6,7}', '{1,1,2}', '{\"\",\"\",\"no answer\"}')",
        endpoint.lane, event_ids[0], endpoint.endpoint_id, event_ids,
    )  # fmt: skip

    async def listed(query: str) -> list[str]:
        return [re.findall(r"\d{15,}", row)[0] for row in rows_of(await mine.get(f"{path}{query}"))]

    first, second, third = map(str, event_ids)
    assert await listed("") == [third, second, first]
    assert await listed("?only=delivered") == [first]
    assert await listed("?only=failed") == [third, second]
    assert await listed(f"?event=msg_{second}") == [second]
    for number in (second, "x"):  # was never due; is no number
        assert (await mine.post(f"{path}/replay", {"event": number, "hours": "24"})).status == 422
    assert (await mine.post(f"{path}/replay", {"since": "2026-11-23T10:00", "hours": "25"})).status == 422
    assert (await mine.post(f"{path}/replay", {"since": "2026-11-23T10:00", "hours": "24"})).status == 303
    assert (await mine.post(f"{path}/remove")).status == 303
    assert await notices.list_endpoints(platform.db, platform.seed.shop.organisation.org_id) == []


async def test_bills_are_narrowed_by_kind_and_day_in_the_address(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        await platform.place(f"card-{n}", platform.goods.card)
    mine = await signed_in(platform, platform.seed.shop.organisation)
    today = clock.china_day().isoformat()

    async def count(query: str) -> int:
        answer = await mine.get(f"/merchant/wallet?{query}")
        assert answer.status == 200, query
        return len(rows_of(answer))

    asked = ("", "kind=orders", "kind=recharges", "kind=refunds", f"kind=orders&day_from={today}&day_to={today}")
    assert [await count(query) for query in asked] == [4, 3, 1, 0, 3]
    assert await count("kind=orders&day_to=2025-01-02") == 0
    page = (await mine.get(f"/merchant/wallet?day_from={today}")).body.decode()
    assert 'class="chips list-active"' in page  # a press takes it away
    assert (await mine.get("/merchant/wallet?kind=gifts")).status == 422
    assert (await mine.get("/merchant/wallet?day_from=never")).status == 422
    theirs = await signed_in(platform, platform.seed.other.organisation)
    assert len(rows_of(await theirs.get("/merchant/wallet?kind=orders"))) == 0
    # A kind that is rare is looked for among so many lines; the page says how far it looked, and where it goes on.
    monkeypatch.setattr("kameng.web.purse.LOOKED_AT_EACH", 1)
    monkeypatch.setattr("kameng.web.purse.LOOKS_MAX", 3)
    answer = await mine.get("/merchant/wallet?kind=recharges")
    assert rows_of(answer) == []
    onward = re.search(r'href="([^"]+)" rel="next"', answer.body.decode())
    assert onward is not None
    assert len(rows_of(await mine.get(onward[1].replace("&amp;", "&")))) == 1
