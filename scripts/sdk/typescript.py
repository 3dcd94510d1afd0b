"""The TypeScript SDK: ``fetch`` and ``node:crypto``, strict, and no syntax that can't simply be taken away.

So Node 24 runs the sources as they are, and ``tsc --strict`` compiles them.
"""

from __future__ import annotations

from sdk.document import Api, Field, Model, Operation, Type
from sdk.wording import camel, safe, template


def files(api: Api) -> dict[str, str]:
    return {
        "index.ts": template("typescript/index.ts"),
        "models.ts": template("typescript/models.ts", models="\n\n".join(map(_model, api.models))),
        "errors.ts": template(
            "typescript/errors.ts",
            classes="\n".join(
                f"/** {safe(one.title)} {safe(one.title_zh)} */\nexport class {one.class_name} extends ApiError {{}}"
                for one in api.refusals
            ),
            codes="\n".join(f"  {one.code}: {one.class_name}," for one in api.refusals),
        ),
        "client.ts": template("typescript/client.ts", operations="\n\n".join(map(_operation, api.operations))),
        "webhooks.ts": template("typescript/webhooks.ts"),
        "package.json": template("typescript/package.json", version=api.version),
        "tsconfig.json": template("typescript/tsconfig.json"),
    }


def _named(kind: Type, *, models: str = "") -> str:
    plain = {"string": "string", "integer": "number", "boolean": "boolean", "any": "unknown", "bytes": "Uint8Array"}
    if kind.choices:
        name = " | ".join(f'"{choice}"' for choice in kind.choices)
    elif kind.kind == "list":
        assert kind.item is not None
        name = f"readonly ({_named(kind.item, models=models)})[]"
    elif kind.kind == "map":
        assert kind.item is not None
        name = f"{{ readonly [name: string]: {_named(kind.item, models=models)} }}"
    else:
        name = f"{models}{kind.model}" if kind.kind == "model" else plain[kind.kind]
    return f"{name} | null" if kind.nullable else name


def _model(model: Model) -> str:
    lines = [f"/** {safe(model.text) or model.name} */", f"export interface {model.name} {{"]
    for field in model.fields:
        lines += [f"  /** {safe(field.text)} */"] if field.text else []
        lines.append(f"  readonly {field.name}{'' if field.required else '?'}: {_named(field.type)};")
    return "\n".join([*lines, "}"])


def _operation(one: Operation) -> str:
    parameters = [f"{camel(field.name)}: string" for field in one.places]
    if one.body is not None:
        parameters.append(f"body: {_named(one.body, models='models.')}")
    if one.query:
        members = "; ".join(f"{field.name}{_mark(field)}: {_named(field.type)}" for field in one.query)
        parameters.append(f"query: {{ {members} }}{' = {}' if not any(f.required for f in one.query) else ''}")
    path = one.path
    for field in one.places:
        path = path.replace(f"{{{field.name}}}", f"${{encodeURIComponent({camel(field.name)})}}")
    more = [
        *(["query"] if one.query else []),
        *(["body"] if one.body is not None else []),
        *([f'mediaType: "{one.media_type}"'] if one.media_type not in ("", "application/json") else []),
        *(["repeatable: true"] if one.repeatable else []),
        *([] if one.signed else ["signed: false"]),
    ]
    answer = "undefined" if one.answer is None else _named(one.answer, models="models.")
    options = f", {{ {', '.join(more)} }}" if more else ""
    return (
        f"  /** {safe(one.summary)} */\n"
        f"  async {one.name}({', '.join(parameters)}): Promise<{answer}> {{\n"
        f'    return (await this.call("{one.method}", `{path}`{options})) as {answer};\n'
        f"  }}"
    )


def _mark(field: Field) -> str:
    return "" if field.required else "?"
