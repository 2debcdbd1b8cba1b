"""Query strings and form bodies, with dotted and bracketed nesting (W1.2). Pure.

action.seen=true   or[query]=foo   ->  {"action": {"seen": "true"}, "or": {"query": "foo"}}
type[]=a&type[]=b  tag=x&tag=y     ->  {"type": ["a", "b"], "tag": ["x", "y"]}
to[0]=a&to[1]=b                    ->  {"to": ["a", "b"]}
"""

from typing import Any
from urllib.parse import parse_qsl

from mailkit.errors import Invalid

__all__ = ["MOST_PARAMETERS", "flat", "nest", "nested"]

MOST_PARAMETERS = 1_000
"""Parameters that one query string or form may have."""

_DEPTH = 5
_INDEX_DIGITS = 3


def flat(text: str) -> list[tuple[str, str]]:
    """Names and values in order, decoded; Invalid `query.too_long` for too many."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise Invalid("query.too_long", f"More than {MOST_PARAMETERS} parameters") from None


def nested(text: str) -> dict[str, Any]:
    """The parameters of a query string as nested values."""
    return nest(flat(text)) if text else {}


def nest(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Pairs as nested values; a name that doesn't parse, or nests too deeply, is taken as it stands."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        _put(tree, _steps(name) if "." in name or "[" in name else [name], value)
    return {name: _lists(value) for name, value in tree.items()}


def _steps(name: str) -> list[str]:
    steps: list[str] = []
    head, bracket, rest = name.partition("[")
    steps += head.split(".")
    while bracket:
        inside, close, rest = rest.partition("]")
        if not close:
            return [name]
        steps.append(inside)
        if rest.startswith("."):
            dotted, bracket, rest = rest[1:].partition("[")
            steps += dotted.split(".")
        elif rest.startswith("["):
            rest = rest[1:]
        elif rest:
            return [name]
        else:
            break
    return steps if len(steps) <= _DEPTH and steps[0] else [name]


def _put(tree: dict[str, Any], steps: list[str], value: Any) -> None:
    *path, last = steps
    for step in path:
        below = tree.get(step)
        if not isinstance(below, dict):
            below = tree[step] = {} if below is None else {"": below}
        tree = below
    if last not in tree:
        tree[last] = [value] if last == "" else value
    elif isinstance(tree[last], list):
        tree[last].append(value)
    elif isinstance(tree[last], dict):
        _put(tree[last], [""], value)
    else:
        tree[last] = [tree[last], value]


def _lists(value: Any) -> Any:
    """Objects whose keys are all empty or small numbers are lists."""
    if not isinstance(value, dict):
        return value
    value = {name: _lists(item) for name, item in value.items()}
    if list(value) == [""]:
        return value[""]
    if value and all(name.isascii() and name.isdigit() and len(name) <= _INDEX_DIGITS for name in value):
        return [value[name] for name in sorted(value, key=int)]
    return value
