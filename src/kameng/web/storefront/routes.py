"""The shop's handlers."""

from kameng.web.storefront import (
    account,
    browsing,
    cards,
    checkout,
    flash,
    guests,
    helping,
    home,
    look,
    orders,
    paying,
    product,
    reviews,
    topup,
    wallet,
)

HANDLERS = [
    home.show, look.show_style, look.show_logo, browsing.show, browsing.suggest, product.show, topup.ask,
    topup.look, checkout.ask, checkout.order,
    guests.ask, guests.find, guests.show, guests.part, guests.cancel, orders.list_mine, orders.show, orders.part,
    orders.reveal, orders.download, orders.act, cards.show, cards.mark, wallet.show, wallet.recharge,
    wallet.begin_recharge, wallet.pay_recharge, wallet.choose_recharge, paying.show, paying.choose,
    wallet.show_posting, wallet.show_withdrawals, wallet.ask, wallet.take, wallet.show_withdrawal,
    wallet.cancel_withdrawal, account.show, account.rename, account.subscribe,
    account.unsubscribe,
    reviews.write, reviews.read, reviews.answer, flash.show, helping.list_topics, helping.show, helping.notices,
]  # fmt: skip
