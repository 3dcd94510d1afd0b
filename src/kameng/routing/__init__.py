"""The front door of routing: which channel takes a payment, why, and what is learned from what became of it."""

from kameng.routing.believing import Parameters
from kameng.routing.choosing import choose, log, replay, with_propensity
from kameng.routing.errors import NoChannel
from kameng.routing.evaluating import Report, Settled, always, evaluate, target_of
from kameng.routing.explaining import STATES, WAYS, WHY_NOT, explain, refusal
from kameng.routing.filtering import able, offered
from kameng.routing.learning import Learner
from kameng.routing.model import (
    CASCADE_AFTER,
    OUTCOMES,
    TRIES_MAX,
    VERSION,
    VERSIONS,
    Book,
    Candidate,
    Choice,
    Considered,
    Logged,
    Policy,
    Request,
    Rule,
    Snapshot,
    Tried,
    Usage,
    View,
    When,
    decode,
    encode,
)  # fmt: skip
from kameng.routing.state import Event

__all__ = [
    "CASCADE_AFTER", "OUTCOMES", "STATES", "TRIES_MAX", "VERSION", "VERSIONS", "WAYS", "WHY_NOT", "Book", "Candidate",
    "Choice", "Considered", "Event", "Learner", "Logged", "NoChannel", "Parameters", "Policy", "Report", "Request",
    "Rule", "Settled", "Snapshot", "Tried", "Usage", "View", "When", "able", "always", "choose", "decode", "encode",
    "evaluate", "explain", "log", "offered", "refusal", "replay", "target_of", "with_propensity",
]  # fmt: skip
