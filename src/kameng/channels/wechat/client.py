"""An account at WeChat Pay: what is asked of it in API v3, and what its answers mean.

No answer is believed that WeChat did not sign; an unsigned refusal is, since TLS vouches for who said it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import secrets
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from kameng.channels import keys
from kameng.channels.calling import BODY_BYTES_MAX, TIMEOUT_S, Answer, asking, beginning, call
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
    Payment,
    Reference,
    Refund,
    Refunded,
    RefundState,
    Scene,
    Shown,
    State,
)  # fmt: skip
from kameng.channels.wechat import bills, notices, signing, signing_in
from kameng.channels.wechat.codes import CODES, NOT_THERE, REFUND_STATES, STATES
from kameng.channels.wechat.verifying import Verdict, Verifier
from kameng.kit import clock

HOST, OTHER_HOST = "https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com"
CLOSE_AFTER = timedelta(minutes=5)
"""WeChat closes no payment that is younger."""
BILL_BYTES_MAX = 256 * 1024 * 1024
BILL_TIMEOUT_S = 120.0

FIELDS: Sequence[Field] = (
    Field("mchid", "商户号", "Merchant id (mchid)"),
    Field("appid", "AppID", "App id"),
    Field("serial_no", "商户 API 证书序列号", "Serial number of the merchant's API certificate"),
    Field("private_key", "商户 API 私钥", "Merchant's API private key", is_secret=True, is_long=True),
    Field("api_v3_key", "APIv3 密钥", "APIv3 key", is_secret=True),
    Field("public_key_id", "微信支付公钥 ID（平台证书模式留空）", "Public key id (or certificates)", is_needed=False),
    Field("public_key", "微信支付公钥（平台证书模式留空）", "Public key", is_needed=False, is_long=True),
    Field("store_id", "门店编号（付款码）", "Store number (payment codes)", is_needed=False),
    *signing_in.FIELDS,
    GATEWAY,
)
OFFERS = tuple((Method.wechat, scene) for scene in (Scene.qr, Scene.jsapi, Scene.wap, Scene.code))
_PATHS = {
    Scene.qr: "native", Scene.jsapi: "jsapi", Scene.wap: "h5", Scene.code: "codepay",
}  # fmt: skip


class WeChat:
    def __init__(self, account: Account, http: Http) -> None:
        given = account.credentials
        self._mchid, self._appid, self._serial = given["mchid"], given["appid"], given["serial_no"]
        self._store_id = given.get("store_id") or "1"
        self._key = keys.private_key(given, "private_key")
        self._api_key = given["api_v3_key"].encode()
        if len(self._api_key) != 32:
            raise ValueError("api_v3_key")
        self._public_key_id = given.get("public_key_id", "")
        if bool(self._public_key_id) != bool(given.get("public_key")):
            raise ValueError("public_key" if self._public_key_id else "public_key_id")
        own = {self._public_key_id: keys.public_key(given, "public_key")} if self._public_key_id else {}
        self._hosts = [gateway_of(given, HOST)] + ([] if given.get("gateway") else [OTHER_HOST])
        self._http = http
        self.sign_in = signing_in.SignIn(given, http) if given.get("app_secret") else None
        self._verifier = Verifier(self._api_key, own, lambda: self._call("GET", "/v3/certificates"))

    async def begin(self, payment: Payment) -> Begun:
        if payment.currency != "CNY" or payment.scene not in _PATHS:
            return Begun(outcome=Outcome.refused_config, message="WeChat Pay takes yuan, and no desktop pages")
        path = f"/v3/pay/transactions/{_PATHS[payment.scene]}"
        said, outcome = await self._send("begin", "POST", path, self._order(payment))
        shown = self._shown(payment, said) if outcome is Outcome.done else None
        if outcome is Outcome.done:
            outcome = self._begun(payment, said, shown)
        return Begun(
            outcome=outcome, shown=shown, provider_no=_text(said, "transaction_id"), code=_text(said, "code"),
            message=_text(said, "message"),
        )  # fmt: skip

    async def query(self, reference: Reference) -> Found:
        """What WeChat does not know waits: it was never taken on, or not yet; closing it settles that."""
        path = f"/v3/pay/transactions/out-trade-no/{quote(reference.payment_no, safe='')}?mchid={self._mchid}"
        said, outcome = await self._send("query", "GET", path)
        code = _text(said, "code")
        state = State.waiting if code in NOT_THERE else STATES.get(_text(said, "trade_state"), State.unknown)
        if outcome is not Outcome.done:
            return Found(outcome=outcome, code=code, message=_text(said, "message"))
        if code not in NOT_THERE and _text(said, "out_trade_no") != reference.payment_no:
            return Found(outcome=Outcome.unknown, code="another payment's answer")
        return Found(
            outcome=outcome, state=state, amount_minor=notices.total_of(said), currency=notices.currency_of(said),
            account_no=_text(said, "mchid"), provider_no=_text(said, "transaction_id"), paid_at=notices.paid_at(said),
            payer=_text(said.get("payer"), "openid"), code=code or _text(said, "trade_state"),
            message=_text(said, "message") or _text(said, "trade_state_desc"),
        )  # fmt: skip

    async def close(self, reference: Reference) -> Closed:
        """One by the customer's code is revoked, which gives money back if there was any: so it is asked first."""
        if reference.scene is Scene.code:
            return await self._revoke(reference)
        if clock.now() - reference.begun_at < CLOSE_AFTER:
            return Closed(outcome=Outcome.rate_limited, message="WeChat closes nothing younger than five minutes")
        path = f"/v3/pay/transactions/out-trade-no/{quote(reference.payment_no, safe='')}/close"
        said, outcome = await self._send("close", "POST", path, {"mchid": self._mchid})
        return Closed(outcome=outcome, code=_text(said, "code"), message=_text(said, "message"))

    async def _revoke(self, reference: Reference) -> Closed:
        found = await self.query(reference)
        if found.outcome is not Outcome.done:
            return Closed(outcome=found.outcome, code=found.code, message=found.message)
        if found.state in (State.paid, State.refunded, State.closed):
            return Closed(outcome=Outcome.done if found.state is State.closed else Outcome.paid, code=found.code)
        path = f"/v3/pay/transactions/out-trade-no/{quote(reference.payment_no, safe='')}/reverse"
        said, outcome = await self._send("close", "POST", path, {"appid": self._appid, "mchid": self._mchid})
        return Closed(outcome=outcome, code=_text(said, "code"), message=_text(said, "message"))

    async def refund(self, refund: Refund) -> Refunded:
        amount = {"refund": refund.amount_minor, "total": refund.total_minor, "currency": refund.currency}
        body = {"out_trade_no": refund.payment_no, "out_refund_no": refund.refund_no, "amount": amount}
        body |= {"reason": refund.reason[:80]} if refund.reason else {}
        body |= {"notify_url": refund.notify_url} if refund.notify_url else {}
        return await self._refunded("refund", "POST", "/v3/refund/domestic/refunds", refund, body)

    async def refund_query(self, refund: Refund) -> Refunded:
        path = f"/v3/refund/domestic/refunds/{quote(refund.refund_no, safe='')}"
        return await self._refunded("refund_query", "GET", path, refund, None)

    async def _refunded(
        self, what: str, method: str, path: str, refund: Refund, body: Mapping[str, Any] | None
    ) -> Refunded:
        said, outcome = await self._send(what, method, path, body)
        state = REFUND_STATES.get(_text(said, "status"), RefundState.unknown)
        if outcome is Outcome.done and _text(said, "out_refund_no") != refund.refund_no:
            outcome, state = Outcome.unknown, RefundState.unknown
        elif what == "refund" and outcome is Outcome.refused_channel:
            state = RefundState.failed
        amount = said.get("amount")
        return Refunded(
            outcome=outcome, state=state, provider_refund_no=_text(said, "refund_id"), code=_text(said, "code"),
            amount_minor=notices.number_of(amount, "refund"), message=_text(said, "message"),
        )  # fmt: skip

    async def parse_notice(self, incoming: Incoming) -> Notice:
        verdict = await self._verifier.judge(incoming.headers, incoming.body)
        if verdict is not Verdict.good:
            raise BadNotice(verdict.value, is_probe=verdict is Verdict.probe)
        return notices.read(incoming.body, api_key=self._api_key, mchid=self._mchid, appid=self._appid)

    def acknowledge(self, *, is_taken: bool) -> Ack:
        if is_taken:
            return Ack(204)
        return Ack(500, msgspec.json.encode({"code": "FAIL", "message": "later"}), "application/json")

    async def fetch_bill(self, day: date) -> Bill:
        return bills.read_trades(await self._bill("tradebill", day, bill_type="ALL"), day)

    async def fetch_funds(self, day: date) -> FundBill:
        return bills.read_funds(await self._bill("fundflowbill", day, account_type="BASIC"), day)

    async def _bill(self, which: str, day: date, **more: str) -> str:
        """Unpacked; its digest is of what was packed."""
        if day >= clock.china_day():
            raise BillNotReady("the day is not over")
        query = urlencode({"bill_date": day.isoformat(), **more, "tar_type": "GZIP"})
        said, outcome = await self._send("bill", "GET", f"/v3/bill/{which}?{query}")
        if outcome is not Outcome.done:
            code = _text(said, "code")
            if outcome in (Outcome.unknown, Outcome.rate_limited):
                raise BillNotReady(code or "no answer")
            raise BillRefused(f"{code} {_text(said, 'message')}")
        where = urlsplit(_text(said, "download_url").strip())
        if origin_of(where.geturl()) not in {origin_of(host) for host in self._hosts}:
            raise BillRefused("the bill lies with a stranger")
        answer = await self._call("GET", f"{where.path}?{where.query}", is_bill=True)
        if answer.status != 200:
            raise BillNotReady(f"the bill can't be fetched: {answer.status}")
        text = _unpacked(answer.body)
        digest = hashlib.sha1(text, usedforsecurity=False).hexdigest()
        if _text(said, "hash_type") != "SHA1" or digest != _text(said, "hash_value").lower():
            raise BillRefused("the bill is damaged: another digest")
        return text.decode("utf-8", "replace")

    async def _send(
        self, what: str, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[Mapping[str, Any], Outcome]:
        """What WeChat says, and what became of it; ``done`` if it did what was asked."""
        answer = await self._call(method, path, b"" if body is None else msgspec.json.encode(body))
        said = _object(answer.body)
        if (outcome := (beginning if what == "begin" else asking)(answer)) is not None:
            return said, outcome
        is_signed = "wechatpay-signature" in answer.headers
        if answer.status < 300 or is_signed:
            verdict = await self._verifier.judge(answer.headers, answer.body)
            if verdict is not Verdict.good:
                return {"message": verdict.value}, Outcome.unknown
        if answer.status in (200, 204):
            return said, Outcome.done
        return said, CODES.outcome(what, _text(said, "code") or str(answer.status), _text(said, "message"))

    async def _call(self, method: str, path: str, body: bytes = b"", *, is_bill: bool = False) -> Answer:
        """Of the two hosts the other one, if the first can't be reached at all."""
        answer = Answer(0, was_sent=False)
        for host in self._hosts:
            nonce = secrets.token_hex(16)
            head = {
                "authorization": signing.authorization(
                    self._key, method, path, mchid=self._mchid, serial=self._serial, ts_s=clock.now_ms() // 1000,
                    nonce=nonce, body=body,
                ),
                "accept": "*/*" if is_bill else "application/json", "accept-language": "zh-CN", "user-agent": "kameng",
            }  # fmt: skip
            head |= {"content-type": "application/json"} if body else {}
            head |= {"wechatpay-serial": self._public_key_id} if self._public_key_id else {}
            url = f"{host}{path}"
            answer = await call(
                self._http, method, url, body=body or None, headers=head,
                timeout_s=BILL_TIMEOUT_S if is_bill else TIMEOUT_S,
                bytes_max=BILL_BYTES_MAX if is_bill else BODY_BYTES_MAX,
            )  # fmt: skip
            if answer.was_sent:
                break
        return answer

    def _order(self, payment: Payment) -> dict[str, Any]:
        order: dict[str, Any] = {
            "appid": self._appid, "mchid": self._mchid, "description": payment.subject,
            "out_trade_no": payment.payment_no, "amount": {"total": payment.amount_minor, "currency": "CNY"},
        }  # fmt: skip
        if payment.scene is Scene.code:
            scene = {"device_ip": payment.client_ip, "store_info": {"out_id": self._store_id}}
            return order | {"payer": {"auth_code": payment.auth_code}, "scene_info": scene}
        ends_at = payment.expires_at.astimezone(clock.CHINA).isoformat(timespec="seconds")
        order |= {"notify_url": payment.notify_url, "time_expire": ends_at}
        if payment.scene is Scene.jsapi:
            return order | {"payer": {"openid": payment.payer_id}}
        if payment.scene is Scene.wap:
            order["scene_info"] = {"payer_client_ip": payment.client_ip, "h5_info": {"type": "Wap"}}
        return order

    def _shown(self, payment: Payment, said: Mapping[str, Any]) -> Shown | None:
        if (code_url := _text(said, "code_url")) and payment.scene is Scene.qr:
            return Shown("qr", code_url)
        if (h5_url := _text(said, "h5_url")) and payment.scene is Scene.wap:
            back = f"&redirect_url={quote(payment.return_url, safe='')}" if payment.return_url else ""
            return Shown("redirect", f"{h5_url}{back}")
        if (prepay_id := _text(said, "prepay_id")) and payment.scene is Scene.jsapi:
            fields = signing.jsapi_fields(
                self._key, appid=self._appid, prepay_id=prepay_id, ts_s=clock.now_ms() // 1000,
                nonce=secrets.token_hex(16),
            )  # fmt: skip
            return Shown("jsapi", msgspec.json.encode(fields).decode())
        return None

    def _begun(self, payment: Payment, said: Mapping[str, Any], shown: Shown | None) -> Outcome:
        """Of an answer of success. Paid by code: only if everything that it says is what we asked for."""
        if payment.scene is not Scene.code:
            return Outcome.accepted if shown is not None else Outcome.unknown
        is_ours = _text(said, "out_trade_no") == payment.payment_no and _text(said, "mchid") == self._mchid
        is_right = notices.total_of(said) == payment.amount_minor and notices.currency_of(said) == payment.currency
        is_paid = _text(said, "trade_state") in ("", "SUCCESS") and bool(_text(said, "transaction_id"))
        return Outcome.paid if is_ours and is_right and is_paid else Outcome.unknown


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body) if body else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(said: object, name: str) -> str:
    """A field that is a text; everything else is none."""
    value = said.get(name) if isinstance(said, dict) else None
    return value[:2048] if isinstance(value, str) else ""


def _unpacked(packed: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as reader:
            text = reader.read(BILL_BYTES_MAX + 1)
    except (OSError, EOFError, zlib.error):
        raise BillRefused("the bill is damaged: it can't be unpacked") from None
    if len(text) > BILL_BYTES_MAX:
        raise BillRefused("the bill is too long")
    return text
