"""The other channels, each at its simulated provider: what is the same to do for all of them."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import msgspec
from providers import Providers, Till, a_payment, until

from kameng.channels import Begun, Channel, Method, Outcome, Payment, Reference, Refund, Scene, Shown
from kameng.kit import clock


class Counter(msgspec.Struct, frozen=True):
    """An account at a provider, and how a customer pays there."""

    name: str  # of the merchant, in the simulator
    provider: str
    method: Method
    scene: Scene
    currency: str = "CNY"


UNIONPAY = Counter("777290058110048", "unionpay", Method.unionpay, Scene.qr)
UNIONPAY_PAGE = Counter("777290058110048", "unionpay", Method.unionpay, Scene.page)
EPAY_V1 = Counter("1001", "epay", Method.alipay, Scene.qr)
EPAY_V1_PAGE = Counter("1001", "epay", Method.wechat, Scene.page)
EPAY_V2 = Counter("1002", "epay", Method.wechat, Scene.qr)
EPAY_V2_PAGE = Counter("1002", "epay", Method.alipay, Scene.wap)
EPUSDT = Counter("epusdt", "epusdt", Method.usdt, Scene.page)
GMPAY = Counter("gmpay", "gmpay", Method.usdt, Scene.page)
BEPUSDT = Counter("bepusdt", "bepusdt", Method.usdt, Scene.page)
STRIPE = Counter("acct_1SIM", "stripe", Method.card, Scene.page, "USD")
STRIPE_ALIPAY = Counter("acct_1SIM", "stripe", Method.alipay, Scene.page, "USD")
STRIPE_WECHAT = Counter("acct_1SIM", "stripe", Method.wechat, Scene.qr)
PAYPAL = Counter("SIMPAYPAL", "paypal", Method.paypal, Scene.page, "USD")

ALL = (
    UNIONPAY, UNIONPAY_PAGE, EPAY_V1, EPAY_V1_PAGE, EPAY_V2, EPAY_V2_PAGE, EPUSDT, GMPAY, BEPUSDT, STRIPE,
    STRIPE_ALIPAY, STRIPE_WECHAT, PAYPAL,
)  # fmt: skip
CALLED = tuple(one for one in ALL if one not in (UNIONPAY_PAGE, EPAY_V1_PAGE, EPAY_V2_PAGE))
"""Those whose beginning is a call, and no form."""
REFUNDING = tuple(one for one in CALLED if one.method is not Method.usdt)


class Desk:
    """One channel, with its customer."""

    def __init__(self, counter: Counter, providers: Providers, till: Till, channel: Channel) -> None:
        self.counter = counter
        self.providers = providers
        self.till = till
        self.channel = channel

    @classmethod
    async def open(cls, counter: Counter, providers: Providers, till: Till, **changed: str) -> Desk:
        """The till hears its notices: Stripe and PayPal are told where by an endpoint, as in their own consoles."""
        channel = till.channel = providers.open(counter.name, **changed)
        if counter.provider == "stripe":
            key = providers.credentials(counter.name)["secret_key"]
            await _post(providers, "stripe/v1/webhook_endpoints", {"authorization": f"Bearer {key}"}, till.url)
        if counter.provider == "paypal":
            given = providers.credentials(counter.name)
            basic = base64.b64encode(f"{given['client_id']}:{given['client_secret']}".encode()).decode()
            async with providers.http.post(
                f"{providers.base}/paypal/v1/oauth2/token", headers={"authorization": f"Basic {basic}"}
            ) as answer:
                token = (await answer.json())["access_token"]
            async with providers.http.post(
                f"{providers.base}/paypal/v1/notifications/webhooks", json={"url": till.url},
                headers={"authorization": f"Bearer {token}"},
            ) as answer:  # fmt: skip
                assert answer.status == 201
        return cls(counter, providers, till, channel)

    def payment(self, **changed: Any) -> Payment:
        counter = self.counter
        chosen = {
            "method": counter.method, "scene": counter.scene, "currency": counter.currency,
            "notify_url": self.till.url, "return_url": "https://shop.example/done", **changed,
        }  # fmt: skip
        return a_payment(**chosen)

    async def begun(self, **changed: Any) -> tuple[Payment, Begun]:
        """A payment that waits for its customer, who has come to the page."""
        payment = self.payment(**changed)
        begun = await self.channel.begin(payment)
        assert begun.outcome is Outcome.accepted, begun
        if begun.shown is not None:
            await self.arrive(begun.shown)
        return payment, begun

    async def arrive(self, shown: Shown) -> None:
        """As a browser does: posts the form, or goes where it is led; the page is the provider's."""
        http = self.providers.http
        form = dict(shown.fields) if shown.kind == "form" else None
        async with http.request("POST" if form else "GET", shown.text, data=form) as answer:
            assert answer.status == 200
            assert "12.34" in await answer.text()

    async def paid(self, **changed: Any) -> tuple[Payment, Begun]:
        payment, begun = await self.begun(**changed)
        await self.pay(payment)
        return payment, begun

    async def pay(self, payment: Payment) -> None:
        """The customer presses the button; where the merchant has to collect it, that is done."""
        assert await self.providers.tell("pay", payment_no=payment.payment_no, is_quiet=True) is True
        if self.counter.provider == "paypal":
            before = len(self.till.taken)
            await self.channel.query(await self.referring(payment))
            await until(lambda: len(self.till.taken) > before)  # collecting is told

    async def number(self, payment: Payment) -> str:
        return str((await self.providers.record(payment))["provider_no"])

    def reference(self, payment: Payment, provider_no: str = "") -> Reference:
        return Reference(
            payment_no=payment.payment_no, provider_no=provider_no, begun_at=payment.begun_at,
            expires_at=payment.expires_at, amount_minor=payment.amount_minor, currency=payment.currency,
            scene=payment.scene,
        )  # fmt: skip

    async def referring(self, payment: Payment) -> Reference:
        return self.reference(payment, await self.number(payment))

    async def refund(self, payment: Payment, amount_minor: int = 1234, number: str = "1", **more: Any) -> Refund:
        return Refund(
            refund_no=f"{payment.payment_no}R{number}", payment_no=payment.payment_no, amount_minor=amount_minor,
            total_minor=1234, currency=payment.currency, begun_at=payment.begun_at, asked_at=clock.now(),
            provider_no=await self.number(payment), **more,
        )  # fmt: skip


async def _post(providers: Providers, path: str, headers: dict[str, str], url: str) -> None:
    async with providers.http.post(f"{providers.base}/{path}", data={"url": url}, headers=headers) as answer:
        assert answer.status == 200


def later(payment: Payment, minutes: int) -> int:
    """The clock so long after the payment's end."""
    return int((payment.expires_at + timedelta(minutes=minutes)).timestamp() * 1000)
