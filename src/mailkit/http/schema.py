"""JSON Schemas (2020-12) of request and answer classes. Pure."""

from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs
import msgspec

from mailkit.http.declare import REQUIRED, UNSET, Schema, UnsetType, params_of, wire_name

__all__ = ["answer_schema", "defaulted", "request_schema"]

_JSON_TYPES = {str: "string", int: "integer", bool: "boolean"}
_SCALARS: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    Any: {},
    object: {},
    msgspec.Raw: {"type": "object"},
}


def request_schema(cls: type[Any]) -> Schema:
    """An object with what the class declares."""
    properties: Schema = {}
    required = []
    for name, (attribute, param) in params_of(cls).items():
        properties[name] = defaulted(param.rule.schema(), attribute.default, param.doc)
        if attribute.default is REQUIRED:
            required.append(name)
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        found["required"] = required
    return found


def defaulted(schema: Schema, default: Any, doc: str) -> Schema:
    """A schema with its default, where JSON can say it, and its description."""
    found = dict(schema)
    if doc:
        found["description"] = doc
    if default != "" and _JSON_TYPES.get(type(default), "") == schema.get("type"):
        found["default"] = default
    return found


def answer_schema(kind: Any, components: dict[str, Schema]) -> Schema:
    """The schema of an answer's type; classes are put into `components` and referred to."""
    if kind is None or kind is type(None):
        return {"type": "null"}
    if kind in _SCALARS:
        return dict(_SCALARS[kind])
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        kinds = [part for part in arguments if part is not UnsetType]
        options = [answer_schema(part, components) for part in kinds]
        return options[0] if len(options) == 1 else {"anyOf": options}
    if origin in (tuple, list):
        return {"type": "array", "items": answer_schema(arguments[0], components)}
    if origin is dict:
        return {"type": "object", "additionalProperties": answer_schema(arguments[1], components)}
    if origin is Literal:
        return {"enum": list(arguments)}
    if isinstance(kind, type) and attrs.has(kind):
        if kind.__name__ not in components:
            components[kind.__name__] = {}  # stops a class that holds itself
            components[kind.__name__] = _object(kind, components)
        return {"$ref": f"#/components/schemas/{kind.__name__}"}
    if kind in (None, type(None)):
        return {"type": "null"}
    raise TypeError(f"{kind} has no schema")


def _object(cls: type[Any], components: dict[str, Schema]) -> Schema:
    attrs.resolve_types(cls)
    properties: Schema = {}
    required = []
    for attribute in attrs.fields(cls):
        properties[wire_name(attribute)] = answer_schema(attribute.type, components)
        if attribute.default is not UNSET and UnsetType not in get_args(attribute.type):
            required.append(wire_name(attribute))
    found: Schema = {"type": "object", "properties": properties}
    if required:
        found["required"] = required
    if cls.__doc__:
        found["description"] = cls.__doc__.strip().partition("\n")[0]
    return found
