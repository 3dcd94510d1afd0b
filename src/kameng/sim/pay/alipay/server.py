"""Alipay: what its gateway does with an app's calls, and what it tells.

Nothing is known of a code before somebody has opened its page. The customer's code (付款码) says by its last two
digits what the customer is like: ``01`` has to enter a password, ``02`` has not enough money, ``03`` showed an old
code, ``04`` is answered ``10000`` without having paid; everybody else has paid at once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from aiohttp import web

from kameng.kit import clock
from kameng.sim.pay import books
from kameng.sim.pay.alipay import bill
from kameng.sim.pay.alipay.transfers import Transfers
from kameng.sim.pay.alipay.wire import Shop, answered, fault_of, form_of, notice, refused, serial_of, signed
from kameng.sim.pay.books import Payment, Refund
from kameng.sim.pay.faults import Fault, damage
from kameng.sim.pay.ground import Ground
from kameng.sim.pay.keys import Pair
from kameng.sim.pay.provider import Merchant, Telling

Body = Mapping[str, Any]
Fields = Mapping[str, str]
Act = Callable[[Shop, Fields, Body], web.Response]

SCHEDULE_S = (0, 240, 600, 600, 3600, 7200, 21600, 54000)
_OK = {"code": "10000", "msg": "Success"}


class Alipay:
    name, zh, look = "alipay", "支付宝", "alipay"
    schedule_s: Sequence[float] = SCHEDULE_S

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        keys = ground.keys("alipay")
        root = keys.certified("root", "Sim Ant Root CA")
        middle = keys.certified("middle", "Sim Ant Class 1 CA", by=root, is_authority=True)
        new, old = (keys.certified(f"alipay-{age}", f"Sim Alipay {age}", by=middle) for age in ("new", "old"))
        self._chain = f"{new.certificate_pem}\n{middle.certificate_pem}"
        self._new = new
        self._shops = {shop.app_id: shop for shop in (
            self._shop("支付宝公钥模式商户", "2021000100000001", keys.pair("alipay"), keys.pair("alipay")),
            self._shop("支付宝证书模式商户", "2021000100000002", new, new, root, middle),
            self._shop("支付宝旧证书商户", "2021000100000003", new, old, root, middle),
        )}  # fmt: skip
        self._files: dict[str, bytes] = {}
        self._transfers = Transfers(ground)
        self._calls: Mapping[str, tuple[str, Act]] = {
            "alipay.trade.precreate": ("begin", self._precreate), "alipay.trade.pay": ("begin", self._by_code),
            "alipay.trade.query": ("query", self._query), "alipay.trade.close": ("close", self._close),
            "alipay.trade.cancel": ("close", self._cancel), "alipay.trade.refund": ("refund", self._refund),
            "alipay.trade.fastpay.refund.query": ("refund_query", self._refund_query),
            "alipay.data.dataservice.bill.downloadurl.query": ("bill", self._bill),
            "alipay.open.app.alipaycert.download": ("certificate", self._certificate),
            "alipay.fund.trans.uni.transfer": ("pay_out", self._transfers.pay_out),
            "alipay.fund.trans.common.query": ("payout_query", self._transfers.query),
        }  # fmt: skip

    def _shop(
        self, name: str, app_id: str, signer: Pair, given: Pair, root: Pair | None = None, middle: Pair | None = None
    ) -> Shop:
        keys = self._ground.keys("alipay")
        own = keys.pair(f"app-{app_id}") if middle is None else keys.certified(f"app-{app_id}", app_id, by=middle)
        return Shop(
            name, app_id, f"2088{app_id[-12:]}", own, signer, given, "" if root is None else root.certificate_pem
        )

    def merchants(self) -> Sequence[Merchant]:
        return [Merchant(self.name, shop.name, "alipay", {
            "app_id": shop.app_id, "private_key": shop.own.private_pem, "seller_id": shop.seller_id,
            "gateway": f"{self._ground.base}/gateway.do",
            **({
                "app_certificate": shop.own.certificate_pem, "alipay_certificate": shop.given.certificate_pem,
                "root_certificate": shop.roots,
            } if shop.is_by_certificate else {"alipay_public_key": shop.given.public_pem}),
        }) for shop in self._shops.values()]  # fmt: skip

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/gateway.do", self._gate), web.get("/gateway.do", self._gate),
            web.get("/downloadBillFile.resource", self._download), *self._transfers.routes(),
        ]  # fmt: skip

    async def _gate(self, request: web.Request) -> web.Response:
        """One door for all calls."""
        posted = {name: str(value) for name, value in (await request.post()).items()}
        fields = {**request.query, **posted}
        shop, method = self._shops.get(fields.get("app_id", "")), fields.get("method", "")
        if shop is None:
            return refused(None, method, "40002", "isv.invalid-app-id")
        fault = fault_of(shop, fields)
        is_page = method in ("alipay.trade.page.pay", "alipay.trade.wap.pay")
        call, act = ("begin", self._page) if is_page else self._calls.get(method, ("", None))
        if fault is None and act is None:
            fault = ("40001", "isv.missing-method")
        if fault is not None or act is None:
            return refused(shop, method, *(fault or ("40001", "isv.missing-method")))
        asked = json.loads(fields.get("biz_content") or "{}")
        number, todo = str(asked.get("out_trade_no") or asked.get("out_biz_no") or "*"), act
        return await self._ground.play(
            request, self, shop.app_id, call, lambda: todo(shop, fields, asked), payment_no=number
        )  # fmt: skip

    def _open(self, shop: Shop, fields: Fields, asked: Body, scene: str) -> Payment | str:
        """The payment, new or as it stands; or the sub-code of what is wrong."""
        minor, number = _minor(asked.get("total_amount")), str(asked.get("out_trade_no", ""))
        if minor is None or minor < 1 or not number or not asked.get("subject"):
            return "ACQ.INVALID_PARAMETER"
        found = self._ground.books.find(self.name, shop.app_id, number)
        if found is None:
            return self._ground.books.open(
                self.name, shop.app_id, number, scene=scene, amount_minor=minor, subject=str(asked["subject"]),
                notify_url=fields.get("notify_url", ""), return_url=fields.get("return_url", ""), shop=shop.name,
                expires_at_ms=_ends_at(asked),
            )  # fmt: skip
        if found.state == books.PAID:
            return "ACQ.TRADE_HAS_SUCCESS"
        if found.state == books.CLOSED:
            return "ACQ.TRADE_HAS_CLOSE"
        return found if found.amount_minor == minor else "ACQ.CONTEXT_INCONSISTENT"

    def _precreate(self, shop: Shop, fields: Fields, asked: Body) -> web.Response:
        payment = self._open(shop, fields, asked, "qr")
        if isinstance(payment, str):
            return refused(shop, fields["method"], "40004", payment)
        said = {**_OK, "out_trade_no": payment.payment_no, "qr_code": self._ground.page_of(payment)}
        return answered(shop, fields["method"], said)

    def _page(self, shop: Shop, fields: Fields, asked: Body) -> web.Response:
        """A browser comes with it: it is led to the page, or told why not."""
        payment = self._open(shop, fields, asked, "page")
        if isinstance(payment, str):
            return web.Response(status=400, text=f"支付宝：{payment}")
        return web.Response(status=303, headers={"location": f"/pay/{payment.number}"})

    def _by_code(self, shop: Shop, fields: Fields, asked: Body) -> web.Response:
        method, code = fields["method"], str(asked.get("auth_code", ""))
        payment = self._open(shop, fields, asked, "code")
        if isinstance(payment, str):
            return refused(shop, method, "40004", payment)
        payment.is_seen = True
        is_code = code.isdecimal() and 16 <= len(code) <= 24 and "25" <= code[:2] <= "30"
        if not is_code or code.endswith(("02", "03")):
            payment.state = books.CLOSED
            sub_code = "BUYER_BALANCE_NOT_ENOUGH" if is_code and code.endswith("02") else "PAYMENT_AUTH_CODE_INVALID"
            return refused(shop, method, "40004", f"ACQ.{sub_code}")
        if code.endswith(("01", "04")):
            payment.state = books.PAYING
            return answered(shop, method, {**_OK, "code": "10003" if code.endswith("01") else "10000"})
        self._ground.pay(payment)
        return answered(shop, method, {**_OK, **_trade(shop, payment)})

    def _query(self, shop: Shop, fields: Fields, asked: Body) -> web.Response:
        payment = self._known(shop, asked)
        if payment is None:
            return refused(shop, fields["method"], "40004", "ACQ.TRADE_NOT_EXIST", "交易不存在")
        return answered(shop, fields["method"], {**_OK, **_trade(shop, payment)})

    def _close(self, shop: Shop, fields: Fields, asked: Body) -> web.Response:
        payment = self._known(shop, asked)
        if payment is None or payment.state not in (books.WAITING, books.PAYING):
            what = "TRADE_NOT_EXIST" if payment is None else "REASON_TRADE_STATUS_INVALID"
            return refused(shop, fields["method"], "40004", f"ACQ.{what}")
        self._ground.books.close(payment)
        said = {**_OK, "out_trade_no": payment.payment_no, "trade_no": payment.provider_no}
        return answered(shop, fields["method"], said)

    def _cancel(self, shop: Shop, fields: Fields, asked: Body) -> web.Response:
        """Closes what waits, gives back what was paid."""
        payment = self._known(shop, asked)
        said: dict[str, Any] = {**_OK, "out_trade_no": asked.get("out_trade_no"), "retry_flag": "N"}
        if payment is not None:
            said["action"] = "refund" if payment.state == books.PAID else "close"
            left = payment.amount_minor - payment.refunded_minor
            if payment.state == books.PAID and left:
                made = self._ground.books.refund(payment, f"C{payment.payment_no}", left)
                self._ground.books.settle(made)
            self._ground.books.close(payment)
        return answered(shop, fields["method"], said)

    def _refund(self, shop: Shop, fields: Fields, asked: Body) -> web.Response:
        method, payment, minor = fields["method"], self._known(shop, asked), _minor(asked.get("refund_amount"))
        if payment is None or not payment.paid_at_ms:
            return refused(shop, method, "40004", "ACQ.TRADE_NOT_EXIST")
        number = str(asked.get("out_request_no") or payment.payment_no)
        if minor is None or minor < 1:
            return refused(shop, method, "40004", "ACQ.INVALID_PARAMETER")
        made = payment.find_refund(number)
        if made is not None and made.amount_minor != minor:
            return refused(shop, method, "40004", "ACQ.DISCORDANT_REPEAT_REQUEST")
        is_new = made is None
        if made is None:
            if payment.refunded_minor + minor > payment.amount_minor:
                return refused(shop, method, "40004", "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
            made = self._ground.books.refund(payment, number, minor, reason=str(asked.get("refund_reason", "")))
            self._ground.settle(payment, made)
        return answered(shop, method, {
            **_OK, "out_trade_no": payment.payment_no, "trade_no": payment.provider_no,
            "refund_fee": _yuan(payment.refunded_minor), "buyer_logon_id": "sim***@example.com",
            "fund_change": "Y" if is_new and made.state == books.REFUNDED else "N",
        })  # fmt: skip

    def _refund_query(self, shop: Shop, fields: Fields, asked: Body) -> web.Response:
        """What it never took on, and what failed, is answered with success and nothing else."""
        method, payment = fields["method"], self._known(shop, asked)
        if payment is None:
            return refused(shop, method, "40004", "ACQ.TRADE_NOT_EXIST")
        made = payment.find_refund(str(asked.get("out_request_no", "")))
        if made is None or made.state != books.REFUNDED:
            return answered(shop, method, _OK)
        return answered(shop, method, {
            **_OK, "out_trade_no": payment.payment_no, "trade_no": payment.provider_no,
            "out_request_no": made.refund_no, "refund_amount": _yuan(made.amount_minor),
            "total_amount": _yuan(payment.amount_minor), "refund_status": "REFUND_SUCCESS",
        })  # fmt: skip

    def _bill(self, shop: Shop, fields: Fields, asked: Body) -> web.Response:
        method, day = fields["method"], str(asked.get("bill_date", ""))
        make = {"trade": bill.trades, "signcustomer": bill.funds}.get(str(asked.get("bill_type")))
        if make is None:
            return refused(shop, method, "40004", "isp.bill_download_invalid_bill_type", "INVAILID_ARGUMENTS")
        lines = self._ground.bill_of(self.name, shop.app_id, day)
        if not lines or day >= clock.china_time(clock.now_ms())[:10]:
            return refused(shop, method, "40004", "isp.bill_not_exist", "BILL_NOT_EXIST")
        flaw = self._ground.faults.take(self.name, shop.app_id, "lines")
        token = secrets.token_urlsafe(24)
        self._files[token] = make(shop.seller_id, day, lines, flaw)
        url = f"{self._ground.base}/downloadBillFile.resource?fileId={token}"
        return answered(shop, method, {**_OK, "bill_download_url": url})

    async def _download(self, request: web.Request) -> web.Response:
        """Whoever has the address may."""
        packed = self._files.get(request.query.get("fileId", ""))
        if packed is None:
            return web.Response(status=404)
        return await self._ground.play(request, self, "*", "download", lambda: web.Response(body=packed))

    def _certificate(self, shop: Shop, fields: Fields, asked: Body) -> web.Response:
        if asked.get("alipay_cert_sn") != serial_of(self._new):
            return refused(shop, fields["method"], "40004", "CERT_NOT_EXIST")
        content = base64.b64encode(self._chain.encode()).decode()
        return answered(shop, fields["method"], {**_OK, "alipay_cert_content": content})

    def _known(self, shop: Shop, asked: Body) -> Payment | None:
        payment = self._ground.books.find(self.name, shop.app_id, str(asked.get("out_trade_no", "")))
        return payment if payment is not None and payment.is_seen else None

    def tell_payment(self, payment: Payment, flaw: Fault | None) -> Telling:
        what = "" if flaw is None else flaw.what
        shop = self._shops[payment.account]
        fields = self._told(shop, payment, "trade", "TRADE_SUCCESS")
        if what == "wrong_amount":
            fields["total_amount"] = _yuan(payment.amount_minor + 1)
        return self._telling(shop, payment, fields, what)

    def tell_refund(self, payment: Payment, refund: Refund, flaw: Fault | None) -> Telling | None:
        """Told with the payment's notice, and only if money went back."""
        if refund.state != books.REFUNDED:
            return None
        shop = self._shops[payment.account]
        status = "TRADE_CLOSED" if payment.refunded_minor == payment.amount_minor else "TRADE_SUCCESS"
        fields = self._told(shop, payment, refund.refund_no, status) | {
            "gmt_refund": clock.china_time(refund.done_at_ms), "refund_fee": _yuan(payment.refunded_minor),
            "out_biz_no": refund.refund_no,
        }  # fmt: skip
        return self._telling(shop, payment, fields, "" if flaw is None else flaw.what)

    def _told(self, shop: Shop, payment: Payment, what: str, status: str) -> dict[str, str]:
        """The number of the notice is the same each time it is sent; ``passback_params`` is empty, and signed."""
        number = hashlib.sha256(f"{payment.number}{what}".encode()).hexdigest()[:34]
        now = clock.china_time(clock.now_ms())[:19]
        return {
            "notify_id": number, "notify_type": "trade_status_sync", "notify_time": now, "charset": "utf-8",
            "version": "1.0", "app_id": shop.app_id, "auth_app_id": shop.app_id, "seller_id": shop.seller_id,
            "out_trade_no": payment.payment_no, "trade_no": payment.provider_no, "trade_status": status,
            "total_amount": _yuan(payment.amount_minor), "receipt_amount": _yuan(payment.amount_minor),
            "buyer_pay_amount": _yuan(max(payment.amount_minor - 1, 0)), "buyer_id": "2088902345671234",
            "gmt_create": clock.china_time(payment.begun_at_ms)[:19], "subject": payment.subject,
            "gmt_payment": clock.china_time(payment.paid_at_ms)[:19], "passback_params": "",
        }  # fmt: skip

    def _telling(self, shop: Shop, payment: Payment, fields: dict[str, str], what: str) -> Telling:
        if what == "wrong_account":
            fields["seller_id"] = "2088999999999999"
        sent = notice(shop, fields)
        if what == "forged":
            sent["sign"] = signed(self._ground.keys("alipay").pair("stranger"), "anything")
        elif what == "damaged":
            sent["total_amount"] = damage(sent["total_amount"].encode()).decode()
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return Telling(payment.notify_url, form_of(sent), headers)

    def is_taken(self, status: int, body: bytes) -> bool:
        return status == 200 and body == b"success"

    def refusal(self, call: str, fault: Fault) -> web.Response:
        """``code`` as ``40006`` or as ``ACQ.…``, which is the sub-code of ``40004``. Not signed."""
        code, sub_code = (fault.code, "isv.refused") if fault.code.isdecimal() else ("40004", fault.code)
        method = next((name for name, (what, _) in self._calls.items() if what == call), "")
        said = {"code": code, "msg": "refused", "sub_code": sub_code, "sub_msg": fault.message or sub_code}
        return web.json_response({f"{method.replace('.', '_')}_response": said})

    def facts(self, payment: Payment) -> Mapping[str, Any]:
        return {"trade_status": _status(payment)}


def _trade(shop: Shop, payment: Payment) -> dict[str, Any]:
    said: dict[str, Any] = {
        "out_trade_no": payment.payment_no, "trade_no": payment.provider_no, "trade_status": _status(payment),
        "total_amount": _yuan(payment.amount_minor), "buyer_logon_id": "sim***@example.com",
    }  # fmt: skip
    if payment.paid_at_ms:
        said |= {
            "send_pay_date": clock.china_time(payment.paid_at_ms)[:19], "buyer_pay_amount": "0.00",
            "receipt_amount": _yuan(payment.amount_minor), "store_name": shop.name + "/总店 \"甲\" }",
        }  # fmt: skip
    return said


def _status(payment: Payment) -> str:
    if payment.state == books.PAID:
        return "TRADE_CLOSED" if payment.refunded_minor == payment.amount_minor else "TRADE_SUCCESS"
    return "TRADE_CLOSED" if payment.state == books.CLOSED else "WAIT_BUYER_PAY"


def _ends_at(asked: Body) -> int:
    text = str(asked.get("time_expire", ""))
    if not text:
        return 0
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.CHINA).timestamp() * 1000)


def _minor(text: object) -> int | None:
    try:
        return int(Decimal(str(text)) * 100)
    except InvalidOperation:
        return None


def _yuan(minor: int) -> str:
    return f"{Decimal(minor) / 100:.2f}"
