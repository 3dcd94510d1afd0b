"""Deciding a batch: pure. What was read under the gate and what is wished go in, decisions come out.

The working copies in ``View`` move forward wish by wish, so the second wish of a batch sees what the first took.
The property tests, the model checks and the replay tool run exactly this.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from kameng.catalogue import FROM_STOCK, Sku
from kameng.kit import money
from kameng.ledger import InsufficientBalance, LedgerRefused, NewTransfer, Result
from kameng.orders.bundling import Packed, pack, pieces_of, play_parts, short_of, waiting_parts
from kameng.orders.errors import CardTaken, GroupRefused, ShopPaused, SoldOut
from kameng.orders.judging import Asked, View, judge, wants_review
from kameng.orders.model import (
    PLACED_DELIVERED,
    PLACED_FULFILLING,
    PLACED_HELD,
    Decision,
    Known,
    NewOrder,
    OrderPart,
    Placed,
    Refused,
    Short,
    ShownCard,
    Wish,
)  # fmt: skip
from kameng.orders.settling import INCOME
from kameng.orders.splitting import Split, booked, legs, split_of
from kameng.pricing import Quote
from kameng.risk import RiskRefused
from kameng.stock import ShelfCard

# Members of an enum are looked up by Python code before 3.12; this one is needed for every order.
_CREATED = Result.created


def decide(view: View, asked: Sequence[Asked]) -> list[Decision]:
    """One decision for each, in order. Wishes of one group stand or fall together."""
    decisions: list[Decision] = []
    index = 0
    while index < len(asked):
        group = asked[index].wish.group
        if not group:
            decisions.append(_decide_one(view, asked[index]))
            index += 1
            continue
        end = index
        while end < len(asked) and asked[end].wish.group == group:
            end += 1
        decisions += _decide_group(view, asked[index:end])
        index = end
    return decisions


def _decide_one(view: View, asked: Asked) -> Decision:
    decision = judge(view, asked)
    if decision is not None:
        return decision
    assert asked.sku is not None  # else it was not on sale
    assert asked.quote is not None
    return _take(view, asked, asked.sku, asked.quote)


def _take(view: View, asked: Asked, sku: Sku, quote: Quote) -> Decision:
    """Goods and money: both or neither."""
    wish = asked.wish
    organisation = wish.organisation
    if (asked.needs_review or asked.lane_claims) and wants_review(view, asked):
        return _hold(view, asked, sku, quote)
    from_shelf = sku.kind in FROM_STOCK and organisation.sandbox_of is None
    cards: list[ShelfCard] = []
    parts: tuple[OrderPart, ...] = ()
    total_e4 = quote.unit_price_e4 * wish.quantity
    if sku.parts:
        packed = _pack(view, asked, sku, total_e4)
        if not isinstance(packed, Packed):
            return packed
        parts, cards = packed.parts, packed.cards
    elif from_shelf:
        found = _cards(view, wish)
        if found is None:
            return _not_there(asked)
        cards = found
    delivered = sku.at_once if parts else sku.kind in FROM_STOCK
    order_id = next(view.order_ids)
    confirm_days = 0
    if delivered:
        confirm_days = view.confirm_days if sku.confirm_days is None else sku.confirm_days
    at_rest = delivered and not confirm_days
    income = INCOME[at_rest, organisation.currency]
    split = _split(asked, quote) if quote.agents else None
    result = (
        view.books.post(NewTransfer(order_id, organisation.org_id, income, total_e4, "sale", order_id))
        if split is None and asked.spender is None
        else _pay(view, asked, split, order_id=order_id, income=income, total_e4=total_e4)
    )
    if result is not _CREATED:
        if cards:
            view.shelf.put_back(cards)
        return _not_paid(view, asked, result)
    if split is not None and at_rest:
        _book_margins(view, split, order_id=order_id, income=income)
    view.counters.take(asked.lane_claims)
    view.refs[wish.ref_key] = (wish.digest, order_id)
    order = NewOrder(
        order_id, wish, sku.revision, quote.unit_price_e4, total_e4, sku.cost_e4 * wish.quantity,
        PLACED_DELIVERED if delivered else PLACED_FULFILLING, quote.trace, tuple([card.card_id for card in cards]),
        confirm_days, split, sku.kind, parts,
    )  # fmt: skip
    if cards:
        return Placed(order, tuple([ShownCard(card.text, card.expires_on, card.card_id) for card in cards]))
    return Placed(order, _played(order) if organisation.sandbox_of is not None else ())


def _pack(view: View, asked: Asked, sku: Sku, total_e4: int) -> Packed | Short | Refused:
    """All that a bundle is made of, as far as it comes from the shelf."""
    wish = asked.wish
    packed = pack(sku, wish.quantity, total_e4, shelf=view.shelf if wish.organisation.sandbox_of is None else None)
    if isinstance(packed, Short) and (not asked.may_steal or packed.sku_id in asked.exhausted):
        return Refused(SoldOut, field="sku")
    return packed


def _played(order: NewOrder) -> tuple[ShownCard, ...]:
    """What a sandbox's order comes with."""
    if order.parts:
        return play_parts(order.parts, partial(play_cards, order.order_id, is_link=False))[1]
    if order.state is not PLACED_DELIVERED:
        return ()
    return play_cards(order.order_id, order.wish.quantity, is_link=order.kind == "link")


def _cards(view: View, wish: Wish) -> list[ShelfCard] | None:
    """Those that are given by their last day, or the one that was chosen."""
    if wish.pick is None:
        return view.shelf.take(wish.sku_id, wish.quantity)
    card = view.shelf.take_displayed(wish.pick.card_id)
    return None if card is None else [card]


def _not_there(asked: Asked) -> Short | Refused:
    wish = asked.wish
    if wish.pick is not None:
        return Refused(CardTaken, field="card")
    return Short(wish.sku_id, wish.quantity) if asked.may_steal else Refused(SoldOut, field="sku")


def _hold(view: View, asked: Asked, sku: Sku, quote: Quote) -> Decision:
    """Paid and held. Its goods stay on the shelf until it is released; what is sold out now is refused now."""
    wish = asked.wish
    if wish.pick is not None:
        return Refused(RiskRefused)  # the one card can't be kept for whoever may be refused it
    short = short_of(pieces_of(sku, wish.quantity), view.shelf)
    if short is not None:
        may_steal = asked.may_steal and short.sku_id not in asked.exhausted
        return short if may_steal else Refused(SoldOut, field="sku")
    order_id = next(view.order_ids)
    total_e4 = quote.unit_price_e4 * wish.quantity
    split = _split(asked, quote) if quote.agents else None
    income = INCOME[False, wish.organisation.currency]
    result = _pay(view, asked, split, order_id=order_id, income=income, total_e4=total_e4)
    if result is not _CREATED:
        return _not_paid(view, asked, result)
    view.counters.take(asked.lane_claims)
    view.refs[wish.ref_key] = (wish.digest, order_id)
    cost_e4 = sku.cost_e4 * wish.quantity
    order = NewOrder(
        order_id, wish, sku.revision, quote.unit_price_e4, total_e4, cost_e4, PLACED_HELD, quote.trace, (),
        split=split, kind=sku.kind, parts=waiting_parts(sku, wish.quantity, total_e4),
    )  # fmt: skip
    return Placed(order, ())


def _split(asked: Asked, quote: Quote) -> Split | None:
    """None in a sandbox: nobody earns play money."""
    wish = asked.wish
    if wish.organisation.sandbox_of is not None:
        return None
    spender = asked.spender
    payer_id = None if spender is None or spender.org_id == wish.organisation.org_id else spender.org_id
    return split_of(quote, wish.quantity, payer_id=payer_id)


def _pay(
    view: View, asked: Asked, split: Split | None, *, order_id: int, income: int, total_e4: int
) -> Result:
    """The sale, out of the wallet of whoever pays, which must keep its minimum balance."""
    spender = asked.spender or asked.wish.organisation
    paid_e4 = total_e4 if split is None else split.paid_e4
    wallet, keeps_e4 = view.books.accounts.get(spender.org_id), spender.minimum_balance_e4
    if wallet is not None and keeps_e4 is not None and wallet.available_e4 - paid_e4 < keeps_e4:
        return Result.exceeds_credits
    return view.books.post(NewTransfer(order_id, spender.org_id, income, paid_e4, "sale", order_id))


def _book_margins(view: View, split: Split, *, order_id: int, income: int) -> None:
    """Each agent's margin, in the sale's own transaction. Sub-accounts have no limit, so nothing can be refused; if it
    were, the whole batch would be."""
    for leg in legs(
        booked(split), order_id=order_id, income=income, sub_accounts=view.sub_accounts, fresh_ids=view.leg_ids
    ):
        result = view.books.post(leg)
        assert result is _CREATED, f"a margin was refused: {result}"


def _not_paid(view: View, asked: Asked, result: Result) -> Refused:
    if result is Result.exceeds_credits:
        return _not_covered(view, asked)
    return Refused(LedgerRefused, result, detail_zh=result.zh)


def _not_covered(view: View, asked: Asked) -> Refused:
    """Whoever pays is told what is lacking; a customer of a shop only that it does not sell this now."""
    spender = asked.spender
    if spender is None:
        return Refused(InsufficientBalance)
    if spender.org_id != asked.wish.organisation.org_id:
        return Refused(ShopPaused, field="sku")
    wallet = view.books.accounts.get(spender.org_id)
    if spender.minimum_balance_e4 is None or wallet is None:
        return Refused(InsufficientBalance)
    has, keeps = money.format_e4(wallet.available_e4), money.format_e4(spender.minimum_balance_e4)
    return Refused(
        InsufficientBalance, f"available {has}, of which {keeps} must stay", "",
        f"可用 {has}，其中最低余额 {keeps} 须保留",
    )  # fmt: skip


def play_cards(order_id: int, quantity: int, *, is_link: bool) -> tuple[ShownCard, ...]:
    """What a sandbox delivers: the same for the same order, and plainly worth nothing. Links lead to a host that is
    reserved for examples."""
    if is_link:
        links = [b"https://sandbox.example.com/play/%d-%d" % (order_id, n) for n in range(1, quantity + 1)]
        return tuple(
            ShownCard(b'{"number":"PLAY%d","secret":"%s","url":"%s"}' % (order_id, link, link), None) for link in links
        )
    return tuple(
        ShownCard(b'{"number":"PLAY%d","secret":"SANDBOX-%d-%d"}' % (order_id, order_id, n), None)
        for n in range(1, quantity + 1)
    )


def _decide_group(view: View, group: Sequence[Asked]) -> list[Decision]:
    """All placed (or standing already), or none new: refused rows say why, the others that they were held back."""
    before = _Checkpoint(view)
    decisions = [_decide_one(view, asked) for asked in group]
    if all(isinstance(decision, Placed | Known) for decision in decisions):
        return decisions
    before.restore(view)
    short = [decision for decision in decisions if isinstance(decision, Short)]
    if short and not any(isinstance(decision, Refused) for decision in decisions):
        return _needs_of_group(group, decisions)
    # An order that stood before this request still stands: its row says so, whatever became of the others.
    stood = {order_id for _, order_id in view.refs.values()}
    return [
        decision
        if isinstance(decision, Refused) or (isinstance(decision, Known) and decision.order_id in stood)
        else Refused(GroupRefused)
        for decision in decisions
    ]


def _needs_of_group(group: Sequence[Asked], decisions: Sequence[Decision]) -> list[Decision]:
    """Every wish of the group comes again after the steal, with the whole need of a SKU: its own, that of the part
    that a bundle lacks, or for what needs no card that of another."""
    needs: dict[int, int] = {}
    for asked in group:
        for sku_id, need in _pieces(asked).items():
            needs[sku_id] = needs.get(sku_id, 0) + need
    some = next(decision.sku_id for decision in decisions if isinstance(decision, Short))
    lacking = [
        decision.sku_id if isinstance(decision, Short) else next(iter(_pieces(asked)), some)
        for asked, decision in zip(group, decisions, strict=True)
    ]
    return [Short(sku_id, needs[sku_id]) for sku_id in lacking]


def _pieces(asked: Asked) -> dict[int, int]:
    """How many cards of which SKU a wish needs."""
    sku, quantity = asked.sku, asked.wish.quantity
    if sku is None or not sku.from_stock:
        return {} if sku is None else pieces_of(sku, quantity)
    return {sku.sku_id: quantity}


class _Checkpoint:
    """The view before a group, so that none of it stands if one row is refused. Nonces stay spent."""

    def __init__(self, view: View) -> None:
        self._books = view.books.checkpoint()
        self._refs = dict(view.refs)
        self._counters = view.counters.checkpoint()
        self._taken = len(view.shelf.taken)

    def restore(self, view: View) -> None:
        view.books.restore(self._books)
        view.refs = self._refs
        view.counters.restore(self._counters)
        view.shelf.put_back(view.shelf.taken[self._taken :])
