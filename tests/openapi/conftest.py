"""The platforms of ``running`` for the Open API's tests."""

from running import common, platform, seeded, served

__all__ = ["common", "platform", "seeded", "served"]
