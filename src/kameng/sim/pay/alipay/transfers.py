"""Alipay's transfers to somebody's account: done at once, or in process and then done or failed, as the script has it.

A payee whose login begins ``nobody`` is not there; one whose name is ``别人`` is called otherwise. The script knows of
these as the calls ``pay_out`` and ``payout_query``, and of the end as ``settle``: ``refuse`` (fails later), ``slow``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from kameng.kit import clock
from kameng.sim.pay import books
from kameng.sim.pay.alipay.wire import Shop, answered, refused
from kameng.sim.pay.ground import Ground

Body = Mapping[str, Any]
Fields = Mapping[str, str]
_OK = {"code": "10000", "msg": "Success"}


@dataclass
class Transfer:
    account: str
    number: str
    provider_no: str
    amount: str
    payee: str
    name: str
    asked_at_ms: int
    ends_at_ms: int
    ends_as: str

    @property
    def status(self) -> str:
        return "DEALING" if clock.now_ms() < self.ends_at_ms else self.ends_as


class Transfers:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._made: dict[tuple[str, str], Transfer] = {}

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/_sim/transfers", self._list)]

    def pay_out(self, shop: Shop, fields: Fields, asked: Body) -> web.Response:
        method, number, amount = fields["method"], str(asked.get("out_biz_no", "")), str(asked.get("trans_amount", ""))
        payee = asked.get("payee_info") or {}
        login, name = str(payee.get("identity", "")), str(payee.get("name", ""))
        if not shop.is_by_certificate:
            return refused(shop, method, "40006", "isv.insufficient-isv-permissions")
        if asked.get("product_code") != "TRANS_ACCOUNT_NO_PWD" or not number or not login:
            return refused(shop, method, "40004", "INVALID_PARAMETER")
        made = self._made.get((shop.app_id, number))
        if made is not None and (made.amount, made.payee, made.name) != (amount, login, name):
            return refused(shop, method, "40004", "BIZ_UNIQUE_EXCEPTION", "订单号幂等校验失败")
        if made is None:
            if login.startswith("nobody"):
                return refused(shop, method, "40004", "PAYEE_NOT_EXIST", "收款账号不存在")
            if name == "别人":
                return refused(shop, method, "40004", "PAYEE_USER_INFO_ERROR", "收款用户信息有误")
            made = self._make(shop, number, amount, login, name)
        return answered(shop, method, {**_OK, **_facts(made)})

    def _make(self, shop: Shop, number: str, amount: str, login: str, name: str) -> Transfer:
        fault = self._ground.faults.take("alipay", shop.app_id, "settle", number)
        now_ms = clock.now_ms()
        later_ms = 0 if fault is None else int(fault.delay_s * 1000)
        ends_as = "FAIL" if fault is not None and fault.what == "refuse" else "SUCCESS"
        made = Transfer(
            shop.app_id, number, books.serial(now_ms), amount, login, name, now_ms, now_ms + later_ms, ends_as
        )
        self._made[shop.app_id, number] = made
        return made

    def query(self, shop: Shop, fields: Fields, asked: Body) -> web.Response:
        made = self._made.get((shop.app_id, str(asked.get("out_biz_no", ""))))
        if made is None:
            return refused(shop, fields["method"], "40004", "ORDER_NOT_EXIST", "转账订单不存在")
        said = {**_OK, **_facts(made), "trans_amount": made.amount}
        if made.status == "FAIL":
            said |= {"error_code": "PAYEE_CARD_INFO_ERROR", "fail_reason": "收款账户异常"}
        return answered(shop, fields["method"], said)

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response([{**asdict(made), "status": made.status} for made in self._made.values()])


def _facts(made: Transfer) -> dict[str, Any]:
    return {
        "out_biz_no": made.number, "order_id": made.provider_no, "pay_fund_order_id": f"F{made.provider_no}",
        "status": made.status, "trans_date": clock.china_time(made.asked_at_ms)[:19],
    }  # fmt: skip
