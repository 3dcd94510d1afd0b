"""The handlers of these pages."""

from kameng.web.merchant import (
    board,
    buying,
    cart,
    epay,
    keys,
    many,
    orders,
    playground,
    statements,
    wallet,
    webhooks,
)
from kameng.web.merchant.shop_routes import SHOP_HANDLERS

HANDLERS = [
    board.show,
    buying.show_prices, buying.choose, buying.ask, buying.show_price, buying.buy,
    many.choose, many.ask, many.take,
    cart.show, cart.remove, cart.order,
    orders.show_list, orders.lead_on, orders.show, orders.reveal, orders.reveal_image, orders.change,
    wallet.show, wallet.set_alert, wallet.show_posting, wallet.show_recharge, wallet.begin_recharge,
    wallet.pay_recharge, wallet.choose_recharge, wallet.show_withdrawals, wallet.ask,
    wallet.take, wallet.show_withdrawal, wallet.cancel_withdrawal,
    statements.show, statements.download,
    keys.show_list, keys.ask, keys.issue, keys.show, keys.change, keys.rotate, keys.revoke, keys.look,
    playground.show,
    webhooks.show_list, webhooks.ask, webhooks.create, webhooks.show, webhooks.change, webhooks.switch,
    webhooks.rotate, webhooks.remove, webhooks.test, webhooks.replay,
    *epay.HANDLERS, *SHOP_HANDLERS,
]  # fmt: skip
