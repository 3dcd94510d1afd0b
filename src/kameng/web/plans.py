"""Every plan of lists, face by face."""

from __future__ import annotations

from kameng.web.console.payment_plans import PLANS as CONSOLE
from kameng.web.merchant.order_plans import PLANS as MERCHANT
from kameng.web.planning import ListPlan

PLANS: dict[str, ListPlan] = {one.plan.name: one for one in (*MERCHANT, *CONSOLE)}
