"""What a provider is to the simulator's ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web

from kameng.sim.pay.books import Payment, Refund
from kameng.sim.pay.faults import Fault


@dataclass(frozen=True)
class Telling:
    """A notice as it goes out."""

    url: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True)
class Merchant:
    """What a merchant of the provider would be given: the credentials of an account of ``kameng.channels``."""

    provider: str
    name: str
    protocol: str
    credentials: Mapping[str, str]


class Provider(Protocol):
    """One payment provider: its wire, from its own point of view."""

    name: str
    zh: str
    look: str  # the pay page's: wechat, alipay, unionpay, plain
    schedule_s: Sequence[float]
    """How long it waits before each sending of a notice, the first included; then it gives up."""

    def merchants(self) -> Sequence[Merchant]: ...

    def routes(self) -> Sequence[web.RouteDef]: ...

    def tell_payment(self, payment: Payment, flaw: Fault | None) -> Telling:
        """The notice of a payment; ``flaw`` is what must be wrong with it."""
        ...

    def tell_refund(self, payment: Payment, refund: Refund, flaw: Fault | None) -> Telling | None:
        """The notice of a refund, if this provider sends any."""
        ...

    def is_taken(self, status: int, body: bytes) -> bool:
        """Whether the merchant's answer is the acknowledgement that it wants."""
        ...

    def refusal(self, call: str, fault: Fault) -> web.Response:
        """``fault.code`` in the provider's own words."""
        ...

    def facts(self, payment: Payment) -> Mapping[str, Any]:
        """What is shown of a payment besides what all have, under ``/_sim/payments``."""
        ...
