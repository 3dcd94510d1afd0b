"""Paying inside WeChat: led to WeChat for the openid and back, by a state of this browser, then its own sheet."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from epay.town import Town
from kameng import payments
from kameng.kit import places
from kameng.routing import Rule, When
from pages import Visitor
from running import Answer

WECHAT = {"user-agent": "Mozilla/5.0 (iPhone) Mobile MicroMessenger/8.0.50"}


async def visit(town: Town, visitor: Visitor) -> str:
    """The path of a page where something is paid, that this browser has seen."""
    trade_no = (await town.client(1).begin(town.payment())).provider_no
    path = town.site.path_of(int(trade_no))
    assert (await visitor.get(path, **WECHAT)).status == 200
    return path


async def led(town: Town, visitor: Visitor, path: str) -> str:
    """To WeChat and back: the path with what WeChat says."""
    there = (await visitor.get(f"{path}?within=wechat", **WECHAT)).headers["location"]
    assert there.startswith(f"{town.providers.base}/connect/oauth2/authorize?")
    async with town.http.get(there, allow_redirects=False) as answer:
        back = answer.headers["location"]
    assert back.startswith(f"https://kameng.test{path}?account=")
    return back.removeprefix("https://kameng.test")


def sheet_of(page: Answer) -> dict[str, str]:
    found = re.search(r'<pay-within[^>]* data-sheet="([^"]*)"', page.body.decode())
    assert found is not None
    sheet: dict[str, str] = json.loads(html.unescape(found[1]))
    return sheet


async def test_the_sheet_opens_for_whom_wechat_knows(town: Town) -> None:
    visitor = Visitor(town.platform, "")
    path = await visit(town, visitor)
    assert f'href="{path}?within=wechat"' in (await visitor.get(path, **WECHAT)).body.decode()
    back = await led(town, visitor, path)
    answer = await visitor.get(back, **WECHAT)
    assert (answer.status, answer.headers["location"]) == (303, path)
    page = await visitor.get(path, **WECHAT)
    assert sheet_of(page).keys() == {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"}
    trade_no = int(path.split("/")[2])
    attempts = await payments.find_payments(town.site.cashier, town.owner, trade_no)
    assert [one.scene for one in attempts] == ["qr", "jsapi"]
    (record,) = await town.providers.ask("payments", f"?payment_no={attempts[-1].payment_no}")
    assert record["state"] == "waiting"
    await town.pays(str(trade_no))
    assert await town.wallet_e4() == 122_700
    again = await visitor.get(back, **WECHAT)  # nothing is begun any more
    assert (again.status, await town.platform.count("payment")) == (200, 2)
    await town.check()


async def test_another_browsers_code_begins_nothing(town: Town) -> None:
    """Whoever lures somebody to this address with a code of his own, or sends a used one."""
    visitor, victim = Visitor(town.platform, ""), Visitor(town.platform, "")
    victim.cookies = dict.fromkeys(victim.cookies, "another")
    path = await visit(town, visitor)
    back = await led(town, visitor, path)
    assert (await victim.get(back, **WECHAT)).headers["location"] == path
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert (await visitor.get(back.replace(state, "0" * 32), **WECHAT)).headers["location"] == path
    assert (await visitor.get(f"{path}?account=999&code=x&state={state}", **WECHAT)).headers["location"] == path
    assert await town.platform.count("payment") == 1
    assert (await visitor.get(back, **WECHAT)).status == 303
    assert await town.platform.count("payment") == 2
    await town.platform.db.pool.execute("UPDATE payment SET state = 'closed', closed_at = now()")
    await visitor.get(back, **WECHAT)  # the code was good once
    assert await town.platform.count("payment") == 2


async def test_elsewhere_nobody_is_sent_to_wechat(town: Town) -> None:
    visitor = Visitor(town.platform, "")
    path = await visit(town, visitor)
    assert "within=wechat" not in (await visitor.get(path)).body.decode()
    await payments.change_channel(town.platform.db, town.channel, actor_id=7, offers=[("wechat", "qr")])
    town.site.cashier.channels._read_at_s = float("-inf")
    assert "within=wechat" not in (await visitor.get(path, **WECHAT)).body.decode()
    assert (await visitor.get(f"{path}?within=wechat", **WECHAT)).headers["location"] == path


async def test_from_where_a_rule_refuses_nobody_is_sent_to_wechat(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(places._regions, "203.0.113.7", "浙江")
    visitor = Visitor(town.platform, "")
    path = await visit(town, visitor)
    when = When(scenes=("jsapi",), regions=("浙江",))
    rule = Rule(name="not there", act="refuse", channels=(town.channel,), when=when)
    await payments.add_rule(town.platform.db, rule, actor_id=7)
    town.site.cashier.channels._read_at_s = float("-inf")
    assert f'href="{path}?within=wechat"' in (await visitor.get(path, **WECHAT)).body.decode()
    town.platform.peer = "203.0.113.7"
    assert "within=wechat" not in (await visitor.get(path, **WECHAT)).body.decode()
    assert (await visitor.get(f"{path}?within=wechat", **WECHAT)).headers["location"] == path
