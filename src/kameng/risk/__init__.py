"""Risk: lists and velocity limits, decided inside the batch and reserved before it where they cross lanes."""

from kameng.risk.errors import RiskRefused, VelocityExceeded
from kameng.risk.model import KEY_DAY, Claim, Counters, Facts, Policy, Rule, key_day_claim
from kameng.risk.reserving import add_rules, purge, release, reserve, set_listing, set_rule
from kameng.risk.store import load, purge_lane, read_lane_counters, write_lane_counters

__all__ = [
    "KEY_DAY", "Claim", "Counters", "Facts", "Policy", "RiskRefused", "Rule", "VelocityExceeded", "add_rules",
    "key_day_claim", "load", "purge", "purge_lane", "read_lane_counters", "release", "reserve", "set_listing",
    "set_rule", "write_lane_counters",
]  # fmt: skip
