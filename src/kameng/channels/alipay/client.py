"""An account at Alipay: what is asked of its gateway, and what the answers mean.

No success is believed that Alipay did not sign. Pages are not called: the browser posts what is signed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from kameng.channels import keys
from kameng.channels.alipay import bills, notices, signing, transfers
from kameng.channels.alipay.codes import meaning
from kameng.channels.alipay.verifying import Verifier, roots_of
from kameng.channels.amounts import decimal_of, minor_of
from kameng.channels.calling import asking, beginning, call
from kameng.channels.hosts import GATEWAY, gateway_of, origin_of
from kameng.channels.http import Http
from kameng.channels.model import (
    Account,
    Ack,
    BadNotice,
    Begun,
    Bill,
    BillNotReady,
    BillRefused,
    Closed,
    Field,
    Found,
    FundBill,
    Incoming,
    Method,
    Notice,
    Outcome,
    PaidOut,
    Payment,
    Payout,
    Reference,
    Refund,
    Refunded,
    RefundState,
    Scene,
    Shown,
    State,
)  # fmt: skip
from kameng.channels.times import china_text
from kameng.kit import clock

HOST = "https://openapi.alipay.com/gateway.do"
BILL_HOSTS = (".alipay.com", ".alipaydev.com")
BILL_TIMEOUT_S = 120.0
LASTS = timedelta(hours=2)
"""So long a code lives at most."""

FIELDS: Sequence[Field] = (
    Field("app_id", "应用 AppID", "App id"),
    Field("private_key", "应用私钥", "The app's private key", is_secret=True, is_long=True),
    Field("alipay_public_key", "支付宝公钥（公钥模式）", "Alipay's public key", is_needed=False, is_long=True),
    Field("app_certificate", "应用公钥证书（证书模式）", "App certificate", is_needed=False, is_long=True),
    Field("alipay_certificate", "支付宝公钥证书（证书模式）", "Alipay's certificate", is_needed=False, is_long=True),
    Field("root_certificate", "支付宝根证书（证书模式）", "Alipay's root certificates", is_needed=False, is_long=True),
    Field("seller_id", "收款支付宝用户号（2088 开头）", "Seller id (2088…)", is_needed=False),
    Field(
        "wap_product", "手机网站产品码", "Product code of phone pages", is_needed=False,
        choices=("QUICK_WAP_WAY", "QUICK_WAP_PAY"),
    ),
    GATEWAY,
)  # fmt: skip
OFFERS = tuple((Method.alipay, scene) for scene in (Scene.qr, Scene.page, Scene.wap, Scene.code))
Said = Mapping[str, Any]


class Alipay:
    def __init__(self, account: Account, http: Http) -> None:
        given = account.credentials
        self._app_id, self._seller_id = given["app_id"], given.get("seller_id", "")
        self._wap_product = given.get("wap_product") or "QUICK_WAP_WAY"
        self._key = keys.private_key(given, "private_key")
        self._gateway = gateway_of(given, HOST)
        self._http = http
        if given.get("app_certificate"):
            own, theirs = keys.certificate(given, "app_certificate"), keys.certificate(given, "alipay_certificate")
            roots = roots_of(given, "root_certificate")
            self._serials = {
                "app_cert_sn": signing.serial_of(own),
                "alipay_root_cert_sn": signing.root_serial_of(given["root_certificate"]),
            }  # fmt: skip
            known = {signing.serial_of(theirs): keys.rsa_key_of(theirs, "alipay_certificate")}
            self._verifier = Verifier(known, roots, self._certificate)
        else:
            self._serials = {}
            self._verifier = Verifier({"": keys.public_key(given, "alipay_public_key")}, (), self._certificate)

    async def begin(self, payment: Payment) -> Begun:
        if payment.currency != "CNY" or payment.scene is Scene.jsapi:
            return Begun(outcome=Outcome.refused_config, message="Alipay takes yuan here, and no pages in its own app")
        order = {
            "out_trade_no": payment.payment_no, "total_amount": decimal_of(payment.amount_minor),
            "subject": payment.subject,
        }  # fmt: skip
        if payment.scene is Scene.code:
            return await self._by_code(payment, order)
        order["time_expire"] = china_text(payment.expires_at)
        if payment.scene is Scene.qr:
            order["product_code"] = "QR_CODE_OFFLINE"
            said, outcome = await self.send("begin", "alipay.trade.precreate", order, notify_url=payment.notify_url)
            code = _text(said, "qr_code")
            shown = Shown("qr", code) if outcome is Outcome.done and code else None
            outcome = (Outcome.accepted if shown else Outcome.unknown) if outcome is Outcome.done else outcome
            return Begun(outcome=outcome, shown=shown, code=_code(said), message=_message(said))
        return Begun(outcome=Outcome.accepted, shown=self._page(payment, order))

    def _page(self, payment: Payment, order: dict[str, str]) -> Shown:
        is_wap = payment.scene is Scene.wap
        order["product_code"] = self._wap_product if is_wap else "FAST_INSTANT_TRADE_PAY"
        if is_wap and payment.return_url:
            order["quit_url"] = payment.return_url
        method = "alipay.trade.wap.pay" if is_wap else "alipay.trade.page.pay"
        fields = self._signed(method, order, notify_url=payment.notify_url, return_url=payment.return_url)
        return Shown("form", f"{self._gateway}?charset=utf-8", fields)

    async def _by_code(self, payment: Payment, order: dict[str, str]) -> Begun:
        """``10000`` is not final here: a query has to say that it is paid, and how much."""
        order |= {"scene": "bar_code", "auth_code": payment.auth_code}
        said, outcome = await self.send("begin", "alipay.trade.pay", order, notify_url=payment.notify_url)
        if outcome is Outcome.done:
            found = await self.query(Reference(payment_no=payment.payment_no, begun_at=payment.begun_at))
            is_paid = found.state is State.paid and found.amount_minor == payment.amount_minor
            outcome = Outcome.paid if is_paid else Outcome.unknown
        return Begun(
            outcome=outcome, provider_no=_text(said, "trade_no"), code=_code(said), message=_message(said)
        )  # fmt: skip

    async def query(self, reference: Reference) -> Found:
        said, outcome = await self.send("query", "alipay.trade.query", {"out_trade_no": reference.payment_no})
        code, message = _code(said), _message(said)
        if outcome is not Outcome.done:
            return Found(outcome=outcome, code=code, message=message)
        if not _text(said, "trade_status"):  # the customer has not scanned it yet
            return Found(outcome=outcome, state=State.waiting, code=code, message=message)
        if _text(said, "out_trade_no") != reference.payment_no:
            return Found(outcome=Outcome.unknown, code="another payment's answer")
        return Found(
            outcome=outcome, state=notices.state_of(_text(said, "trade_status"), said), currency="CNY",
            amount_minor=minor_of(said.get("total_amount")), account_no=_text(said, "seller_id"),
            provider_no=_text(said, "trade_no"), paid_at=notices.beijing(_text(said, "send_pay_date")),
            payer=_text(said, "buyer_logon_id"), code=_text(said, "trade_status"), message=message,
        )  # fmt: skip

    async def close(self, reference: Reference) -> Closed:
        """What nobody scanned yet can't be closed, only outlived: its code stays good until its end."""
        if reference.scene is Scene.code:
            return await self._cancel(reference)
        said, outcome = await self.send("close", "alipay.trade.close", {"out_trade_no": reference.payment_no})
        code, message = _code(said), _message(said)
        if outcome is Outcome.done and "TRADE_NOT_EXIST" in code and clock.now() < _end_of(reference):
            return Closed(outcome=Outcome.rate_limited, code=code, message="its code can still be scanned")
        return Closed(outcome=outcome, code=code, message=message)

    async def _cancel(self, reference: Reference) -> Closed:
        """Gives money back if there was any: so it is asked first."""
        found = await self.query(reference)
        if found.outcome is not Outcome.done:
            return Closed(outcome=found.outcome, code=found.code, message=found.message)
        if found.state in (State.paid, State.refunded, State.closed):
            return Closed(outcome=Outcome.done if found.state is State.closed else Outcome.paid, code=found.code)
        said, outcome = await self.send("close", "alipay.trade.cancel", {"out_trade_no": reference.payment_no})
        if outcome is Outcome.done and _text(said, "retry_flag") == "Y":
            outcome = Outcome.rate_limited
        return Closed(outcome=outcome, code=_code(said), message=_message(said))

    async def refund(self, refund: Refund) -> Refunded:
        """Only ``fund_change=Y`` says that money moved; ``N`` is also said of a repeat. The sum it tells is of all."""
        asked = {
            "out_trade_no": refund.payment_no, "refund_amount": decimal_of(refund.amount_minor),
            "out_request_no": refund.refund_no, "refund_reason": refund.reason,
        }  # fmt: skip
        said, outcome = await self.send("refund", "alipay.trade.refund", asked)
        state = RefundState.unknown
        if outcome is Outcome.done and _text(said, "out_trade_no") == refund.payment_no:
            is_moved = _text(said, "fund_change") == "Y"
            state = RefundState.done if is_moved else RefundState.processing
        elif outcome is Outcome.done:
            outcome = Outcome.unknown
        elif outcome is Outcome.refused_channel:
            state = RefundState.failed
        return Refunded(
            outcome=outcome, state=state, amount_minor=refund.amount_minor if state is RefundState.done else None,
            provider_refund_no=_text(said, "trade_no"), code=_code(said), message=_message(said),
        )  # fmt: skip

    async def refund_query(self, refund: Refund) -> Refunded:
        """Without a status Alipay never took it on, or it failed: the same call again is the way."""
        asked = {"out_trade_no": refund.payment_no, "out_request_no": refund.refund_no}
        said, outcome = await self.send("refund_query", "alipay.trade.fastpay.refund.query", asked)
        state = RefundState.unknown
        if outcome is Outcome.done:
            is_ours = _text(said, "out_request_no") in ("", refund.refund_no)
            is_done = _text(said, "refund_status") == "REFUND_SUCCESS" and is_ours
            outcome, state = (outcome, RefundState.done) if is_done else (Outcome.rate_limited, state)
        return Refunded(
            outcome=outcome, state=state, amount_minor=minor_of(said.get("refund_amount")) if said else None,
            provider_refund_no=_text(said, "trade_no"), code=_code(said), message=_message(said),
        )  # fmt: skip

    async def pay_out(self, payout: Payout) -> PaidOut:
        return await transfers.pay_out(self, payout)

    async def payout_query(self, payout: Payout) -> PaidOut:
        return await transfers.payout_query(self, payout)

    @property
    def has_certificates(self) -> bool:
        return bool(self._serials)

    async def parse_notice(self, incoming: Incoming) -> Notice:
        try:
            text = incoming.body.decode("ascii")
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
        except (UnicodeDecodeError, ValueError):
            raise BadNotice("it can't be read") from None
        fields = dict(pairs)
        if len(fields) != len(pairs) or fields.get("sign_type") != "RSA2":
            raise BadNotice("it can't be read")
        signed, signature = signing.notice_text(fields), fields.get("sign", "")
        if not await self._verifier.is_signed(signed, signature, fields.get("alipay_cert_sn", "")):
            raise BadNotice("the signature is wrong")
        is_ours = not self._seller_id or fields.get("seller_id", "") in ("", self._seller_id)
        if fields.get("app_id") != self._app_id or not is_ours:
            raise BadNotice("another merchant's")
        return notices.read(fields)

    def acknowledge(self, *, is_taken: bool) -> Ack:
        return Ack(200, b"success") if is_taken else Ack(500, b"failure")

    async def fetch_bill(self, day: date) -> Bill:
        return bills.read_trades(bills.unpacked(await self._bill("trade", day)), day)

    async def fetch_funds(self, day: date) -> FundBill:
        return bills.read_funds(bills.unpacked(await self._bill("signcustomer", day)), day)

    async def _bill(self, which: str, day: date) -> bytes:
        """Its address is good for half a minute."""
        if day >= clock.china_day():
            raise BillNotReady("the day is not over")
        asked = {"bill_type": which, "bill_date": day.isoformat()}
        said, outcome = await self.send("bill", "alipay.data.dataservice.bill.downloadurl.query", asked)
        if outcome in (Outcome.unknown, Outcome.rate_limited):
            raise BillNotReady(_code(said) or "no answer")
        if outcome is not Outcome.done:
            raise BillRefused(f"{_code(said)} {_message(said)}")
        answer = await call(
            self._http, "GET", self._bill_url(_text(said, "bill_download_url")), timeout_s=BILL_TIMEOUT_S,
            bytes_max=bills.BYTES_MAX,
        )  # fmt: skip
        if answer.status != 200:
            raise BillNotReady(f"the bill can't be fetched: {answer.status}")
        return answer.body

    def _bill_url(self, address: str) -> str:
        """Alipay still writes ``http:`` there; its bills are fetched in secret all the same."""
        parts = urlsplit(address)
        if origin_of(address) == origin_of(self._gateway):
            return address
        if parts.scheme in ("http", "https") and (parts.hostname or "").endswith(BILL_HOSTS):
            return parts._replace(scheme="https", netloc=parts.hostname or "").geturl()
        raise BillRefused("the bill lies with a stranger")

    async def _certificate(self, serial: str) -> str:
        """Its own answer is signed by what it brings: so the roots judge, and nobody reads the signature."""
        fields = self._signed("alipay.open.app.alipaycert.download", {"alipay_cert_sn": serial})
        answer = await call(self._http, "POST", f"{self._gateway}?charset=utf-8", form=fields)
        said, _, _ = _node(answer.text, "alipay.open.app.alipaycert.download")
        return _text(said, "alipay_cert_content")

    async def send(self, what: str, method: str, asked: Mapping[str, Any], **more: str) -> tuple[Said, Outcome]:
        """What Alipay says, and what became of it; ``done`` if it did what was asked."""
        fields = self._signed(method, asked, **more)
        answer = await call(self._http, "POST", f"{self._gateway}?charset=utf-8", form=fields)
        if (outcome := (beginning if what == "begin" else asking)(answer)) is not None:
            return {}, outcome
        try:
            said, text, signs = _node(answer.body.decode(), method)
        except UnicodeDecodeError:
            return {}, Outcome.unknown
        code = _text(said, "code")
        if not code:
            return {}, Outcome.unknown
        is_signed = await self._is_signed(text, signs)
        if not is_signed and (signs.get("sign") or code == "10000"):
            return {"msg": "the signature is wrong"}, Outcome.unknown
        return said, meaning(what, code, _text(said, "sub_code"))

    async def _is_signed(self, text: str, signs: Mapping[str, str]) -> bool:
        return await self._verifier.is_signed(text.encode(), signs.get("sign", ""), signs.get("alipay_cert_sn", ""))

    def _signed(self, method: str, asked: Mapping[str, Any], **more: str) -> dict[str, str]:
        fields = {
            "app_id": self._app_id, "method": method, "format": "JSON", "charset": "utf-8", "sign_type": "RSA2",
            "timestamp": clock.china_time(clock.now_ms())[:19], "version": "1.0", **self._serials, **more,
            "biz_content": msgspec.json.encode({name: value for name, value in asked.items() if value}).decode(),
        }  # fmt: skip
        fields = {name: value for name, value in fields.items() if value}
        return fields | {"sign": keys.rsa_sha256(self._key, signing.request_text(fields))}


def _node(text: str, method: str) -> tuple[Said, str, Mapping[str, str]]:
    """What is said, the text that it stands in, and what it is signed with; nothing of what can't be read."""
    try:
        members = signing.members_of(text)
        name = f"{method.replace('.', '_')}_response"
        node = members.get(name) or members.get("error_response", "")
        said = msgspec.json.decode(node) if node else {}
        signs: dict[str, str] = {
            mark: msgspec.json.decode(members[mark], type=str) for mark in ("sign", "alipay_cert_sn") if mark in members
        }  # fmt: skip
    except (ValueError, msgspec.DecodeError):
        return {}, "", {}
    return (said, node, signs) if isinstance(said, dict) else ({}, "", {})


def _code(said: Said) -> str:
    return _text(said, "sub_code") or _text(said, "code")


def _message(said: Said) -> str:
    return _text(said, "sub_msg") or _text(said, "msg")


def _text(said: Said, name: str) -> str:
    """A field that is a text; everything else is none."""
    value = said.get(name)
    return value[:65536] if isinstance(value, str) else ""


def _end_of(reference: Reference) -> datetime:
    return reference.expires_at or reference.begun_at + LASTS
