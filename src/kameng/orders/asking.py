"""Asking for a wish what its batch has to know: its SKU, price and limits, by the directories of now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kameng import identity, pricing, risk
from kameng.catalogue import Sku
from kameng.identity import Chain, Organisation
from kameng.orders.judging import Asked
from kameng.orders.model import Pick, Wish
from kameng.pricing import Quote

if TYPE_CHECKING:
    from kameng.orders.snapshot import Snapshot


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A wish as it enters a batch. The flags say what it went through before."""

    wish: Wish
    over_limit: bool = False
    may_steal: bool = True
    nonce_spent: bool = False
    unsure: bool = False
    exhausted: frozenset[int] = frozenset()
    needs_review: bool = False


def ask(snapshot: Snapshot, entry: Entry, at_s: int) -> Asked:
    """The wish with its SKU, price and limits by the directories of now."""
    wish = entry.wish
    sku = snapshot.catalogue.skus.get(wish.sku_id)
    if sku is None:
        return Asked(wish, None, None, nonce_spent=entry.nonce_spent, unsure=entry.unsure)
    organisation = _buyer(snapshot, wish)
    quote = snapshot.quote(organisation, sku, wish.quantity)
    if wish.pick is not None:
        quote = _with_pick(quote, wish.pick, sku)
    policy, listed, claims = snapshot.policy, None, []
    if policy.in_lane or policy.listings:
        facts = facts_of(wish, sku, quote, at_s)
        listed = policy.listed(facts)
        claims = policy.lane_claims(facts)
    if policy.shares:
        claims = [*claims, *policy.share_claims(sku.sku_id, organisation.org_id, wish.quantity, at_s)]
    if wish.key.daily_limit_e4 is not None:
        amount_e4 = quote.unit_price_e4 * wish.quantity
        claims = [*claims, risk.key_day_claim(wish.key.key_id, wish.key.daily_limit_e4, amount_e4, at_s)]
    chain = snapshot.directory.chain_of(organisation)
    spender = _spender(organisation, chain)
    if spender is not None:
        is_shop = spender.org_id != organisation.org_id
        paid_e4 = (quote.agents[-1][1] if is_shop else quote.unit_price_e4) * wish.quantity
        day_e4, month_e4 = spender.day_budget_e4, spender.month_budget_e4
        claims = [*claims, *risk.budget_claims(spender.org_id, day_e4, month_e4, paid_e4, at_s)]
    return Asked(
        wish, sku, quote, listed, tuple(claims), entry.over_limit and listed != "allow", entry.may_steal,
        entry.nonce_spent, entry.unsure, chain, spender, entry.exhausted, entry.needs_review or listed == "review",
    )  # fmt: skip


def quote_of(snapshot: Snapshot, wish: Wish, sku: Sku) -> Quote:
    """What the wish costs its organisation as that stands now."""
    quote = snapshot.quote(_buyer(snapshot, wish), sku, wish.quantity)
    return quote if wish.pick is None else _with_pick(quote, wish.pick, sku)


def _with_pick(quote: Quote, pick: Pick, sku: Sku) -> Quote:
    """With what choosing that card costs."""
    return pricing.with_pick(quote, pick.card_id, sku.pick_fee_e4 if pick.fee_e4 is None else pick.fee_e4)


def _buyer(snapshot: Snapshot, wish: Wish) -> Organisation:
    """Who wishes, by the directory of now."""
    return snapshot.directory.organisations.get(wish.organisation.org_id, wish.organisation)


def _spender(organisation: Organisation, chain: Chain) -> Organisation | None:
    """Whose wallet pays, if there is more to it than the buyer's own: its limits, or a shop that pays for him."""
    if chain.agents and not organisation.sandbox and identity.pays_for(chain.seller, organisation.kind):
        return chain.seller
    return organisation if organisation.has_limits else None


def facts_of(wish: Wish, sku: Sku, quote: Quote, at_s: int) -> risk.Facts:
    """What risk may know of the wish, for the limits of the lane and for those that cross lanes."""
    amount_e4 = quote.unit_price_e4 * wish.quantity
    organisation = wish.organisation
    return risk.Facts(
        organisation.org_id, wish.ip, wish.target_hash, sku.kind, amount_e4, at_s, organisation.sandbox,
        tuple([part.kind for part in sku.parts]) if sku.parts else (),
    )  # fmt: skip
