"""The handlers of an agent's shop and of the agents below him."""

from kameng.web.merchant import (
    agents,
    agents_buyer,
    own_channels,
    shop_domain,
    shop_goods,
    shop_look,
    shop_prices,
    shop_sales,
)

SHOP_HANDLERS = [
    shop_look.lead_on, shop_look.ask_look, shop_look.set_look, shop_look.open_shop, shop_look.preview_look,
    shop_look.show_trial_style, shop_look.set_logo, shop_look.remove_logo, shop_look.show_logo, shop_look.ask_notice,
    shop_look.set_notice, shop_domain.ask_domain, shop_domain.want_domain, shop_domain.drop_domain,
    shop_goods.ask_goods, shop_goods.set_goods, shop_prices.ask_prices, shop_prices.preview_prices,
    shop_prices.set_prices, shop_prices.remove_prices, shop_sales.list_orders, shop_sales.show_order,
    shop_sales.show_earnings, shop_sales.list_customers, agents.show_tree, agents.ask_agent, agents.found_agent,
    agents.list_bounds, agents.set_bound, agents_buyer.show_buyer, agents_buyer.set_level, agents_buyer.set_terms,
    agents_buyer.set_price, agents_buyer.remove_price, own_channels.list_channels, own_channels.set_rule,
    own_channels.ask_new, own_channels.add, own_channels.show, own_channels.switch, own_channels.seal,
    own_channels.try_it,
]  # fmt: skip
