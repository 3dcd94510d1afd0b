"""The page that a person pays on: as wide as a phone, no account needed; confirm or cancel, and back to the shop."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

from aiohttp import web

from kameng.sim.pay import books
from kameng.sim.pay.books import Payment
from kameng.sim.pay.ground import Ground

_HERE = Path(__file__).parent
_PAGE = Template((_HERE / "pay.html").read_text("utf-8"))
_SHEET = (_HERE / "pay.css").read_bytes()
_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_SAID = {
    books.PAID: ("支付成功", "商家会收到通知，可以关闭本页。"),
    books.CLOSED: ("订单已关闭", "这笔订单不能再支付，请回到商家重新下单。"),
}


class Pages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/pay.css", self._sheet), web.get("/pay/{number}", self._show),
            web.post("/pay/{number}", self._press), web.get("/pay/{number}/back", self._back),
        ]  # fmt: skip

    async def _sheet(self, _: web.Request) -> web.Response:
        return web.Response(body=_SHEET, content_type="text/css", charset="utf-8")

    async def _show(self, request: web.Request) -> web.Response:
        return self._page(self._payment(request))

    async def _press(self, request: web.Request) -> web.Response:
        payment = self._payment(request)
        pressed = str((await request.post()).get("press", ""))
        if payment.state in (books.WAITING, books.PAYING):
            if pressed == "pay" and not self._ground.pay(payment):
                return self._page(payment, "余额不足，请换一种付款方式。", status=402)
            if pressed == "cancel":
                payment.state = books.WAITING
                return self._page(payment, "已取消，尚未付款。")
        raise web.HTTPSeeOther(f"/pay/{payment.number}")

    async def _back(self, request: web.Request) -> web.Response:
        """To the shop; if it gave no address, here."""
        payment = self._payment(request)
        raise web.HTTPSeeOther(payment.return_url or f"/pay/{payment.number}")

    def _payment(self, request: web.Request) -> Payment:
        payment = self._ground.books.numbered(request.match_info["number"])
        if payment is None:
            raise web.HTTPNotFound(text="没有这笔订单")
        payment.is_seen = True
        return payment

    def _page(self, payment: Payment, said: str = "", *, status: int = 200) -> web.Response:
        provider = self._ground.providers[payment.provider]
        title, more = _SAID.get(payment.state, ("确认付款", ""))
        text = _PAGE.substitute(
            look=escape(provider.look), provider=escape(provider.zh), title=title, more=escape(said or more),
            state=payment.state, shop=escape(self._ground.shop or payment.shop), subject=escape(payment.subject),
            amount=f"{payment.amount_minor / 100:,.2f}", sign="¥" if payment.currency == "CNY" else payment.currency,
            payment_no=escape(payment.payment_no), address=f"/pay/{payment.number}",
            open="" if payment.state in (books.WAITING, books.PAYING) else "hidden",
            back="" if payment.return_url and payment.state == books.PAID else "hidden",
        )  # fmt: skip
        headers = {"content-security-policy": _POLICY, "cache-control": "no-store", "referrer-policy": "no-referrer"}
        return web.Response(text=text, status=status, content_type="text/html", headers=headers)
