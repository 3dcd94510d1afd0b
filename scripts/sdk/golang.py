"""The Go SDK: structs and ``net/http``, nothing else."""

from __future__ import annotations

from sdk.document import Api, Field, Model, Operation, Type
from sdk.wording import camel, pascal, safe, template

PLAIN = {"string": "string", "integer": "int64", "boolean": "bool", "any": "any", "bytes": "[]byte"}
RESERVED = {"type", "func", "map", "range", "select", "default", "package", "import", "var", "interface", "go"}


def files(api: Api) -> dict[str, str]:
    return {
        "go.mod": "module kameng\n\ngo 1.21\n",
        "models.go": template("go/models.go", models="\n\n".join(map(_model, api.models))),
        "errors.go": template(
            "go/errors.go",
            codes="\n".join(
                f'\t// {one.class_name}: {safe(one.title)} {safe(one.title_zh)}\n'
                f'\t{one.class_name} Code = "{one.code}"'
                for one in api.refusals
            ),
        ),
        "client.go": template("go/client.go", operations="\n\n".join(map(_operation, api.operations))),
        "webhooks.go": template("go/webhooks.go"),
    }  # fmt: skip


def _named(kind: Type) -> str:
    if kind.kind == "list":
        assert kind.item is not None
        return f"[]{_named(kind.item)}"
    if kind.kind == "map":
        assert kind.item is not None
        return f"map[string]{_named(kind.item)}"
    return kind.model if kind.kind == "model" else PLAIN[kind.kind]


def _optional(kind: Type) -> str:
    """Nil if it was left out; lists, maps and ``any`` have a nil of their own."""
    name = _named(kind)
    return name if kind.kind in ("list", "map", "any", "bytes") else f"*{name}"


def _model(model: Model) -> str:
    lines = [f"// {model.name}: {safe(model.text) or 'see the reference.'}", f"type {model.name} struct {{"]
    for field in model.fields:
        kind = _optional(field.type) if field.type.nullable or not field.required else _named(field.type)
        tag = field.name if field.required else f"{field.name},omitempty"
        lines += [f"\t// {safe(field.text)}"] if field.text else []
        lines.append(f'\t{pascal(field.name)} {kind} `json:"{tag}"`')
    return "\n".join([*lines, "}"])


def _name(field: Field) -> str:
    name = camel(field.name)
    return f"{name}_" if name in RESERVED else name


def _operation(one: Operation) -> str:
    name = pascal(one.name)
    parameters = ["ctx context.Context", *(f"{_name(field)} string" for field in one.places)]
    parameters += [f"body {_named(one.body)}"] if one.body is not None else []
    parameters += [f"query {name}Query"] if one.query else []
    path = f'"{one.path}"'
    for field in one.places:
        path = path.replace(f"{{{field.name}}}", f'" + url.PathEscape({_name(field)}) + "')
    path = path.removesuffix(' + ""')
    facts = [f'method: "{one.method}"', f"path: {path}"]
    facts += ["query: query.values()"] if one.query else []
    facts += ["body: body"] if one.body is not None else []
    facts += [f'mediaType: "{one.media_type}"'] if one.media_type not in ("", "application/json") else []
    facts += ["repeatable: true"] if one.repeatable else []
    facts += [] if one.signed else ["unsigned: true"]
    call = f"call{{{', '.join(facts)}}}"
    head = f"// {name}: {safe(one.summary)}.\nfunc (c *Client) {name}({', '.join(parameters)})"
    if one.answer is None:
        done = f"{head} error {{\n\treturn c.do(ctx, {call}, nil)\n}}"
    else:
        answer = _named(one.answer)
        done = f"{head} (answer {answer}, err error) {{\n\terr = c.do(ctx, {call}, &answer)\n\treturn answer, err\n}}"
    return done + (f"\n\n{_query(name, one)}" if one.query else "")


def _query(name: str, one: Operation) -> str:
    """The struct of its query's parameters. A number is a pointer: zero may mean something."""
    members = "\n".join(f"\t{pascal(field.name)} {_asked(field)}" for field in one.query)
    puts = "\n".join(f'\tput(values, "{field.name}", q.{pascal(field.name)})' for field in one.query)
    return (
        f"// {name}Query is what {name} may be asked with; what is empty or nil is left out.\n"
        f"type {name}Query struct {{\n{members}\n}}\n\n"
        f"func (q {name}Query) values() url.Values {{\n\tvalues := url.Values{{}}\n{puts}\n\treturn values\n}}"
    )


def _asked(field: Field) -> str:
    return _named(field.type) if field.required or field.type.kind == "string" else _optional(field.type)
