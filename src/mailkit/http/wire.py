"""Answers as JSON bytes. Attribute names are the names on the wire, so nearly every class is encoded as it is; for
one that holds a name that Python cannot have (`from`), cattrs makes the object first."""

from collections.abc import Callable, Mapping
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

import attrs
import msgspec
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from mailkit.http.declare import UNSET, wire_name

__all__ = ["encoder"]

_encode = msgspec.json.Encoder(decimal_format="number").encode


def encoder(answer: Any) -> Callable[[Any], bytes]:
    """The function that encodes answers of a type."""
    if not _renamed(answer, frozenset()):
        return _encode
    unstructure = _converter().unstructure
    return lambda value: _encode(unstructure(value))


def _renamed(kind: Any, above: frozenset[Any]) -> bool:
    """True when an attribute below `kind` has a wire name of its own."""
    if kind in above:
        return False
    if isinstance(kind, type) and attrs.has(kind):
        hints = attrs.fields(attrs.resolve_types(kind, include_extras=False))
        return any(wire_name(a) != a.name or _renamed(a.type, above | {kind}) for a in hints)
    return any(_renamed(part, above) for part in get_args(kind) if part is not Ellipsis)


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)


@cache
def _converter() -> Converter:
    converter = Converter()

    def make(cls: Any) -> Callable[[Any], Mapping[str, Any]]:
        # The class of the value decides, not the annotation: unions of answers need no hooks of their own.
        rules: dict[str, Any] = {
            a.name: override(rename=wire_name(a), omit_if_default=a.default is UNSET) for a in attrs.fields(cls)
        }
        return make_dict_unstructure_fn(cls, converter, **rules)

    converter.register_unstructure_hook_factory(attrs.has, make)
    converter.register_unstructure_hook_factory(_is_union, lambda kind: lambda value: converter.unstructure(value))
    return converter
