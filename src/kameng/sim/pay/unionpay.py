"""UnionPay 全渠道 5.1.0, under ``/unionpay/`` (gateway) and ``/unionpay-files/``, with an authority of its own."""

from __future__ import annotations

import base64
import hashlib
import io
import secrets
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from kameng.kit import clock
from kameng.sim.pay import books
from kameng.sim.pay.books import Payment, Refund
from kameng.sim.pay.faults import Fault, damage
from kameng.sim.pay.ground import Ground
from kameng.sim.pay.keys import Pair
from kameng.sim.pay.lines import spoil
from kameng.sim.pay.provider import Merchant, Telling

MER_ID = "777290058110048"
WIDTHS = (
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13,
    13, 8, 32, 13, 13, 12, 2, 1, 32, 98,
)  # fmt: skip
FEE = 0.0038


class UnionPay:
    name = "unionpay"
    zh = "银联"
    look = "unionpay"
    schedule_s: Sequence[float] = (0, 60, 120, 240, 900)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        keys = ground.keys("unionpay")
        self._root = keys.certified("root", "CFCA ACS CA")
        self._middle = keys.certified("middle", "CFCA ACS OCA31", by=self._root)
        self._own = keys.certified("own", "CFCA@000@中国银联股份有限公司@N910000", by=self._middle)
        self._merchant = keys.certified("merchant", f"041@Z12@{MER_ID}@00000001", by=self._middle)
        false_root = keys.certified("false-root", "CFCA ACS CA")
        false_middle = keys.certified("false-middle", "CFCA ACS OCA31", by=false_root)
        self._false = keys.certified("false", "CFCA@000@中国银联股份有限公司@N910000", by=false_middle)

    def merchants(self) -> Sequence[Merchant]:
        base = self._ground.base
        return [Merchant("unionpay", MER_ID, "unionpay", {
            "mer_id": MER_ID, "private_key": self._merchant.private_pem, "mode": "production", "term_id": "00000001",
            "certificate": self._merchant.certificate_pem, "root_certificate": self._root.certificate_pem,
            "middle_certificate": self._middle.certificate_pem, "gateway": f"{base}/unionpay",
            "files": f"{base}/unionpay-files",
        })]  # fmt: skip

    def routes(self) -> Sequence[web.RouteDef]:
        api = "/unionpay/gateway/api"
        return [
            web.post(f"{api}/frontTransReq.do", self._front), web.post(f"{api}/backTransReq.do", self._back),
            web.post(f"{api}/queryTrans.do", self._query), web.post("/unionpay-files/", self._file),
        ]  # fmt: skip

    # what merchants send

    async def _front(self, request: web.Request) -> web.Response:
        fields = await _fields(request)
        if not self._is_merchants(fields):
            return web.Response(text="验证签名失败[11]")

        def act() -> web.Response:
            return web.Response(status=302, headers={"location": self._ground.page_of(self._open(fields))})

        return await self._ground.play(request, self, MER_ID, "begin", act, payment_no=fields["orderId"])

    async def _back(self, request: web.Request) -> web.Response:
        fields = await _fields(request)
        if not self._is_merchants(fields):
            return self._answer(fields, "11", "验证签名失败")
        is_refund = fields.get("txnType") == "04"
        return await self._ground.play(
            request, self, MER_ID, "refund" if is_refund else "begin",
            lambda: self._refund(fields) if is_refund else self._begin(fields), payment_no=fields["orderId"],
        )  # fmt: skip

    def _begin(self, fields: Mapping[str, str]) -> web.Response:
        known = self._ground.books.find("unionpay", MER_ID, fields["orderId"])
        if known is not None and known.extra["txnTime"] != fields["txnTime"]:
            return self._answer(fields, "12", "重复交易")
        payment = self._open(fields)
        if fields["txnSubType"] == "06":
            if not self._ground.pay(payment):
                return self._answer(fields, "64", "卡上的余额不足")
            return self._answer(fields, "00", "成功", queryId=payment.provider_no)
        return self._answer(fields, "00", "成功", qrCode=self._ground.page_of(payment))

    def _refund(self, fields: Mapping[str, str]) -> web.Response:
        payment = self._ground.books.find_by_provider_no("unionpay", MER_ID, fields.get("origQryId", ""))
        if payment is None or payment.state != books.PAID:
            return self._answer(fields, "35", "原交易不存在或状态不正确")
        if payment.find_refund(fields["orderId"]) is not None:
            return self._answer(fields, "12", "重复交易")
        amount_minor = int(fields["txnAmt"])
        if payment.refunded_minor + amount_minor > payment.amount_minor:
            return self._answer(fields, "36", "与原交易信息不符")
        refund = self._ground.books.refund(
            payment, fields["orderId"], amount_minor, notify_url=fields.get("backUrl", "")
        )
        refund.extra["txnTime"], refund.provider_refund_no = fields["txnTime"], _query_id()
        self._ground.settle(payment, refund)
        return self._answer(fields, "00", "成功", queryId=refund.provider_refund_no, txnAmt=fields["txnAmt"])

    async def _query(self, request: web.Request) -> web.Response:
        fields = await _fields(request)
        if not self._is_merchants(fields):
            return self._answer(fields, "11", "验证签名失败")
        found = self._find(fields)
        call = "refund_query" if isinstance(found, tuple) else "query"

        def act() -> web.Response:
            if found is None:
                return self._answer(fields, "34", "查无此交易")
            return self._answer(fields, "00", "成功", **_state(found))

        return await self._ground.play(request, self, MER_ID, call, act, payment_no=fields["orderId"])

    def _find(self, fields: Mapping[str, str]) -> Payment | tuple[Payment, Refund] | None:
        """By number and time, as UnionPay asks."""
        for payment in self._ground.books.every("unionpay", MER_ID):
            if payment.payment_no == fields["orderId"] and payment.extra["txnTime"] == fields["txnTime"]:
                return payment
            refund = payment.find_refund(fields["orderId"])
            if refund is not None and refund.extra["txnTime"] == fields["txnTime"]:
                return payment, refund
        return None

    async def _file(self, request: web.Request) -> web.Response:
        fields = await _fields(request)
        if not self._is_merchants(fields) or fields.get("txnType") != "76":
            return self._answer(fields, "11", "验证签名失败")

        def act() -> web.Response:
            year = clock.china_day().year
            day = f"{year}-{fields['settleDate'][:2]}-{fields['settleDate'][2:]}"
            entries = self._ground.bill_of("unionpay", MER_ID, day)
            if not entries:
                return self._answer(fields, "98", "文件不存在")
            lines = spoil(
                self._ground, "unionpay", MER_ID, [_line(*entry) for entry in entries], amount="amount",
                number="number", fee="fee",
            )  # fmt: skip
            name = f"INN{day[2:4]}{fields['settleDate']}88"
            content = _file_content(name, [_zm(line) for line in lines])
            return self._answer(fields, "00", "成功", fileName=f"{name}.zip", fileContent=content)

        return await self._ground.play(request, self, MER_ID, "bill", act)

    def _open(self, fields: Mapping[str, str]) -> Payment:
        known = self._ground.books.find("unionpay", MER_ID, fields["orderId"])
        if known is not None:
            return known
        ends = datetime.strptime(fields["payTimeout"], "%Y%m%d%H%M%S").replace(tzinfo=clock.CHINA)
        return self._ground.books.open(
            "unionpay", MER_ID, fields["orderId"], scene=fields["txnSubType"], amount_minor=int(fields["txnAmt"]),
            subject=fields.get("riskRateInfo", "").removeprefix("{commodityName=").removesuffix("}"),
            notify_url=fields["backUrl"], return_url=fields.get("frontUrl", ""), shop=f"商户 {MER_ID}",
            expires_at_ms=int(ends.timestamp() * 1000), txnTime=fields["txnTime"], provider_no=_query_id(),
        )  # fmt: skip

    def _is_merchants(self, fields: Mapping[str, str]) -> bool:
        assert self._merchant.certificate is not None
        known = fields.get("merId") == MER_ID and fields.get("version") == "5.1.0"
        if not known or fields.get("certId") != str(self._merchant.certificate.serial_number):
            return False
        try:
            given = base64.b64decode(fields.get("signature", ""))
            self._merchant.public.verify(given, _digits(fields), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    def _answer(self, fields: Mapping[str, str], code: str, said: str, **more: str) -> web.Response:
        """``k=v&…``, nothing escaped, in no order."""
        kept = ("version", "encoding", "signMethod", "txnType", "txnSubType", "bizType", "merId", "orderId", "txnTime")
        facts = {name: fields[name] for name in kept if fields.get(name)}
        signed = _signed({**facts, **more, "respCode": code, "respMsg": said}, self._own)
        text = "&".join(f"{name}={value}" for name, value in signed.items())
        return web.Response(text=text, content_type="text/html")

    # what merchants are told

    def tell_payment(self, payment: Payment, flaw: Fault | None) -> Telling:
        fields = {
            "txnType": "01", "txnSubType": payment.scene, "orderId": payment.payment_no,
            "txnTime": payment.extra["txnTime"], "txnAmt": str(payment.amount_minor), "queryId": payment.provider_no,
            "traceTime": _stamp(payment.paid_at_ms)[4:], "accNo": "6226****0048",
        }  # fmt: skip
        return self._telling(payment.notify_url, fields, flaw)

    def tell_refund(self, payment: Payment, refund: Refund, flaw: Fault | None) -> Telling | None:
        if not refund.notify_url:
            return None
        good = refund.state == books.REFUNDED
        return self._telling(refund.notify_url, {
            "txnType": "04", "txnSubType": "00", "orderId": refund.refund_no, "txnTime": refund.extra["txnTime"],
            "txnAmt": str(refund.amount_minor), "queryId": refund.provider_refund_no, "origQryId": payment.provider_no,
            "respCode": "00" if good else "39",
        }, flaw)  # fmt: skip

    def _telling(self, url: str, fields: dict[str, str], flaw: Fault | None) -> Telling:
        what = "" if flaw is None else flaw.what
        fields = {
            "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "merId": MER_ID, "currencyCode": "156",
            "respCode": "00", "respMsg": "成功", "bizType": "000201", **fields,
        }  # fmt: skip
        if what == "wrong_amount":
            fields["txnAmt"] = str(int(fields["txnAmt"]) + 1)
        fields |= {"currencyCode": "840"} if what == "wrong_currency" else {}
        fields |= {"merId": "777290058110049"} if what == "wrong_account" else {}
        signed = _signed(fields, self._false if what == "forged" else self._own)
        if what == "damaged":
            signed["txnAmt"] = damage(signed["txnAmt"].encode()).decode()
        headers = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
        return Telling(url, urlencode(signed).encode(), headers)

    def is_taken(self, status: int, body: bytes) -> bool:  # noqa: ARG002
        return status == 200

    def refusal(self, call: str, fault: Fault) -> web.Response:  # noqa: ARG002
        return self._answer({"merId": MER_ID, "version": "5.1.0"}, fault.code or "02", fault.message or "系统未开放")

    def facts(self, payment: Payment) -> Mapping[str, Any]:
        return {"txnTime": payment.extra["txnTime"]}


async def _fields(request: web.Request) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.post()).items()}


def _digits(fields: Mapping[str, str]) -> bytes:
    kept = sorted((k, v) for k, v in fields.items() if k != "signature" and v != "")
    return hashlib.sha256("&".join(f"{k}={v}" for k, v in kept).encode()).hexdigest().encode()


def _signed(fields: Mapping[str, str], by: Pair) -> dict[str, str]:
    filled = {k: v for k, v in fields.items() if v} | {"signPubKeyCert": by.certificate_pem}
    made = by.key.sign(_digits(filled), padding.PKCS1v15(), hashes.SHA256())
    return {**filled, "signature": base64.b64encode(made).decode()}


def _state(found: Payment | tuple[Payment, Refund]) -> dict[str, str]:
    if isinstance(found, tuple):
        _, refund = found
        code = {books.REFUNDED: "00", books.REFUNDING: "05"}.get(refund.state, "39")
        return {"origRespCode": code, "txnAmt": str(refund.amount_minor), "queryId": refund.provider_refund_no}
    is_paid = found.state == books.PAID
    facts = {"origRespCode": "00" if is_paid else "05", "txnAmt": str(found.amount_minor), "currencyCode": "156"}
    if is_paid:
        facts |= {"queryId": found.provider_no, "traceTime": _stamp(found.paid_at_ms)[4:], "accNo": "6226****0048"}
    return facts


def _line(payment: Payment, refund: Refund | None) -> dict[str, Any]:
    fee = round((payment.amount_minor if refund is None else refund.amount_minor) * FEE)
    if refund is None:
        return {
            "code": "S22", "kind": "01", "amount": payment.amount_minor, "number": payment.payment_no, "orig": "",
            "query": payment.provider_no, "at": _stamp(payment.paid_at_ms), "fee": fee, "sign": "D",
        }  # fmt: skip
    return {
        "code": "S30", "kind": "04", "amount": refund.amount_minor, "number": refund.refund_no, "fee": fee, "sign": "C",
        "orig": payment.payment_no, "query": refund.provider_refund_no, "at": _stamp(refund.done_at_ms),
    }  # fmt: skip


def _zm(line: Mapping[str, Any]) -> bytes:
    """One line of fixed width; the places are counted from 1, as the vendor's table does."""
    at: dict[int, str] = {
        1: line["code"], 5: line["at"][4:], 6: "6226****0048", 7: f"{line['amount']:012d}", 10: line["query"],
        12: line["number"], 16: f"{line['sign']}{line['fee']:012d}", 20: line["kind"], 28: MER_ID, 31: "卡盟小店",
        41: line["orig"],
    }  # fmt: skip
    return b" ".join(at.get(n, "").encode("gbk").ljust(width) for n, width in enumerate(WIDTHS, 1))


def _file_content(name: str, lines: Sequence[bytes]) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}ZM_{MER_ID}", b"\r\n".join(lines) + b"\r\n")
        archive.writestr(f"{name}ZME_{MER_ID}", b"")
        archive.writestr(f"{name}ZMSUM_{MER_ID}", b"")
    return base64.b64encode(zlib.compress(packed.getvalue())).decode()


def _query_id() -> str:
    return f"{_stamp(clock.now_ms())}{secrets.randbelow(10**7):07d}"


def _stamp(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, clock.CHINA).strftime("%Y%m%d%H%M%S")
