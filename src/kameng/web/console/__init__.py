"""Pages of the platform's operators."""

from kameng.web.navigation import Face, Item
from kameng.web.wording import N_

FACE = Face(
    "platform", "/console", N_("Console"), "gauge",
    (
        Item("/console", N_("Today"), "gauge", key="h"),
        Item("/console/search", N_("Search"), "search", key="s"),
        Item("/console/orders", N_("Orders"), "receipt", group=N_("Orders and risk"), key="o"),
        Item("/console/held", N_("Held for review"), "shield", "orders", N_("Orders and risk"), key="v"),
        Item("/console/tasks", N_("Work by hand"), "list", "tasks", N_("Orders and risk"), key="t"),
        Item("/console/risk", N_("Risk lists and rules"), "flag", "risk", N_("Orders and risk"), key="r"),
        Item("/console/wallets", N_("Wallets"), "wallet", "money.view", N_("Money"), key="w"),
        Item("/console/adjustments", N_("Adjustments"), "swap", "money.view", N_("Money"), key="a"),
        Item("/console/withdrawals", N_("Withdrawals"), "out", "money.view", N_("Money"), key="p"),
        Item("/console/escrow", N_("Escrow money"), "lock", "money.view", N_("Money"), key="7"),
        Item("/console/bonuses", N_("Recharge bonuses"), "gift", "money.view", N_("Money"), key="8"),
        Item("/console/payments", N_("Payments"), "card", "money.view", N_("Channels and payments"), key="5"),
        Item(
            "/console/refunds", N_("Refunds to origin"), "history", "money.view", N_("Channels and payments"), key="6",
        ),
        Item("/console/channels", N_("Payment channels"), "plug", "money.view", N_("Channels and payments"), key="2"),
        Item("/console/routing", N_("Smart routing"), "flow", "money.view", N_("Channels and payments"), key="3"),
        Item("/console/epay", N_("Epay accounts"), "globe", "money.view", N_("Channels and payments"), key="4"),
        Item(
            "/console/licences", N_("Channels' licences"), "file", "money.view", N_("Channels and payments"), key="9",
        ),
        Item(
            "/console/reconciliation", N_("Reconciliation"), "book", "money.view", N_("Channels and payments"), key="1",
        ),
        Item("/console/goods", N_("Goods"), "tag", group=N_("Goods"), key="g"),
        Item("/console/prices", N_("Bulk prices"), "sort", "prices", N_("Goods"), key="b"),
        Item("/console/forms", N_("Order forms"), "edit", "goods", N_("Goods"), key="f"),
        Item("/console/stock", N_("Stock"), "box", group=N_("Goods"), key="k"),
        Item("/console/offers", N_("Suppliers' offers"), "swap", "goods", N_("Goods"), key="u"),
        Item("/console/domains", N_("Shops' domains"), "globe", "shop", N_("Shops and reviews"), key="q"),
        Item("/console/reviews", N_("Reviews to judge"), "star", "shop", N_("Shops and reviews"), key="y"),
        Item("/console/organisations", N_("Organisations"), "users", group=N_("Members"), key="m"),
        Item("/console/agents", N_("Agents"), "tree", group=N_("Members"), key="e"),
        Item("/console/documents", N_("Documents"), "file", "documents", N_("Members"), key="d"),
        Item("/console/announcements", N_("Announcements"), "megaphone", "system", N_("System"), key="n"),
        Item("/console/jobs", N_("Jobs"), "flow", "system", N_("System"), key="j"),
        Item("/console/webhooks", N_("Webhooks"), "hook", "system", N_("System"), key="c"),
        Item("/console/audit", N_("Audit log"), "history", "audit", N_("System"), key="l"),
        Item("/console/switches", N_("Feature switches"), "switch", "system", N_("System"), key="x"),
        Item("/console/live", N_("Live numbers"), "chart", "system", N_("System"), key="i"),
        Item("/console/settings", N_("Settings"), "cog", "system", N_("System"), key="z"),
    ),
)  # fmt: skip
