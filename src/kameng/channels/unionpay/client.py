"""UnionPay 5.1.0 (全渠道): its page as a form, 申码 (a code we show), 被扫 (the customer's code), query, refund, file.

Whatever is accepted is only accepted: a query or a notice says what was paid. There is no closing: every payment bears
``payTimeout``, after which UnionPay takes no money for it, so closing is waiting for that time and asking once more.
The signing key and its certificate are wanted in PEM: the ``.pfx`` that merchants get is enciphered in a way that
today's libraries refuse (``openssl pkcs12 -legacy -nodes -in x.pfx`` opens it). Refunds are asked as those of the
gateway, by ``origQryId``, whatever the payment came by: of codes (bizType 000000) that is not tried at UnionPay itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl

from kameng.channels import keys
from kameng.channels.calling import asking, beginning, call
from kameng.channels.hosts import gateway_of
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
    Found,
    Incoming,
    Notice,
    NoticeKind,
    Outcome,
    Payment,
    Reference,
    Refund,
    Refunded,
    RefundState,
    Scene,
    Shown,
    State,
)  # fmt: skip
from kameng.channels.unionpay import bills, signing
from kameng.channels.unionpay.codes import CODES, FINAL_GOOD, NO_FILE, NO_SUCH, refund_state_of, state_of
from kameng.kit import clock

HOSTS = {
    "production": ("https://gateway.95516.com", "https://filedownload.95516.com"),
    "test": ("https://gateway.test.95516.com", "https://filedownload.test.95516.com"),
}
CLOSED_AFTER = timedelta(minutes=10)
"""So long after its end a payment that UnionPay does not know as paid will not be."""
LASTS = timedelta(hours=24)
"""If nobody knows when a payment ends."""

_QR, _GATEWAY = "000000", "000201"


class UnionPay:
    def __init__(self, account: Account, http: Http) -> None:
        given = account.credentials
        mode = given.get("mode") or "production"
        if mode not in HOSTS:
            raise ValueError("mode")
        self._mer_id, self._term_id = given["mer_id"], given.get("term_id", "")
        self._key = keys.private_key(given, "private_key")
        self._cert_id = str(keys.certificate(given, "certificate").serial_number)
        root = keys.certificate(given, "root_certificate")
        middle = keys.certificate(given, "middle_certificate")
        self._trust = signing.Trust(root, middle, is_test=mode == "test")
        self._gateway = f"{gateway_of(given, HOSTS[mode][0])}/gateway/api/"
        self._files = f"{gateway_of(given, HOSTS[mode][1], field='files')}/"
        self._http = http

    async def begin(self, payment: Payment) -> Begun:
        if payment.currency != "CNY":
            return Begun(outcome=Outcome.refused_config, message="UnionPay takes yuan here")
        fields = self._paying(payment)
        if payment.scene in (Scene.page, Scene.wap):
            return Begun(outcome=Outcome.accepted, shown=Shown("form", f"{self._gateway}frontTransReq.do", fields))
        said, outcome = await self._send("backTransReq.do", "begin", fields)
        shown = Shown("qr", said["qrCode"]) if said.get("qrCode") else None
        if outcome is Outcome.accepted and shown is None and payment.scene is not Scene.code:
            outcome = Outcome.unknown
        return Begun(
            outcome=outcome, shown=shown, provider_no=said.get("queryId", ""), code=said.get("respCode", ""),
            message=said.get("respMsg", ""),
        )  # fmt: skip

    async def query(self, reference: Reference) -> Found:
        fields = self._common("00", "00", _biz(reference.scene), reference.payment_no, reference.begun_at)
        said, outcome = await self._send("queryTrans.do", "query", fields)
        code, message = said.get("respCode", ""), said.get("respMsg", "")
        if outcome is not Outcome.done:
            return Found(outcome=outcome, code=code, message=message)
        if code == NO_SUCH:
            return Found(outcome=outcome, state=State.waiting, code=code, message=message)
        orig = said.get("origRespCode", "")
        state = state_of(orig)
        return Found(
            outcome=outcome, state=state, amount_minor=_amount(said), currency=_currency(said),
            account_no=said.get("merId", ""), provider_no=said.get("queryId", ""), payer=said.get("accNo", ""),
            paid_at=_paid_at(said) if state is State.paid else None, code=orig,
            message=said.get("origRespMsg", ""),
        )  # fmt: skip

    async def close(self, reference: Reference) -> Closed:
        """Asks, and says that it can't be paid any more once its time is over; before that: later."""
        found = await self.query(reference)
        if found.outcome is not Outcome.done:
            return Closed(outcome=found.outcome, code=found.code, message=found.message)
        if found.state is State.paid:
            return Closed(outcome=Outcome.paid, code=found.code)
        ends_at = reference.expires_at or reference.begun_at + LASTS
        is_over = clock.now() > ends_at + CLOSED_AFTER
        return Closed(outcome=Outcome.done if is_over else Outcome.rate_limited, code=found.code)

    async def refund(self, refund: Refund) -> Refunded:
        """By UnionPay's own number of the payment; if we don't know it, it is asked for."""
        number = refund.provider_no
        if not number:
            found = await self.query(Reference(payment_no=refund.payment_no, begun_at=refund.begun_at))
            number = found.provider_no
            if found.outcome is not Outcome.done:  # nothing was asked for yet: later
                is_ours = found.outcome is Outcome.refused_config
                outcome = Outcome.refused_config if is_ours else Outcome.rate_limited
                return Refunded(outcome=outcome, code=found.code, message=found.message)
            if not number:
                return Refunded(outcome=Outcome.refused_channel, code=found.code, message="it knows of no such payment")
        fields = self._common("04", "00", _GATEWAY, refund.refund_no, refund.asked_at) | {
            "txnAmt": str(refund.amount_minor), "origQryId": number, "backUrl": refund.notify_url, "channelType": "07",
        }  # fmt: skip
        said, outcome = await self._send("backTransReq.do", "refund", fields)
        state = {
            Outcome.done: RefundState.processing, Outcome.refused_channel: RefundState.failed,
        }.get(outcome, RefundState.unknown)  # fmt: skip
        return Refunded(
            outcome=outcome, state=state, amount_minor=_amount(said), provider_refund_no=said.get("queryId", ""),
            code=said.get("respCode", ""), message=said.get("respMsg", ""),
        )  # fmt: skip

    async def refund_query(self, refund: Refund) -> Refunded:
        fields = self._common("00", "00", _GATEWAY, refund.refund_no, refund.asked_at)
        said, outcome = await self._send("queryTrans.do", "query", fields)
        orig = said.get("origRespCode", "")
        state = refund_state_of(orig) if outcome is Outcome.done else RefundState.unknown
        return Refunded(
            outcome=outcome, state=state, amount_minor=_amount(said), provider_refund_no=said.get("queryId", ""),
            code=orig or said.get("respCode", ""), message=said.get("origRespMsg") or said.get("respMsg", ""),
        )  # fmt: skip

    async def parse_notice(self, incoming: Incoming) -> Notice:
        """Pure. It comes for payments and refunds alike; ``txnType`` tells which."""
        fields = dict(parse_qsl(incoming.body.decode("utf-8", "replace"), keep_blank_values=True))
        if not self._trust.is_signed(fields):
            raise BadNotice("the signature is wrong, or not UnionPay's")
        if fields.get("merId") != self._mer_id:
            raise BadNotice("another merchant's")
        code, kind, number = fields.get("respCode", ""), fields.get("txnType", ""), fields.get("queryId", "")
        if kind == "04":
            return Notice(
                kind=NoticeKind.refund, event_id=f"{number}:{code}", refund_no=fields.get("orderId", ""),
                refund_state=refund_state_of(code), amount_minor=_amount(fields), currency=_currency(fields),
                account_no=self._mer_id, provider_no=number,
            )  # fmt: skip
        state = state_of(code)
        return Notice(
            kind=NoticeKind.payment if kind == "01" else NoticeKind.other, event_id=f"{number}:{code}",
            payment_no=fields.get("orderId", ""), state=state, amount_minor=_amount(fields),
            currency=_currency(fields), account_no=self._mer_id, provider_no=number,
            paid_at=_paid_at(fields) if code in FINAL_GOOD else None,
        )  # fmt: skip

    def acknowledge(self, *, is_taken: bool) -> Ack:
        return Ack(200, b"ok") if is_taken else Ack(500, b"fail")

    async def fetch_bill(self, day: date) -> Bill:
        """The file of a day of settlement."""
        fields = self._common("76", "01", _QR, "", clock.now()) | {"fileType": "00", "settleDate": f"{day:%m%d}"}
        said, outcome = await self._send("", "bill", fields)
        if said.get("respCode") == NO_FILE:
            raise BillNotReady
        if outcome is not Outcome.done:
            raise BillRefused(f"{said.get('respCode', '')} {said.get('respMsg', '')}".strip())
        return bills.read(said.get("fileContent", ""), day)

    def _common(self, kind: str, sub_kind: str, biz: str, number: str, at: datetime) -> dict[str, str]:
        return {
            "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "txnType": kind, "txnSubType": sub_kind,
            "bizType": biz, "accessType": "0", "merId": self._mer_id, "orderId": number, "certId": self._cert_id,
            "txnTime": at.astimezone(clock.CHINA).strftime("%Y%m%d%H%M%S"),
        }  # fmt: skip

    def _paying(self, payment: Payment) -> dict[str, str]:
        sub_kind = {Scene.qr: "07", Scene.code: "06"}.get(payment.scene, "01")
        fields = self._common("01", sub_kind, _biz(payment.scene), payment.payment_no, payment.begun_at) | {
            "channelType": "07" if payment.scene is Scene.page else "08", "currencyCode": "156",
            "txnAmt": str(payment.amount_minor), "backUrl": payment.notify_url, "frontUrl": payment.return_url,
            "payTimeout": payment.expires_at.astimezone(clock.CHINA).strftime("%Y%m%d%H%M%S"),
            "riskRateInfo": f"{{commodityName={payment.subject.translate(_PLAIN)}}}",
        }  # fmt: skip
        if payment.scene is Scene.code:
            fields |= {"qrNo": payment.auth_code, "termId": self._term_id}
        return self._signed(fields)

    def _signed(self, fields: Mapping[str, str]) -> dict[str, str]:
        filled = {name: value for name, value in fields.items() if value}
        return {**filled, "signature": signing.sign(filled, self._key)}

    async def _send(self, path: str, name: str, fields: Mapping[str, str]) -> tuple[dict[str, str], Outcome]:
        """What was said, proved to be UnionPay's, and what became of it."""
        address = f"{self._gateway}{path}" if path else self._files
        is_bill = name == "bill"
        answer = await call(
            self._http, "POST", address, form=self._signed(fields), timeout_s=60 if is_bill else 15,
            bytes_max=bills.BYTES_MAX if is_bill else 1 << 20,
        )  # fmt: skip
        if (lost := (beginning if name == "begin" else asking)(answer)) is not None:
            return {"respMsg": answer.fault}, lost
        said = signing.parse(answer.text)
        if not self._trust.is_signed(said):
            return {"respMsg": "the answer's signature is wrong"}, Outcome.unknown
        if said.get("orderId", "") not in ("", fields["orderId"]):
            return {"respMsg": "it told of another order"}, Outcome.unknown
        return said, CODES.outcome(name, said.get("respCode", ""), said.get("respMsg", ""))


_PLAIN = str.maketrans("", "", "{}[]&=\r\n")


def _biz(scene: Scene) -> str:
    return _QR if scene in (Scene.qr, Scene.code) else _GATEWAY


def _amount(fields: Mapping[str, str]) -> int | None:
    text = fields.get("txnAmt", "")
    return int(text) if text.isdecimal() and len(text) < 16 else None


def _currency(fields: Mapping[str, str]) -> str:
    code = fields.get("currencyCode", "")
    return "CNY" if code == "156" else code


def _paid_at(fields: Mapping[str, str]) -> datetime | None:
    """``traceTime`` has no year; the order's own time has."""
    try:
        begun = datetime.strptime(fields.get("txnTime", ""), "%Y%m%d%H%M%S").replace(tzinfo=clock.CHINA)
        return bills.time_of(fields["traceTime"], begun.date()) if fields.get("traceTime") else begun.astimezone(UTC)
    except ValueError:
        return None
