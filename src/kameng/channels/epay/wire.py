"""What both versions of epay's client share: names, notices, orders as they are told, bills."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import parse_qsl

from kameng.channels.amounts import decimal_of, minor_of
from kameng.channels.model import (
    Ack,
    BadNotice,
    Bill,
    BillLine,
    BillRefused,
    Closed,
    Found,
    Incoming,
    Method,
    Notice,
    NoticeKind,
    Outcome,
    Payment,
    RefundState,
    Scene,
    Shown,
    State,
)  # fmt: skip
from kameng.channels.times import china_time
from kameng.kit import clock

TYPES: Mapping[Method, str] = {
    Method.alipay: "alipay", Method.wechat: "wxpay", Method.qqpay: "qqpay", Method.bank: "bank",
    Method.unionpay: "bank", Method.usdt: "usdt",
}  # fmt: skip
DEVICES: Mapping[Scene, str] = {Scene.wap: "mobile"}
NAME_BYTES_MAX = 127
STATES: Mapping[str, State] = {
    "0": State.waiting, "1": State.paid, "2": State.refunded, "3": State.paid, "4": State.waiting
}  # fmt: skip
"""2 is also said after a refund of a part, and 3 is paid and frozen there; 4 is authorised and not taken."""
PAGE_LINES = 50
PAGES_MAX = 2000


def paying_fields(pid: str, payment: Payment) -> dict[str, str]:
    """What both versions say of a payment, unsigned."""
    fields = {
        "pid": pid, "type": TYPES.get(payment.method, ""), "out_trade_no": payment.payment_no,
        "notify_url": payment.notify_url, "return_url": payment.return_url or payment.notify_url,
        "name": cut(payment.subject), "money": decimal_of(payment.amount_minor),
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value}


def cut(name: str) -> str:
    return name.encode()[:NAME_BYTES_MAX].decode("utf-8", "ignore")


def is_ours(payment: Payment) -> bool:
    """Whether epay can take it at all: yuan, of a kind it has a name for."""
    return payment.currency == "CNY" and payment.method in TYPES


def form(address: str, fields: Mapping[str, str]) -> Shown:
    return Shown("form", address, fields)


def read_notice(
    incoming: Incoming, pid: str, is_signed: Callable[[Mapping[str, str]], bool], *, is_young: Callable[[str], bool]
) -> Notice:
    """Pure. The fields of a notice come in its address, or in a form as some installations send them. All that stands
    in the address is signed, so the address that payments name for notices has no query of its own."""
    is_form = incoming.method == "POST" and b"sign=" in incoming.body
    raw = incoming.body.decode("utf-8", "replace") if is_form else incoming.query
    fields = dict(parse_qsl(raw, keep_blank_values=True))
    if fields.get("pid") != pid:
        raise BadNotice("another merchant's")
    if not is_signed(fields):
        raise BadNotice("the signature is wrong")
    if not is_young(fields.get("timestamp", "")):
        raise BadNotice("it is too old")
    status, trade_no = fields.get("trade_status", ""), fields.get("trade_no", "")
    amount_minor = minor_of(fields.get("money", ""))
    if status == "TRADE_SUCCESS" and amount_minor is None:
        raise BadNotice("its money is no amount")
    return Notice(
        kind=NoticeKind.payment if status == "TRADE_SUCCESS" else NoticeKind.other,
        event_id=f"{trade_no}:{status}", payment_no=fields.get("out_trade_no", ""), provider_no=trade_no,
        state=State.paid if status == "TRADE_SUCCESS" else State.unknown, amount_minor=amount_minor, currency="CNY",
        account_no=pid,
    )  # fmt: skip


def acknowledgement(*, is_taken: bool) -> Ack:
    return Ack(200, b"success") if is_taken else Ack(500, b"fail")


def found(said: Mapping[str, object], code: str, outcome: Outcome, message: str, *, payment_no: str) -> Found:
    """An order as it was told. One that is not known there waits: it is made when the customer comes to the page."""
    if outcome is Outcome.done and _text(said, "out_trade_no") not in ("", payment_no):
        return Found(outcome=Outcome.unknown, code=code, message="it told of another order")
    if outcome is not Outcome.done:
        return Found(outcome=outcome, code=code, message=message)
    if code.startswith("-"):
        return Found(outcome=outcome, state=State.waiting, code=code, message=message)
    state, amount_minor = STATES.get(_text(said, "status"), State.unknown), minor_of(_text(said, "money"))
    back_minor = minor_of(_text(said, "refundmoney"))
    if state is State.refunded and back_minor is not None and amount_minor is not None and back_minor < amount_minor:
        state = State.paid  # only a part was given back
    return Found(
        outcome=outcome, state=state, amount_minor=amount_minor, currency="CNY",
        account_no=_text(said, "pid"), provider_no=_text(said, "trade_no"),
        paid_at=china_time(_text(said, "endtime")) if state in (State.paid, State.refunded) else None,
        payer=_text(said, "buyer"), code=code, message=message,
    )  # fmt: skip


async def bill_of(day: date, pages: AsyncIterator[Sequence[object]]) -> Bill:
    """The payments of a day, out of the list of orders, newest first: epay has no file. Refunds, which it does not
    list, and fees, which it does not tell, are not in it. An order can be paid until a day after it was made."""
    lines: list[BillLine] = []
    first = datetime(day.year, day.month, day.day, tzinfo=clock.CHINA)
    async for page in pages:
        made_at: datetime | None = None
        for order in page:
            if isinstance(order, dict):
                made_at = china_time(_text(order, "addtime")) or made_at
                lines += _line(order, day)
        if made_at is not None and made_at < first - timedelta(days=1):
            break
    lines.reverse()  # within a second, which is all that it tells, the order they came in
    lines.sort(key=lambda line: line.at)
    return Bill(day=day, lines=lines, tells_fees=False, tells_refunds=False)


def _line(order: Mapping[str, object], day: date) -> list[BillLine]:
    paid_at, amount_minor = china_time(_text(order, "endtime")), minor_of(_text(order, "money"))
    status = _text(order, "status")
    if paid_at is None or amount_minor is None or status not in ("1", "2", "3"):
        return []
    if paid_at.astimezone(clock.CHINA).date() != day:
        return []
    return [BillLine(
        kind=NoticeKind.payment, payment_no=_text(order, "out_trade_no"), provider_no=_text(order, "trade_no"),
        amount_minor=amount_minor, at=paid_at, state=status,
    )]  # fmt: skip


async def pages_of(ask: Callable[[str, str], Awaitable[Sequence[object]]]) -> AsyncIterator[Sequence[object]]:
    """The list of orders, page by page: ``ask`` takes how many lines, and from which on. ``BillRefused`` where it goes
    on for ever: half a bill would make differences of the other half."""
    for page in range(PAGES_MAX):
        lines = await ask(str(PAGE_LINES), str(page * PAGE_LINES))
        yield lines
        if len(lines) < PAGE_LINES:
            return
    raise BillRefused(f"more than {PAGES_MAX * PAGE_LINES} orders, and the day not reached")


def words_of(said: Mapping[str, object]) -> tuple[str, str]:
    """The code of an answer, and its message."""
    return str(said.get("code", "")), str(said.get("msg", ""))


def refund_state(outcome: Outcome) -> RefundState:
    """After the call that asks for a refund."""
    states = {Outcome.done: RefundState.done, Outcome.refused_channel: RefundState.failed}
    return states.get(outcome, RefundState.unknown)


def settled(found: Found) -> Closed | None:
    """What is not closed any more, as it was paid, or as nobody knows; None: it may be closed."""
    if found.outcome is not Outcome.done:
        return Closed(outcome=found.outcome, code=found.code, message=found.message)
    return Closed(outcome=Outcome.paid) if found.state in (State.paid, State.refunded) else None


def _text(said: Mapping[str, object], name: str) -> str:
    value = said.get(name)
    return "" if value is None else str(value)
