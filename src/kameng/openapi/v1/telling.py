"""How subjects are shown to whoever is told of them: an order as ``GET /api/v1/orders/{order_id}`` shows it, a recharge
as ``GET /api/v1/recharges/{recharge_id}`` does. A collection is told by its event alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kameng import identity, notices, orders, payments
from kameng.kit.db import Connection
from kameng.openapi.v1.orders import view
from kameng.openapi.v1.payments import recharge_view


def subject_states() -> notices.States:
    """For the dispatcher and the feed; one for a process, since it remembers who pays with what."""
    return notices.States({"order": _Orders().show, "recharge": _recharges})


async def _recharges(
    connection: Connection, lane: int, events: Sequence[notices.Event]
) -> dict[int, dict[str, Any]]:
    found = await payments.read_recharges(connection, lane, [event.subject_id for event in events])
    return {number: msgspec.to_builtins(recharge_view(one, attempts)) for number, (one, attempts) in found.items()}


class _Orders:
    def __init__(self) -> None:
        self._currencies: dict[int, str] = {}  # of an organisation, for ever

    async def show(
        self, connection: Connection, lane: int, events: Sequence[notices.Event]
    ) -> dict[int, dict[str, Any]]:
        org_ids = {event.org_id for event in events}
        if unknown := [org_id for org_id in org_ids if org_id not in self._currencies]:
            found = await identity.read_organisations(connection, lane, unknown)
            self._currencies.update({organisation.org_id: organisation.currency for organisation in found})
        currencies = {org_id: self._currencies[org_id] for org_id in org_ids if org_id in self._currencies}
        order_ids = list({event.subject_id for event in events})
        shown = await orders.present(connection, lane, order_ids, currencies=currencies)
        return {order_id: msgspec.to_builtins(view(order)) for order_id, order in shown.items()}
