"""The door for people: shop, merchant, supplier and operator, one kit, one sign-in."""

from kameng.web.app import create
from kameng.web.faces import paths_of
from kameng.web.planning import Tools, tools_of
from kameng.web.plans import PLANS

__all__ = ["PLANS", "Tools", "create", "paths_of", "tools_of"]
