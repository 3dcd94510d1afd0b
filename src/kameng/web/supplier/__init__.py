"""Pages of the suppliers."""

from kameng.web.navigation import Face, Item
from kameng.web.wording import N_

FACE = Face(
    "supplier", "/supplier", N_("Supplier"), "box",
    (
        Item("/supplier", N_("Today"), "gauge", key="h"),
        Item("/supplier/orders", N_("Orders by hand"), "list", "tasks", N_("Work"), key="o"),
        Item("/supplier/cards", N_("Load cards"), "upload", "goods", N_("Work"), key="c"),
        Item("/supplier/stock", N_("Stock"), "box", "goods", N_("Goods"), key="s"),
        Item("/supplier/goods", N_("My goods"), "tag", "view", N_("Goods"), key="g"),
        Item("/supplier/offers", N_("Offers"), "megaphone", "prices", N_("Goods"), key="f"),
        Item("/supplier/quality", N_("Quality"), "chart", "view", N_("Goods"), key="q"),
        Item("/supplier/settlements", N_("Settlements"), "receipt", "money.view", N_("Money"), key="m"),
        Item("/supplier/wallet", N_("Wallet"), "wallet", "money.view", N_("Money"), key="w"),
        Item("/supplier/withdrawals", N_("Withdrawals"), "upload", "money.view", N_("Money")),
        Item("/supplier/documents", N_("Documents"), "shield", "documents", N_("Company"), key="d"),
    ),
)  # fmt: skip
