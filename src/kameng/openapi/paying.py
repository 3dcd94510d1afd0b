"""The door of paying: ``POST /api/v1/orders/{order_id}/payments`` as bytes, as orders come in (``intake``).

The framework's part of such a request was a tenth of the processor's time that a begin takes.
"""

from __future__ import annotations

import re

import msgspec

from kameng import payments
from kameng.identity import Caller, Nonce
from kameng.kit import metrics
from kameng.kit.errors import Refusal
from kameng.openapi.auth import Authenticator
from kameng.openapi.headers import Headers
from kameng.openapi.intake import Reply, SignedDoor
from kameng.openapi.v1.arriving import BODY_MAX
from kameng.openapi.v1.payments import PAY, begin, view

PATH = re.compile(rb"/api/v1/orders/([^/?%]+)/payments")
_encoder = msgspec.json.Encoder()


class Paying(SignedDoor):
    """Payments of orders."""

    label = PAY

    def __init__(
        self, cashier: payments.Cashier, authenticator: Authenticator, *, timeout_s: float, headers: Headers
    ) -> None:
        super().__init__(authenticator, body_max=BODY_MAX, timeout_s=timeout_s, headers=headers)
        self._cashier = cashier

    async def _act(self, caller: Caller, nonce: Nonce | None, route: str, body: bytes) -> Reply:
        begun = await begin(self._cashier, caller, nonce, route.split("/")[4], body)
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        return Reply(200, headers, _encoder.encode(view(begun.payment)))

    def _saw(self, refusal: Refusal) -> None:
        metrics.refusals.labels(refusal.code).inc()


def is_paying(path: bytes) -> bool:
    """Whether a request for this path, without a query, is this door's."""
    return path.endswith(b"/payments") and PATH.fullmatch(path) is not None
