"""What it costs: level, named and tiered prices, what agents add, floor, ceiling and loss guard; pure, with a trace."""

from kameng.pricing.errors import BadPrice, BelowCost, NoSuchPrice, PriceChanged
from kameng.pricing.markups import EVERY_LEVEL, PLATFORM, AgentPrices, Bound, Markup, Scope, Template
from kameng.pricing.model import PriceBook, Quote, Rule, Step, steps_of
from kameng.pricing.setting import (
    remove_markup,
    remove_price,
    set_bound,
    set_level_prices,
    set_markup,
    set_named_price,
    set_tier,
)  # fmt: skip
from kameng.pricing.store import load, prices_of, templates_of

__all__ = [
    "EVERY_LEVEL", "PLATFORM", "AgentPrices", "BadPrice", "BelowCost", "Bound", "Markup", "NoSuchPrice", "PriceBook",
    "PriceChanged", "Quote", "Rule", "Scope", "Step", "Template", "load", "prices_of", "remove_markup", "remove_price",
    "set_bound", "set_level_prices", "set_markup", "set_named_price", "set_tier", "steps_of", "templates_of",
]  # fmt: skip
