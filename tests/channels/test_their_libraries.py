"""The simulated providers before a library that others wrote: what it takes, a true provider would have said."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from providers import Providers, Till, a_payment, until
from wechatpayv3 import WeChatPay, WeChatPayType

from kameng.channels import Method


@pytest.mark.parametrize("name", ["微信公钥模式商户", "微信平台证书模式商户"])
async def test_wechats(providers: Providers, till: Till, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = providers.credentials(name)
    monkeypatch.setattr("wechatpayv3.core.Core._init_certificates", lambda core: None)  # it would ask WeChat itself

    def open_library() -> Any:
        by_key = {"public_key": given["public_key"], "public_key_id": given["public_key_id"]}
        made = WeChatPay(
            wechatpay_type=WeChatPayType.NATIVE, mchid=given["mchid"], private_key=given["private_key"],
            cert_serial_no=given["serial_no"], appid=given["appid"], apiv3_key=given["api_v3_key"],
            notify_url=till.url, **(by_key if given["public_key"] else {}),
        )  # fmt: skip
        made._core._gate_way = providers.base
        return made

    library = await asyncio.to_thread(open_library)
    payment = a_payment(Method.wechat)
    order = {"description": payment.subject, "out_trade_no": payment.payment_no, "amount": {"total": 1234}}
    code, said = await asyncio.to_thread(lambda: library.pay(**order))
    assert (code, list(json.loads(said))) == (200, ["code_url"])
    till.channel = providers.open(name)
    await providers.tell("pay", payment_no=payment.payment_no)
    await until(lambda: till.incoming)
    heard = till.incoming[0]
    told = await asyncio.to_thread(lambda: library.callback(dict(heard.headers), heard.body))
    assert (told["event_type"], told["resource"]["out_trade_no"]) == ("TRANSACTION.SUCCESS", payment.payment_no)
    code, said = await asyncio.to_thread(lambda: library.query(out_trade_no=payment.payment_no))
    assert (code, json.loads(said)["trade_state"]) == (200, "SUCCESS")
    refund = {"out_refund_no": f"{payment.payment_no}R", "amount": {"refund": 34, "total": 1234, "currency": "CNY"}}
    code, said = await asyncio.to_thread(lambda: library.refund(out_trade_no=payment.payment_no, **refund))
    assert (code, json.loads(said)["status"]) == (200, "PROCESSING")
