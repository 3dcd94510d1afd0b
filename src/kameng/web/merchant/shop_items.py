"""Items of the side bar for who has a shop of his own and agents below him."""

from kameng.web.navigation import Item
from kameng.web.wording import N_

_SHOP, _BELOW, _AGENT = N_("My shop"), N_("Agents below"), ("agent",)
SHOP_ITEMS = (
    Item("/merchant/shop/look", N_("Look"), "store", "shop", _SHOP, _AGENT, "l"),
    Item("/merchant/shop/notice", N_("Announcement"), "megaphone", "shop", _SHOP, _AGENT),
    Item("/merchant/shop/goods", N_("Goods on show"), "grid", "shop", _SHOP, _AGENT),
    Item("/merchant/shop/prices", N_("Markups"), "tag", "prices", _SHOP, _AGENT, "m"),
    Item("/merchant/shop/domain", N_("Domain"), "globe", "shop", _SHOP, _AGENT),
    Item("/merchant/channels", N_("Own payment channels"), "wallet", "money.view", _SHOP, _AGENT),
    Item("/merchant/shop/orders", N_("Orders of the shop"), "receipt", "view", _SHOP, _AGENT),
    Item("/merchant/shop/earnings", N_("Earnings"), "chart", "money.view", _SHOP, _AGENT),
    Item("/merchant/shop/customers", N_("Customers"), "users", "view", _SHOP, _AGENT),
    Item("/merchant/agents", N_("Agents and levels"), "tree", "agents", _BELOW, _AGENT, "a"),
    Item("/merchant/shop/bounds", N_("Price limits"), "sort", "prices", _BELOW, _AGENT),
)
