"""Risk: lists and velocity limits, decided inside the batch and reserved before it where they cross lanes."""

from kameng.risk.errors import BadRiskSettings, NoSuchListing, NoSuchRule, RiskRefused, ShareUsed, VelocityExceeded
from kameng.risk.keeping import purge
from kameng.risk.model import (
    KEY_DAY,
    SHARES_BELOW,
    SPENDER_DAY,
    SPENDER_MONTH,
    Claim,
    Counters,
    Entry,
    Facts,
    Listing,
    Policy,
    Rule,
    Share,
    budget_claims,
    key_day_claim,
)  # fmt: skip
from kameng.risk.naming import whom
from kameng.risk.reserving import release, reserve
from kameng.risk.setting import (
    add_rules,
    add_share,
    remove_listing,
    set_listing,
    set_rule,
    switch_rule,
    target_hash,
)  # fmt: skip
from kameng.risk.store import every_listing, every_rule, load, read_lane_counters, write_lane_counters

__all__ = [
    "KEY_DAY", "SHARES_BELOW", "SPENDER_DAY", "SPENDER_MONTH", "BadRiskSettings", "Claim", "Counters", "Entry",
    "Facts", "Listing", "NoSuchListing", "NoSuchRule", "Policy", "RiskRefused", "Rule", "Share", "ShareUsed",
    "VelocityExceeded", "add_rules", "add_share", "budget_claims", "every_listing", "every_rule", "key_day_claim",
    "load", "purge", "read_lane_counters", "release", "remove_listing", "reserve", "set_listing", "set_rule",
    "switch_rule", "target_hash", "whom", "write_lane_counters",
]  # fmt: skip
