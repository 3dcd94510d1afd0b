"""What it costs: level, named and tiered prices with floor, ceiling and loss guard; pure, with a trace."""

from kameng.pricing.errors import BadPrice, BelowCost, PriceChanged
from kameng.pricing.model import PriceBook, Quote, Step, steps_of
from kameng.pricing.setting import set_level_prices, set_named_price, set_tier
from kameng.pricing.store import load

__all__ = [
    "BadPrice", "BelowCost", "PriceBook", "PriceChanged", "Quote", "Step", "load", "set_level_prices",
    "set_named_price", "set_tier", "steps_of",
]  # fmt: skip
