"""What it costs: level, named and tiered prices with floor, ceiling and loss guard; pure, with a trace."""

from kameng.pricing.changes import Logged, Move, SkuPrices, moves_of
from kameng.pricing.errors import BadPrice, BelowCost, NoSuchPrice, PriceChanged
from kameng.pricing.model import PriceBook, Quote, Rule, Step, steps_of
from kameng.pricing.setting import remove_price, set_level_prices, set_named_price, set_tier
from kameng.pricing.store import load, prices_of
from kameng.pricing.telling import list_moves, tell_price_changes

__all__ = [
    "BadPrice", "BelowCost", "Logged", "Move", "NoSuchPrice", "PriceBook", "PriceChanged", "Quote", "Rule", "SkuPrices",
    "Step", "list_moves", "load", "moves_of", "prices_of", "remove_price", "set_level_prices", "set_named_price",
    "set_tier", "steps_of", "tell_price_changes",
]  # fmt: skip
