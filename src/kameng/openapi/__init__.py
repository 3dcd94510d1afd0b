"""The Open API: one of the doors. Decodes, calls one verb, answers."""

from kameng.openapi import golive
from kameng.openapi.app import Gateway, Parts, create
from kameng.openapi.connection import Connection, Neighbours, sweep
from kameng.openapi.intake import OrderAnswer

__all__ = ["Connection", "Gateway", "Neighbours", "OrderAnswer", "Parts", "create", "golive", "sweep"]
