"""Kameng pays at Kameng: its own epay client of both versions, over HTTP, at its epay site, a provider behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from epay.town import Town
from kameng import epay, finance, payments
from kameng.channels import BadNotice, Method, Outcome, Payment, Reference, Refund, RefundState, Scene, State
from kameng.channels import epay_serving as serving
from kameng.finance import Payee, Terms
from kameng.kit import clock, switches
from kameng.notices import Policy, Sender


def reference_of(payment: Payment) -> Reference:
    return Reference(payment_no=payment.payment_no, begun_at=payment.begun_at, amount_minor=payment.amount_minor)


def refund_of(payment: Payment, amount_minor: int, number: str = "RF1") -> Refund:
    return Refund(
        refund_no=number, payment_no=payment.payment_no, amount_minor=amount_minor, total_minor=payment.amount_minor,
        begun_at=payment.begun_at, asked_at=clock.now(),
    )  # fmt: skip


@pytest.mark.parametrize("version", [1, 2])
async def test_from_the_code_to_the_wallet_and_back(town: Town, version: int) -> None:
    client, payment = town.client(version), town.payment()
    begun = await client.begin(payment)
    assert (begun.outcome, begun.shown is not None and begun.shown.kind) == (Outcome.accepted, "qr")
    waiting = await client.query(reference_of(payment))
    assert (waiting.state, waiting.amount_minor) == (State.waiting, 1234)

    await town.pays(begun.provider_no)
    (heard,) = town.shop.heard
    notice = await client.parse_notice(heard)
    assert (notice.payment_no, notice.state, notice.amount_minor) == (payment.payment_no, State.paid, 1234)
    found = await client.query(reference_of(payment))
    assert (found.state, found.amount_minor, found.provider_no) == (State.paid, 1234, begun.provider_no)
    assert (await town.wallet_e4(), await town.fees_e4()) == (122_700, 700)  # 0.6 % of 12.34 is 0.07
    (trade,) = await town.rows("SELECT told, tellings, paid_at IS NOT NULL AS is_paid FROM epay_trade")
    assert tuple(trade) == ("heard", 1, True)

    if version == 1:
        refused = await client.refund(refund_of(payment, 1234))
        assert refused.outcome is Outcome.refused_config  # off until the account switches it on: it shows its key
        await epay.change_account(town.platform.db, town.owner, has_refunds=True, actor_id=7)
    refund = refund_of(payment, 1234)
    assert (await client.refund(refund)).outcome is Outcome.done
    again = await client.refund(refund)
    assert again.outcome is Outcome.done
    assert await town.wallet_e4() == -700  # the fee stays with the house
    (row,) = await town.rows("SELECT payment_id FROM payment")
    await town.stands(row["payment_id"], "refunded")
    back = await client.refund_query(refund)
    assert back.state is RefundState.done
    assert (await client.query(reference_of(payment))).state is State.refunded
    (record,) = [one for one in await town.providers.ask("payments") if one["refunds"]][-1:]
    assert [one["amount_minor"] for one in record["refunds"]] == [1234]
    await town.check()


async def test_parts_go_back_under_their_own_numbers_and_never_more_than_was_paid(town: Town) -> None:
    client, payment = town.client(2), town.payment()
    await town.pays((await client.begin(payment)).provider_no)
    assert (await client.refund(refund_of(payment, 1000, "RF1"))).outcome is Outcome.done
    assert (await client.refund(refund_of(payment, 1000, "RF1"))).outcome is Outcome.done  # the same one
    assert (await client.refund(refund_of(payment, 900, "RF1"))).outcome is not Outcome.done
    assert (await client.refund(refund_of(payment, 235, "RF2"))).outcome is not Outcome.done
    assert (await client.refund(refund_of(payment, 234, "RF3"))).outcome is Outcome.done
    assert await town.wallet_e4() == -700
    assert await town.platform.count("payment_refund") == 2
    await town.work(seconds=60)
    await town.check()


async def test_a_refund_that_the_wallet_has_not_is_refused(town: Town) -> None:
    """It got 12.27 of 12.34."""
    town.owner = town.platform.seed.poor.organisation
    town.given = await epay.open_account(town.platform.db, town.platform.ring, town.owner, fee_ppm=6000, actor_id=7)
    client, payment = town.client(2), town.payment()
    await town.pays((await client.begin(payment)).provider_no)
    assert (await client.refund(refund_of(payment, 1234))).outcome is Outcome.rate_limited  # 商户余额不足: later
    assert await town.platform.count("payment_refund") == 0
    await town.check()


async def test_the_same_number_is_the_same_payment_and_other_content_is_refused(town: Town) -> None:
    client, payment = town.client(1), town.payment()
    first = await client.begin(payment)
    second = await client.begin(payment)
    assert (second.provider_no, second.shown) == (first.provider_no, first.shown)
    changed = await client.begin(town.payment(payment_no=payment.payment_no, amount_minor=1))
    assert (changed.outcome, "参数有变化" in changed.message) == (Outcome.unknown, True)
    await town.pays(first.provider_no)
    paid = await client.begin(payment)
    assert (paid.outcome, "已完成支付" in paid.message) == (Outcome.unknown, True)
    assert await town.platform.count("epay_trade") == 1
    assert await town.wallet_e4() == 122_700


@pytest.mark.parametrize("version", [1, 2])
async def test_who_signs_with_another_key_begins_and_learns_nothing(town: Town, version: int) -> None:
    other = await epay.open_account(
        town.platform.db, town.platform.ring, town.platform.seed.other.organisation, fee_ppm=0, actor_id=7
    )
    mine, payment = town.client(version), town.payment()
    begun = await mine.begin(payment)
    theirs = {"key": other.md5_key} if version == 1 else {"private_key": other.shop_private_key}
    forger = town.client(version, **theirs)
    assert (await forger.begin(town.payment())).outcome is Outcome.refused_config
    assert (await forger.query(reference_of(payment))).outcome is Outcome.refused_config
    stranger = town.client(version, pid=str(other.account.pid), **theirs)
    assert (await stranger.query(reference_of(payment))).state is State.waiting  # as of one that nobody knows
    assert await town.platform.count("epay_trade") == 1
    await town.pays(begun.provider_no)
    with pytest.raises(BadNotice):
        await town.client(version, **({"key": other.md5_key} if version == 1 else {
            "platform_public_key": other.account.our_key,
        })).parse_notice(town.shop.heard[0])  # fmt: skip


async def test_an_account_that_is_off_takes_nothing_new(town: Town) -> None:
    await epay.change_account(town.platform.db, town.owner, is_on=False, actor_id=7)
    for version in (1, 2):
        begun = await town.client(version).begin(town.payment())
        assert (begun.outcome, begun.message) == (Outcome.refused_config, "商户已停用")
    assert await town.platform.count("epay_trade") == 0


async def test_new_keys_end_the_old_ones(town: Town) -> None:
    old = town.client(1)
    town.given = await epay.rotate_keys(town.platform.db, town.platform.ring, town.owner, actor_id=7)
    assert (await old.begin(town.payment())).outcome is Outcome.refused_config
    assert (await town.client(1).begin(town.payment())).outcome is Outcome.accepted
    assert (await town.client(2).begin(town.payment())).outcome is Outcome.accepted


async def test_a_shop_that_does_not_hear_is_told_again_until_it_does(town: Town) -> None:
    client, payment = town.client(1), town.payment()
    town.shop.says = [(500, ""), (200, "fail"), (302, "")]
    begun = await client.begin(payment)
    await town.pays(begun.provider_no)
    waited = [await _told(town)]
    for seconds in (61, 61 + 181, 61 + 181 + 1201):
        await town.work(seconds=seconds)
        waited.append(await _told(town))
    assert waited == [(1, "", "HTTP 500"), (2, "", "its answer is not: success"), (3, "", "HTTP 302"), (4, "heard", "")]
    assert len({one.query for one in town.shop.heard}) == 1  # MD5 has no stamp: the same each time
    assert await town.wallet_e4() == 122_700
    await town.check()


async def test_a_shop_that_never_hears_is_given_up_and_told_when_its_people_ask(town: Town) -> None:
    town.shop.says = [(404, "")] * 6
    begun = await town.client(2).begin(town.payment())
    await town.pays(begun.provider_no)
    for step in range(1, 7):
        await town.work(seconds=sum(serving.NOTIFY_AFTER_S[: step + 1]) + step)
    assert await _told(town) == (6, "given_up", "HTTP 404")
    await town.check()
    await epay.tell_again(town.platform.db, town.given.account, int(begun.provider_no))
    await town.work()
    assert await _told(town) == (7, "heard", "")


async def _told(town: Town) -> tuple[int, str, str]:
    (row,) = await town.rows("SELECT tellings, told, fault FROM epay_trade")
    return tuple(row)


async def test_a_wrong_amount_is_never_the_shops(town: Town) -> None:
    begun = await town.client(1).begin(town.payment())
    attempt = (await town.rows("SELECT payment_no FROM payment"))[0]["payment_no"]
    await town.providers.fault("wrong_amount", "notice", attempt)
    await town.providers.tell("pay", payment_no=attempt)
    for _ in range(200):
        if await town.platform.count("payment_notice"):
            break
        await town.work()
    assert await town.wallet_e4() == 0
    assert town.shop.heard == []
    assert (await town.client(1).query(Reference(payment_no="none", begun_at=clock.now()))).state is State.waiting
    assert begun.outcome is Outcome.accepted
    await town.check()


async def test_a_closed_payment_is_begun_by_nobody(town: Town) -> None:
    client, payment = town.client(2), town.payment()
    await client.begin(payment)
    await town.providers.tell("age", payment_no=(await town.rows("SELECT payment_no FROM payment"))[0][0], by_s=600)
    assert (await client.close(reference_of(payment))).outcome is Outcome.done
    await town.platform.db.pool.execute("UPDATE payment SET begun_at = begun_at - interval '10 minutes'")
    await town.work(seconds=1)
    assert [row["state"] for row in await town.rows("SELECT state FROM payment")] == ["closed"]
    assert "已关闭" in (await client.begin(payment)).message
    await town.check()


async def test_a_browser_is_led_to_our_page_and_back_with_the_proof(town: Town) -> None:
    client, payment = town.client(1), town.payment(Scene.page)
    shown = (await client.begin(payment)).shown
    assert shown is not None
    assert shown.text == f"{town.base}/epay/submit.php"
    async with town.http.post(shown.text, data=dict(shown.fields), allow_redirects=False) as answer:
        assert answer.status == 303
        page = answer.headers["location"]
    forged = {**shown.fields, "money": "0.01"}
    async with town.http.post(shown.text, data=forged, allow_redirects=False) as answer:
        assert (answer.status, "签名校验失败" in await answer.text()) == (400, True)
    async with town.http.get(page) as answer:
        assert (answer.status, "12.34" in await answer.text()) == (200, True)
    async with town.http.get(page[:-1] + ("0" if page[-1] != "0" else "1")) as answer:
        assert answer.status == 404
    await town.pays(urlsplit(page).path.split("/")[2])
    async with town.http.get(page) as answer:
        text = await answer.text()
    back = next(part for part in text.split('"') if part.startswith("https://shop.example/back?")).replace("&amp;", "&")
    fields = dict(parse_qsl(urlsplit(back).query))
    assert (fields["out_trade_no"], fields["money"]) == (payment.payment_no, "12.34")
    assert (await client.parse_notice(town.shop.heard[0])).payment_no == payment.payment_no


async def test_bills_of_both_versions_name_what_was_paid(town: Town) -> None:
    first, second = town.payment(), town.payment()
    await town.pays((await town.client(1).begin(first)).provider_no)
    await town.client(2).begin(second)
    for version in (1, 2):
        bill = await town.client(version).fetch_bill(clock.china_day())
        assert [(line.payment_no, line.amount_minor) for line in bill.lines] == [(first.payment_no, 1234)]
    yesterday = await town.client(1).fetch_bill(clock.china_day() - timedelta(days=1))
    assert list(yesterday.lines) == []


async def test_the_account_is_told_what_it_has(town: Town) -> None:
    await town.pays((await town.client(1).begin(town.payment())).provider_no)
    await town.client(1).begin(town.payment())
    query = {"act": "query", "pid": str(town.given.account.pid), "key": town.given.md5_key}
    async with town.http.get(f"{town.base}/epay/api.php", params=query) as answer:
        told = await answer.json()
    assert {name: told[name] for name in ("code", "money", "orders", "orders_today", "orders_lastday")} == {
        "code": 1, "money": "100012.27", "orders": 2, "orders_today": 1, "orders_lastday": 0,
    }  # fmt: skip
    async with town.http.get(f"{town.base}/epay/api.php", params=query | {"key": "0" * 32}) as answer:
        assert await answer.json() == {"code": -3, "msg": "商户密钥错误"}


async def test_money_that_comes_twice_goes_back_by_itself(town: Town) -> None:
    """Another way to pay is begun, and both are paid: the wallet gets one."""
    credentials = town.providers.credentials("支付宝公钥模式商户")
    number = await payments.add_channel(
        town.platform.db, town.platform.ring, protocol="alipay", name="支付宝", credentials=credentials, actor_id=7
    )  # fmt: skip
    await payments.switch_channel(town.platform.db, number, on=True, reason="open", actor_id=7)
    town.site.cashier.channels._read_at_s = float("-inf")
    payment = town.payment()
    begun = await town.client(1).begin(payment)
    other = msgspec.structs.replace(payment, method=Method.alipay)
    assert (await town.client(1).begin(other)).provider_no == begun.provider_no
    first, second = await payments.find_payments(town.site.cashier, town.owner, int(begun.provider_no))
    for one in (first, second):
        await town.providers.tell("pay", payment_no=one.payment_no)
    states: list[str] = []
    for _ in range(500):  # whichever is heard of first is the shop's
        await town.work()
        states = [row["state"] for row in await town.rows("SELECT state FROM payment ORDER BY payment_id")]
        if sorted(states) == ["paid", "refunded"]:
            break
    assert sorted(states) == ["paid", "refunded"]
    assert await town.wallet_e4() == 122_700
    assert len(town.shop.heard) == 1
    await town.check()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://10.0.0.8/n", "不是公网地址"), ("https://[fd00::1]/n", "不是公网地址"),
        ("https://user@shop.example/n", "通知地址"), ("http://shop.example/n", "仅支持 https"),
    ],
)  # fmt: skip
async def test_shops_name_no_address_that_webhooks_may_not_go_to(town: Town, url: str, words: str) -> None:
    if "https" in words:
        town.site.policy = Policy()
    begun = await town.client(1).begin(town.payment(notify_url=url))
    assert (begun.outcome, words in begun.message) == (Outcome.refused_channel, True)
    assert await town.platform.count("epay_trade") == 0


async def test_a_name_that_means_a_private_address_is_not_called(town: Town) -> None:
    """As after a rebinding: the last look is at the socket, and redirects are not followed."""
    port = urlsplit(town.base).port
    begun = await town.client(1).begin(town.payment(notify_url=f"http://localhost:{port}/the-shop/notify"))
    async with Sender(Policy(http=True)) as town.sender:
        await town.pays(begun.provider_no)
        assert await _told(town) == (1, "", "the address is not public")
        assert town.shop.heard == []
    assert await town.wallet_e4() == 122_700


async def test_customers_and_notices_go_to_the_accounts_own_hosts_only(town: Town) -> None:
    await epay.change_account(town.platform.db, town.owner, hosts=["127.0.0.1", "Shop.Example"], actor_id=7)
    assert (await town.client(1).begin(town.payment())).outcome is Outcome.accepted
    for changed in ({"return_url": "https://evil.example/"}, {"notify_url": "https://evil.example/"}):
        begun = await town.client(2).begin(town.payment(**changed))
        assert (begun.outcome, "域名未授权" in begun.message) == (Outcome.refused_channel, True)
    with pytest.raises(epay.BadEpayAccount) as refused:
        await epay.change_account(town.platform.db, town.owner, hosts=["not a host"], actor_id=7)
    assert refused.value.field == "hosts"


async def test_nothing_is_collected_while_the_house_has_it_closed(town: Town) -> None:
    await switches.flip(town.platform.db, epay.SWITCH, on=False, reason="closed", actor_id=7)
    town.site.switches._read_at_s = float("-inf")
    assert (await town.client(1).begin(town.payment())).message == "易支付接口未开启"
    async with town.http.get(f"{town.base}/epay/nothing.php") as answer:
        assert answer.status == 404


async def test_settlements_are_the_withdrawals_of_the_member(town: Town) -> None:
    """In epay's own columns, newest first, the payee masked; those of others are nobody's here."""
    db, ring = town.platform.db, town.platform.ring
    terms = Terms(adjustment_limit_e4=0, withdrawal_limit_e4=10**9, fee_per_mille=6)
    alipay = Payee("alipay", "张小明", "13812345678")
    bank = Payee("bank", "张小明", "6222020012345678", "招商银行 深圳")
    asked = [
        await finance.ask_withdrawal(
            db, ring, owner, yuan * 10_000, client_ref=f"W-{yuan}", payee=payee, terms=terms, actor_id=5
        )
        for owner, yuan, payee in (
            (town.owner, 100, alipay), (town.owner, 50, bank), (town.owner, 20, bank), (town.owner, 10, bank),
            (town.platform.seed.other.organisation, 30, bank),
        )
    ]  # fmt: skip
    paid, refused, _, back, _ = (one.withdrawal_id for one in asked)
    await finance.approve_withdrawal(db, paid, actor_id=7)
    await finance.pay_withdrawal(db, paid, external_ref="B-1", actor_id=7)
    await finance.refuse_withdrawal(db, refused, note="户名不符", actor_id=7)
    await finance.cancel_withdrawal(db, town.owner, back, actor_id=5)
    query = {"act": "settle", "pid": str(town.given.account.pid), "key": town.given.md5_key}

    async def told(**more: str) -> dict[str, Any]:
        async with town.http.get(f"{town.base}/epay/api.php", params=query | more) as answer:
            return dict(await answer.json(content_type=None))

    first = await told()
    assert (first["code"], first["msg"]) == (1, "查询结算记录成功！")
    columns = ("uid", "type", "account", "username", "money", "realmoney", "status", "result")
    assert [tuple(one[name] for name in columns) for one in first["data"]] == [
        ("1001", 4, "****5678", "张*", "10.00", "9.94", 3, "已撤回"),
        ("1001", 4, "****5678", "张*", "20.00", "19.88", 0, ""),
        ("1001", 4, "****5678", "张*", "50.00", "49.70", 3, "户名不符"),
        ("1001", 1, "138****5678", "张*", "100.00", "99.40", 1, ""),
    ]
    assert [bool(one["endtime"]) for one in first["data"]] == [True, False, True, True]
    assert (await told(limit="1", offset="3"))["data"] == first["data"][3:]
    assert await told(key="0" * 32) == {"code": -3, "msg": "商户密钥错误"}


async def test_what_the_house_switched_off_its_owner_cant_switch_on(town: Town) -> None:
    db, pid = town.platform.db, town.given.account.pid
    await epay.bar_account(db, pid, reason="投诉未处理", actor_id=7)
    await epay.change_account(db, town.owner, is_on=True, actor_id=5)
    begun = await town.client(1).begin(town.payment())
    assert (begun.outcome, begun.message) == (Outcome.refused_config, "商户已停用")
    await epay.bar_account(db, pid, reason="", actor_id=7)
    assert (await town.client(1).begin(town.payment())).outcome is Outcome.accepted
    acts = await town.rows("SELECT act FROM audit_line WHERE act LIKE 'epay.%' ORDER BY audit_id")
    assert [row["act"] for row in acts] == ["epay.open", "epay.bar", "epay.change", "epay.admit"]
