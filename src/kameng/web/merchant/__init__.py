"""Pages of the merchants."""

from kameng.web.merchant.shop_items import SHOP_ITEMS
from kameng.web.navigation import Face, Item
from kameng.web.wording import N_

FACE = Face(
    "merchant", "/merchant", N_("Merchant"), "store",
    (
        Item("/merchant", N_("Today"), "gauge", key="h"),
        Item("/merchant/buy", N_("Quick order"), "bolt", act="buy", group=N_("Buying"), key="b"),
        Item("/merchant/many", N_("Many numbers"), "list", act="buy", group=N_("Buying"), key="m"),
        Item("/merchant/prices", N_("Price list"), "tag", group=N_("Buying"), key="p"),
        Item("/merchant/cart", N_("Cart"), "cart", act="buy", group=N_("Buying")),
        Item("/merchant/orders", N_("Orders"), "receipt", group=N_("Buying"), key="o"),
        Item("/merchant/wallet", N_("Wallet"), "wallet", act="money.view", group=N_("Money"), key="w"),
        Item("/merchant/withdrawals", N_("Withdrawals"), "upload", act="money.view", group=N_("Money")),
        Item("/merchant/statements", N_("Statements"), "chart", act="money.view", group=N_("Money"), key="s"),
        Item("/merchant/epay", N_("Epay for your shops"), "plug", act="money.view", group=N_("Money")),
        Item("/merchant/keys", N_("API keys"), "key", act="keys", group=N_("Open API"), key="k"),
        Item("/merchant/playground", N_("Playground"), "play", group=N_("Open API")),
        Item("/merchant/webhooks", N_("Webhooks"), "hook", act="webhooks", group=N_("Open API")),
        *SHOP_ITEMS,
        Item("/me/staff", N_("Staff and roles"), "users", act="staff", group=N_("Organisation")),
    ),
)  # fmt: skip
