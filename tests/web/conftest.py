"""The platforms of ``running`` and ``browsing``, and one browser for all tests of pages."""

from __future__ import annotations

from browsing import browser, desk, faces, peopled
from running import common, platform, seeded, served
from tills import simulator

__all__ = ["browser", "common", "desk", "faces", "peopled", "platform", "seeded", "served", "simulator"]
