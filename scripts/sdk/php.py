"""The PHP 8.1 SDK: readonly classes and PHP's own streams, nothing else."""

from __future__ import annotations

from sdk.document import Api, Field, Model, Operation, Type
from sdk.wording import camel, safe, template

PLAIN = {"string": "string", "integer": "int", "boolean": "bool", "any": "mixed", "bytes": "string"}


def files(api: Api) -> dict[str, str]:
    return {
        "src/models.php": template("php/models.php", models="\n\n".join(map(_model, api.models))),
        "src/errors.php": template(
            "php/errors.php",
            classes="\n\n".join(
                f"/** {safe(one.title)} {safe(one.title_zh)} */\n"
                f"final class {one.class_name} extends ApiException\n{{\n}}"
                for one in api.refusals
            ),
            codes="\n".join(f"        '{one.code}' => {one.class_name}::class," for one in api.refusals),
        ),
        "src/Client.php": template("php/Client.php", operations="\n\n".join(map(_operation, api.operations))),
        "src/Webhook.php": template("php/Webhook.php"),
        "kameng.php": template("php/kameng.php"),
        "composer.json": template("php/composer.json", version=api.version),
    }


def _named(kind: Type) -> str:
    if kind.kind in ("list", "map"):
        return "array"
    return kind.model if kind.kind == "model" else PLAIN[kind.kind]


def _field_type(field: Field) -> str:
    name = _named(field.type)
    return name if name == "mixed" or (field.required and not field.type.nullable) else f"?{name}"


def _model(model: Model) -> str:
    taken = "\n".join(
        f"        public readonly {_field_type(field)} ${camel(field.name)}{'' if field.required else ' = null'},"
        for field in model.needed_first
    )
    reads = "\n".join(f"            {camel(field.name)}: {_read(field)}," for field in model.needed_first)
    wires = "\n".join(f"            '{field.name}' => $this->{camel(field.name)}," for field in model.fields)
    nulls = ", ".join(f"'{field.name}'" for field in model.fields if field.required and field.type.nullable)
    is_said = "fn ($member) => $member !== null"
    if nulls:
        is_said = f"fn ($member, $name) => $member !== null || in_array($name, [{nulls}], true), ARRAY_FILTER_USE_BOTH"
    return (
        f"/** {safe(model.text) or model.name} */\n"
        f"final class {model.name} implements \\JsonSerializable\n{{\n"
        f"    public function __construct(\n{taken}\n    ) {{\n    }}\n\n"
        f"    public static function read(array $wire): self\n    {{\n"
        f"        return new self(\n{reads}\n        );\n    }}\n\n"
        f"    public function jsonSerialize(): mixed\n    {{\n"
        f"        return (object) array_filter([\n{wires}\n        ], {is_said});\n    }}\n}}"
    )


def _read(field: Field) -> str:
    found = f"$wire['{field.name}']" + ("" if field.required and not field.type.nullable else " ?? null")
    kind = field.type
    if kind.kind == "model":
        return f"isset($wire['{field.name}']) ? {kind.model}::read($wire['{field.name}']) : null"
    if kind.kind == "list" and kind.item is not None:
        listed = f"$wire['{field.name}'] ?? []"
        return f"array_map({kind.item.model}::read(...), {listed})" if kind.item.kind == "model" else listed
    return found


def _operation(one: Operation) -> str:
    parameters = [f"string ${camel(field.name)}" for field in one.places]
    parameters += [f"{_named(one.body)} $body"] if one.body is not None else []
    parameters += [
        f"{'' if field.required else '?'}{_named(field.type)} ${camel(field.name)}{'' if field.required else ' = null'}"
        for field in sorted(one.query, key=lambda field: not field.required)
    ]
    path = f"'{one.path}'"
    for field in one.places:
        path = path.replace(f"{{{field.name}}}", f"' . rawurlencode(${camel(field.name)}) . '")
    told = [f"'{one.method}'", path.removesuffix(" . ''")]
    if one.query:
        told.append("query: [" + ", ".join(f"'{field.name}' => ${camel(field.name)}" for field in one.query) + "]")
    told += ["body: $body"] if one.body is not None else []
    told += [f"mediaType: '{one.media_type}'"] if one.media_type not in ("", "application/json") else []
    told += ["repeatable: true"] if one.repeatable else []
    told += [] if one.signed else ["signed: false"]
    call = f"$this->call({', '.join(told)})"
    answer, done = "void", f"{call};"
    if one.answer is not None:
        answer = _named(one.answer)
        done = f"return {answer}::read({call});" if one.answer.kind == "model" else f"return {call};"
    return (
        f"    /** {safe(one.summary)}. */\n"
        f"    public function {one.name}({', '.join(parameters)}): {answer}\n    {{\n        {done}\n    }}"
    )
