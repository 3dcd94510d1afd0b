"""The platforms of ``running`` for the Open API's tests."""

from running import platform, seeded, served

__all__ = ["platform", "seeded", "served"]
