"""Who a customer is to a provider, inside that provider's own app: an account of ours that can ask for it, asked.

The answer is good for payments through that account alone: another one's app knows him by another name.
"""

from __future__ import annotations

from kameng import routing
from kameng.channels import Method, Scene, SignIn
from kameng.identity import Organisation
from kameng.kit import clock
from kameng.kit.money import MINOR_E4
from kameng.payments.cashier import Cashier
from kameng.payments.owning import owners


async def sign_in_for(
    cashier: Cashier, organisation: Organisation, amount_e4: int, method: Method, *, agent_id: int = 0, region: str = ""
) -> tuple[int, SignIn] | None:
    """A channel that could take this inside its provider's app, and asks who the customer is; None: there is none.
    ``agent_id``: in whose shop he buys; ``region``: where he is."""
    known = cashier.channels
    await known.refresh()
    request = routing.Request(
        payment_id=0, method=method.value, scene=Scene.jsapi.value, amount_minor=amount_e4 // MINOR_E4,
        currency=organisation.currency, merchant_id=organisation.org_id, device="wechat", region=region,
    )  # fmt: skip
    for owner in owners(known.own, agent_id):
        snapshot = routing.Snapshot(at_ms=clock.now_ms(), views=(), usages=known.usages(owner))
        for channel_id in routing.able(known.books[owner], request, snapshot):
            if found := await sign_in_at(cashier, channel_id):
                return channel_id, found
    return None


async def sign_in_at(cashier: Cashier, channel_id: int) -> SignIn | None:
    adapter = await cashier.channels.adapter(channel_id)
    return getattr(adapter, "sign_in", None)
