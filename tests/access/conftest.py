"""The platforms of ``running``."""

from __future__ import annotations

from running import platform, seeded

__all__ = ["platform", "seeded"]
