"""The Java 17 SDK: records and ``java.net.http``, with a JSON reader of its own, since Java has none."""

from __future__ import annotations

from sdk.document import Api, Field, Model, Operation, Type
from sdk.wording import camel, pascal, safe, template

FOLDER = "src/main/java/kameng/sdk"
RESERVED = {
    "abstract", "assert", "boolean", "break", "byte", "case", "catch", "char", "class", "const", "continue",
    "default", "do", "double", "else", "enum", "extends", "false", "final", "finally", "float", "for", "goto", "if",
    "implements", "import", "instanceof", "int", "interface", "long", "native", "new", "null", "package", "private",
    "protected", "public", "return", "short", "static", "strictfp", "super", "switch", "synchronized", "this",
    "throw", "throws", "transient", "true", "try", "void", "volatile", "while",
}  # fmt: skip
PLAIN = {"string": "String", "integer": "Long", "boolean": "Boolean", "any": "Object", "bytes": "byte[]"}


def files(api: Api) -> dict[str, str]:
    return {
        "pom.xml": template("java/pom.xml", version=api.version),
        f"{FOLDER}/Models.java": template("java/Models.java", models="\n\n".join(map(_model, api.models))),
        f"{FOLDER}/Errors.java": template(
            "java/Errors.java",
            classes="\n\n".join(_error(one.class_name, f"{one.title} {one.title_zh}") for one in api.refusals),
            codes="\n".join(
                f'            case "{one.code}" -> new {one.class_name}(status, problem);' for one in api.refusals
            ),
        ),
        f"{FOLDER}/Client.java": template("java/Client.java", operations="\n\n".join(map(_operation, api.operations))),
        f"{FOLDER}/Json.java": template("java/Json.java"),
        f"{FOLDER}/Webhooks.java": template("java/Webhooks.java"),
    }


def _named(kind: Type, *, models: str = "") -> str:
    if kind.kind == "list":
        assert kind.item is not None
        return f"List<{_named(kind.item, models=models)}>"
    if kind.kind == "map":
        assert kind.item is not None
        return f"Map<String, {_named(kind.item, models=models)}>"
    return f"{models}{kind.model}" if kind.kind == "model" else PLAIN[kind.kind]


def _field_type(field: Field) -> str:
    name = _named(field.type)
    if field.required and not field.type.nullable:
        return {"Long": "long", "Boolean": "boolean"}.get(name, name)
    return name


def _name(field: Field) -> str:
    name = camel(field.name)
    return f"{name}_" if name in RESERVED else name


def _error(name: str, text: str) -> str:
    return (
        f"    /** {safe(text)} */\n"
        f"    public static final class {name} extends ApiException {{\n"
        f"        {name}(int status, Map<String, Object> problem) {{ super(status, problem); }}\n"
        f"    }}"
    )


def _model(model: Model) -> str:
    components = ",\n".join(f"        {_field_type(field)} {_name(field)}" for field in model.fields)
    reads = ",\n".join(f"                {_read(field)}" for field in model.fields)
    wires = "\n".join(f"            {_wire(field)}" for field in model.fields)
    return (
        f"    /** {safe(model.text) or model.name} */\n"
        f"    public record {model.name}(\n{components}\n    ) {{\n"
        f"        static {model.name} read(Map<String, Object> wire) {{\n"
        f"            return new {model.name}(\n{reads}\n            );\n        }}\n\n"
        f"        Map<String, Object> wire() {{\n"
        f"            Map<String, Object> wire = new LinkedHashMap<>();\n{wires}\n"
        f"            return wire;\n        }}{_makers(model)}\n    }}"
    )


def _makers(model: Model) -> str:
    """``of`` with what is required, and a ``with…`` for each member that may be left out."""
    optional = [field for field in model.fields if not field.required]
    if not optional:
        return ""
    required = [field for field in model.fields if field.required]
    taken = ", ".join(f"{_field_type(field)} {_name(field)}" for field in required)
    given = ", ".join(_name(field) if field.required else "null" for field in model.fields)
    made = [
        f"        public static {model.name} of({taken}) {{\n            return new {model.name}({given});\n        }}"
    ]
    everything = ", ".join(map(_name, model.fields))
    made += [
        f"        public {model.name} with{pascal(field.name)}({_field_type(field)} {_name(field)}) {{\n"
        f"            return new {model.name}({everything});\n        }}"
        for field in optional
    ]
    return "\n\n" + "\n\n".join(made)


def _read(field: Field) -> str:
    kind, found = field.type, f'wire.get("{field.name}")'
    if kind.kind == "model":
        return f"Json.model({found}, {kind.model}::read)"
    if kind.kind == "list" and kind.item is not None:
        if kind.item.kind == "model":
            return f"Json.models({found}, {kind.item.model}::read)"
        return f"Json.<{_named(kind.item)}>list({found})"
    if kind.kind == "map" and kind.item is not None:
        return f"Json.<{_named(kind.item)}>map({found})"
    return found if kind.kind == "any" else f"({PLAIN[kind.kind]}) {found}"


def _wire(field: Field) -> str:
    kind, name = field.type, _name(field)
    if kind.kind == "model":
        made = f"{name} == null ? null : {name}.wire()"
    elif kind.kind == "list" and kind.item is not None and kind.item.kind == "model":
        made = f"{name} == null ? null : {name}.stream().map({kind.item.model}::wire).toList()"
    else:
        made = name
    return f'{"wire.put(" if field.required else "Json.put(wire, "}"{field.name}", {made});'


def _operation(one: Operation) -> str:
    parameters = [f"String {_name(field)}" for field in one.places]
    body = "null"
    if one.body is not None:
        parameters.append(f"{_named(one.body, models='Models.')} body")
        body = {"model": "body.wire()", "list": "body.stream().map(one -> one.wire()).toList()"}.get(
            one.body.kind, "body"
        )
    parameters += [f"{_named(field.type)} {_name(field)}" for field in one.query]
    path = '"' + one.path + '"'
    for field in one.places:
        path = path.replace(f"{{{field.name}}}", f'" + Json.quoted({_name(field)}) + "')
    path = path.removesuffix(' + ""')
    asked = ", ".join(f'"{field.name}", {_name(field)}' for field in one.query)
    facts = f'"{one.media_type or "application/json"}", {str(one.repeatable).lower()}, {str(one.signed).lower()}'
    call = f'call("{one.method}", {path}, Json.pairs({asked}), {body}, {facts})'
    answer, done = "void", f"{call};"
    if one.answer is not None:
        answer = _named(one.answer, models="Models.")
        done = (
            f"return Json.model({call}, {answer}::read);"
            if one.answer.kind == "model"
            else f"return ({answer}) {call};"
        )
    queried = " Parameters of the query may be null." if one.query else ""
    return (
        f"    /** {safe(one.summary)}.{queried} */\n"
        f"    public {answer} {one.name}({', '.join(parameters)}) {{\n        {done}\n    }}"
    )
