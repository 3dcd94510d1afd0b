"""The merchant's pages of his epay account: keys shown once, settings, payments, telling again, giving back."""

from __future__ import annotations

import html
import re

import pytest

from epay.town import Town
from kameng import epay
from kameng.kit import switches
from pages import Visitor, rows_of, signed_in, text_of
from running import Answer, Platform

PATH = "/merchant/epay"


def shown_once(answer: Answer) -> list[str]:
    return [html.unescape(text) for text in re.findall(r"<span[^>]*data-copied>([^<]*)</span>", answer.body.decode())]


@pytest.fixture
async def mine(platform: Platform) -> Visitor:
    return await signed_in(platform, platform.seed.shop.organisation)


async def test_an_account_is_opened_and_its_keys_are_shown_once(platform: Platform, mine: Visitor) -> None:
    assert "暂未开放" in text_of(await mine.get(PATH))
    assert (await mine.post(f"{PATH}/open")).status == 403
    await switches.flip(platform.db, epay.SWITCH, on=True, reason="open", actor_id=7)
    parts = platform.gateway._parts
    assert parts is not None
    parts.site.switches._read_at_s = float("-inf")
    assert "尚未开通易支付" in text_of(await mine.get(PATH))
    answer = await mine.post(f"{PATH}/open")
    address, pid, key = shown_once(answer)
    assert (answer.status, address.endswith("/epay/"), pid, len(key)) == (200, True, "1001", 32)
    again = await mine.get(PATH)
    assert (again.status, key in again.body.decode(), "0.60 %" in text_of(again)) == (200, False, True)
    assert "BEGIN PRIVATE KEY" not in again.body.decode()
    assert (await mine.post(f"{PATH}/open")).status == 403  # it has one
    other = shown_once(await mine.post(f"{PATH}/rotate"))
    assert other[:2] == [address, pid]
    assert other[2] != key
    account = await parts.site.account(1001)
    assert account is not None
    assert account.shop.md5_key == other[2]


async def test_who_may_and_when(town: Town, mine: Visitor) -> None:
    platform = town.platform
    clerk = await signed_in(platform, town.owner, "clerk")
    assert (await clerk.get(PATH)).status == 403
    finance = await signed_in(platform, town.owner, "finance")
    assert (await finance.get(PATH)).status == 200
    assert (await finance.post(f"{PATH}/rotate")).status == 403
    await platform.db.pool.execute("UPDATE web_session SET proved_at = proved_at - interval '11 minutes'")
    for path in (f"{PATH}/rotate", f"{PATH}/state", PATH):
        answer = await mine.post(path)
        assert (answer.status, answer.headers["location"].partition("?")[0]) == (303, "/prove"), path


async def test_settings_are_kept_and_wrong_ones_stand_at_their_field(town: Town, mine: Visitor) -> None:
    answer = await mine.post(PATH, {"hosts": "Shop.example\nwww.shop.example", "is_rsa_only": "on"})
    assert answer.status == 303
    account = await epay.find_account(town.platform.db, town.owner)
    assert (account.hosts, account.is_rsa_only, account.has_refunds) == (
        ("shop.example", "www.shop.example"), True, False,
    )  # fmt: skip
    answer = await mine.post(PATH, {"hosts": "not_a_host!"})
    assert (answer.status, 'id="hosts-error"' in answer.body.decode()) == (422, True)
    assert (await mine.post(f"{PATH}/state", {"state": "off"})).status == 303
    assert "接口已停用" in text_of(await mine.get(PATH))


async def test_payments_are_listed_told_again_and_given_back(town: Town, mine: Visitor) -> None:
    town.shop.says = [(500, "")]
    begun = await town.client(1).begin(town.payment(payment_no="S-ONE"))
    await town.client(1).begin(town.payment(payment_no="S-TWO"))
    await town.pays(begun.provider_no)
    rows = rows_of(await mine.get(PATH))
    assert [("S-ONE" in row, "已支付" in row, "通知中" in row) for row in rows] == [
        (False, False, False), (True, True, True),
    ]  # fmt: skip
    assert len(rows_of(await mine.get(f"{PATH}?only=paid"))) == 1
    path = f"{PATH}/{begun.provider_no}"
    assert "HTTP 500" in text_of(await mine.get(path))
    assert (await mine.post(f"{path}/tell")).status == 303
    await town.work()
    assert "已通知" in text_of(await mine.get(path))
    assert len(town.shop.heard) == 2

    form = {"amount": "2.34", "token": "web-1"}
    for _ in range(2):  # pressed twice it is one
        assert (await mine.post(f"{path}/refund", form)).status == 303
    assert await town.platform.count("payment_refund") == 1
    assert await town.wallet_e4() == 122_700 - 23_400
    answer = await mine.post(f"{path}/refund", {"amount": "10.01", "token": "web-2"})
    assert (answer.status, 'id="amount-error"' in answer.body.decode()) == (422, True)
    assert await town.platform.count("payment_refund") == 1

    theirs = await signed_in(town.platform, town.platform.seed.other.organisation)
    assert (await theirs.get(path)).status == 404
    assert (await theirs.post(f"{path}/refund", form)).status == 404
    await epay.open_account(
        town.platform.db, town.platform.ring, town.platform.seed.other.organisation, fee_ppm=0, actor_id=7
    )
    assert (await theirs.get(path)).status == 404
    assert (await theirs.post(f"{path}/tell")).status == 404
    await town.check()
