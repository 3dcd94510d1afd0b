"""Judging a wish: pure. What is known of it, what its batch read, and whether it may be placed at all.

``deciding`` goes on from here with goods and money.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from kameng.catalogue import Sku
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
from kameng.ledger import Books, InsufficientBalance
from kameng.orders.errors import BadOrder, BadQuantity, NotOnSale, ReferenceReused, ShopClosed, ShopPaused
from kameng.orders.model import Known, Refused, Wish
from kameng.orders.rehearsing import rehearsed_refusal
from kameng.pricing import BelowCost, PriceChanged, Quote
from kameng.risk import (
    KEY_DAY,
    SHARES_BELOW,
    SPENDER_DAY,
    SPENDER_MONTH,
    Claim,
    Counters,
    RiskRefused,
    ShareUsed,
    VelocityExceeded,
)  # fmt: skip
from kameng.stock import Shelf


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
    exhausted: frozenset[int] = frozenset()  # parts of a bundle that no other lane has any more
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
    if sku is None or quote is None or not sku.on_sale:
        return Refused(NotOnSale, field="sku")
    if not asked.chain.is_open:
        return Refused(ShopClosed, field="sku")
    if wish.pick is not None and not (sku.pickable and wish.pick.is_known):
        return Refused(BadOrder, "no card of this SKU on display", "card", "该商品没有这张可自选的卡密")
    refusal = _quantity_fits(sku, wish) or _price_is_agreed(quote, wish) or _risk_allows(view, asked)
    if refusal is None and wish.organisation.sandbox_of is not None:
        refusal = rehearsed_refusal(wish, sku)
    return refusal


def wants_review(view: View, asked: Asked) -> bool:
    """Whether a person looks at it before its goods move. Play money needs no look. Asked before it is counted."""
    if asked.wish.organisation.sandbox_of is not None:
        return False
    return asked.needs_review or bool(asked.lane_claims and view.counters.refusal(asked.lane_claims))


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
    if passed is not None and passed.rule_id < SHARES_BELOW:
        return Refused(ShareUsed, f"at most {passed.limit_e4}", "", f"每人限购 {passed.limit_e4} 件")
    if passed is not None:
        return Refused(DailyLimitExceeded if passed.rule_id == KEY_DAY else VelocityExceeded)
    return None


def _over_budget(asked: Asked, passed: Claim) -> Refused:
    spender = asked.spender
    if spender is None or spender.org_id != asked.wish.organisation.org_id:
        return Refused(ShopPaused, field="sku")
    budget = money.format_e4(passed.limit_e4 or 0)
    period, period_zh = ("day", "每日") if passed.rule_id == SPENDER_DAY else ("month", "每月")
    return Refused(InsufficientBalance, f"the budget of the {period} is {budget}", "", f"{period_zh}预算为 {budget}")
