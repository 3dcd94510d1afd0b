"""The Open API: one of the doors. Decodes, calls one verb, answers."""

from kameng.openapi import golive
from kameng.openapi.app import Gateway, Parts, create
from kameng.openapi.connection import Connection, Neighbours, sweep
from kameng.openapi.errors import Internal, MethodNotAllowed, Unavailable
from kameng.openapi.golive import STEPS as GOLIVE_STEPS
from kameng.openapi.golive import look as look_at_golive
from kameng.openapi.golive import ready as is_ready_to_go_live
from kameng.openapi.golive import saved as golive_done
from kameng.openapi.headers import security_headers
from kameng.openapi.intake import OrderAnswer, request_id
from kameng.openapi.v1.arriving import Front
from kameng.openapi.v1.goods import Shelves
from kameng.openapi.v1.telling import subject_states

__all__ = [
    "GOLIVE_STEPS", "Connection", "Front", "Gateway", "Internal", "MethodNotAllowed", "Neighbours", "OrderAnswer",
    "Parts", "Shelves", "Unavailable", "create", "golive", "golive_done", "is_ready_to_go_live", "look_at_golive",
    "request_id", "security_headers", "subject_states", "sweep",
]  # fmt: skip
