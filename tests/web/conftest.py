"""The platforms of ``running``, and one browser for all tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from running import seeded, served

__all__ = ["seeded", "served"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the session: while it runs, nothing else can run an event loop in this thread."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("KAMENG_TEST_REQUIRE_CHROMIUM"):
            pytest.fail("no Chromium here, and the browser tests were asked for")
        pytest.skip("no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        # Chromium's own sandbox can't be had as root; the pages are ours.
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield found
        found.close()
