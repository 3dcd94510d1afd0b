"""Deciding a batch: pure. What was read under the gate and what is wished go in, decisions come out.

The working copies in ``View`` move forward wish by wish, so the second wish of a batch sees what the first took.
The property tests, the model checks and the replay tool run exactly this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from kameng.catalogue import FROM_STOCK, Sku
from kameng.identity import (
    NO_CHAIN,
    ApiKey,
    Chain,
    DailyLimitExceeded,
    KeyRevoked,
    Nonce,
    NonceUsed,
    Organisation,
    OrganisationSuspended,
)  # fmt: skip
from kameng.kit import money
from kameng.ledger import Books, InsufficientBalance, LedgerRefused, NewTransfer, Result
from kameng.orders.errors import (
    BadQuantity,
    GroupRefused,
    NotOnSale,
    ReferenceReused,
    ShopClosed,
    ShopPaused,
    SoldOut,
)  # fmt: skip
from kameng.orders.model import (
    PLACED_DELIVERED,
    PLACED_FULFILLING,
    PLACED_HELD,
    Decision,
    Known,
    NewOrder,
    Placed,
    Refused,
    Short,
    ShownCard,
    Wish,
)  # fmt: skip
from kameng.orders.rehearsing import rehearsed_refusal
from kameng.orders.settling import INCOME
from kameng.orders.splitting import Split, booked, legs, split_of
from kameng.pricing import BelowCost, PriceChanged, Quote
from kameng.risk import KEY_DAY, SPENDER_DAY, SPENDER_MONTH, Claim, Counters, RiskRefused, VelocityExceeded
from kameng.stock import Shelf, ShelfCard

# Members of an enum are looked up by Python code before 3.12; this one is needed for every order.
_CREATED = Result.created


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A wish with what is known of it now: its SKU, price and limits, and how it came here."""

    wish: Wish
    sku: Sku | None
    quote: Quote | None
    listed: str | None = None
    lane_claims: tuple[Claim, ...] = ()
    over_limit: bool = False  # a counter that crosses lanes has no place left for it
    may_steal: bool = True  # another lane was not asked yet
    nonce_spent: bool = False  # perhaps, by this very wish, in a batch before
    unsure: bool = False  # perhaps it stands already, by a commit that got no answer
    chain: Chain = NO_CHAIN  # the agents above its buyer
    spender: Organisation | None = None  # who pays, where he has limits, or does not place the order himself
    needs_review: bool = False  # by a list, or by a limit that crosses lanes


class View(msgspec.Struct):
    """What the batch read under the gate, moved forward by every decision."""

    at: datetime
    at_ms: int
    order_ids: Iterator[int]
    keys: Mapping[int, ApiKey]
    organisations: Mapping[int, Organisation]
    books: Books
    shelf: Shelf
    counters: Counters
    refs: dict[bytes, tuple[bytes, int]]
    nonces: set[bytes]
    confirm_days: int = 0
    """How long buyers may confirm what came, where the SKU does not say."""
    spent: list[Nonce] = []
    """Nonces this batch spends, of the refused wishes too."""
    sub_accounts: Mapping[int, int] = {}
    """Of the agents above some buyer, in this lane."""
    leg_ids: Iterator[int] = iter(())
    """For the transfers of their margins."""


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


def judge(view: View, asked: Asked) -> Known | Refused | None:
    """What stands already, or why it may not be placed; None for what only lacks goods and money."""
    wish = asked.wish
    standing = view.refs.get(wish.ref_key)
    stands = standing is not None and standing[0] == wish.digest
    refusal = _nonce_is_fresh(view, asked) or _caller_may(view, wish)
    # What stands by its own lost commit is its answer, whatever became of its caller since.
    if refusal is not None and not (stands and asked.unsure):
        return refusal
    if standing is not None:
        return Known(standing[1]) if stands else Refused(ReferenceReused, field="client_ref")
    sku, quote = asked.sku, asked.quote
    if sku is None or quote is None or sku.state != "on_sale":
        return Refused(NotOnSale, field="sku")
    if not asked.chain.is_open:
        return Refused(ShopClosed, field="sku")
    refusal = _quantity_fits(sku, wish) or _price_is_agreed(quote, wish) or _risk_allows(view, asked)
    if refusal is None and wish.organisation.sandbox_of is not None:
        refusal = rehearsed_refusal(wish, sku)
    return refusal


def _take(view: View, asked: Asked, sku: Sku, quote: Quote) -> Decision:
    """Goods and money: both or neither."""
    wish = asked.wish
    organisation = wish.organisation
    if (asked.needs_review or asked.lane_claims) and wants_review(view, asked):
        return _hold(view, asked, sku, quote)
    from_shelf = sku.kind in FROM_STOCK and organisation.sandbox_of is None
    cards: list[ShelfCard] = []
    if from_shelf:
        found = view.shelf.take(sku.sku_id, wish.quantity)
        if found is None:
            return Short(sku.sku_id, wish.quantity) if asked.may_steal else Refused(SoldOut, field="sku")
        cards = found
    delivered = sku.kind in FROM_STOCK
    order_id = next(view.order_ids)
    total_e4 = quote.unit_price_e4 * wish.quantity
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
        confirm_days,
        split,
    )  # fmt: skip
    if from_shelf:
        return Placed(order, tuple([ShownCard(card.text, card.expires_on) for card in cards]))
    return Placed(order, play_cards(order_id, wish.quantity) if delivered else ())


def wants_review(view: View, asked: Asked) -> bool:
    """Whether a person looks at it before its goods move. Play money needs no look. Asked before it is counted."""
    if asked.wish.organisation.sandbox_of is not None:
        return False
    return asked.needs_review or bool(asked.lane_claims and view.counters.refusal(asked.lane_claims))


def _hold(view: View, asked: Asked, sku: Sku, quote: Quote) -> Decision:
    """Paid and held. Its goods stay on the shelf until it is released; what is sold out now is refused now."""
    wish = asked.wish
    if sku.kind in FROM_STOCK and not view.shelf.has(sku.sku_id, wish.quantity):
        return Short(sku.sku_id, wish.quantity) if asked.may_steal else Refused(SoldOut, field="sku")
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
        split=split,
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


def _over_budget(asked: Asked, passed: Claim) -> Refused:
    spender = asked.spender
    if spender is None or spender.org_id != asked.wish.organisation.org_id:
        return Refused(ShopPaused, field="sku")
    budget = money.format_e4(passed.limit_e4 or 0)
    period, period_zh = ("day", "每日") if passed.rule_id == SPENDER_DAY else ("month", "每月")
    return Refused(InsufficientBalance, f"the budget of the {period} is {budget}", "", f"{period_zh}预算为 {budget}")


def play_cards(order_id: int, quantity: int) -> tuple[ShownCard, ...]:
    """What a sandbox delivers: the same for the same order, and plainly worth nothing."""
    return tuple(
        ShownCard(b'{"number":"PLAY%d","secret":"SANDBOX-%d-%d"}' % (order_id, order_id, n), None)
        for n in range(1, quantity + 1)
    )


def _nonce_is_fresh(view: View, asked: Asked) -> Refused | None:
    nonce = asked.wish.nonce
    if nonce is None:
        return None
    if nonce.nonce_hash in view.nonces:
        return None if asked.nonce_spent else Refused(NonceUsed)
    view.nonces.add(nonce.nonce_hash)
    view.spent.append(nonce)
    return None


def _caller_may(view: View, wish: Wish) -> Refused | None:
    key = view.keys.get(wish.key.key_id, wish.key)
    if not key.works_at(view.at_ms):
        return Refused(KeyRevoked)
    organisation = view.organisations.get(wish.organisation.org_id, wish.organisation)
    return None if organisation.state == "active" else Refused(OrganisationSuspended)


def _quantity_fits(sku: Sku, wish: Wish) -> Refused | None:
    if sku.allows(wish.quantity):
        return None
    return Refused(BadQuantity, sku.allowed_quantities, "quantity", sku.allowed_quantities_zh)


def _price_is_agreed(quote: Quote, wish: Wish) -> Refused | None:
    if quote.below_cost:
        return Refused(BelowCost, field="sku")
    if wish.max_price_e4 is not None and quote.unit_price_e4 > wish.max_price_e4:
        return Refused(PriceChanged, field="max_price")
    return None


def _risk_allows(view: View, asked: Asked) -> Refused | None:
    if asked.listed == "refuse":
        return Refused(RiskRefused)
    if asked.over_limit:
        return Refused(VelocityExceeded)
    passed = view.counters.refusal(asked.lane_claims) if asked.lane_claims else None
    if passed is not None and passed.outcome == "review":
        return None
    if passed is not None and passed.rule_id in (SPENDER_DAY, SPENDER_MONTH):
        return _over_budget(asked, passed)
    if passed is not None:
        return Refused(DailyLimitExceeded if passed.rule_id == KEY_DAY else VelocityExceeded)
    return None


def _decide_group(view: View, group: Sequence[Asked]) -> list[Decision]:
    """All placed (or standing already), or none new: refused rows say why, the others that they were held back."""
    before = _Checkpoint(view)
    decisions = [_decide_one(view, asked) for asked in group]
    if all(isinstance(decision, Placed | Known) for decision in decisions):
        return decisions
    before.restore(view)
    short = [decision for decision in decisions if isinstance(decision, Short)]
    if short and not any(isinstance(decision, Refused) for decision in decisions):
        # Every wish of the group comes again after the steal, with the whole need of each SKU.
        needs: dict[int, int] = {}
        for asked in group:
            needs[asked.wish.sku_id] = needs.get(asked.wish.sku_id, 0) + asked.wish.quantity
        return [Short(asked.wish.sku_id, needs[asked.wish.sku_id]) for asked in group]
    # An order that stood before this request still stands: its row says so, whatever became of the others.
    stood = {order_id for _, order_id in view.refs.values()}
    return [
        decision
        if isinstance(decision, Refused) or (isinstance(decision, Known) and decision.order_id in stood)
        else Refused(GroupRefused)
        for decision in decisions
    ]


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
