"""The OpenAPI document as what an SDK is made of: models, operations, refusals. Knows no language.

Reads the part of OpenAPI 3.1 that our own document uses. What it does not know becomes ``any``, never a guess.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]


class Type(NamedTuple):
    """``kind``: string, integer, boolean, any, bytes, list, map, model. Money and ids are strings: exact."""

    kind: str
    item: Type | None = None
    model: str = ""
    choices: tuple[str, ...] = ()
    nullable: bool = False


class Field(NamedTuple):
    """A member of a model, or a parameter of an operation. ``has_default``: left out, it is not simply unsaid."""

    name: str
    type: Type
    required: bool
    text: str
    has_default: bool = False


class Model(NamedTuple):
    name: str
    text: str
    fields: tuple[Field, ...]

    @property
    def needed_first(self) -> list[Field]:
        """The fields, those that must be given before those that may be left out."""
        return sorted(self.fields, key=lambda field: not field.required)


class Operation(NamedTuple):
    """One call. ``repeatable``: sending it again can do no harm, even if the first one arrived."""

    name: str
    method: str
    path: str
    summary: str
    places: tuple[Field, ...]
    query: tuple[Field, ...]
    body: Type | None
    media_type: str
    answer: Type | None
    signed: bool
    repeatable: bool


class Refusal(NamedTuple):
    code: str
    title: str
    title_zh: str

    @property
    def class_name(self) -> str:
        return "".join(word.capitalize() for word in self.code.split("_"))


class Api(NamedTuple):
    version: str
    models: tuple[Model, ...]
    operations: tuple[Operation, ...]
    refusals: tuple[Refusal, ...]


def read(path: Path) -> Api:
    """The API that the document at ``path`` describes."""
    document: Json = json.loads(path.read_text("utf-8"))
    schemas: Json = document["components"]["schemas"]
    models = tuple(_model(name, schema) for name, schema in schemas.items())
    operations = tuple(
        operation
        for place, methods in document["paths"].items()
        for method, said in methods.items()
        if not _is_file(said)
        for operation in _operations(place, method.upper(), said, schemas)
    )
    examples = document["components"]["examples"]
    refusals = tuple(
        Refusal(code, example["value"]["title"], example["value"]["title_zh"])
        for code, example in sorted(examples.items())
    )
    twice = {model.name for model in models} & {one.class_name for one in refusals}
    assert not twice, f"a model and a refusal of one name: {twice}"
    return Api(document["info"]["version"], models, operations, refusals)


def _model(name: str, schema: Json) -> Model:
    required = set(schema.get("required", ()))
    fields = tuple(
        Field(member, type_of(said), member in required, _text(said), "default" in said)
        for member, said in schema.get("properties", {}).items()
    )
    return Model(name, _text(schema), fields)


def type_of(schema: Json) -> Type:
    """What values of this schema are."""
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if choices:
        nullable = len(choices) < len(schema["anyOf"])
        return type_of(choices[0])._replace(nullable=nullable) if len(choices) == 1 else Type("any", nullable=nullable)
    if "$ref" in schema:
        return Type("model", model=schema["$ref"].rpartition("/")[2])
    kind = schema.get("type")
    if kind == "array":
        return Type("list", type_of(schema.get("items", {})))
    if kind == "object":
        more = schema.get("additionalProperties")
        return Type("map", type_of(more) if isinstance(more, dict) else Type("any"))
    if kind in ("string", "integer", "boolean"):
        return Type(kind, choices=tuple(schema.get("enum", ())))
    return Type("any")


def _operations(path: str, method: str, said: Json, schemas: Json) -> Iterator[Operation]:
    """One, or one for each kind of body it takes: the one with a list is called ``…List``."""
    parameters = [
        (one["in"], Field(one["name"], type_of(one["schema"]), one["required"], one.get("description", "")))
        for one in said.get("parameters", ())
    ]
    media_type, bodies = _content(said.get("requestBody", {}))
    answers = next((found for s, r in said["responses"].items() if s < "300" and (found := _content(r)[1])), [None])
    for body in bodies or [None]:
        is_list = body is not None and body.get("type") == "array"
        fitting = [one for one in answers if _is_many(one, schemas) == is_list] if len(answers) > 1 else answers
        yield Operation(
            name=said["operationId"] + ("List" if is_list and len(bodies) > 1 else ""),
            method=method,
            path=path,
            summary=said["description"].split(". ")[0].rstrip("."),
            places=tuple(field for where, field in parameters if where == "path"),
            query=tuple(field for where, field in parameters if where == "query"),
            body=None if body is None else type_of(body) if media_type == "application/json" else Type("bytes"),
            media_type=media_type,
            answer=None if fitting[0] is None else type_of(fitting[0]),
            signed=bool(said["security"]),
            repeatable=method == "GET" or "client_ref" in json.dumps(_resolved(body, schemas)),
        )


def _is_file(said: Json) -> bool:
    """Whether it answers with a file, for people: no SDK has a method for it."""
    answers = [answer for status, answer in said["responses"].items() if status < "300"]
    return not any("application/json" in answer.get("content", {}) for answer in answers)


def _content(said: Json) -> tuple[str, list[Json]]:
    """The media type, and the schemas of which any may come."""
    for media_type, content in said.get("content", {}).items():
        return media_type, content["schema"].get("anyOf", [content["schema"]])
    return "", []


def _is_many(schema: Json | None, schemas: Json) -> bool:
    properties = _resolved(schema, schemas).get("properties", {})
    return list(properties) == ["results"]


def _resolved(schema: Json | None, schemas: Json) -> Json:
    """With the members of its model, and of those in its lists."""
    if schema is None:
        return {}
    if "$ref" in schema:
        return _resolved(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if schema.get("type") == "array":
        return {**schema, "items": _resolved(schema["items"], schemas)}
    members = {
        name: _resolved(said, schemas) if said.get("type") == "array" else said
        for name, said in schema.get("properties", {}).items()
    }
    return {**schema, "properties": members} if members else schema


def _text(schema: Json) -> str:
    return str(schema.get("description", "")).replace("``", "`").replace("\n", " ")
