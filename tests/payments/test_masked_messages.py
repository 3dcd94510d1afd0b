"""What providers sent, as it is kept: whole, but for what tells of a person or opens something; and for how long."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng import payments
from kameng.channels import Incoming
from kameng.kit import clock
from kameng.payments import messages
from kameng.payments.messages import masked, message_of
from payments.counter import Counter


def kept(body: bytes, **headers: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message_of(Incoming("POST", "", headers, body)))
    return found


def test_a_form_keeps_its_numbers_and_loses_its_people() -> None:
    sent = {
        "out_trade_no": "K250650078509793281", "trade_no": "2026112322001412345678901234", "total_amount": "98.50",
        "buyer_logon_id": "138****5678@qq.com", "buyer_id": "2088101117955611", "subject": "给13812345678充值",
        "fund_bill_list": '[{"amount":"98.50","accNo":"6225880123456789"}]', "sign": "A" * 344, "notify_type": "",
    }  # fmt: skip
    body = kept(urlencode(sent).encode())["body"]
    assert body == {
        "out_trade_no": "K250650078509793281", "trade_no": "2026112322001412345678901234", "total_amount": "98.50",
        "buyer_logon_id": "1***@qq.com", "buyer_id": "2088********5611", "subject": "给138****5678充值",
        "fund_bill_list": [{"amount": "98.50", "accNo": "6225********6789"}], "sign": "A" * 160 + "… (344)",
        "notify_type": "",
    }  # fmt: skip


def test_headers_and_json_are_masked_however_deep() -> None:
    body = {
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "name": {"given_name": "小雨", "surname": "周"}},
        "amount": {"total": 9850}, "cards": ["6225 8801", "6225880123456789"], "id_card": "11010519491231002X",
        "text": "身份证11010519491231002X，邮箱 zhou@example.com", "is_live": True, "none": None,
    }  # fmt: skip
    found = kept(json.dumps(body).encode(), authorization="Bearer abcdef", **{"wechatpay-serial": "PUB_KEY_ID_01"})
    assert found["headers"] == {"authorization": "******", "wechatpay-serial": "PUB_KEY_ID_01"}
    assert found["body"] == {
        "payer": {"openid": "oUpF********************eS6o"[:4] + "*" * 20 + "eS6o",
                  "name": {"given_name": "小**", "surname": "周**"}},
        "amount": {"total": 9850}, "cards": ["6225 8801", "622588******6789"], "id_card": "1101**********002X",
        "text": "身份证110105********002X，邮箱 z***@example.com", "is_live": True, "none": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", None),
        (b"<xml><openid>oUpF8u</openid><a>x</a></xml>", "<xml><openid>******</openid><a>x</a></xml>"),
        (b"\xff\xfe13812345678 ", "\ufffd\ufffd138****5678 "),
    ],
)
def test_what_is_neither_keeps_nothing_of_anybody(body: bytes, said: object) -> None:
    assert kept(body)["body"] == said


def test_what_is_nested_without_end_is_not_followed() -> None:
    deep: Any = "13812345678"
    for _ in range(40):
        deep = [deep]
    assert "13812345678" not in json.dumps(masked(deep))


async def test_messages_go_after_their_days_and_what_they_proved_stays(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 5)
    payment = (await counter.begin(merchant, (await counter.order(merchant)).order_id)).payment
    await counter.paid(payment)
    await counter.paid_again(payment)
    db, lane = counter.world.db, merchant.caller.organisation.lane
    assert await counter.world.scalar("SELECT count(*) FROM payment_message") == 1
    assert await payments.purge_messages(db, lane, kept_days=180) == 0
    with clock.hold(clock.now_ms() + 181 * 86_400_000):
        assert await payments.purge_messages(db, lane, kept_days=180) == 1
    (heard,) = (await payments.history(counter.cashier, payment.payment_id))[1]
    assert (heard.said, heard.effect) == (None, "booked")
    await counter.check()


@given(st.text(alphabet="01234567891aXx_.+-@ /=", max_size=60))
def test_one_look_for_what_tells_of_persons_misses_nothing(text: str) -> None:
    masked = text
    for pattern, instead in (*messages._NUMBERED, messages._ADDRESSED):
        masked = pattern.sub(instead, masked)
    assert messages._without_people(text) == masked


@given(st.text(alphabet="0123456789aX_.+@ /", max_size=40), st.integers(150, 200), st.integers(0, 30))
def test_of_long_values_the_beginning_is_masked_as_the_whole_is(text: str, before: int, after: int) -> None:
    whole = "-" * before + text + "=" * after + "/" * messages.VALUE_CHARS_MAX
    told = masked(whole, "other")
    assert told == f"{messages._without_people(whole)[: messages.VALUE_CHARS_MAX]}… ({len(whole)})"
