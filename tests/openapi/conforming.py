"""Whether what the gateway answers is what its document says."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import jsonschema_rs

from kameng.openapi.v1.routing import document
from running import Answer

DOCUMENT: dict[str, Any] = json.loads(document("zh"))
VALUES = {"ip_not_allowed", "scope_missing", "unknown_sku"}
"""Codes whose detail is a value: the same in every language."""
ANYWHERE = {"no_such_path", "method_not_allowed"}
"""Codes of requests that are to no endpoint."""


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """For a schema of the document, with what it refers to."""
    return jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})


@cache
def _templates() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    paths = sorted(DOCUMENT["paths"].items(), key=lambda item: "{" in item[0])
    return [(re.compile(re.sub(r"{\w+}", "[^/]+", path)), operations) for path, operations in paths]


@cache
def _validator_of(operation_id: str, status: int, media_type: str) -> jsonschema_rs.Validator:
    operations = [one for path in DOCUMENT["paths"].values() for one in path.values()]
    operation = next(one for one in operations if one["operationId"] == operation_id)
    return validator(operation["responses"][str(status)]["content"][media_type]["schema"])


def conforms(method: str, path: str, answer: Answer) -> None:
    """The status, the media type, the code and every field are as the document says."""
    operations = next((found for template, found in _templates() if template.fullmatch(path)), {})
    operation = operations.get(method.lower())
    is_problem = answer.body and answer.headers.get("content-type") == "application/problem+json"
    if is_problem and answer.json["code"] not in VALUES:
        assert ("detail" in answer.json) is ("detail_zh" in answer.json), answer
    if operation is None or answer.headers.get("content-type") is None:
        return
    if answer.headers["content-type"] == "application/problem+json" and answer.json["code"] in ANYWHERE:
        return
    assert str(answer.status) in operation["responses"], f"{method} {path} does not say {answer.status}: {answer}"
    if answer.status != 304:
        media_type = answer.headers["content-type"]
        assert media_type in operation["responses"][str(answer.status)]["content"], media_type
        if "json" not in media_type:
            return
        _validator_of(operation["operationId"], answer.status, media_type).validate(answer.json)
