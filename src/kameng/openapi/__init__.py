"""The Open API: one of the doors. Decodes, calls one verb, answers."""

from kameng.openapi.app import Gateway, Parts, create
from kameng.openapi.connection import Connection, Neighbours, sweep
from kameng.openapi.intake import OrderAnswer
from kameng.openapi.v1.telling import subject_states

__all__ = ["Connection", "Gateway", "Neighbours", "OrderAnswer", "Parts", "create", "subject_states", "sweep"]
