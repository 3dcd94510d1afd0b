"""epay's other side, pure: what a shop sends to Kameng as its epay, read and verified, what it is answered and told.

Version 1 comes to ``submit.php``, ``mapi.php`` and ``api.php?act=``, version 2 to ``api/pay/{submit,create,query,
refund,refundquery,close}`` and ``api/merchant/orders``. No door and no database here: whoever has the request finds
the shop by ``pid_of``, reads with ``read_payment``, ``read_act`` or ``read_call``, and answers with what is made below.
A shop's addresses are a stranger's: whoever calls them does it as webhooks are called. ``Refusal`` is answered with
``refused``; its words are epay's own, for shops' plugins look for them.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from kameng.channels import keys
from kameng.channels.amounts import decimal_of, minor_of, shortest_of
from kameng.channels.epay import wire
from kameng.channels.epay.signing import is_md5_signed, is_rsa_signed, md5_sign, rsa_sign
from kameng.channels.epay.v2 import is_young
from kameng.channels.model import Method, Shown
from kameng.channels.times import china_text
from kameng.kit import clock

ACTS = ("query", "order", "orders", "settle", "refund")
CALLS = ("query", "refund", "refundquery", "close", "orders")
NOTIFY_AFTER_S = (0, 60, 180, 1200, 3600, 7200)
"""When a shop is told, again and again, until it says that it heard."""
LINES_MAX = 50

_ORDER_NO = re.compile(r"[a-zA-Z0-9._\-|]{1,150}")
_MONEY = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,2})?")
_URL_MAX = 512


class Shop(msgspec.Struct, frozen=True):
    """Who may ask. ``public_key`` is the shop's own, in PEM or bare base64; without one it speaks version 1 only."""

    pid: str
    md5_key: str
    public_key: str = ""
    is_rsa_only: bool = False

    def __repr__(self) -> str:
        return f"Shop(pid={self.pid!r})"


class Refusal(Exception):
    """What a shop is told instead: epay's code and words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Wished(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that a shop wishes for. ``type`` is empty if its customer shall choose."""

    version: int
    pid: str
    out_trade_no: str
    type: str
    name: str
    money_minor: int
    notify_url: str
    return_url: str = ""
    param: str = ""
    client_ip: str = ""
    device: str = "pc"
    method: str = ""
    auth_code: str = ""
    sub_openid: str = ""
    sub_appid: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop asks besides: about itself, its orders, a refund."""

    version: int
    pid: str
    what: str
    trade_no: str = ""
    out_trade_no: str = ""
    refund_no: str = ""
    out_refund_no: str = ""
    money_minor: int = 0
    limit: int = 10
    offset: int = 0
    status: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a shop is told of it. ``status``: 0 unpaid, 1 paid, 2 refunded."""

    pid: str
    trade_no: str
    out_trade_no: str
    type: str
    name: str
    money_minor: int
    status: int
    added_at: datetime
    ended_at: datetime | None = None
    param: str = ""
    api_trade_no: str = ""
    buyer: str = ""
    client_ip: str = ""
    refunded_minor: int = 0


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What left a member's wallet for its own account, or will. ``type``: 1 Alipay, 4 a bank's account; ``status``: 0
    asked for, 1 done, 2 under way, 3 it did not come about, and ``result`` says why. The payee is masked."""

    settle_no: str
    pid: str
    type: int
    account: str
    username: str
    money_minor: int
    real_minor: int
    added_at: datetime
    ended_at: datetime | None = None
    status: int = 0
    result: str = ""


def type_of(method: Method) -> str:
    """What epay calls it."""
    return wire.TYPES.get(method, "")


def methods_of(name: str) -> tuple[Method, ...]:
    """What a type may be paid with; nothing for one that nobody knows."""
    return tuple(method for method, known in wire.TYPES.items() if known == name)


def pid_of(fields: Mapping[str, str]) -> str:
    """Whose request it says it is."""
    if not fields.get("pid"):
        raise Refusal(-4, "未传入任何参数")
    return fields["pid"]


def read_payment(fields: Mapping[str, str], shop: Shop, *, version: int, is_page: bool) -> Wished:
    """A creation, verified: by a browser (``is_page``), or from the shop's server."""
    _verify(fields, shop, version=version)
    needed = ["out_trade_no", "notify_url", "name", "money"]
    needed += ["return_url"] if is_page else ["clientip"]
    needed += [] if is_page or fields.get("method") == "scan" else ["type"]
    for name in needed:
        if not fields.get(name, "").strip():
            raise Refusal(-1, f"{_CALLED[name]}({name})不能为空")
    if not _ORDER_NO.fullmatch(fields["out_trade_no"]):
        raise Refusal(-1, "订单号(out_trade_no)格式不正确")
    if fields.get("method") == "scan" and not fields.get("auth_code"):
        raise Refusal(-1, "付款码支付时授权码(auth_code)不能为空")
    for name in ("notify_url", "return_url"):
        if fields.get(name) and not _is_address(fields[name]):
            raise Refusal(-1, f"{_CALLED[name]}({name})格式不正确")
    return Wished(
        version=version, pid=shop.pid, out_trade_no=fields["out_trade_no"], type=fields.get("type", ""),
        name=wire.cut(fields["name"]), money_minor=_money(fields["money"]), notify_url=fields["notify_url"],
        return_url=fields.get("return_url", ""), param=fields.get("param", ""), client_ip=fields.get("clientip", ""),
        device=fields.get("device") or "pc", method=fields.get("method", ""), auth_code=fields.get("auth_code", ""),
        sub_openid=fields.get("sub_openid", ""), sub_appid=fields.get("sub_appid", ""),
    )  # fmt: skip


def read_act(fields: Mapping[str, str], shop: Shop, act: str) -> Asked:
    """``api.php?act=``: version 1 shows its key instead of signing."""
    if act not in ACTS:
        raise Refusal(-5, "No Act!")
    if shop.is_rsa_only:
        raise Refusal(-3, "该商户只能使用RSA签名类型")
    if not hmac.compare_digest(fields.get("key", "").encode(), shop.md5_key.encode()):
        raise Refusal(-3, "商户密钥错误")
    return _asked(fields, shop, act, version=1)


def read_call(fields: Mapping[str, str], shop: Shop, name: str) -> Asked:
    """``api/pay/…`` of version 2, besides creating."""
    if name not in CALLS:
        raise Refusal(-5, "接口方法不存在")
    _verify(fields, shop, version=2)
    return _asked(fields, shop, name, version=2)


def _asked(fields: Mapping[str, str], shop: Shop, what: str, *, version: int) -> Asked:
    is_of_order = what in ("order", "refund", "close") or (version == 2 and what == "query")
    if is_of_order and not fields.get("trade_no") and not fields.get("out_trade_no"):
        raise Refusal(-4 if version == 1 else -1, "订单号不能为空")
    if what == "refundquery" and not fields.get("refund_no") and not fields.get("out_refund_no"):
        raise Refusal(-1, "商户退款单号不能为空")
    return Asked(
        version=version, pid=shop.pid, what=what, trade_no=fields.get("trade_no", ""),
        out_trade_no=fields.get("out_trade_no", ""), refund_no=fields.get("refund_no", ""),
        out_refund_no=fields.get("out_refund_no", ""), status=fields.get("status", ""),
        money_minor=_money(fields.get("money", "").strip()) if what == "refund" else 0,
        limit=min(_number(fields.get("limit"), 10), LINES_MAX), offset=_number(fields.get("offset"), 0),
    )  # fmt: skip


_CALLED = {
    "out_trade_no": "订单号", "notify_url": "通知地址", "return_url": "回调地址", "name": "商品名称", "money": "金额",
    "clientip": "用户IP地址", "type": "支付方式",
}  # fmt: skip


def _verify(fields: Mapping[str, str], shop: Shop, *, version: int) -> None:
    """As epay does: what ``sign_type`` says, but version 2 wants a fresh stamp, and some shops want RSA."""
    kind = fields.get("sign_type") or "MD5"
    if shop.is_rsa_only and kind != "RSA":
        raise Refusal(-3, "该商户只能使用RSA签名类型")
    if version == 2 and not is_young(fields.get("timestamp", "")):
        raise Refusal(-3, "时间戳字段不正确，请检查服务器时间")
    if not fields.get("sign"):
        raise Refusal(-3, "缺少签名参数")
    if kind == "RSA":
        is_good = bool(shop.public_key) and is_rsa_signed(fields, public_key_of(shop))
    else:
        is_good = kind == "MD5" and is_md5_signed(fields, shop.md5_key)
    if not is_good:
        raise Refusal(-3, f"{kind[:8]}签名校验失败")


def public_key_of(shop: Shop) -> RSAPublicKey:
    try:
        return keys.public_key({"public_key": shop.public_key}, "public_key")
    except ValueError:
        raise Refusal(-3, "签名校验失败，商户公钥错误") from None


def _money(text: str) -> int:
    amount_minor = minor_of(text) if _MONEY.fullmatch(text) else None
    if not amount_minor:
        raise Refusal(-1, "金额不合法")
    return amount_minor


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else otherwise


def _is_address(text: str) -> bool:
    return text.startswith(("https://", "http://")) and len(text) <= _URL_MAX and not re.search(r"[\s<>\"]", text)


def refused(refusal: Refusal) -> bytes:
    return _json({"code": refusal.code, "msg": refusal.message})


def begun(version: int, trade_no: str, shown: Shown, *, platform: RSAPrivateKey | None = None) -> bytes:
    """The answer to a creation from the shop's server."""
    if version == 1:
        name = {"qr": "qrcode", "redirect": "payurl"}.get(shown.kind, "payurl")
        return _json({"code": 1, "trade_no": trade_no, name: shown.text})
    name = {"qr": "qrcode", "redirect": "jump", "jsapi": "jsapi", "scan": "scan"}.get(shown.kind, "jump")
    return _signed({"code": 0, "trade_no": trade_no, "pay_type": name, "pay_info": shown.text}, platform)


def order_told(version: int, order: Order, *, platform: RSAPrivateKey | None = None) -> bytes:
    if version == 1:
        return _json({"code": 1, "msg": "succ", **_order(order), "status": order.status})
    facts = {**_order(order), "clientip": order.client_ip, "refundmoney": _refunded(order)}
    filled = {name: value for name, value in facts.items() if value}
    return _signed({"code": 0, **filled, "status": order.status}, platform)


def orders_told(orders: Sequence[Order], *, version: int = 1, platform: RSAPrivateKey | None = None) -> bytes:
    """A page of the list. A list is in no signature: version 2 signs what stands beside it."""
    data = [{**_order(order), "status": order.status} for order in orders]
    facts = {"msg": "查询订单记录成功！", "count": len(data), "data": data}
    return _json({"code": 1, **facts}) if version == 1 else _signed({"code": 0, **facts}, platform)


def settlements_told(settlements: Sequence[Settlement]) -> bytes:
    """Version 1's ``act=settle``: epay hands its table's rows on, so these are its columns."""
    data = [
        {
            "id": one.settle_no, "uid": one.pid, "batch": "", "auto": 0, "type": one.type, "account": one.account,
            "username": one.username, "money": decimal_of(one.money_minor), "realmoney": decimal_of(one.real_minor),
            "addtime": _time(one.added_at), "endtime": _time(one.ended_at), "status": one.status, "result": one.result,
        }
        for one in settlements
    ]  # fmt: skip
    return _json({"code": 1, "msg": "查询结算记录成功！", "data": data})


def account_told(
    shop: Shop, *, money_minor: int, orders: int, orders_today: int, orders_lastday: int, is_active: bool = True
) -> bytes:
    """Version 1's ``act=query``. epay shows the key again here; Kameng doesn't."""
    return _json({
        "code": 1, "pid": shop.pid, "active": int(is_active), "money": decimal_of(money_minor), "orders": orders,
        "orders_today": orders_today, "orders_lastday": orders_lastday,
    })  # fmt: skip


def refund_told(
    version: int, order: Order, *, refund_no: str, out_refund_no: str, money_minor: int, status: int | None = None,
    platform: RSAPrivateKey | None = None,
) -> bytes:  # fmt: skip
    """The answer to a refund; with ``status`` (1 done, 0 under way) to the question about one. Success is 0 in both
    versions here."""
    facts: dict[str, object] = {
        "code": 0, "refund_no": refund_no, "out_refund_no": out_refund_no, "trade_no": order.trade_no,
        "out_trade_no": order.out_trade_no, "uid": order.pid, "money": decimal_of(money_minor),
    }  # fmt: skip
    facts |= {"msg": f"退款成功！退款金额¥{decimal_of(money_minor)}"} if status is None else {"status": status}
    return _json(facts) if version == 1 else _signed(facts, platform)


def closed_told(order: Order, *, platform: RSAPrivateKey | None) -> bytes:
    return _signed({"code": 0, "msg": "关闭订单成功", "trade_no": order.trade_no}, platform)


def notice(order: Order, url: str, *, version: int, shop: Shop, platform: RSAPrivateKey | None = None) -> str:
    """The address to GET (or, with the shop's return address, to lead the customer to): made anew for each try."""
    fields = {
        "pid": order.pid, "trade_no": order.trade_no, "out_trade_no": order.out_trade_no, "type": order.type,
        "name": order.name, "money": shortest_of(order.money_minor), "trade_status": "TRADE_SUCCESS",
        "param": order.param,
    }  # fmt: skip
    if version == 2:
        fields |= {"api_trade_no": order.api_trade_no, "buyer": order.buyer}
        fields |= {"timestamp": str(clock.now_ms() // 1000)}
    filled = {name: value for name, value in fields.items() if value}
    if version == 1:
        filled |= {"sign": md5_sign(filled, shop.md5_key), "sign_type": "MD5"}
    else:
        assert platform is not None, "version 2 signs with the platform's key"
        filled |= {"sign": rsa_sign(filled, platform), "sign_type": "RSA"}
    return f"{url}{'&' if '?' in url else '?'}{urlencode(filled)}"


def is_heard(status: int, body: bytes) -> bool:
    """Whether the shop took the notice: epay looks for the word anywhere."""
    return status == 200 and b"success" in body.lower()


def _order(order: Order) -> dict[str, object]:
    return {
        "trade_no": order.trade_no, "out_trade_no": order.out_trade_no, "api_trade_no": order.api_trade_no,
        "type": order.type, "pid": order.pid, "addtime": _time(order.added_at), "endtime": _time(order.ended_at),
        "name": order.name, "money": decimal_of(order.money_minor), "param": order.param, "buyer": order.buyer,
    }  # fmt: skip


def _refunded(order: Order) -> str:
    return decimal_of(order.refunded_minor) if order.refunded_minor else ""


def _time(at: datetime | None) -> str:
    return "" if at is None else china_text(at)


def _signed(facts: dict[str, object], platform: RSAPrivateKey | None) -> bytes:
    assert platform is not None, "version 2 answers with the platform's signature"
    stamped = {**facts, "timestamp": str(clock.now_ms() // 1000), "sign_type": "RSA"}
    return _json({**stamped, "sign": rsa_sign(stamped, platform)})


def _json(facts: Mapping[str, object]) -> bytes:
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
