"""The document against the running gateway: whatever it allows, and whatever it forbids, is answered as it says."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import schemathesis
from hypothesis import HealthCheck, settings
from requests import PreparedRequest
from requests.auth import AuthBase
from running import Served, signed_headers

from kameng.identity import IssuedKey
from kameng.openapi.v1.routing import document

schema = schemathesis.openapi.from_dict(json.loads(document("zh")))


class Signed(AuthBase):
    """Signs what is really sent, after everything else was prepared."""

    def __init__(self, key: IssuedKey) -> None:
        self.key = key

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        assert request.url is not None
        assert request.method is not None
        parts = urlsplit(request.url)
        body = request.body or b""
        data = body.encode() if isinstance(body, str) else body
        request.headers.update(signed_headers(self.key, request.method, parts.path, parts.query, data))
        return request


@schema.parametrize()
@settings(
    max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True
)
def test_the_gateway_keeps_to_its_document(case: Any, served: Served) -> None:
    case.call_and_validate(base_url=served.base, auth=Signed(served.key))
