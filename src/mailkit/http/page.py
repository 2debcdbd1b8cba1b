"""An OpenAPI document as one HTML page, for people: no script, nothing from elsewhere. Pure."""

from html import escape
from typing import Any

import msgspec

__all__ = ["render"]

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h2{margin:2rem 0 .5rem;border-bottom:1px solid #ccc} details{border:1px solid #ddd;border-radius:4px;margin:.3rem 0}
summary{padding:.4rem .6rem;cursor:pointer} summary code{font-weight:600} details>div{padding:.2rem .8rem .6rem}
.m{display:inline-block;width:4.2rem;font:600 12px monospace} .no{color:#888} table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.15rem .6rem .15rem 0;border-bottom:1px solid #eee}
pre{background:#f6f6f6;padding:.6rem;overflow:auto;font-size:13px} nav a{margin-right:.8rem}
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}details{border-color:#444}pre{background:#222}
h2,td,th{border-color:#444}a{color:#8bf}}
"""


def render(document: dict[str, Any], address: str) -> bytes:
    """The page; `address` is where the document itself is."""
    info = document["info"]
    out = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style><h1>{escape(info['title'])}</h1>",
        f"<p>{escape(info['description'])} <a href='{escape(address)}'>OpenAPI document</a></p><nav>",
    ]
    groups: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            groups[operation["tags"][0]].append(_operation(method, path, operation, document))
    out += [f"<a href='#{escape(group)}'>{escape(group)}</a>" for group in groups]
    out.append("</nav>")
    for group, operations in groups.items():
        out.append(f"<h2 id='{escape(group)}'>{escape(group)}</h2>{''.join(operations)}")
    return "".join(out).encode()


def _operation(method: str, path: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    built = "501" not in operation["responses"]
    out = [
        f"<details id='{escape(operation['operationId'])}'><summary{'' if built else ' class=no'}>",
        f"<span class=m>{method.upper()}</span><code>{escape(path)}</code> ",
        f"{escape(operation['summary'])}</summary><div>",
        f"<p>Permission: <code>{escape(operation['x-permission'])}</code></p>",
    ]
    if operation["parameters"]:
        out.append("<table><tr><th>Parameter<th>In<th>Value<th>Meaning</tr>")
        out += [_row(p["name"], p["in"], p["schema"], p.get("description", "")) for p in operation["parameters"]]
        out.append("</table>")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body and "properties" in body:
        needed = body.get("required", ())
        out.append("<p>Body</p><table><tr><th>Field<th><th>Value<th>Meaning</tr>")
        for name, schema in body["properties"].items():
            out.append(_row(name, "required" if name in needed else "", schema, schema.get("description", "")))
        out.append("</table>")
    elif body:
        out.append(f"<p>Body</p><pre>{_pretty(body)}</pre>")
    for status, response in operation["responses"].items():
        for media_type, content in response.get("content", {}).items():
            if status == "200":
                schema = _inline(content["schema"], document, 3)
                out.append(f"<p>Answer, {escape(media_type)}</p><pre>{_pretty(schema)}</pre>")
    return "".join(out) + "</div></details>"


def _row(name: str, where: str, schema: dict[str, Any], doc: str) -> str:
    return f"<tr><td><code>{escape(name)}</code><td>{escape(where)}<td>{escape(_kind(schema))}<td>{escape(doc)}</tr>"


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "anyOf" in schema:
        return " or ".join(_kind(option) for option in schema["anyOf"])
    if "const" in schema:
        return str(schema["const"]).lower()
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    words = schema.get("type", "any")
    words = words if isinstance(words, str) else " or ".join(words)
    if words == "array":
        return f"list of {_kind(schema['items'])}"
    limits = [f"{label} {schema[key]}" for key, label in _LIMITS if key in schema]
    return " ".join([words, *limits])


_LIMITS = (("minimum", "from"), ("maximum", "to"), ("maxLength", "to length"), ("format", "as"), ("default", "default"))


def _inline(schema: Any, document: dict[str, Any], depth: int) -> Any:
    """A schema with what it refers to, some levels down."""
    if isinstance(schema, list):
        return [_inline(item, document, depth) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name if depth == 0 else _inline(document["components"]["schemas"][name], document, depth - 1)
    return {key: _inline(value, document, depth) for key, value in schema.items()}


def _pretty(schema: Any) -> str:
    return escape(msgspec.json.format(msgspec.json.encode(schema), indent=2).decode())
