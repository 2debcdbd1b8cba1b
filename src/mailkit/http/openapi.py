"""OpenAPI 3.1 documents, made of the routes and their classes. Pure."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args, get_origin

from attrs import frozen

from mailkit.http.answers import Content
from mailkit.http.declare import CONNECTION, REQUIRED, Schema, params_of
from mailkit.http.later import OnThread
from mailkit.http.once import HEADER, LONGEST, takes_key
from mailkit.http.operation import Operation
from mailkit.http.schema import answer_schema, defaulted

__all__ = ["Description", "document"]


@frozen
class Description:
    """What differs between the dialects' documents."""

    title: str
    version: str
    about: str
    prefix: str
    body: Literal["merged", "declared"]
    """`merged`: whatever is not in the path is in the query of a GET or DELETE and in the body of others."""
    security: dict[str, Schema]
    envelope: Callable[[Schema], Schema]
    error: Schema


_KEY: Schema = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
    "description": "A name for this request. Repeated within a day, it is answered as before and not done again",
}

_HAS_BODY = ("POST", "PUT", "PATCH")


def document(operations: Iterable[Operation], about: Description) -> Schema:
    """The whole document."""
    components: dict[str, Schema] = {"Error": about.error}
    paths: dict[str, Schema] = {}
    groups: dict[str, None] = {}
    for operation in operations:
        groups[operation.group] = None
        item = paths.setdefault(about.prefix + operation.path, {})
        item[operation.method.lower()] = _operation(operation, about, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": about.title, "version": about.version, "description": about.about},
        "servers": [{"url": "/"}],
        "tags": [{"name": group} for group in groups],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": about.security},
        "security": [{name: []} for name in about.security],
    }


def _operation(operation: Operation, about: Description, components: dict[str, Schema]) -> Schema:
    found: Schema = {
        "operationId": operation.name,
        "tags": [operation.group],
        "summary": _words(operation.name),
        "x-permission": operation.need.text if operation.need else "none: public",
    }
    if operation.source != "document":
        found["description"] = "Not in the vendor's document; real clients use it."
    endpoint = operation.endpoint
    failure = {"description": "The error, in words and as a code", "content": _json("Error")}
    if endpoint is None:
        found["summary"] += " (not built yet)"
        found["parameters"] = [_in_path(name) for name in _path_names(operation.path)]
        found["responses"] = {"501": {"description": "Not built yet", "content": _json("Error")}}
        return found
    found["summary"] = endpoint.summary.rstrip(".")
    parameters, body = _inputs(operation, endpoint.request, about)
    if takes_key(operation):
        parameters.append(_KEY)
    found["parameters"] = parameters
    if body is not None:
        found["requestBody"] = body
    found["responses"] = {"200": _success(endpoint.answer, about, components), "default": failure}
    return found


def _inputs(operation: Operation, cls: type[Any], about: Description) -> tuple[list[Schema], Schema | None]:
    in_path = set(_path_names(operation.path))
    parameters: list[Schema] = []
    body: Schema | None = None
    properties: dict[str, Schema] = {}
    required: list[str] = []
    raw = False
    merged = about.body == "merged" and operation.method in _HAS_BODY
    for name, (attribute, param) in params_of(cls).items():
        schema = defaulted(param.rule.schema(), attribute.default, "" if name in in_path else param.doc)
        needed = attribute.default is REQUIRED
        if param.source in CONNECTION:
            continue
        if name in in_path:
            parameters.append({**_in_path(name), "schema": schema, "description": param.doc})
        elif param.source == "body":
            body = {"required": True, "content": {"application/json": {"schema": schema}}}
        elif param.source == "raw" and not merged:
            body = {"required": True, "content": {"application/octet-stream": {"schema": {}}}}
        elif merged:
            raw = raw or param.source == "raw"
            properties[name] = schema
            required += [name] if needed else []
        else:
            schema.pop("description", None)
            parameters.append(
                {"name": name, "in": "query", "required": needed, "schema": schema, "description": param.doc}
            )
    if merged and properties:
        whole: Schema = {"type": "object", "properties": properties}
        if required:
            whole["required"] = required
        content: Schema = {
            "application/json": {"schema": whole},
            "application/x-www-form-urlencoded": {"schema": whole},
        }
        if raw:
            content["message/rfc822"] = {"schema": {}}
        body = {"required": bool(required), "content": content}
    return parameters, body


def _success(answer: Any, about: Description, components: dict[str, Schema]) -> Schema:
    kinds = [kind for kind in (get_args(answer) or (answer,)) if get_origin(kind) is not OnThread]
    kind = answer if get_origin(answer) is tuple else kinds[0]
    if kind is Content:
        return {"description": "The content", "content": {"application/octet-stream": {"schema": {}}}}
    schema = about.envelope(answer_schema(kind, components))
    return {"description": "Done", "content": {"application/json": {"schema": schema}}}


def _path_names(path: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", path)


def _in_path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _json(component: str) -> Schema:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{component}"}}}


def _words(name: str) -> str:
    """`getUserAddress` as words."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return words[:1].upper() + words[1:].lower()
