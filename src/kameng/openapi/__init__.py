"""The Open API: one of the doors. Decodes, calls one verb, answers."""

from kameng.openapi.app import Gateway, Parts, create
from kameng.openapi.intake import OrderAnswer

__all__ = ["Gateway", "OrderAnswer", "Parts", "create"]
