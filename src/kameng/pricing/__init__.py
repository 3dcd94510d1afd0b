"""What it costs: level, named and tiered prices, what agents add, floor, ceiling and loss guard; pure, with a trace."""

from kameng.pricing.changes import Logged, Move, SkuPrices, moves_of
from kameng.pricing.errors import BadPrice, BelowCost, NoSuchPrice, PriceChanged
from kameng.pricing.markups import EVERY_LEVEL, PLATFORM, AgentPrices, Bound, Markup, Scope, Template
from kameng.pricing.model import PriceBook, Quote, Rule, Step, steps_of, with_pick
from kameng.pricing.previewing import Preview, preview
from kameng.pricing.reselling import Buyer
from kameng.pricing.setting import (
    check_template,
    remove_markup,
    remove_price,
    set_bound,
    set_level_prices,
    set_markup,
    set_named_price,
    set_tier,
)  # fmt: skip
from kameng.pricing.store import Named, bounds_of, load, named_by, named_for, prices_of, templates_of
from kameng.pricing.telling import handlers, list_moves, list_moves_below, tell_price_changes

__all__ = [
    "EVERY_LEVEL", "PLATFORM", "AgentPrices", "BadPrice", "BelowCost", "Bound", "Buyer", "Logged", "Markup", "Move",
    "Named", "NoSuchPrice", "Preview", "PriceBook", "PriceChanged", "Quote", "Rule", "Scope", "SkuPrices", "Step",
    "Template", "bounds_of", "check_template", "handlers", "list_moves", "list_moves_below", "load", "moves_of",
    "named_by", "named_for", "preview", "prices_of", "remove_markup", "remove_price", "set_bound", "set_level_prices",
    "set_markup", "set_named_price", "set_tier", "steps_of", "tell_price_changes", "templates_of", "with_pick",
]  # fmt: skip
