"""How long the state machines look: KAMENG_TEST_HYPOTHESIS=long looks thirty times as long."""

from __future__ import annotations

import os

from hypothesis import settings

TIMES = 30 if os.environ.get("KAMENG_TEST_HYPOTHESIS") == "long" else 1


def effort(*, examples: int, steps: int = 50) -> settings:
    return settings(max_examples=examples * TIMES, stateful_step_count=steps, deadline=None)
