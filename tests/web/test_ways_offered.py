"""Pages offer what can be had from where their visitor is, with the device he has."""

from __future__ import annotations

import re

import pytest

from kameng import payments
from kameng.kit import places
from kameng.ops import founding
from kameng.routing import Rule, When
from pages import Visitor, signed_in, text_of
from payments.doors import bank
from running import Answer, Platform

__all__ = ["bank"]
THERE = "203.0.113.7"
PHONE = {"user-agent": "Mozilla/5.0 (Linux; Android 16) Mobile"}


@pytest.fixture
async def mine(platform: Platform, bank: object, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """A customer; no WeChat Pay in one province, no Alipay on phones."""
    monkeypatch.setitem(places._regions, THERE, "浙江")
    for name, when in {
        "there": When(methods=("wechat",), regions=("浙江",)), "phones": When(methods=("alipay",), devices=("phone",)),
    }.items():  # fmt: skip
        await payments.add_rule(platform.db, Rule(name=name, act="refuse", channels=(1,), when=when), actor_id=7)
    member = await founding.found_member(platform.db, platform.ring, "周女士", kind="customer")
    return await signed_in(platform, member.organisation)


def offered(page: Answer, field: str) -> list[str]:
    found = re.findall(rf'name="{field}" value="(\w+)"', page.body.decode())
    return [one for one in found if one != "wallet"]


@pytest.mark.parametrize(("path", "field"), [("/checkout?sku={}&quantity=1", "pay"), ("/wallet/recharge", "method")])
async def test_a_page_offers_what_its_visitor_can_have(
    platform: Platform, mine: Visitor, path: str, field: str
) -> None:
    path = path.format(platform.goods.card.sku_id)
    assert offered(await mine.get(path), field) == ["wechat", "alipay"]
    assert offered(await mine.get(path, **PHONE), field) == ["wechat"]
    platform.peer = THERE
    assert offered(await mine.get(path), field) == ["alipay"]
    assert offered(await mine.get(path, **PHONE), field) == []


async def test_what_was_not_offered_begins_nothing_and_what_was_does(platform: Platform, mine: Visitor) -> None:
    platform.peer = THERE
    form = {"amount": "5", "token": "a-token"}
    refused = await mine.post("/wallet/recharge", {**form, "method": "wechat"})
    assert (refused.status, 'id="method-error"' in refused.body.decode()) == (422, True)
    assert await platform.count("payment") == 0
    begun = await mine.post("/wallet/recharge", {**form, "method": "alipay"})
    assert begun.status == 303
    assert await platform.count("payment") == 1
    page = await mine.get(begun.headers["location"])
    assert "微信支付" not in text_of(page)  # of the other ways none could be had
