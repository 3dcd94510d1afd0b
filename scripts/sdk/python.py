"""The Python SDK: frozen dataclasses and a client, with nothing but the standard library."""

from __future__ import annotations

import keyword

from sdk.document import Api, Field, Model, Operation, Type
from sdk.wording import safe, snake, template


def files(api: Api) -> dict[str, str]:
    return {
        "kameng_sdk/__init__.py": template("python/init.py.txt"),
        "kameng_sdk/models.py": template("python/models.py.txt", models="\n\n\n".join(map(_model, api.models))),
        "kameng_sdk/errors.py": template(
            "python/errors.py.txt",
            classes="\n\n\n".join(
                f'class {one.class_name}(ApiError):\n    """{safe(one.title)} {safe(one.title_zh)}"""'
                for one in api.refusals
            ),
            codes="\n".join(f'    "{one.code}": {one.class_name},' for one in api.refusals),
        ),
        "kameng_sdk/client.py": template(
            "python/client.py.txt", operations="\n\n".join(map(_operation, api.operations))
        ),
        "kameng_sdk/webhooks.py": template("python/webhooks.py.txt"),
        "kameng_sdk/py.typed": "",
        "pyproject.toml": template("python/pyproject.toml.txt", version=api.version),
    }


def _named(kind: Type, *, models: str = "") -> str:
    plain = {"string": "str", "integer": "int", "boolean": "bool", "any": "Any", "bytes": "bytes"}
    if kind.choices:
        name = f"Literal[{', '.join(repr(choice) for choice in kind.choices)}]"
    elif kind.kind == "list":
        assert kind.item is not None
        name = f"list[{_named(kind.item, models=models)}]"
    elif kind.kind == "map":
        assert kind.item is not None
        name = f"dict[str, {_named(kind.item, models=models)}]"
    else:
        name = f"{models}{kind.model}" if kind.kind == "model" else plain[kind.kind]
    return f"{name} | None" if kind.nullable else name


def _name(field: Field) -> str:
    """With a ``_`` behind it where Python wants the word for itself; ``_wire`` takes that off."""
    name = snake(field.name)
    return f"{name}_" if keyword.iskeyword(name) else name


def _model(model: Model) -> str:
    lines = [
        "@dataclass(frozen=True, kw_only=True)",
        f"class {model.name}:",
        f'    """{safe(model.text) or model.name}"""',
    ]
    lines += [f"    {_name(field)}: {_field_type(field)}" for field in model.fields]
    lines += ["", "    @classmethod", f"    def from_wire(cls, wire: Mapping[str, Any]) -> {model.name}:"]
    lines += ["        return cls("]
    for field in model.fields:
        lines.append(f"            {_name(field)}={_member(field)},")
    return "\n".join([*lines, "        )"])


def _field_type(field: Field) -> str:
    name = _named(field.type)
    if field.required:
        return name
    if _is_empty_list(field):
        return f"{name} = dataclass_field(default_factory=list)"
    return f"{name if field.type.nullable else f'{name} | None'} = None"


def _is_empty_list(field: Field) -> bool:
    """Whether it is an empty list if it was left out; anything else is None, so that a change leaves it as it is."""
    return field.type.kind == "list" and field.has_default


def _member(field: Field) -> str:
    """The expression that reads a member."""
    if field.required and not field.type.nullable:
        return _made(field.type, f'wire["{field.name}"]')
    if _is_empty_list(field):
        return _made(field.type, f'wire.get("{field.name}") or []')
    made = _made(field.type, f'wire["{field.name}"]')
    plain = made == f'wire["{field.name}"]'
    return f'wire.get("{field.name}")' if plain else f'None if wire.get("{field.name}") is None else {made}'


def _made(kind: Type, found: str, *, models: str = "") -> str:
    if kind.kind == "model":
        return f"{models}{kind.model}.from_wire({found})"
    if kind.kind == "list" and kind.item is not None and kind.item.kind == "model":
        return f"[{models}{kind.item.model}.from_wire(one) for one in {found}]"
    return found


def _operation(one: Operation) -> str:
    parameters = [f"{_name(field)}: str" for field in one.places]
    if one.body is not None:
        parameters.append(f"body: {_named(one.body, models='models.')}")
    if one.query:
        parameters.append("*")
        parameters += [
            f"{_name(field)}: {_named(field.type)}" + ("" if field.required else " | None = None")
            for field in one.query
        ]
    answer = "None" if one.answer is None else _named(one.answer, models="models.")
    lines = [f"    def {snake(one.name)}(self{''.join(', ' + text for text in parameters)}) -> {answer}:"]
    lines.append(f'        """{safe(one.summary)}"""')
    path = one.path
    for field in one.places:
        path = path.replace(f"{{{field.name}}}", "{quote(" + _name(field) + ", safe='')}")
    told = [f'"{one.method}"', f'{"f" if one.places else ""}"{path}"']
    if one.query:
        told.append("query={" + ", ".join(f'"{field.name}": {_name(field)}' for field in one.query) + "}")
    if one.body is not None:
        told.append("body=body")
    if one.media_type not in ("", "application/json"):
        told.append(f'media_type="{one.media_type}"')
    told += ["repeatable=True"] if one.repeatable else []
    told += [] if one.signed else ["signed=False"]
    call = f"self.call({', '.join(told)})"
    if one.answer is None:
        return "\n".join([*lines, f"        {call}"])
    return "\n".join([*lines, f"        return {_made(one.answer, call, models='models.')}"])
