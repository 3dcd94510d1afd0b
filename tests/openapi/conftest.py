"""The platforms of ``running`` for the Open API's tests; every answer to them is held against the document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conforming import conforms

from running import Client, common, platform, seeded, served

__all__ = ["common", "platform", "seeded", "served"]


@pytest.fixture(autouse=True, scope="session")
def document_is_kept() -> Iterator[None]:
    Client.watchers.append(conforms)
    yield
    Client.watchers.remove(conforms)
